#!/usr/bin/env bash
# mitmproxy as a reverse proxy in front of a service: which header fields of a request reach the origin?
#
# Guess: RFC 9110, 7.6.1 obliges every intermediary to remove the fields that `Connection` names, and `Connection` itself, so a field
#   named there ends at the proxy. An HTTP/2 caller cannot send them, so only HTTP/1.1 matters.
# Version: mitmproxy 11.0.2 (PyPI), `mitmdump --mode reverse:…`, curl as the caller.
# Behaviour: all of them reach the origin unchanged: `Connection` with the names, the field that it names, `Keep-Alive`, and `TE`. An
#   origin that takes `TE: trailers` at its word responds with trailers to a proxy that did not ask for them.
# Output on 2026-11-27: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check mitmproxy==11.0.2

cat >origin.py <<'PYTHON'
# Accepts one request on a free port, prints the hop-by-hop fields in it, and responds.
import http.server
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        for name in ["Connection", "X-Hop", "Keep-Alive", "TE", "X-End"]:
            print(f"{name}: {self.headers.get(name, '(absent)')}", flush=True)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, file=sys.stderr, flush=True)
server.handle_request()
PYTHON
python3 origin.py >received 2>port &
origin=$!
trap 'kill "$origin" "${proxy:-$origin}" 2>/dev/null || true; rm -rf "$folder"' EXIT
until [ -s port ]; do sleep 0.1; done
listen=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
venv/bin/mitmdump --quiet --listen-host 127.0.0.1 --listen-port "$listen" --mode "reverse:http://127.0.0.1:$(cat port)" >log 2>&1 &
proxy=$!
curl --silent --show-error --retry 60 --retry-delay 1 --retry-connrefused --output /dev/null \
  -H 'Connection: x-hop, keep-alive, te' -H 'X-Hop: 1' -H 'Keep-Alive: timeout=5' -H 'TE: trailers' -H 'X-End: 1' "http://127.0.0.1:$listen/"
wait "$origin"
cat received
diff received - <<'EXPECTED'
Connection: x-hop, keep-alive, te
X-Hop: 1
Keep-Alive: timeout=5
TE: trailers
X-End: 1
EXPECTED
