"""Clips by PyAV, OpenCV and Pillow, and clips put together from others as stores and tools leave them."""
import os
import struct
import subprocess
import sys

import av
import cv2
import numpy
from PIL import Image

source, folder = sys.argv[1:]


def path(name):
    return os.path.join(folder, name)


def mux(name, options, format=None, target=None):
    with av.open(source) as read, av.open(target or path(name), "w", format=format, options=options) as write:
        streams = {stream.index: write.add_stream_from_template(stream) for stream in read.streams}
        for packet in read.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                write.mux(packet)


class Pipe:
    """A target that cannot seek."""

    def __init__(self, name):
        self.file = open(path(name), "wb")

    def write(self, data):
        return self.file.write(data)


attempts = []
for flags in ["", "faststart", "frag_keyframe+empty_moov", "hybrid_fragmented", "hybrid_fragmented+frag_keyframe+empty_moov"]:
    attempts.append((f"pyav-{flags or 'plain'}.mp4", {"movflags": flags} if flags else {}, "mp4"))
attempts.append(("pyav.mov", {}, "mov"))
attempts.append(("pyav.mkv", {}, "matroska"))
for name, options, format in attempts:
    try:
        mux(name, options, format)
    except Exception as error:
        print("failed:", name, error, file=sys.stderr)
for name, options, format in [
    ("pyav-pipe.mp4", {"movflags": "frag_keyframe+empty_moov+default_base_moof"}, "mp4"),
    ("pyav-pipe.mkv", {}, "matroska"),
]:
    mux(name, options, format, Pipe(name))

frames = [numpy.full((64, 96, 3), 20 * number, numpy.uint8) for number in range(10)]
for name, backend, code in [
    ("opencv.avi", cv2.CAP_OPENCV_MJPEG, "MJPG"),
    ("opencv-ffmpeg.mp4", cv2.CAP_FFMPEG, "mp4v"),
    ("opencv-ffmpeg.avi", cv2.CAP_FFMPEG, "XVID"),
    ("opencv-ffmpeg.webm", cv2.CAP_FFMPEG, "VP80"),
]:
    writer = cv2.VideoWriter(path(name), backend, cv2.VideoWriter_fourcc(*code), 10, (96, 64))
    for frame in frames:
        writer.write(frame)
    writer.release()
images = [Image.fromarray(frame) for frame in frames]
for name in ["pillow.gif", "pillow.webp", "pillow.png", "pillow.avif"]:
    images[0].save(path(name), save_all=True, append_images=images[1:4], duration=100)

# Whole files with something added, or of the older kinds that no muxer at hand writes.
plain = open(source, "rb").read()
fast = open(path("ff5-mp4-faststart.mp4"), "rb").read()
fragments = open(path("ff5-mp4-frag_keyframe+empty_moov.mp4"), "rb").read()
live = open(path("ff5-pipe-mkv.mkv"), "rb").read()
sized = open(path("ff5-mkv.mkv"), "rb").read()


def boxes(data):
    at = 0
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        yield kind, data[at : at + size]
        at += size


parts = dict(boxes(plain))
made = {
    "newline.mp4": fast + b"\r\n",
    "zeros-4.mp4": fast + bytes(4),
    "zeros-512.mp4": fast + bytes(512),
    "text.mp4": fast + b"<!-- served by a script -->\n",
    "trailer.mp4": fast + b"8db42d694ccc418790edff439fe026bf",
    "binary.mp4": fast + bytes(range(255, 0, -1)),
    "newline-fragments.mp4": fragments + b"\n",
    "zeros-fragments.mp4": fragments + bytes(512),
    "newline.mkv": live + b"\n",
    "zeros.mkv": live + bytes(64),
    "newline-sized.mkv": sized + b"\n",
    "joined.mkv": sized + sized,
    "uuid.mp4": fast + struct.pack(">I4s16s", 32, b"uuid", b"x" * 16) + bytes(8),
    # Sizes of 64 bits and to the end, and no `ftyp`.
    "size-64.mp4": parts[b"ftyp"] + parts[b"free"] + struct.pack(">I4sQ", 1, b"mdat", len(parts[b"mdat"]) + 8) + parts[b"mdat"][8:] + parts[b"moov"],
    "size-0.mp4": fast.replace(parts[b"mdat"][:8], b"\0\0\0\0mdat"),
    "moov-to-end.mp4": plain.replace(parts[b"moov"][:8], b"\0\0\0\0moov"),
    "no-ftyp.mov": parts[b"free"] + parts[b"mdat"] + parts[b"moov"],
    "wide.mov": struct.pack(">I4s", 8, b"wide") + parts[b"mdat"] + parts[b"moov"],
    "mdat-first.mov": parts[b"mdat"] + parts[b"moov"],
    "moov-first.mov": parts[b"moov"] + parts[b"mdat"],
    "skip.mov": struct.pack(">I4s", 8, b"skip") + parts[b"moov"] + parts[b"mdat"],
}
for name, data in made.items():
    open(path("made-" + name), "wb").write(data)
