#!/usr/bin/env bash
# dashscope (PyPI), the client of Alibaba's Wan models: do other tasks go on while its asynchronous class uploads the opening image?
#
# Guess: yes; `await AioVideoSynthesis.async_call(…)` uses aiohttp, and an upload that takes seconds is the first thing to be awaited.
# Version: dashscope 2.0.2.
# Behaviour: with a local file in `img_url`, the request for the upload policy and the upload itself are made by requests before the first
#   await, in a pool of threads whose results the caller's thread waits for. No other task of the event loop runs until both are done: the
#   polls of other generations, heartbeats, and the responses of a web server in the same process stop for as long as the upload
#   takes, up to its timeout of an hour. asyncio.wait_for cannot end it. With a URL in place of the file nothing stops.
# Output on 2026-11-28: the lines at the end of this script (the server takes 1 s for the policy and 1 s for the upload).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-compile dashscope==2.0.2
head -c 100000 /dev/urandom >frame.png

cat >upload.py <<'PYTHON'
import asyncio
import http.server
import json
import os
import threading
import time

import dashscope
from dashscope.aigc.video_synthesis import AioVideoSynthesis


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def respond(self, value):
        body = json.dumps({"request_id": "request", **value}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        time.sleep(1)
        names = ("oss_access_key_id", "signature", "policy", "upload_dir", "x_oss_object_acl", "x_oss_forbid_overwrite")
        self.respond({"data": {"upload_host": origin + "/upload", **dict.fromkeys(names, "value")}})

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        if "upload" in self.path:
            time.sleep(1)
        self.respond({"output": {"task_id": "task", "task_status": "PENDING"}})


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
origin = f"http://127.0.0.1:{server.server_address[1]}"
dashscope.api_key = "key"
dashscope.base_http_api_url = origin


async def create(image, timeout=None):
    call = AioVideoSynthesis.async_call(model="wan2.6-i2v", prompt="sea", img_url=image)
    response = await asyncio.wait_for(call, timeout)
    assert response.output.task_id == "task", response


async def measure(name, call):
    ended = False
    longest = 0

    async def tick():
        nonlocal longest
        while not ended:
            start = time.monotonic()
            await asyncio.sleep(0.01)
            longest = max(longest, time.monotonic() - start)

    task = asyncio.create_task(tick())
    await asyncio.sleep(0.1)
    start = time.monotonic()
    try:
        await call()
        outcome = "complete"
    except asyncio.TimeoutError:
        outcome = "TimeoutError"
    duration = "less than 1 s" if time.monotonic() - start < 1 else "2 s"
    await asyncio.sleep(0.1)
    ended = True
    await task
    print(f"{name}: {outcome} after {duration}, other tasks {'stopped' if longest > 1.8 else 'went on'}")


async def main():
    image = os.path.abspath("frame.png")
    await measure("with a URL", lambda: create("https://example.com/frame.png"))
    await measure("with a file", lambda: create(image))
    await measure("with a file and a timeout of 0.3 s", lambda: create(image, 0.3))


asyncio.run(main())
os._exit(0)
PYTHON
timeout 60 venv/bin/python -u -W ignore upload.py >output 2>errors || { cat errors; exit 1; }
cat output
diff output - <<'EXPECTED'
with a URL: complete after less than 1 s, other tasks went on
with a file: complete after 2 s, other tasks stopped
with a file and a timeout of 0.3 s: TimeoutError after 2 s, other tasks stopped
EXPECTED
