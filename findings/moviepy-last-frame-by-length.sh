#!/usr/bin/env bash
# moviepy (PyPI): a clip is read and written again. Does its last frame survive?
#
# Guess: yes: the copy has as many frames as the clip, and the last one of both is the same.
# Versions: moviepy 2.2.1 with imageio-ffmpeg 0.8.1 (ffmpeg 9.0.2); beside imageio 2.38.1 and opencv-python-headless 5.0.0.93 (PyPI).
# Behaviour: it depends on the number of frames. moviepy reads the duration from the text that ffmpeg prints, which has two decimals,
#   multiplies it by the frame rate and rounds down. Video models generate 4n+1 or 8n+1 frames: 81 frames at 16 per second last
#   5.0625 s, "5.06", 80.96 frames, and so 80. 97, 121 and 241 frames at 24 per second lose one as well, 49 at 8 and 129 at 25 do
#   not. The frame that is lost is the one from which a next clip continues. imageio and OpenCV count the frames right.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check moviepy==2.2.1 imageio==2.38.1 imageio-ffmpeg==0.8.1 \
  opencv-python-headless==5.0.0.93
cat >rewrite.py <<'PYTHON'
import subprocess

import cv2
import imageio
import imageio_ffmpeg
from moviepy import VideoFileClip

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()

def ffmpeg(*arguments):
    return subprocess.run([FFMPEG, "-nostdin", "-v", "error", *arguments], check=True, capture_output=True).stdout

def frames(name):
    """The mean brightness of each frame, as ffmpeg decodes them all."""
    pixels = ffmpeg("-i", name, "-f", "rawvideo", "-pix_fmt", "gray", "-")
    size = 64 * 64
    return [sum(pixels[start:start + size]) / size for start in range(0, len(pixels), size)]

for count, rate in [(48, 24), (49, 8), (81, 16), (97, 24), (121, 24), (129, 25), (241, 24)]:
    # Among the last 30 frames, each has a brightness of its own.
    ffmpeg("-y", "-f", "lavfi", "-i", f"color=black:s=64x64:r={rate},format=gray,geq=lum='20+6*mod(N,30)'",
           "-frames:v", str(count), "-c:v", "libx264", "-preset", "ultrafast", "-qp", "2", "-pix_fmt", "yuv420p", "clip.mp4")
    with VideoFileClip("clip.mp4") as clip:
        duration = clip.duration
        clip.write_videofile("copy.mp4", logger=None, preset="ultrafast", ffmpeg_params=["-qp", "2"])
    before, after = frames("clip.mp4"), frames("copy.mp4")
    nearest = min(range(max(0, count - 30), count), key=lambda index: abs(before[index] - after[-1]))
    reader = imageio.get_reader("clip.mp4", "ffmpeg")
    capture = cv2.VideoCapture("clip.mp4")
    print(f"{count} at {rate}: duration {duration:g}, copy has {len(after)} and ends with frame {nearest + 1};",
          f"imageio {reader.count_frames()}, OpenCV {int(capture.get(cv2.CAP_PROP_FRAME_COUNT))}")
PYTHON
timeout 50 venv/bin/python rewrite.py 2>log >output || { cat log; exit 1; }
cat output
diff output - <<'EXPECTED'
48 at 24: duration 2, copy has 48 and ends with frame 48; imageio 48, OpenCV 48
49 at 8: duration 6.13, copy has 49 and ends with frame 49; imageio 49, OpenCV 49
81 at 16: duration 5.06, copy has 80 and ends with frame 80; imageio 81, OpenCV 81
97 at 24: duration 4.04, copy has 96 and ends with frame 96; imageio 97, OpenCV 97
121 at 24: duration 5.04, copy has 120 and ends with frame 120; imageio 121, OpenCV 121
129 at 25: duration 5.16, copy has 129 and ends with frame 129; imageio 129, OpenCV 129
241 at 24: duration 10.04, copy has 240 and ends with frame 240; imageio 241, OpenCV 241
EXPECTED
