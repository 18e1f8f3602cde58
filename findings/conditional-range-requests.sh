#!/usr/bin/env bash
# Question: a client has the first half of a file and asks for the rest, provided that the file is still the same one. Do
# file servers keep to `If-Range`, and is `If-Match` or `If-Unmodified-Since` a safer way to ask?
#
# Guess: a server that answers 206 to `Range` knows `If-Range` (RFC 9110 13.1.5): 200 with the whole file for any tag or date
# but its own, and 206 for its own. `If-Match` and `If-Unmodified-Since` are older and answered with 412 by all of them.
#
# Behaviour, with the versions pinned below: 7 of the 11 join any two files (206 whatever `If-Range` says). Flask and send take
# the date as an upper bound, though only the exact date may match, so a file that was replaced by an older one passes. aiohttp
# ignores a tag, and refuses its own date for a file whose time has a fraction of a second. 412 comes from 2 of the 11 for a
# tag, and from 3 for a date; the others ignore the condition and send the part. Only Starlette keeps to If-Range, and no
# server to all of it. So a client has to compare the validators of the 206 with those of the first response itself.
#
# Output on 2026-11-27 (200: the whole file; 206: the part; 412: refused):
#                          If-Range                              If-Match   If-Unmodified-Since
#                          other tag  older  newer  own date     other tag  older
#   aiohttp                206        200    206    200          412        412
#   cherrypy               206        206    206    206          206        412
#   falcon                 206        206    206    206          206        206
#   flask                  200        200    206    206          206        206
#   sanic                  206        206    206    206          206        206
#   starlette              200        200    200    206          206        206
#   tornado                206        206    206    206          206        206
#   twisted                206        206    206    206          206        206
#   @hono/node-server      206        206    206    206          206        206
#   send                   200        200    206    206          412        412
#   sirv                   206        206    206    206          206        206
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet aiohttp==3.14.5 cherrypy==18.10.0 falcon==4.4.0 flask==3.1.3 werkzeug==3.1.9 sanic==25.12.1 \
  starlette==1.10.0 uvicorn==0.54.0 tornado==6.6.1 twisted==26.10.0
npm install --silent --no-audit --no-fund @hono/node-server@2.1.9 hono@4.13.19 send@1.2.1 sirv@3.0.2

cat >serve.py <<'PY'
import asyncio, sys
name, folder, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
if name == "aiohttp":
    from aiohttp import web
    app = web.Application()
    app.router.add_static("/", folder)
    web.run_app(app, host="127.0.0.1", port=port, print=None)
elif name == "cherrypy":
    import cherrypy
    cherrypy.config.update({"server.socket_host": "127.0.0.1", "server.socket_port": port, "log.screen": False})
    cherrypy.quickstart(None, "/", {"/": {"tools.staticdir.on": True, "tools.staticdir.dir": folder}})
elif name == "falcon":
    import falcon
    from wsgiref.simple_server import make_server
    app = falcon.App()
    app.add_static_route("/", folder)
    make_server("127.0.0.1", port, app).serve_forever()
elif name == "flask":
    import flask
    flask.Flask("files", static_folder=folder, static_url_path="").run("127.0.0.1", port)
elif name == "sanic":
    import sanic
    app = sanic.Sanic("files")
    app.static("/", folder, use_content_range=True)
    app.run("127.0.0.1", port, single_process=True, motd=False)
elif name == "starlette":
    import uvicorn
    from starlette.staticfiles import StaticFiles
    uvicorn.run(StaticFiles(directory=folder), host="127.0.0.1", port=port)
elif name == "tornado":
    import tornado.web
    async def main():
        tornado.web.Application([(r"/(.*)", tornado.web.StaticFileHandler, {"path": folder})]).listen(port, "127.0.0.1")
        await asyncio.Event().wait()
    asyncio.run(main())
elif name == "twisted":
    from twisted.internet import reactor
    from twisted.web.server import Site
    from twisted.web.static import File
    reactor.listenTCP(port, Site(File(folder)), interface="127.0.0.1")
    reactor.run()
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
  const { serve } = await import("@hono/node-server");
  const { serveStatic } = await import("@hono/node-server/serve-static");
  const { Hono } = await import("hono");
  serve({ fetch: new Hono().use("/*", serveStatic({ root })).fetch, hostname: "127.0.0.1", port });
}
JS
cat >check.py <<'PY'
import http.client, os, signal, socket, subprocess, sys, time
from email.utils import formatdate

EXPECTED = {
    "aiohttp": "206 200 206 200 412 412",
    "cherrypy": "206 206 206 206 206 412",
    "falcon": "206 206 206 206 206 206",
    "flask": "200 200 206 206 206 206",
    "sanic": "206 206 206 206 206 206",
    "starlette": "200 200 200 206 206 206",
    "tornado": "206 206 206 206 206 206",
    "twisted": "206 206 206 206 206 206",
    "@hono/node-server": "206 206 206 206 206 206",
    "send": "200 200 206 206 412 412",
    "sirv": "206 206 206 206 206 206",
}
os.mkdir("files")
open("files/a.mp4", "wb").write(bytes(range(256)) * 100)
written = int(time.time()) - 3600
os.utime("files/a.mp4", ns=(written * 10**9 + 250_000_000,) * 2)


def ask(port, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/a.mp4", headers={name.replace("_", "-"): value for name, value in headers.items()})
    return connection.getresponse().status


def wait(port):
    for _ in range(300):
        try:
            return ask(port)
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
        wait(port)
        assert ask(port, Range="bytes=500-") == 206
        conditions = [{"If_Range": '"other"'}]
        conditions += [{"If_Range": formatdate(written + seconds, usegmt=True)} for seconds in (-60, 60, 0)]
        conditions += [{"If_Match": '"other"'}, {"If_Unmodified_Since": formatdate(written - 60, usegmt=True)}]
        seen = " ".join(str(ask(port, Range="bytes=500-", **condition)) for condition in conditions)
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    print(f"{name:20} {seen}", "" if seen == expected else f"<- expected {expected}")
    failed |= seen != expected
sys.exit(failed)
PY
python3 check.py
