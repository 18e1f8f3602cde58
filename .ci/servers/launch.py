"""Starts one of the file servers from PyPI: `launch.py NAME FOLDER PORT`."""

import asyncio
import os
import sys

HOST = "127.0.0.1"


def module(*arguments):
    """Replaces this process by a server that has its own command line."""
    os.execv(sys.executable, [sys.executable, "-m", *arguments])


def asgi(app):
    import uvicorn

    uvicorn.run(app, host=HOST, port=PORT, log_level="critical")


def wsgi(app):
    from wsgiref.simple_server import make_server

    make_server(HOST, PORT, app).serve_forever()


def aiohttp():
    from aiohttp import web

    app = web.Application()
    app.router.add_static("/", FOLDER)
    web.run_app(app, host=HOST, port=PORT, print=None)


def baize():
    from baize.asgi import Files

    asgi(Files(FOLDER))


def blacksheep():
    from blacksheep import Application

    app = Application()
    app.serve_files(FOLDER, extensions={".mp4"})
    asgi(app)


def bottle():
    import bottle

    app = bottle.Bottle()
    app.route("/<name>", "GET", lambda name: bottle.static_file(name, root=FOLDER))
    wsgi(app)


def cherrypy():
    import cherrypy

    cherrypy.config.update({"server.socket_host": HOST, "server.socket_port": PORT, "log.screen": False})
    files = {"/": {"tools.staticdir.on": True, "tools.staticdir.dir": FOLDER}}
    cherrypy.quickstart(None, "/", files)


def django():
    import django
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.urls import re_path
    from django.views.static import serve

    routes = [re_path("^(?P<path>.*)$", serve, {"document_root": FOLDER})]
    settings.configure(ROOT_URLCONF=type("Routes", (), {"urlpatterns": routes}), ALLOWED_HOSTS=["*"])
    django.setup()
    wsgi(get_wsgi_application())


def falcon():
    import falcon

    app = falcon.App()
    app.add_static_route("/", FOLDER)
    wsgi(app)


def flask():
    import flask

    app = flask.Flask("files", static_folder=FOLDER, static_url_path="")
    app.run(host=HOST, port=PORT)


def litestar():
    from litestar import Litestar
    from litestar.static_files import create_static_files_router

    asgi(Litestar([create_static_files_router(path="/", directories=[FOLDER])]))


def pyramid():
    from pyramid.config import Configurator

    with Configurator() as config:
        config.add_static_view(name="", path=FOLDER)
        wsgi(config.make_wsgi_app())


def quart():
    import quart

    asgi(quart.Quart("files", static_folder=FOLDER, static_url_path=""))


def sanic():
    import sanic

    app = sanic.Sanic("files")
    app.static("/", FOLDER, use_content_range=True)
    app.run(host=HOST, port=PORT, single_process=True, access_log=False, motd=False)


def servestatic(**options):
    from servestatic import ServeStatic

    wsgi(ServeStatic(lambda environ, start: [start("404 Not Found", [])][:0], root=FOLDER, **options))


def starlette():
    from starlette.staticfiles import StaticFiles

    asgi(StaticFiles(directory=FOLDER))


def tornado():
    import tornado.web

    async def serve():
        files = (r"/(.*)", tornado.web.StaticFileHandler, {"path": FOLDER})
        tornado.web.Application([files]).listen(PORT, HOST)
        await asyncio.Event().wait()

    asyncio.run(serve())


def twisted():
    from twisted.internet import reactor
    from twisted.web.server import Site
    from twisted.web.static import File

    reactor.listenTCP(PORT, Site(File(FOLDER)), interface=HOST)
    reactor.run()


def webob():
    from webob.static import DirectoryApp

    wsgi(DirectoryApp(FOLDER))


def whitenoise(**options):
    from whitenoise import WhiteNoise

    wsgi(WhiteNoise(lambda environ, start: [start("404 Not Found", [])][:0], root=FOLDER, **options))


def wsgidav():
    from cheroot.wsgi import Server
    from wsgidav.wsgidav_app import WsgiDAVApp

    config = {"provider_mapping": {"/": FOLDER}, "simple_dc": {"user_mapping": {"*": True}}, "verbose": 0}
    Server((HOST, PORT), WsgiDAVApp(config)).start()


SERVERS = {
    "aiohttp": aiohttp,
    "baize": baize,
    "blacksheep": blacksheep,
    "bottle": bottle,
    "cherrypy": cherrypy,
    "django": django,
    "falcon": falcon,
    "flask": flask,
    "http.server": lambda: module("http.server", "--bind", HOST, "--directory", FOLDER, str(PORT)),
    "litestar": litestar,
    "pyramid": pyramid,
    "quart": quart,
    "rangehttpserver": lambda: module("RangeHTTPServer", "--bind", HOST, str(PORT)),
    "sanic use_content_range": sanic,
    "servestatic": servestatic,
    "servestatic autorefresh": lambda: servestatic(autorefresh=True),
    "starlette": starlette,
    "tornado": tornado,
    "twisted": twisted,
    "uploadserver": lambda: module("uploadserver", "--bind", HOST, "--directory", FOLDER, str(PORT)),
    "webob": webob,
    "whitenoise": whitenoise,
    "whitenoise autorefresh": lambda: whitenoise(autorefresh=True),
    "wsgidav": wsgidav,
}

if __name__ == "__main__":
    NAME, FOLDER, PORT = sys.argv[1], sys.argv[2], int(sys.argv[3])
    os.chdir(FOLDER)
    SERVERS[NAME]()
