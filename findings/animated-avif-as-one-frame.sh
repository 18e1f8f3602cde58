#!/usr/bin/env bash
# An animated AVIF of one second is converted to MP4. How many frames does the video have, and what do other readers count?
#
# Guess: 24 frames everywhere, as with a GIF; ffmpeg reads what ffmpeg wrote.
# Versions: ffmpeg 9.0.2 (imageio-ffmpeg 0.8.1), av 18.1.0, imageio 2.38.1, pymediainfo 7.0.1, pillow 13.0.0 (PyPI).
# Behaviour: such a file has its first frame as a still as well, for viewers that know no animations, in front of the track. ffmpeg lists
#   the still as the first video stream and takes that one, both being of one size: the video has one frame, and ffmpeg exits with 0.
#   PyAV and imageio do the same; `-map 0:v:1` gets all frames. MediaInfo counts 23 frames, and gives the still 2^63 or 2^64 ms.
#   Pillow is right. The file may be written by ffmpeg itself or by Pillow (libavif).
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check imageio-ffmpeg==0.8.1 av==18.1.0 imageio==2.38.1 pymediainfo==7.0.1 pillow==13.0.0
cat >read.py <<'PYTHON'
import subprocess

import av
import imageio.v3 as iio
import imageio_ffmpeg
from PIL import Image
from pymediainfo import MediaInfo

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()

def ffmpeg(*arguments):
    subprocess.run([FFMPEG, "-nostdin", "-v", "error", "-y", *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

def decoded(name):
    with av.open(name) as movie:
        return sum(1 for _ in movie.decode(video=0))

ffmpeg("-f", "lavfi", "-i", "testsrc2=s=160x120:r=24:d=1", "-f", "apng", "source.png")
pictures = []
with Image.open("source.png") as source:
    for index in range(source.n_frames):
        source.seek(index)
        pictures.append(source.convert("RGB"))
pictures[0].save("pillow.avif", save_all=True, append_images=pictures[1:], duration=42)
pictures[0].save("pillow.gif", save_all=True, append_images=pictures[1:], duration=42)
ffmpeg("-f", "apng", "-i", "source.png", "-c:v", "libaom-av1", "-cpu-used", "8", "-pix_fmt", "yuv420p", "ffmpeg.avif")

for name in ["pillow.gif", "pillow.avif", "ffmpeg.avif"]:
    counts = {}
    ffmpeg("-i", name, "-pix_fmt", "yuv420p", "first.mp4")
    counts["ffmpeg to MP4"] = decoded("first.mp4")
    if name.endswith(".avif"):
        ffmpeg("-i", name, "-map", "0:v:1", "-pix_fmt", "yuv420p", "second.mp4")
        counts["-map 0:v:1"] = decoded("second.mp4")
        for track in MediaInfo.parse(name).video_tracks:
            counts["MediaInfo"] = int(track.frame_count)
        counts["MediaInfo's still in ms"] = [track.duration for track in MediaInfo.parse(name).image_tracks]
    counts["PyAV"] = decoded(name)
    counts["imageio"] = sum(1 for _ in iio.imiter(name, plugin="pyav"))
    counts["Pillow"] = Image.open(name).n_frames
    print(f"{name}: " + ", ".join(f"{reader} {count}" for reader, count in counts.items()))
PYTHON
timeout 50 venv/bin/python read.py >output
cat output
diff output - <<'EXPECTED'
pillow.gif: ffmpeg to MP4 24, PyAV 24, imageio 24, Pillow 24
pillow.avif: ffmpeg to MP4 1, -map 0:v:1 24, MediaInfo 23, MediaInfo's still in ms ['18446744073709551616'], PyAV 1, imageio 1, Pillow 24
ffmpeg.avif: ffmpeg to MP4 1, -map 0:v:1 24, MediaInfo 23, MediaInfo's still in ms ['9223372036854775808'], PyAV 1, imageio 1, Pillow 24
EXPECTED
