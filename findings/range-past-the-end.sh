#!/usr/bin/env bash
# Question: what do file servers answer to a range that begins inside the file and ends behind it, such as the last piece of a
# download in pieces of one size?
#
# Guess: the range is cut at the end of the file (RFC 9110 14.1.2: a last position behind the end means the remainder), so
# `Content-Range: bytes 25000-25599/25600` and 600 bytes.
#
# Behaviour, with the versions pinned below: only Starlette and send do so. Sanic sends the right 600 bytes under
# `Content-Range: bytes 25000-34999/25600`, a last position that the total says does not exist (invalid by 14.4). BlackSheep
# refuses with 416, so the last piece of such a download never comes. local-web-server announces `Content-Length: 10000`
# and has 600, so whoever trusts it waits for the rest.
#
# Output on 2026-11-27:
#   blacksheep        416 None                       Content-Length 31 (of a message)
#   sanic             206 bytes 25000-34999/25600    Content-Length 600
#   starlette         206 bytes 25000-25599/25600    Content-Length 600
#   local-web-server  206 bytes 25000-34999/25600    Content-Length 10000
#   send              206 bytes 25000-25599/25600    Content-Length 600
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet blacksheep==2.6.4 sanic==25.12.1 starlette==1.10.0 uvicorn==0.54.0
npm install --silent --no-audit --no-fund local-web-server@5.4.0 send@1.2.1

cat >serve.py <<'PY'
import sys
name, folder, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
if name == "sanic":
    import sanic
    app = sanic.Sanic("files")
    app.static("/", folder, use_content_range=True)
    app.run("127.0.0.1", port, single_process=True, motd=False)
else:
    import uvicorn
    if name == "starlette":
        from starlette.staticfiles import StaticFiles
        app = StaticFiles(directory=folder)
    else:
        from blacksheep import Application
        app = Application()
        app.serve_files(folder, extensions={".mp4"})
    uvicorn.run(app, host="127.0.0.1", port=port)
PY
cat >send.mjs <<'JS'
import { createServer } from "node:http";
import send from "send";
const [root, port] = process.argv.slice(2);
createServer((request, response) => send(request, request.url, { root }).pipe(response)).listen(port, "127.0.0.1");
JS
cat >check.py <<'PY'
import http.client, os, signal, socket, subprocess, sys, time

EXPECTED = {
    "blacksheep": ("416 None", None),
    "sanic": ("206 bytes 25000-34999/25600", "600"),
    "starlette": ("206 bytes 25000-25599/25600", "600"),
    "local-web-server": ("206 bytes 25000-34999/25600", "10000"),
    "send": ("206 bytes 25000-25599/25600", "600"),
}
os.mkdir("files")
open("files/a.mp4", "wb").write(bytes(range(256)) * 100)
folder = os.path.abspath("files")


def ask(port, value):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/a.mp4", headers={"Range": value})
    response = connection.getresponse()
    return f"{response.status} {response.getheader('Content-Range')}", response.getheader("Content-Length")


def wait(port):
    for _ in range(300):
        try:
            return ask(port, "bytes=500-")
        except OSError:
            time.sleep(0.1)
    sys.exit("it does not start")


def command(name, port):
    if name == "send":
        return ["node", "send.mjs", folder, port]
    if name == "local-web-server":
        return ["node_modules/.bin/ws", "-d", folder, "--hostname", "127.0.0.1", "-p", port]
    return ["venv/bin/python", "serve.py", name, folder, port]


failed = False
for name, expected in EXPECTED.items():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(command(name, str(port)), start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert wait(port)[0] == "206 bytes 500-25599/25600"
        answer, length = ask(port, "bytes=25000-34999")
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    print(f"{name:17} {answer:30} Content-Length {length}")
    # BlackSheep's refusal has a body of whatever length.
    failed |= answer != expected[0] or (expected[1] is not None and length != expected[1])
sys.exit(failed)
PY
python3 check.py
