#!/usr/bin/env bash
# ffmpeg: an HEVC clip is packaged for streaming without being encoded again. Which codec do the manifests state?
#
# Guess: the one of the clip, hvc1.1.6.L30.90, no matter whether it is encoded or copied, as for H.264, VP9 and AV1.
# Versions: ffmpeg 9.0.2 (imageio-ffmpeg 0.8.1), and the libraries of ffmpeg 8.1.2 in av 18.1.0 (PyPI).
# Behaviour: right when the stream is encoded in the same command with the tag hvc1, and missing when it is copied from an MP4 whose tag is
#   hvc1 (`-c copy`), even if the tag is stated again: codecs="" in DASH, no CODECS in HLS. The same if it is encoded with ffmpeg's
#   default tag. A player that selects what it can decode by the manifest (RFC 8216, 4.3.4.2) has nothing to go by.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check imageio-ffmpeg==0.8.1 av==18.1.0
ffmpeg=$(venv/bin/python -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')
run() { "$ffmpeg" -nostdin -v quiet -y "$@"; }
source=(-f lavfi -i testsrc2=s=160x120:r=24:d=1)
hevc=(-c:v libx265 -preset ultrafast -x265-params log-level=none -tag:v hvc1)
run "${source[@]}" -c:v libx264 -preset ultrafast h264.mp4
run "${source[@]}" -c:v libvpx-vp9 -cpu-used 8 vp9.mp4
run "${source[@]}" -c:v libaom-av1 -cpu-used 8 av1.mp4
run "${source[@]}" "${hevc[@]}" hevc.mp4

# What follows the name is how the stream gets into the manifests.
manifests() {
  name=$1
  shift
  run "$@" -f dash clip.mpd
  run "$@" -f hls -hls_segment_type fmp4 -master_pl_name master.m3u8 clip.m3u8
  echo "$name: DASH $(grep -o 'codecs="[^"]*"' clip.mpd || echo none), HLS $(grep -o 'CODECS="[^"]*"' master.m3u8 || echo none)"
}
{
  manifests 'H.264, copied' -i h264.mp4 -c copy
  manifests 'VP9, copied' -i vp9.mp4 -c copy
  manifests 'AV1, copied' -i av1.mp4 -c copy
  manifests 'HEVC, encoded' "${source[@]}" "${hevc[@]}"
  manifests 'HEVC, encoded with the default tag' "${source[@]}" "${hevc[@]:0:6}"
  manifests 'HEVC, copied' -i hevc.mp4 -c copy
  manifests 'HEVC, copied with the tag stated' -i hevc.mp4 -c copy -tag:v hvc1
  venv/bin/python -c '
import re
import av
with av.open("hevc.mp4") as clip, av.open("copied.mpd", "w", format="dash") as manifest:
    stream = manifest.add_stream_from_template(clip.streams.video[0])
    for packet in clip.demux(video=0):
        if packet.dts is not None:
            packet.stream = stream
            manifest.mux(packet)
print("HEVC, copied by PyAV: DASH", *re.findall("codecs=.[^ ]*", open("copied.mpd").read()))'
} >output
cat output
diff output - <<'EXPECTED'
H.264, copied: DASH codecs="avc1.42c00b", HLS CODECS="avc1.42c00b"
VP9, copied: DASH codecs="vp09.00.10.08", HLS CODECS="vp09.00.10.08"
AV1, copied: DASH codecs="av01.0.00M.08", HLS CODECS="av01.0.00M.08"
HEVC, encoded: DASH codecs="hvc1.1.6.L30.90", HLS CODECS="hvc1.1.6.L30.90"
HEVC, encoded with the default tag: DASH codecs="", HLS none
HEVC, copied: DASH codecs="", HLS none
HEVC, copied with the tag stated: DASH codecs="", HLS none
HEVC, copied by PyAV: DASH codecs=""
EXPECTED
