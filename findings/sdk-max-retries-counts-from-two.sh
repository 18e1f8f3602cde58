#!/usr/bin/env bash
# twelvelabs (PyPI): a max_retries of 1 or 2 means no retry at all, and 3 means one.
#
# Guess: request_options={"max_retries": 2} sends a request that meets 503 up to three times, as in other libraries that the same
#   generator (Fern) writes.
# Versions: twelvelabs 1.3.6, elevenlabs 2.78.0; both say that Fern generated them.
# Behaviour: in twelvelabs the counter of tries begins at 2 and is compared with max_retries, so that its default is no retry, 1 and 2
#   change nothing, and n means n - 2. In elevenlabs the default is 2 retries, and n means n.
# Output on 2026-11-27: the lines at the end of this script (requests sent; the server always responds 503).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-compile twelvelabs==1.3.6 elevenlabs==2.78.0

cat >retries.py <<'PYTHON'
import http.server, threading, time
from elevenlabs import ElevenLabs
from twelvelabs import TwelveLabs

requests = 0

class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        global requests
        requests += 1
        self.send_response(503)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
options = {"api_key": "key", "base_url": f"http://127.0.0.1:{server.server_address[1]}"}
# The pauses between tries are not the question.
time.sleep = lambda seconds: None
calls = {
    "twelvelabs": lambda request_options: TwelveLabs(**options).tasks.retrieve("task", request_options=request_options),
    "elevenlabs": lambda request_options: ElevenLabs(**options).models.list(request_options=request_options),
}
for name, call in calls.items():
    counts = []
    for max_retries in [None, 1, 2, 3, 5]:
        requests = 0
        try:
            call(None if max_retries is None else {"max_retries": max_retries})
        except Exception:
            pass
        counts.append(f"{'default' if max_retries is None else max_retries}: {requests}")
    print(f"{name}: {', '.join(counts)}")
PYTHON
timeout 120 venv/bin/python -W ignore retries.py >output
cat output
diff output - <<'EXPECTED'
twelvelabs: default: 1, 1: 1, 2: 1, 3: 2, 5: 4
elevenlabs: default: 3, 1: 2, 2: 3, 3: 4, 5: 6
EXPECTED
