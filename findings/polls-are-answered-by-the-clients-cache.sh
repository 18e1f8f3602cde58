#!/usr/bin/env bash
# A client with an HTTP cache polls a job that is completed between two polls. Which responses of the server does it poll again?
#
# Guess: all of them. No response says how long it is fresh, so that a cache has at most a validator (ETag) to ask with, and `no-store`
#   forbids to store it.
# Versions: got 14.6.6, undici 7.30.2, make-fetch-happen 15.0.6, axios-cache-interceptor 1.12.3 with axios 1.21.1 (npm); requests-cache
#   1.3.3, aiohttp-client-cache 0.15.0, CacheControl 0.14.4 (PyPI).
# Behaviour: where the status carries a Last-Modified of ten days ago (the creation of the job, say), got, undici and
#   make-fetch-happen take a tenth of that age for its lifetime, even beside an ETag; RFC 9111, 4.2.2, allows it. The job is "processing"
#   for a day without one more request. axios-cache-interceptor keeps any response that does not forbid it for five minutes, and two
#   caches of Python, told to obey Cache-Control, for ever. Only CacheControl asks each time. A wait that may meet a cache has to
#   state no-store or no-cache in its requests.
# Output on 2026-11-28: the lines at the end of this script (the state that the second poll finds).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-compile requests-cache==1.3.3 aiohttp-client-cache==0.15.0 \
    CacheControl==0.14.4 requests==2.34.2 aiohttp==3.14.5
npm install --silent --no-audit --no-fund --ignore-scripts got@14.6.6 undici@7.30.2 make-fetch-happen@15.0.6 \
    axios-cache-interceptor@1.12.3 axios@1.21.1 >/dev/null

cat >server.py <<'PYTHON'
import collections
import email.utils
import http.server
import json
import time

FIELDS = {
    "modified": {"Last-Modified": email.utils.formatdate(time.time() - 10 * 86400, usegmt=True), "ETag": '"job"'},
    "nothing": {},
    "no-store": {"Cache-Control": "no-store"},
}
polls = collections.Counter()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        polls[self.path] += 1
        body = json.dumps({"status": "processing" if polls[self.path] == 1 else "completed"}).encode()
        self.send_response(200)
        for name, value in FIELDS[self.path.split("/")[-1]].items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
PYTHON
cat >poll.py <<'PYTHON'
import asyncio
import sys
import time

import aiohttp_client_cache
import cachecontrol
import requests
import requests_cache

obeying = requests_cache.CachedSession(backend="memory", cache_control=True)
control = cachecontrol.CacheControl(requests.Session())
backend = aiohttp_client_cache.CacheBackend(cache_control=True)


async def with_aiohttp(url):
    async with aiohttp_client_cache.CachedSession(cache=backend) as session, session.get(url) as response:
        return await response.json()


clients = {
    "requests-cache": lambda url: obeying.get(url).json(),
    "aiohttp-client-cache": lambda url: asyncio.run(with_aiohttp(url)),
    "CacheControl": lambda url: control.get(url).json(),
}
for name, poll in clients.items():
    outcomes = []
    for fields in ("modified", "nothing", "no-store"):
        url = f"{sys.argv[1]}/{name}/{fields}"
        assert poll(url)["status"] == "processing"
        time.sleep(0.1)
        outcomes.append(f"{fields}: {poll(url)['status']}")
    print(f"{name}: {', '.join(outcomes)}")
PYTHON
cat >poll.mjs <<'NODE'
import axios from "axios";
import { setupCache } from "axios-cache-interceptor";
import got from "got";
import makeFetchHappen from "make-fetch-happen";
import { Agent, interceptors, request } from "undici";

const cache = new Map();
const dispatcher = new Agent().compose(interceptors.cache());
const cachingFetch = makeFetchHappen.defaults({ cachePath: "./cache" });
const cachingAxios = setupCache(axios.create());
const clients = {
  got: (url) => got(url, { cache }).json(),
  undici: async (url) => (await request(url, { dispatcher })).body.json(),
  "make-fetch-happen": async (url) => (await cachingFetch(url)).json(),
  "axios-cache-interceptor": async (url) => (await cachingAxios.get(url)).data,
};
for (const [name, poll] of Object.entries(clients)) {
  const outcomes = [];
  for (const fields of ["modified", "nothing", "no-store"]) {
    const url = `${process.argv[2]}/${name}/${fields}`;
    if ((await poll(url)).status !== "processing") throw new Error(name);
    await new Promise((resolve) => setTimeout(resolve, 100));
    outcomes.push(`${fields}: ${(await poll(url)).status}`);
  }
  console.log(`${name}: ${outcomes.join(", ")}`);
}
process.exit(0);
NODE
python3 server.py >port &
server=$!
trap 'kill $server; rm -rf "$folder"' EXIT
until [ -s port ]; do sleep 0.1; done
origin=http://127.0.0.1:$(cat port)
{
  timeout 30 node poll.mjs "$origin"
  timeout 30 venv/bin/python -W ignore poll.py "$origin"
} >output
cat output
diff output - <<'EXPECTED'
got: modified: processing, nothing: completed, no-store: completed
undici: modified: processing, nothing: completed, no-store: completed
make-fetch-happen: modified: processing, nothing: completed, no-store: completed
axios-cache-interceptor: modified: processing, nothing: processing, no-store: completed
requests-cache: modified: processing, nothing: processing, no-store: completed
aiohttp-client-cache: modified: processing, nothing: processing, no-store: completed
CacheControl: modified: completed, nothing: completed, no-store: completed
EXPECTED
