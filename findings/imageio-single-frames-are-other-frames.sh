#!/usr/bin/env bash
# imageio (PyPI), plugin pyav: is frame k of `imread(name, index=k)` the frame that `imiter(name)` gives as number k?
#
# Guess: yes, for each k and each constant frame rate, since both are of one interface and a frame's number is its place.
# Versions: imageio 2.38.1, av 18.1.0; the clips by ffmpeg 9.0.2 (imageio-ffmpeg 0.8.1, PyPI); 97 frames, a key frame each 24.
# Behaviour: with B-frames, often not. In a fragmented MP4 nearly each frame is another one, two places before; with CMAF one place
#   before, and in a clip whose pictures begin half a second after its sound, by that delay. In a plain MP4, the one before the last is the
#   last one here, and the last one, from which a next clip would be generated, a StopIteration. There is no error otherwise. The frames
#   are right without B-frames, if one reader reads all of them in order, with constant_framerate=False (CMAF), and with the plugin
#   FFMPEG (plain clip).
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check imageio==2.38.1 av==18.1.0 imageio-ffmpeg==0.8.1
cat >read.py <<'PYTHON'
from collections import Counter
import subprocess

import imageio.v3 as iio
import imageio_ffmpeg

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
FRAMES = 97

def ffmpeg(*arguments):
    subprocess.run([FFMPEG, "-nostdin", "-v", "error", "-y", *arguments], check=True)

# Each frame is brighter than the one before.
PICTURES = ["-f", "lavfi", "-i", "color=black:s=64x64:r=24,format=gray,geq=lum='20+2*N'", "-frames:v", str(FRAMES)]
CODEC = ["-c:v", "libx264", "-preset", "fast", "-g", "24", "-qp", "1", "-pix_fmt", "yuv420p"]
FRAGMENTS = "frag_keyframe+empty_moov+default_base_moof"
ffmpeg(*PICTURES, *CODEC, "-bf", "0", "without B-frames.mp4")
ffmpeg(*PICTURES, *CODEC, "plain.mp4")
ffmpeg("-i", "plain.mp4", "-c", "copy", "-movflags", FRAGMENTS, "fragments.mp4")
ffmpeg("-i", "plain.mp4", "-c", "copy", "-movflags", FRAGMENTS + "+cmaf", "cmaf.mp4")
ffmpeg("-itsoffset", "0.5", "-i", "plain.mp4", "-f", "lavfi", "-i", "sine=d=4", "-map", "0:v", "-map", "1:a", "-c:v", "copy",
       "-c:a", "aac", "delayed.mp4")

def differences(frames, read):
    """How often the read frame is how many places away."""
    counts, wrong = Counter(), []
    for number in range(len(frames)):
        try:
            brightness = read(number).mean()
        except StopIteration:
            counts["StopIteration"] += 1
            wrong.append(number)
            continue
        nearest = min(range(len(frames)), key=lambda index: abs(frames[index] - brightness))
        counts[nearest - number] += 1
        if nearest != number:
            wrong.append(number)
    return counts, wrong

for name in ["without B-frames", "plain", "fragments", "cmaf", "delayed"]:
    file = f"{name}.mp4"
    frames = [frame.mean() for frame in iio.imiter(file, plugin="pyav")]
    counts, wrong = differences(frames, lambda number: iio.imread(file, index=number, plugin="pyav"))
    places = ", ".join(f"{place:+d} ({count})" for place, count in counts.most_common(2) if place not in (0, "StopIteration"))
    print(f"{name}: {counts[0]} of {len(frames)} right, {counts['StopIteration']} StopIteration; most others away by {places or 'none'}")
    if 0 < len(wrong) < 5:
        print(f"{name}: numbers of the others, counted from 0: {wrong}")
    with iio.imopen(file, "r", plugin="pyav") as reader:
        right = differences(frames, lambda number: reader.read(index=number))[0][0]
    print(f"{name}: {right} right if one reader reads all")
    if name == "cmaf":
        right = differences(frames, lambda number: iio.imread(file, index=number, plugin="pyav", constant_framerate=False))[0][0]
        print(f"{name}: {right} right with constant_framerate=False")
frames = [frame.mean() for frame in iio.imiter("plain.mp4", plugin="FFMPEG")]
right = differences(frames, lambda number: iio.imread("plain.mp4", index=number, plugin="FFMPEG"))[0][0]
print(f"plain: {right} right with FFMPEG")
PYTHON
timeout 60 venv/bin/python read.py >output
cat output
diff output - <<'EXPECTED'
without B-frames: 97 of 97 right, 0 StopIteration; most others away by none
without B-frames: 97 right if one reader reads all
plain: 95 of 97 right, 1 StopIteration; most others away by +1 (1)
plain: numbers of the others, counted from 0: [95, 96]
plain: 97 right if one reader reads all
fragments: 6 of 97 right, 0 StopIteration; most others away by -2 (87)
fragments: 97 right if one reader reads all
cmaf: 3 of 97 right, 0 StopIteration; most others away by -1 (94)
cmaf: 97 right if one reader reads all
cmaf: 97 right with constant_framerate=False
delayed: 2 of 97 right, 0 StopIteration; most others away by -12 (85)
delayed: 97 right if one reader reads all
plain: 97 right with FFMPEG
EXPECTED
