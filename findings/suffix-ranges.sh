#!/usr/bin/env bash
# Question: what do file servers answer to `Range: bytes=-5`, the last five bytes, and to a suffix longer than the file? (A
# reader of an MP4 asks so for the index at its end.)
#
# Guess: 206 with the last five bytes; 206 or 200 with the whole file for the longer suffix, as RFC 9110 14.1.2 demands ("If the
# selected representation is shorter than the specified suffix-length, the entire representation is used"); where a server
# cannot do it, 200 with the whole file.
#
# Behaviour, with the versions pinned below: sirv sends the FIRST six bytes, as `bytes 0-5/25600`. http-server refuses every
# suffix with 416, RangeHTTPServer with 400. Flask and send (which is Express) refuse with 416 a suffix longer than the file.
# So who wants the end of a file of unknown size has to compare `Content-Range` with what was asked for, and to take 416 or 400
# as "ask otherwise", not as "there is nothing".
#
# Output on 2026-11-27:
#   flask            last five: 206 bytes 25595-25599/25600   longer than the file: 416 bytes */25600
#   rangehttpserver  last five: 400 None                      longer than the file: 400 None
#   starlette        last five: 206 bytes 25595-25599/25600   longer than the file: 206 bytes 0-25599/25600
#   http-server      last five: 416 None                      longer than the file: 416 None
#   send             last five: 206 bytes 25595-25599/25600   longer than the file: 416 bytes */25600
#   sirv             last five: 206 bytes 0-5/25600           longer than the file: 206 bytes 0-25599/25600
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet flask==3.1.3 werkzeug==3.1.9 rangehttpserver==1.4.0 starlette==1.10.0 uvicorn==0.54.0
npm install --silent --no-audit --no-fund http-server@14.1.1 send@1.2.1 sirv@3.0.2

cat >serve.py <<'PY'
import os, sys
name, folder, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
if name == "flask":
    import flask
    flask.Flask("files", static_folder=folder, static_url_path="").run("127.0.0.1", port)
elif name == "starlette":
    import uvicorn
    from starlette.staticfiles import StaticFiles
    uvicorn.run(StaticFiles(directory=folder), host="127.0.0.1", port=port)
else:
    os.chdir(folder)
    os.execv(sys.executable, [sys.executable, "-m", "RangeHTTPServer", "--bind", "127.0.0.1", str(port)])
PY
cat >serve.mjs <<'JS'
import { createServer } from "node:http";
const [name, root, port] = process.argv.slice(2);
const listen = (handler) => createServer(handler).listen(port, "127.0.0.1");
if (name === "send") {
  const send = (await import("send")).default;
  listen((request, response) => send(request, request.url, { root }).pipe(response));
} else if (name === "sirv") {
  listen((await import("sirv")).default(root, {}));
} else {
  const { createServer } = (await import("http-server")).default;
  createServer({ root }).listen(port, "127.0.0.1");
}
JS
cat >check.py <<'PY'
import http.client, os, signal, socket, subprocess, sys, time

LAST, NONE, WHOLE = "206 bytes 25595-25599/25600", "416 bytes */25600", "206 bytes 0-25599/25600"
EXPECTED = {
    "flask": (LAST, NONE),
    "rangehttpserver": ("400 None", "400 None"),
    "starlette": (LAST, WHOLE),
    "http-server": ("416 None", "416 None"),
    "send": (LAST, NONE),
    "sirv": ("206 bytes 0-5/25600", WHOLE),
}
os.mkdir("files")
content = bytes(range(256)) * 100
open("files/a.mp4", "wb").write(content)


def ask(port, value):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/a.mp4", headers={"Range": value})
    response = connection.getresponse()
    return f"{response.status} {response.getheader('Content-Range')}", response.read()


def wait(port):
    for _ in range(300):
        try:
            return ask(port, "bytes=500-")
        except OSError:
            time.sleep(0.1)
    sys.exit("it does not start")


failed = False
for name, expected in EXPECTED.items():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    run = ["node", "serve.mjs"] if os.path.isdir(f"node_modules/{name}") else ["venv/bin/python", "serve.py"]
    server = subprocess.Popen([*run, name, os.path.abspath("files"), str(port)], start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        answer, body = wait(port)
        assert answer == "206 bytes 500-25599/25600" and body == content[500:], answer
        (last, body), (longer, _) = ask(port, "bytes=-5"), ask(port, "bytes=-999999")
        if name == "sirv":
            assert body == content[:6]
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    print(f"{name:16} last five: {last:29} longer than the file: {longer}")
    failed |= (last, longer) != expected
sys.exit(failed)
PY
python3 check.py
