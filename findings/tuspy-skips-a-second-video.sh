#!/usr/bin/env bash
# tuspy (PyPI), the client of tus in Python: two videos of one length with the same first frame; is the second one uploaded?
#
# Guess: yes. The stored address of an upload (`store_url=True`, the client's way to resume) belongs to a file: its path, size and time, as
#   in tus-js-client for a file, or its whole content.
# Version: tuspy 1.1.0.
# Behaviour: the key is the size and the MD5 of the first 64 KiB, less than one uncompressed frame. Two renders of one length
#   that begin with the same black frame share it, as do two recordings that begin with silence. The second upload finds the first one
#   complete and sends nothing: no error, the offset is the full size, and the caller has the address of the other video. If the first
#   upload was interrupted, the second one completes it, and the server has one file made of both.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check tuspy==1.1.0

cat >upload.py <<'PYTHON'
import http.server
import threading

from tusclient.client import TusClient
from tusclient.storage.filestorage import FileStorage

stored = {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def respond(self, status, **fields):
        self.send_response(status)
        for name, value in {"Tus-Resumable": "1.0.0", "Content-Length": 0, **fields}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def do_POST(self):
        path = f"/files/{len(stored)}"
        stored[path] = [int(self.headers["Upload-Length"]), b""]
        self.respond(201, Location=origin + path)

    def do_HEAD(self):
        length, content = stored[self.path]
        self.respond(200, Upload_Offset=len(content), Upload_Length=length)

    def do_PATCH(self):
        upload = stored[self.path]
        assert int(self.headers["Upload-Offset"]) == len(upload[1])
        upload[1] += self.rfile.read(int(self.headers["Content-Length"]))
        self.respond(204, Upload_Offset=len(upload[1]))


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
origin = f"http://127.0.0.1:{server.server_address[1]}"


def video(shade):
    size = 320 * 240
    frames = [b"FRAME\n" + bytes([luma]) * size + bytes([128]) * (size // 2) for luma in [16] + [shade] * 9]
    return b"YUV4MPEG2 W320 H240 F25:1 Ip A1:1 C420jpeg\n" + b"".join(frames)


videos = {"sea": video(60), "sky": video(200)}
for name, content in videos.items():
    with open(f"{name}.y4m", "wb") as file:
        file.write(content)


def upload(name, storage, chunks=None):
    client = TusClient(origin + "/files/")
    uploader = client.uploader(f"{name}.y4m", chunk_size=500_000, store_url=True, url_storage=FileStorage(storage))
    if chunks:
        uploader.upload_chunk()
    else:
        uploader.upload()
    return uploader


def describe(content):
    for name, expected in videos.items():
        if content == expected:
            return name
    return "the first part of sea, the rest of sky" if content == videos["sea"][:500_000] + videos["sky"][500_000:] else "?"


for title, chunks in (("sea complete, then sky", None), ("sea interrupted, then sky", 1)):
    stored.clear()
    upload("sea", title, chunks)
    uploader = upload("sky", title)
    whole = uploader.offset == len(videos["sky"])
    contents = "; ".join(describe(content) for _, content in stored.values())
    print(f"{title}: uploads on the server: {len(stored)}, content: {contents}, client reports all bytes as sent: {whole}")
PYTHON
timeout 60 venv/bin/python -W ignore upload.py >output
cat output
diff output - <<'EXPECTED'
sea complete, then sky: uploads on the server: 1, content: sea, client reports all bytes as sent: True
sea interrupted, then sky: uploads on the server: 1, content: the first part of sea, the rest of sky, client reports all bytes as sent: True
EXPECTED
