#!/usr/bin/env bash
# Libraries of video services: how long is the pause after a 429 with Retry-After?
#
# Guess: at least as long as the server asks, in seconds and as an HTTP date (RFC 9110, section 10.2.3), or else the library gives up:
#   a pause that is too long to wait is no reason to come back earlier.
# Versions (PyPI): runwayml 5.24.0, openai 3.51.0, twelvelabs 1.3.6, replicate 1.0.7, fal-client 1.0.3.
# Behaviour: runwayml and twelvelabs take a value above their limit for no value and come back within about 2 seconds of being asked to
#   stay away for 90; the limit is 60 seconds inclusive in the one and exclusive in the other. openai, of the same generator as
#   runwayml, waits up to 120 seconds and gives up above. replicate waits however long in seconds, but reads a date as ISO 8601, which
#   HTTP never sends, and so misses every date. fal-client never looks at the header.
# Output on 2026-11-27: the lines at the end of this script (the pauses are recorded, not made).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-compile \
    runwayml==5.24.0 openai==3.51.0 twelvelabs==1.3.6 replicate==1.0.7 fal-client==1.0.3

cat >pauses.py <<'PYTHON'
import email.utils, http.server, threading, time
import fal_client, httpx, openai, replicate, runwayml, twelvelabs

retry_after = ""
pauses = []

class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.send_response(429)
        self.send_header("Retry-After", retry_after)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
origin = f"http://127.0.0.1:{server.server_address[1]}"
time.sleep = pauses.append
fal_client.client.QUEUE_URL_FORMAT = origin + "/"

calls = {
    "runwayml": lambda: runwayml.RunwayML(api_key="key", base_url=origin).tasks.retrieve("11111111-2222-4333-8444-555555555555"),
    "openai": lambda: openai.OpenAI(api_key="key", base_url=origin).videos.retrieve("video"),
    "twelvelabs": lambda: twelvelabs.TwelveLabs(api_key="key", base_url=origin).tasks.retrieve(
        "task", request_options={"max_retries": 4}
    ),
    "replicate": lambda: replicate.Client(api_token="key", base_url=origin).predictions.get("prediction"),
    "fal-client": lambda: fal_client.client._maybe_retry_request(httpx.Client(), "GET", origin),
}
headers = {
    "20": lambda: "20",
    "60": lambda: "60",
    "90": lambda: "90",
    "300": lambda: "300",
    "a date in 20 seconds": lambda: email.utils.formatdate(time.time() + 20, usegmt=True),
}
for name, call in calls.items():
    outcomes = []
    for header, value in headers.items():
        retry_after = value()
        pauses.clear()
        try:
            call()
        except Exception:
            pass
        asked = int(header) if header.isdigit() else 20
        if not pauses:
            outcome = "gives up"
        elif pauses[0] >= asked - 2:
            outcome = "waits"
        else:
            assert pauses[0] < 5, pauses
            outcome = "comes back too soon"
        outcomes.append(f"{header}: {outcome}")
    print(f"{name}: {'; '.join(outcomes)}")
PYTHON
timeout 120 venv/bin/python -W ignore pauses.py >output
cat output
diff output - <<'EXPECTED'
runwayml: 20: waits; 60: waits; 90: comes back too soon; 300: comes back too soon; a date in 20 seconds: waits
openai: 20: waits; 60: waits; 90: waits; 300: gives up; a date in 20 seconds: waits
twelvelabs: 20: waits; 60: comes back too soon; 90: comes back too soon; 300: comes back too soon; a date in 20 seconds: waits
replicate: 20: waits; 60: waits; 90: waits; 300: waits; a date in 20 seconds: comes back too soon
fal-client: 20: comes back too soon; 60: comes back too soon; 90: comes back too soon; 300: comes back too soon; a date in 20 seconds: comes back too soon
EXPECTED
