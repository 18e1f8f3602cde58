#!/usr/bin/env bash
# AtomicParsley 20210715 (Debian 12, 20210715.151551.e7ad03a-1+b1) sets a title in a fragmented MP4 file, says that it has
# finished and exits with 0, but the file is ruined: it moves the fragments and leaves the absolute offset that the
# header of each fragment (`tfhd`, base-data-offset, ISO/IEC 14496-12 8.8.7) states as it was. Such files are what
# `ffmpeg -movflags frag_keyframe+empty_moov` writes. A file of brand `iso5`
# (`default_base_moof`) is refused.
#
# Guess beforehand: fragments are either moved with their offsets, or the file is refused.
# Seen on 2026-11-27: "before: 40 frames, exit 0, title set, after: 0 frames".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
package=atomicparsley=20210715.151551.e7ad03a-1+b1
# As root, apt hands a download to another user, who must be able to write here.
chmod 777 .
apt-get download -q "$package" >log 2>&1 || { apt-get update -q >log 2>&1 && apt-get download -q "$package" >log 2>&1; }
dpkg -x atomicparsley_*.deb root
pip install -q --root-user-action=ignore --disable-pip-version-check --target python imageio-ffmpeg==0.8.1
ffmpeg=$(PYTHONPATH=python python3 -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')

frames() { "$ffmpeg" -nostdin -v quiet -i "$1" -map 0:v -f framemd5 - | grep -vc '^#' || true; }

"$ffmpeg" -nostdin -v error -f lavfi -i testsrc2=s=160x120:r=10:d=4 -c:v libx264 -g 10 \
  -movflags +frag_keyframe+empty_moov film.mp4
before=$(frames film.mp4)
status=0
root/usr/bin/AtomicParsley film.mp4 --title kite --overWrite >log 2>&1 || status=$?
title=no
root/usr/bin/AtomicParsley film.mp4 -t | grep -q kite && title=yes
after=$(frames film.mp4)
echo "before: $before frames, exit $status, title set: $title, after: $after frames"
[ "$before" = 40 ] && [ $status = 0 ] && [ $title = yes ] && [ "$after" -lt 40 ]
