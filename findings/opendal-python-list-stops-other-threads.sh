#!/usr/bin/env bash
# opendal (PyPI): which of its blocking calls let the other threads of the process run while they wait for the store?
#
# Guess: all of them, as an extension module that waits for the network releases the interpreter's lock; obstore and pyarrow do.
# Version: opendal 0.47.12, CPython 3 with the lock (the default build), Linux.
# Behaviour: all but one. The iterator that `list` returns keeps the lock while it requests the next page: a server that responds
#   after a second stops each thread of the process for that second, per page of up to 1000 names. `AsyncOperator` does not.
# Output on 2026-11-28: the lines at the end of this script (a thread that wakes up every 10 ms counts while the call waits for 1 s).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check opendal==0.47.12

# A bucket with one object, which responds after a second.
cat >server.py <<'PYTHON'
import http.server
import time

LIST = b"""<?xml version="1.0"?><ListBucketResult><Name>clips</Name><IsTruncated>false</IsTruncated><KeyCount>1</KeyCount>
<Contents><Key>boat.mp4</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>"e"</ETag><Size>3</Size></Contents>
</ListBucketResult>"""
COPY = b'<?xml version="1.0"?><CopyObjectResult><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>"e"</ETag></CopyObjectResult>'


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        time.sleep(1)
        body = {"GET": LIST if "list-type" in self.path else b"abc", "HEAD": b"abc"}.get(self.command, b"")
        if "x-amz-copy-source" in self.headers:
            body = COPY
        self.send_response(204 if self.command == "DELETE" else 200)
        self.send_header("ETag", '"e"')
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        if self.command != "DELETE":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_PUT = do_HEAD = do_DELETE = answer


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
PYTHON

cat >calls.py <<'PYTHON'
import asyncio
import subprocess
import sys
import threading
import time

import opendal

server = subprocess.Popen([sys.executable, "server.py"], stdout=subprocess.PIPE, text=True)
url = "http://127.0.0.1:" + server.stdout.readline().strip()
settings = dict(bucket="clips", endpoint=url, region="us-east-1", access_key_id="id", secret_access_key="secret")
operator = opendal.Operator("s3", **settings)


async def list_async():
    return [entry.path async for entry in await opendal.AsyncOperator("s3", **settings).list("")]


calls = {
    "read": lambda: operator.read("boat.mp4"),
    "write": lambda: operator.write("boat.mp4", b"abc"),
    "stat": lambda: operator.stat("boat.mp4"),
    "copy": lambda: operator.copy("boat.mp4", "kite.mp4"),
    "delete": lambda: operator.delete("boat.mp4"),
    "open and read": lambda: operator.open("boat.mp4", "rb").read(),
    "list": lambda: [entry.path for entry in operator.list("")],
    "list with AsyncOperator": lambda: asyncio.run(list_async()),
}
count = 0


def tick():
    global count
    while True:
        time.sleep(0.01)
        count += 1


threading.Thread(target=tick, daemon=True).start()
try:
    for name, call in calls.items():
        before, start = count, time.monotonic()
        call()
        assert time.monotonic() - start > 0.9, "the call did not wait for the server"
        print(f"{name}: the other thread {'runs' if count - before > 30 else 'stands still' if count - before < 10 else 'is slow'}")
finally:
    server.terminate()
PYTHON
timeout 60 venv/bin/python calls.py | tee output
diff output - <<'EXPECTED'
read: the other thread runs
write: the other thread runs
stat: the other thread runs
copy: the other thread runs
delete: the other thread runs
open and read: the other thread runs
list: the other thread stands still
list with AsyncOperator: the other thread runs
EXPECTED
