#!/usr/bin/env bash
# Libraries of video services: a wait with a timeout of 4 s and an interval of 2.4 s, and a job that completes after 3.2 s. Who returns it?
#
# Guess: all of them. The last pause is cut to end at the timeout, or else a poll follows it; a timeout says how long to wait for the job.
# Versions (PyPI): wavespeed 2.0.5, apiframe-sdk 1.0.0, picx-ai 0.4.1, runapi-core 0.10.1; runmux 0.1.0, kinoapi 0.1.0.
# Behaviour: the first four raise a timeout for a job that is complete and paid. wavespeed and apiframe sleep until 4.8 s and raise without
#   a poll. picx raises at 2.4 s, where it does not wait for the rest of the timeout. runapi cuts its pause to end at 4 s, and then
#   raises without a poll. So the last part of the timeout, up to an interval long, cannot bring a result. runmux and kinoapi poll
#   once more at 4.8 s.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-compile wavespeed==2.0.5 apiframe-sdk==1.0.0 picx-ai==0.4.1 \
    runapi-core==0.10.1 runmux==0.1.0 kinoapi==0.1.0

cat >wait.py <<'PYTHON'
import concurrent.futures
import http.server
import json
import threading
import time

import apiframe
import kinoapi
import picx
import runmux
import wavespeed
from runapi.core.options import PollingOptions
from runapi.core.polling import poll_until_complete

STATES = {
    "wavespeed": ("processing", "completed"),
    "apiframe": ("processing", "completed"),
    "picx": ("processing", "completed"),
    "runapi": ("processing", "completed"),
    "runmux": ("running", "succeeded"),
    "kinoapi": ("running", "SUCCESS"),
}
started = {}
polls = {}


def state(name):
    elapsed = time.monotonic() - started[name]
    polls.setdefault(name, []).append(elapsed)
    return STATES[name][elapsed >= 3.2]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def respond(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        name = self.path.split("/")[1]
        status = state(name) if self.command == "GET" or name == "apiframe" else STATES[name][0]
        job = {"id": "job", "request_id": "job", "task_id": "job", "status": status, "outputs": [], "type": "video"}
        body = json.dumps({**job, "data": job}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = respond


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
origin = f"http://127.0.0.1:{server.server_address[1]}"
waits = {
    "wavespeed": lambda url: wavespeed.Client("key", base_url=url).run("model", {}, timeout=4, poll_interval=2.4),
    "apiframe": lambda url: apiframe.Apiframe("key", base_url=url).tasks.wait_for("job", interval=2.4, timeout=4),
    "picx": lambda url: picx.VideoJob(picx.PicX("key", base_url=url), {"id": "job"}).wait(timeout=4, poll_interval=2.4),
    "runapi": lambda url: poll_until_complete(lambda: {"status": state("runapi")}, PollingOptions(poll_interval=2.4, max_wait=4)),
    "runmux": lambda url: runmux.RunmuxClient("key", base_url=url).videos.wait("job", interval=2.4, timeout=4),
    "kinoapi": lambda url: kinoapi.KinoClient("key", base_url=url).generate_video("model", "sea", poll_interval=2.4, timeout=4),
}


def run(name):
    started[name] = time.monotonic()
    polls[name] = []
    try:
        waits[name](f"{origin}/{name}")
        outcome = "the job"
    except Exception as error:
        outcome = type(error).__name__
    elapsed = time.monotonic() - started[name]
    nearest = min((2.4, 4.0, 4.8), key=lambda seconds: abs(seconds - elapsed))
    return f"{name}: {len(polls[name])} polls, {outcome} after {nearest} s"


with concurrent.futures.ThreadPoolExecutor(len(waits)) as pool:
    print("\n".join(pool.map(run, waits)))
PYTHON
timeout 60 venv/bin/python -W ignore wait.py >output
cat output
diff output - <<'EXPECTED'
wavespeed: 2 polls, TimeoutError after 4.8 s
apiframe: 2 polls, TimeoutError after 4.8 s
picx: 2 polls, JobTimeoutError after 2.4 s
runapi: 2 polls, TaskTimeoutError after 4.0 s
runmux: 3 polls, the job after 4.8 s
kinoapi: 2 polls, the job after 4.8 s
EXPECTED
