#!/usr/bin/env bash
# OpenCV's VideoCapture: a clip that its display matrix mirrors is turned upside down.
#
# Guess: OpenCV, which applies the matrix of a movie (CAP_PROP_ORIENTATION_AUTO is on), either mirrors the frames as ffmpeg does, or
#   leaves out what no rotation can express.
# Versions: opencv-python-headless 5.0.0.93, av 18.1.0 and pymediainfo 7.0.1, beside ffmpeg 9.0.2 (imageio-ffmpeg 0.8.1, PyPI).
# Behaviour: OpenCV looks at the angle alone. A matrix that mirrors left and right has an angle of 180 degrees, and OpenCV turns the
#   frames by it, so that the clip is upside down, worse than without the matrix. One that mirrors top and bottom has 0 degrees and is
#   left out. PyAV and MediaInfo report the same angles, and nothing about a mirror. Rotations by 90 and 180 degrees are right.
#   Clips of front cameras, which are given to models as a reference, can have such a matrix.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check opencv-python-headless==5.0.0.93 av==18.1.0 pymediainfo==7.0.1 \
  imageio-ffmpeg==0.8.1
cat >read.py <<'PYTHON'
import subprocess

import av
import cv2
import imageio_ffmpeg
from pymediainfo import MediaInfo

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
SIDE = 64

def ffmpeg(*arguments):
    return subprocess.run([FFMPEG, "-nostdin", "-v", "error", "-y", *arguments], check=True, capture_output=True).stdout

def corner(pixel):
    """The bright corner of a frame."""
    ends = {"left": SIDE // 4, "right": SIDE * 3 // 4}
    return max(((pixel(x, y), f"{row} {column}") for row, y in {"top": SIDE // 4, "bottom": SIDE * 3 // 4}.items()
                for column, x in ends.items()))[1]

# Bright at the top left.
ffmpeg("-f", "lavfi", "-i", f"color=black:s={SIDE}x{SIDE}:r=8:d=1,drawbox=w={SIDE // 2}:h={SIDE // 2}:t=fill:c=white",
       "-c:v", "libx264", "-pix_fmt", "yuv420p", "plain.mp4")
MATRICES = {
    "as stored": [],
    "turned by 90 degrees": ["-display_rotation", "90"],
    "turned by 180 degrees": ["-display_rotation", "180"],
    "mirrored left and right": ["-display_hflip"],
    "mirrored top and bottom": ["-display_vflip"],
}
for name, options in MATRICES.items():
    ffmpeg(*options, "-i", "plain.mp4", "-c", "copy", "clip.mp4")
    pixels = ffmpeg("-i", "clip.mp4", "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "gray", "-")
    _, frame = cv2.VideoCapture("clip.mp4").read()
    with av.open("clip.mp4") as movie:
        angle = next(movie.decode(video=0)).rotation
    [track] = MediaInfo.parse("clip.mp4").video_tracks
    print(f"{name}: bright at {corner(lambda x, y: pixels[y * SIDE + x])} with ffmpeg,",
          f"{corner(lambda x, y: int(frame[y, x, 0]))} with OpenCV; PyAV {abs(angle)}, MediaInfo {float(track.rotation):g} degrees")
PYTHON
timeout 50 venv/bin/python read.py >output
cat output
diff output - <<'EXPECTED'
as stored: bright at top left with ffmpeg, top left with OpenCV; PyAV 0, MediaInfo 0 degrees
turned by 90 degrees: bright at bottom left with ffmpeg, bottom left with OpenCV; PyAV 90, MediaInfo 270 degrees
turned by 180 degrees: bright at bottom right with ffmpeg, bottom right with OpenCV; PyAV 180, MediaInfo 180 degrees
mirrored left and right: bright at top right with ffmpeg, bottom right with OpenCV; PyAV 180, MediaInfo 180 degrees
mirrored top and bottom: bright at bottom left with ffmpeg, top left with OpenCV; PyAV 0, MediaInfo 0 degrees
EXPECTED
