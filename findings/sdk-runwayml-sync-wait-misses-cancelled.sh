#!/usr/bin/env bash
# runwayml (PyPI): the synchronous wait for a task does not notice that the task was cancelled; the asynchronous one does.
#
# Guess: wait_for_task_output ends at once in each state that is final. SUCCEEDED, FAILED and CANCELLED are, and the two clients are
#   one code twice.
# Version: runwayml 5.24.0.
# Behaviour: RunwayML goes on polling a CANCELLED task until its timeout (10 minutes by default, for ever with timeout=None) and
#   then raises TaskTimeoutError. AsyncRunwayML raises TaskFailedError after the first poll.
# Output on 2026-11-27: the lines at the end of this script (the interval of the polls is set to 50 ms, the time-out to 1 s).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check runwayml==5.24.0

cat >wait.py <<'PYTHON'
import asyncio, http.server, json, threading
import runwayml
import runwayml.lib.polling

runwayml.lib.polling.POLL_TIME = 0.05
runwayml.lib.polling.POLL_JITTER = 0
TASK = "11111111-2222-4333-8444-555555555555"
polls = 0
state = None

class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def respond(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.respond({"id": TASK})

    def do_GET(self):
        global polls
        polls += 1
        task = {"id": TASK, "status": state, "createdAt": "2026-11-27T00:00:00.000Z"}
        if state == "FAILED":
            task |= {"failure": "no", "failureCode": "INTERNAL"}
        self.respond(task)

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
options = {"api_key": "key", "base_url": f"http://127.0.0.1:{server.server_address[1]}"}
request = {"model": "veo3.1", "prompt_text": "sea", "ratio": "1280:720", "duration": 8}

def wait():
    runwayml.RunwayML(**options).text_to_video.create(**request).wait_for_task_output(timeout=1)

async def wait_asynchronously():
    task = await runwayml.AsyncRunwayML(**options).text_to_video.create(**request)
    await task.wait_for_task_output(timeout=1)

for state in ["FAILED", "CANCELLED"]:
    for name, call in [("RunwayML", wait), ("AsyncRunwayML", lambda: asyncio.run(wait_asynchronously()))]:
        polls = 0
        try:
            call()
            outcome = "no error"
        except Exception as error:
            outcome = type(error).__name__
        print(f"{name}, {state}: {outcome} after {'one poll' if polls == 1 else 'several polls'}")
PYTHON
timeout 60 venv/bin/python wait.py >output
cat output
diff output - <<'EXPECTED'
RunwayML, FAILED: TaskFailedError after one poll
AsyncRunwayML, FAILED: TaskFailedError after one poll
RunwayML, CANCELLED: TaskTimeoutError after several polls
AsyncRunwayML, CANCELLED: TaskFailedError after one poll
EXPECTED
