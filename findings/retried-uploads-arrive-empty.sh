#!/usr/bin/env bash
# An upload of a file is answered with 503 and retried by the HTTP client: what does the second request carry?
#
# Guess: the whole file again, or else the client raises an error, because a stream that was read cannot be sent twice (got, ofetch and
#   fetch say so of streams). A client does not report 200 for bytes that it did not send.
# Versions: requests 2.34.2 with Retry of urllib3 2.8.0, httpx 0.28.1 with httpx-retries 0.6.0, aiohttp 3.14.5 with aiohttp-retry 2.9.1
#   (PyPI); axios 1.21.1 with axios-retry 4.5.0, got 14.6.6, ky 1.14.3, ofetch 1.5.1, fetch-retry 6.0.0, undici 7.30.2 (npm).
# Behaviour: seven of the nine send an empty second request for at least one kind of body, and the caller gets its 200, so that the
#   store has a video of 0 bytes under the right name. Generators are the common case: they are what a caller uses to read a large file in
#   pieces or to count progress. axios-retry does it to a plain fs.ReadStream, and undici to any body through fetch. got, ofetch and
#   fetch-retry, which refuse a consumed stream, do not notice a consumed generator. ky keeps a copy, httpx-retries raises an error.
# Output on 2026-11-28: the lines at the end of this script (300000 bytes; the server reads each request whole).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check requests==2.34.2 urllib3==2.8.0 httpx==0.28.1 httpx-retries==0.6.0 \
    aiohttp==3.14.5 aiohttp-retry==2.9.1
npm install --silent --no-audit --no-fund --ignore-scripts axios@1.21.1 axios-retry@4.5.0 got@14.6.6 ky@1.14.3 ofetch@1.5.1 \
    fetch-retry@6.0.0 undici@7.30.2 >/dev/null
head -c 300000 /dev/urandom >clip.mp4

cat >upload.py <<'PYTHON'
import asyncio
import collections
import http.server
import threading

import aiohttp
import httpx
import requests
from aiohttp_retry import ExponentialRetry, RetryClient
from httpx_retries import Retry, RetryTransport
from urllib3.util import Retry as UrllibRetry

received = collections.defaultdict(list)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_PUT(self):
        length = 0
        if self.headers["Transfer-Encoding"] == "chunked":
            while size := int(self.rfile.readline(), 16):
                length += len(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
        else:
            length = len(self.rfile.read(int(self.headers["Content-Length"])))
        lengths = received[self.path]
        lengths.append(length)
        self.send_response(503 if len(lengths) == 1 else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.handle_error = lambda *_: None
threading.Thread(target=server.serve_forever, daemon=True).start()
origin = f"http://127.0.0.1:{server.server_address[1]}"


def pieces():
    with open("clip.mp4", "rb") as file:
        while piece := file.read(65536):
            yield piece


async def async_pieces():
    for piece in pieces():
        yield piece


def with_requests(url, body):
    session = requests.Session()
    retry = UrllibRetry(3, status_forcelist=[503], allowed_methods=["PUT"], backoff_factor=0)
    session.mount("http://", requests.adapters.HTTPAdapter(max_retries=retry))
    return session.put(url, data=body).status_code


def with_httpx_retries(url, body):
    with httpx.Client(transport=RetryTransport(retry=Retry(3, backoff_factor=0))) as client:
        return client.put(url, content=body).status_code


async def with_aiohttp_retry(url, body):
    async with RetryClient(retry_options=ExponentialRetry(3, start_timeout=0.01, statuses={503})) as client:
        async with client.put(url, data=body) as response:
            return response.status


for name, put, generator in (
    ("requests", with_requests, pieces),
    ("httpx-retries", with_httpx_retries, pieces),
    ("aiohttp-retry", lambda url, body: asyncio.run(with_aiohttp_retry(url, body)), async_pieces),
):
    outcomes = []
    for kind, body in (("open file", lambda: open("clip.mp4", "rb")), ("generator", generator)):
        path = f"/{name}/{kind.replace(' ', '-')}"
        try:
            assert put(origin + path, body()) == 200
            outcome = f"{received[path][1]} bytes"
        except Exception:
            outcome = "error"
        outcomes.append(f"{kind}: {outcome}")
    print(f"{name}: {', '.join(outcomes)}", flush=True)
PYTHON

cat >upload.mjs <<'NODE'
import fs from "node:fs";
import http from "node:http";
import { Readable } from "node:stream";
import axios from "axios";
import axiosRetry from "axios-retry";
import fetchRetry from "fetch-retry";
import got from "got";
import ky from "ky";
import { ofetch } from "ofetch";
import { Agent, RetryAgent, fetch as undiciFetch, request } from "undici";

let received;
const server = http.createServer(async (incoming, response) => {
  let length = 0;
  for await (const chunk of incoming) length += chunk.length;
  received.push(length);
  response.writeHead(received.length === 1 ? 503 : 200).end();
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}/clip.mp4`;

const withAxios = axios.create();
axiosRetry(withAxios, { retries: 2, retryDelay: () => 1 });
const withFetchRetry = fetchRetry(fetch, { retries: 2, retryDelay: 1, retryOn: [503] });
const dispatcher = new RetryAgent(new Agent(), { maxRetries: 2, minTimeout: 1, methods: ["PUT"], statusCodes: [503] });
const put = { method: "PUT", duplex: "half" };
const clients = {
  "axios-retry": (body) => withAxios.put(url, body instanceof Readable ? body : Readable.from(body)),
  got: (body) => got.put(url, { body, retry: { limit: 2, calculateDelay: ({ computedValue }) => computedValue && 1 } }),
  ky: (body) => ky.put(url, { body, duplex: "half", retry: { limit: 2, delay: () => 1 } }),
  ofetch: (body) => ofetch(url, { ...put, body, retry: 2, retryDelay: 1 }),
  "fetch-retry": (body) => withFetchRetry(url, { ...put, body }),
  "undici request": (body) => request(url, { method: "PUT", body, dispatcher }),
  "undici fetch": (body) => undiciFetch(url, { ...put, body, dispatcher }),
};
const bodies = {
  "fs.ReadStream": () => fs.createReadStream("clip.mp4"),
  generator: async function* () {
    yield* fs.createReadStream("clip.mp4");
  },
};
for (const [name, upload] of Object.entries(clients)) {
  const outcomes = [];
  for (const [kind, body] of Object.entries(bodies)) {
    received = [];
    const outcome = await upload(body()).then(() => `${received[1]} bytes`, () => "error");
    outcomes.push(`${kind}: ${outcome}`);
  }
  console.log(`${name}: ${outcomes.join(", ")}`);
}
process.exit(0);
NODE
timeout 60 venv/bin/python -W ignore upload.py >output
timeout 60 node upload.mjs >>output
cat output
diff output - <<'EXPECTED'
requests: open file: 300000 bytes, generator: 0 bytes
httpx-retries: open file: error, generator: error
aiohttp-retry: open file: error, generator: 0 bytes
axios-retry: fs.ReadStream: 0 bytes, generator: 0 bytes
got: fs.ReadStream: error, generator: 0 bytes
ky: fs.ReadStream: 300000 bytes, generator: 300000 bytes
ofetch: fs.ReadStream: error, generator: 0 bytes
fetch-retry: fs.ReadStream: error, generator: 0 bytes
undici request: fs.ReadStream: error, generator: 0 bytes
undici fetch: fs.ReadStream: 0 bytes, generator: 0 bytes
EXPECTED
