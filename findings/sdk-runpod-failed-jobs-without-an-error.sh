#!/usr/bin/env bash
# runpod (PyPI): what does a caller who waits for a job get when the job has failed or was cancelled?
#
# Guess: an exception with the error that the service states. Without a timeout, too, both classes return the output of a complete job.
# Version: runpod 1.12.0.
# Behaviour: neither `run_sync` nor `output` raises for FAILED, CANCELLED or TIMED_OUT. They return None, which is also what a complete job
#   without output returns, and the error that the service states is dropped. In the asynchronous class `output()` without a timeout
#   raises TimeoutError even for a job that is complete, and has made no request for its state.
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
import json
import threading

import runpod
from runpod.http_client import ClientSession

job = {}
polls = 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps({"id": "job", "stream": [], **job}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        global polls
        polls += 1
        self.do_POST()


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
runpod.api_key = "key"
runpod.endpoint_url_base = f"http://127.0.0.1:{server.server_address[1]}"
endpoint = runpod.Endpoint("video")


async def wait_async(**options):
    async with ClientSession() as session:
        created = await runpod.AsyncioEndpoint("video", session).run({"prompt": "sea"})
        return await created.output(**options)


waits = {
    "run_sync": lambda: endpoint.run_sync({"prompt": "sea"}),
    "output": lambda: endpoint.run({"prompt": "sea"}).output(),
    "async output(timeout=9)": lambda: asyncio.run(wait_async(timeout=9)),
    "async output()": lambda: asyncio.run(wait_async()),
}
for job in (
    {"status": "COMPLETED", "output": "clip.mp4"},
    {"status": "COMPLETED"},
    {"status": "FAILED", "error": "out of memory"},
    {"status": "TIMED_OUT"},
    {"status": "CANCELLED"},
):
    outcomes = []
    for name, wait in waits.items():
        polls = 0
        try:
            outcome = wait()
        except Exception as error:
            outcome = type(error).__name__
        outcomes.append(f"{name}: {outcome}")
    title = "COMPLETED without output" if job == {"status": "COMPLETED"} else job["status"]
    print(f"{title}: {', '.join(outcomes)}, polls: {polls}", flush=True)
PYTHON
timeout 60 venv/bin/python -W ignore wait.py >output
cat output
diff output - <<'EXPECTED'
COMPLETED: run_sync: clip.mp4, output: clip.mp4, async output(timeout=9): clip.mp4, async output(): TimeoutError, polls: 0
COMPLETED without output: run_sync: None, output: None, async output(timeout=9): None, async output(): TimeoutError, polls: 0
FAILED: run_sync: None, output: None, async output(timeout=9): None, async output(): TimeoutError, polls: 0
TIMED_OUT: run_sync: None, output: None, async output(timeout=9): None, async output(): TimeoutError, polls: 0
CANCELLED: run_sync: None, output: None, async output(timeout=9): None, async output(): TimeoutError, polls: 0
EXPECTED
