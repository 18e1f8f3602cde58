#!/usr/bin/env bash
# Events of a job as a stream (text/event-stream): a log line holds U+2028 or U+0085, as texts pasted from documents do. Who reads it whole?
#
# Guess: all of them. A line of such a stream ends with CR, LF or both (HTML standard, 9.2.5), and JSON allows both characters as they are,
#   so that a server in JavaScript or Go sends them so.
# Versions (PyPI): fal-client 1.0.3, replicate 1.0.7, aiosseclient 0.1.8, sseclient-py 1.9.0; twelvelabs 1.3.6, which pins httpx-sse 0.4.0.
# Behaviour: replicate and aiosseclient cut the text at the character, as Python's splitlines does, and drop the rest: no error for
#   plain text. fal-client alone reads the event, with httpx-sse 0.4.3. With twelvelabs in the same environment pip chooses
#   httpx-sse 0.4.0, which fal-client allows, and its stream ends in a JSONDecodeError at the same event.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
pip() {
  venv/bin/pip install --quiet --disable-pip-version-check --no-compile "$@"
}
pip fal-client==1.0.3 httpx-sse==0.4.3 replicate==1.0.7 aiosseclient==0.1.8 sseclient-py==1.9.0 requests==2.34.2

cat >events.py <<'PYTHON'
import asyncio
import http.server
import json
import logging
import sys
import threading

import aiosseclient
import fal_client
import replicate
import requests
import sseclient

logging.disable(logging.CRITICAL)


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def respond(self, content_type, body):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.end_headers()
        self.wfile.write(body.encode())

    def do_GET(self):
        self.respond("text/event-stream", f"event: output\nid: 1\ndata: {data}\n\nevent: done\nid: 2\ndata: {{}}\n\n")

    def do_POST(self):
        if "predictions" not in self.path:
            return self.respond("text/event-stream", f"data: {data}\n\n")
        prediction = {"id": "job", "model": "a/b", "version": "1", "status": "starting", "input": {}, "urls": {"stream": origin}}
        self.respond("application/json", json.dumps(prediction))


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
origin = f"http://127.0.0.1:{server.server_address[1]}"
fal_client.client.RUN_URL_FORMAT = origin + "/"


def with_fal_client():
    return next(iter(fal_client.SyncClient(key="key").stream("a/b", {})))["log"]


def with_replicate():
    return str(next(iter(replicate.Client(api_token="key", base_url=origin).stream("a/b", input={}))))


async def with_aiosseclient():
    async for event in aiosseclient.aiosseclient(origin):
        return event.data


def with_sseclient():
    return next(sseclient.SSEClient(requests.get(origin, stream=True)).events()).data


readers = {
    "fal-client": (with_fal_client, True),
    "replicate": (with_replicate, False),
    "aiosseclient": (lambda: asyncio.run(with_aiosseclient()), False),
    "sseclient-py": (with_sseclient, False),
}
for name in sys.argv[1].split(","):
    read, as_json = readers[name]
    outcomes = []
    for character in ("\u2028", "\u0085"):
        text = f"frame 1{character}frame 2"
        data = json.dumps({"log": text}, ensure_ascii=False) if as_json else text
        try:
            outcome = read()
            outcome = "whole" if outcome == text else repr(outcome)
        except Exception as error:
            outcome = type(error).__name__
        outcomes.append(f"U+{ord(character):04X}: {outcome}")
    print(f"{name}{sys.argv[2]}: {', '.join(outcomes)}", flush=True)
PYTHON
timeout 60 venv/bin/python -W ignore events.py sseclient-py,aiosseclient,replicate,fal-client "" 2>errors >output || { cat errors; exit 1; }
pip fal-client==1.0.3 twelvelabs==1.3.6
timeout 60 venv/bin/python -W ignore events.py fal-client " beside twelvelabs" 2>errors >>output || { cat errors; exit 1; }
cat output
diff output - <<'EXPECTED'
sseclient-py: U+2028: whole, U+0085: whole
aiosseclient: U+2028: 'frame 1', U+0085: 'frame 1'
replicate: U+2028: 'frame 1', U+0085: 'frame 1'
fal-client: U+2028: whole, U+0085: whole
fal-client beside twelvelabs: U+2028: JSONDecodeError, U+0085: JSONDecodeError
EXPECTED
