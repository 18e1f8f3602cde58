#!/usr/bin/env bash
# replicate, fal: one poll of a running generation meets an error of the server; the next one would be fine. Does the wait survive?
#
# Guess: a wait of minutes survives one 5xx, and the Python and JavaScript libraries of one vendor agree on which statuses pass.
# Versions: replicate 1.0.7, fal-client 1.0.3 (PyPI); replicate 1.4.0, @fal-ai/client 1.10.1 (npm).
# Behaviour: both JavaScript libraries survive 500, 502, 503, 504 and 429. Replicate's Python library gives up at one 500 or 502, and fal's
#   at one 500, 502, 503 or 504: fal-client takes the last three for passing only if "nginx" is in the text of the response. The
#   generation goes on, paid, while its caller has an exception.
# Output on 2026-11-27: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-compile replicate==1.0.7 fal-client==1.0.3
npm install --silent --no-audit --no-fund --ignore-scripts replicate@1.4.0 @fal-ai/client@1.10.1

cat >wait.py <<'PYTHON'
import http.server, json, threading, time
import fal_client, httpx, replicate

states = []

class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        state = states.pop(0) if len(states) > 1 else states[0]
        value = {"detail": "no"} if isinstance(state, int) else {
            "id": "one", "status": state, "logs": None, "output": None, "urls": {}, "model": "owner/model", "version": "one", "input": {}
        }
        body = json.dumps(value).encode()
        self.send_response(state if isinstance(state, int) else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
origin = f"http://127.0.0.1:{server.server_address[1]}"
# The pauses are not the question.
sleep = time.sleep
time.sleep = lambda seconds: sleep(0.01)

def wait_replicate():
    prediction = replicate.Client(api_token="key", base_url=origin).predictions.get("one")
    prediction.wait()

def wait_fal():
    urls = {"response_url": f"{origin}/response", "status_url": f"{origin}/status", "cancel_url": f"{origin}/cancel"}
    fal_client.SyncRequestHandle(request_id="one", client=httpx.Client(), **urls).get()

for name, wait, running, done in [
    ("replicate", wait_replicate, "processing", "succeeded"),
    ("fal", wait_fal, "IN_PROGRESS", "COMPLETED"),
]:
    outcomes = []
    for status in [429, 500, 502, 503, 504]:
        states[:] = [running, status, done]
        try:
            wait()
            outcomes.append(f"{status} survived")
        except Exception:
            outcomes.append(f"{status} raised")
    print(f"Python, {name}: {', '.join(outcomes)}")
PYTHON
cat >wait.mjs <<'NODE'
import http from "node:http";
import { createFalClient } from "@fal-ai/client";
import Replicate from "replicate";

let states = [];
const server = http.createServer((incoming, outgoing) => {
  const state = states.length > 1 ? states.shift() : states[0];
  const isError = typeof state === "number";
  outgoing.writeHead(isError ? state : 200, { "content-type": "application/json" });
  outgoing.end(JSON.stringify(isError ? { detail: "no" } : { id: "one", request_id: "one", status: state }));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const origin = `http://127.0.0.1:${server.address().port}`;
// The pauses are not the question; the longer timers are time-outs of requests.
const later = globalThis.setTimeout;
globalThis.setTimeout = (call, ms, ...rest) => later(call, ms < 30_000 ? Math.min(ms, 10) : ms, ...rest);

const toLoopback = (url, init) => fetch(String(url).replace(/^https:\/\/[^/]+/, origin), init);
const waits = {
  replicate: ["processing", "succeeded", () => new Replicate({ auth: "key", baseUrl: origin }).wait({ id: "one", status: "starting" })],
  fal: [
    "IN_PROGRESS",
    "COMPLETED",
    () => createFalClient({ credentials: "key", fetch: toLoopback }).queue.subscribeToStatus("owner/model", { requestId: "one" }),
  ],
};
for (const [name, [running, done, wait]] of Object.entries(waits)) {
  const outcomes = [];
  for (const status of [429, 500, 502, 503, 504]) {
    states = [running, status, done];
    outcomes.push(`${status} ${await wait().then(() => "survived", () => "raised")}`);
  }
  console.log(`JavaScript, ${name}: ${outcomes.join(", ")}`);
}
process.exit(0);
NODE
timeout 60 venv/bin/python -W ignore wait.py >output
timeout 60 node wait.mjs >>output
cat output
diff output - <<'EXPECTED'
Python, replicate: 429 survived, 500 raised, 502 raised, 503 survived, 504 survived
Python, fal: 429 survived, 500 raised, 502 raised, 503 raised, 504 raised
JavaScript, replicate: 429 survived, 500 survived, 502 survived, 503 survived, 504 survived
JavaScript, fal: 429 survived, 500 survived, 502 survived, 503 survived, 504 survived
EXPECTED
