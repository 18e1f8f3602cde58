#!/usr/bin/env bash
# runpod (PyPI): what does a caller who waits for a job get when the job has failed or was cancelled?
#
# Guess: an exception with the error that the service states, in each way to wait; the text of `output` in the asynchronous class says
#   that a failed job raises. Both classes return the output of a job that is complete when no timeout is given.
# Version: runpod 1.12.0.
# Behaviour: no wait raises for FAILED, CANCELLED or TIMED_OUT. `run_sync` and `output` return None, which is also what a job without
#   output returns, and the error is dropped; `stream` ends as if the job were complete, and for CANCELLED it never ends: of two lists of
#   final states in the package one lacks it. In the asynchronous class `output()` without a timeout raises TimeoutError before it
#   has made a request, since its default of 0 goes to asyncio.wait_for, while 0 means one request in the synchronous class.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-compile runpod==1.12.0

cat >wait.py <<'PYTHON'
import asyncio
import http.server
import itertools
import json
import threading
import time

import runpod
from runpod.http_client import ClientSession

job = {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def respond(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps({"id": "job", "stream": [], **job}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = respond


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
runpod.api_key = "key"
runpod.endpoint_url_base = f"http://127.0.0.1:{server.server_address[1]}"
endpoint = runpod.Endpoint("video")


async def wait_async(**options):
    async with ClientSession() as session:
        created = await runpod.AsyncioEndpoint("video", session).run({"prompt": "sea"})
        return await created.output(**options)


def stream():
    ended = threading.Event()

    def read():
        list(endpoint.run({"prompt": "sea"}).stream())
        ended.set()

    threading.Thread(target=read, daemon=True).start()
    return "ends" if ended.wait(4) else "still runs after 4 s"


waits = {
    "run_sync": lambda: endpoint.run_sync({"prompt": "sea"}),
    "output": lambda: endpoint.run({"prompt": "sea"}).output(),
    "async output(timeout=9)": lambda: asyncio.run(wait_async(timeout=9)),
    "async output()": lambda: asyncio.run(wait_async()),
    "stream": stream,
}
for job in (
    {"status": "COMPLETED", "output": "clip.mp4"},
    {"status": "FAILED", "error": "out of memory"},
    {"status": "TIMED_OUT"},
    {"status": "CANCELLED"},
):
    outcomes = []
    for name, wait in waits.items():
        try:
            outcome = wait()
        except Exception as error:
            outcome = type(error).__name__
        outcomes.append(f"{name}: {outcome}")
    print(f"{job['status']}: {', '.join(outcomes)}", flush=True)
PYTHON
timeout 60 venv/bin/python -W ignore wait.py >output
cat output
diff output - <<'EXPECTED'
COMPLETED: run_sync: clip.mp4, output: clip.mp4, async output(timeout=9): clip.mp4, async output(): TimeoutError, stream: ends
FAILED: run_sync: None, output: None, async output(timeout=9): None, async output(): TimeoutError, stream: ends
TIMED_OUT: run_sync: None, output: None, async output(timeout=9): None, async output(): TimeoutError, stream: ends
CANCELLED: run_sync: None, output: None, async output(timeout=9): None, async output(): TimeoutError, stream: still runs after 4 s
EXPECTED
