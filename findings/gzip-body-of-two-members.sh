#!/usr/bin/env bash
# Content-Encoding: gzip, and the body is two gzip members one after the other: which HTTP clients return the second half?
#
# Guess: all of them. A gzip file is a series of members (RFC 1952, section 2.2): `cat a.gz b.gz`, Python's gzip.open(name, "ab"), bgzip
#   and a store's compose of two objects write such files, and gunzip reads them. A client that cannot reports an error.
# Versions (PyPI): requests 2.34.2 with urllib3 2.8.0, niquests 3.21.2, aiohttp 3.14.5, httpx 0.28.1, curl_cffi 0.17.0, pyreqwest 0.15.1,
#   impit 0.15.1, httpr 0.7.8, ry 0.0.105 (the last four are bindings of Rust's reqwest or of a fork); zstandard 0.25.0.
# Behaviour: httpx and the four bindings return the first member alone, with status 200 and no error, although the Content-Length agrees
#   with the bytes that came. Only curl_cffi, which is libcurl, reports an error; urllib3, niquests and aiohttp read both members.
#   The same clients read both frames of a zstd body, which is the same case (RFC 8878, section 3).
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
server=
trap 'test -z "$server" || kill "$server" 2>/dev/null || :; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-compile requests==2.34.2 urllib3==2.8.0 niquests==3.21.2 aiohttp==3.14.5 \
    httpx==0.28.1 curl_cffi==0.17.0 pyreqwest==0.15.1 impit==0.15.1 httpr==0.7.8 ry==0.0.105 zstandard==0.25.0 backports.zstd==1.3.0
cat >server.py <<'PYTHON'
import gzip, http.server, zstandard

FIRST, SECOND = b"1" * 50_000, b"2" * 50_000
BODIES = {
    "/gzip": gzip.compress(FIRST) + gzip.compress(SECOND),
    "/zstd": zstandard.compress(FIRST) + zstandard.compress(SECOND),
}

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        body = BODIES[self.path]
        self.send_response(200)
        self.send_header("Content-Encoding", self.path[1:])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
PYTHON
cat >check.py <<'PYTHON'
import asyncio, sys
import aiohttp, curl_cffi.requests, httpr, httpx, impit, niquests, requests, ry
from pyreqwest.client import SyncClientBuilder

async def with_aiohttp(url):
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return await response.read()

def with_pyreqwest(url):
    with SyncClientBuilder().build() as client:
        return client.get(url).build().send().bytes()

CLIENTS = {
    "requests": lambda url: requests.get(url).content,
    "niquests": lambda url: niquests.get(url).content,
    "aiohttp": lambda url: asyncio.run(with_aiohttp(url)),
    "httpx": lambda url: httpx.get(url).content,
    "curl_cffi": lambda url: curl_cffi.requests.get(url).content,
    "pyreqwest": with_pyreqwest,
    "impit": lambda url: impit.Client().get(url).content,
    "httpr": lambda url: httpr.Client().get(url).content,
    "ry": lambda url: ry.BlockingClient().get(url).bytes(),
}

def bytes_of_each_half(client, url):
    try:
        body = bytes(client(url))
    except Exception as error:
        return type(error).__name__
    return f"{body.count(b'1')} + {body.count(b'2')}"

for name, client in CLIENTS.items():
    results = (f"{coding} {bytes_of_each_half(client, f'{sys.argv[1]}/{coding}')}" for coding in ["gzip", "zstd"])
    print(f"{name}: {', '.join(results)}")
PYTHON
venv/bin/python server.py >port 2>server.log &
server=$!
for _ in $(seq 100); do test -s port && break; sleep 0.1; done
timeout 60 venv/bin/python check.py "http://127.0.0.1:$(cat port)" >output
cat output
diff output - <<'EXPECTED'
requests: gzip 50000 + 50000, zstd 50000 + 50000
niquests: gzip 50000 + 50000, zstd 50000 + 50000
aiohttp: gzip 50000 + 50000, zstd 50000 + 50000
httpx: gzip 50000 + 0, zstd 50000 + 50000
curl_cffi: gzip RequestException, zstd 50000 + 50000
pyreqwest: gzip 50000 + 0, zstd 50000 + 50000
impit: gzip 50000 + 0, zstd 50000 + 50000
httpr: gzip 50000 + 0, zstd 50000 + 50000
ry: gzip 50000 + 0, zstd 50000 + 50000
EXPECTED
