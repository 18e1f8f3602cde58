#!/usr/bin/env bash
# Question: a file is replaced by a longer one while a static file server runs. What does the next plain request get?
#
# Guess: servers for production may keep a file's headers, its whole content, or nothing. So either the old file or the new one.
#
# Behaviour, with the versions pinned below and default settings: neither. sirv, WhiteNoise and ServeStatic look at their files
# once, at the start, and keep size, date and tag; the bytes are read from the disk at each request. So the answer has the OLD
# validators and the OLD `Content-Length`, and the first bytes of the NEW file, cut at the old length: a truncated file whose
# length agrees with its header. A resumed download gets the tail of the new file under the validators of the old one, so no
# client can notice. (All three can look again: `dev: true`, `autorefresh=True`.)
#
# Output on 2026-11-27: for each of the three
#   before: 200, 1000 bytes of A    after: 200, 1000 bytes of B's 1500, same validators    range: 206 bytes 500-999/1000, B, same validators
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet servestatic==4.4.0 whitenoise==6.12.0
npm install --silent --no-audit --no-fund sirv@3.0.2

cat >serve.py <<'PY'
import sys
from wsgiref.simple_server import make_server
from servestatic import ServeStatic
from whitenoise import WhiteNoise
name, folder, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
def nothing(environ, start):
    start("404 Not Found", [])
    return []
make_server("127.0.0.1", port, {"servestatic": ServeStatic, "whitenoise": WhiteNoise}[name](nothing, root=folder)).serve_forever()
PY
cat >serve.mjs <<'JS'
import { createServer } from "node:http";
import sirv from "sirv";
createServer(sirv(process.argv[2], { etag: true })).listen(process.argv[3], "127.0.0.1");
JS
cat >check.py <<'PY'
import http.client, os, signal, socket, subprocess, sys, time

path = os.path.abspath("files/a.mp4")
os.mkdir("files")


def put(content, written):
    with open(path + ".new", "wb") as file:
        file.write(content)
    os.utime(path + ".new", (written, written))
    os.replace(path + ".new", path)


def ask(port, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/a.mp4", headers=headers)
    response = connection.getresponse()
    return response, response.read()


def validators(response):
    return response.getheader("ETag"), response.getheader("Last-Modified")


def wait(port):
    for _ in range(300):
        try:
            return ask(port)
        except OSError:
            time.sleep(0.1)
    sys.exit("it does not start")


hour_ago = int(time.time()) - 3600
for name in ["servestatic", "sirv", "whitenoise"]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    put(b"A" * 1000, hour_ago)
    run = ["node", "serve.mjs"] if name == "sirv" else ["venv/bin/python", "serve.py", name]
    server = subprocess.Popen([*run, os.path.abspath("files"), str(port)], start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        before, body = wait(port)
        assert before.status == 200 and body == b"A" * 1000
        put(b"B" * 1500, hour_ago + 60)
        after, body = ask(port)
        assert after.status == 200 and body == b"B" * 1000, (name, after.status, body)
        assert after.getheader("Content-Length") == "1000" and validators(after) == validators(before) != (None, None), name
        part, body = ask(port, Range="bytes=500-")
        assert part.status == 206 and body == b"B" * 500 and validators(part) == validators(before), name
        assert part.getheader("Content-Range") == "bytes 500-999/1000", name
        print(f"{name}: 1000 bytes of the new file's 1500 under the old validators")
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
PY
python3 check.py
