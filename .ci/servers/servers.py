"""The file servers: the registry of each, its installation and its command."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Server:
    # The package and, after a space, the options that differ from the default.
    name: str
    source: "Source"
    # The package's name in its registry, if the server's name does not start with it.
    package: str = ""

    def title(self):
        package, _, options = self.name.partition(" ")
        package = self.package or package
        return f"{package}@{self.source.version(package)} {options}".strip()

    def command(self, folder, port):
        return self.source.command(self.name, folder, port)


class Source:
    """A registry, and the folder for its packages."""

    def __init__(self, cache):
        self.cache = cache / self.registry

    def environment(self):
        return dict(os.environ)

    def install(self):
        """Installs every package and returns the failures, one line each."""
        raise NotImplementedError

    def command(self, name, folder, port):
        raise NotImplementedError

    def version(self, package):
        raise NotImplementedError

    def is_done(self, pins):
        """Whether the packages of `pins` are installed, as recorded by `done`."""
        note = self.cache / "installed"
        return note.exists() and note.read_text() == pins

    def done(self, pins):
        (self.cache / "installed").write_text(pins)


class PyPI(Source):
    registry = "pypi"
    pins = HERE / "requirements.txt"

    def install(self):
        if self.is_done(self.pins.read_text()):
            return []
        shutil.rmtree(self.cache, ignore_errors=True)
        failures = run(sys.executable, "-m", "venv", self.cache)
        failures += run(self.cache / "bin/pip", "install", "--quiet", "--requirement", self.pins)
        if not failures:
            self.done(self.pins.read_text())
        return failures

    def command(self, name, folder, port):
        return [self.cache / "bin/python", HERE / "launch.py", name, folder, port]

    def version(self, package):
        if package == "http.server":
            return f"python{sys.version_info.major}.{sys.version_info.minor}"
        return re.search(rf"^{package}==(.*)$", self.pins.read_text(), re.MULTILINE)[1]


class Npm(Source):
    registry = "npm"
    pins = HERE / "package.json"

    def install(self):
        # Node resolves packages relative to the module.
        self.cache.mkdir(parents=True, exist_ok=True)
        shutil.copy(HERE / "launch.mjs", self.cache)
        if self.is_done(self.pins.read_text()):
            return []
        shutil.copy(self.pins, self.cache)
        failures = run("npm", "install", "--no-audit", "--no-fund", "--silent", cwd=self.cache)
        if not failures:
            self.done(self.pins.read_text())
        return failures

    def command(self, name, folder, port):
        return ["node", self.cache / "launch.mjs", name, folder, port]

    def version(self, package):
        return json.loads(self.pins.read_text())["dependencies"][package]


class Cargo(Source):
    registry = "cargo"
    pins = HERE / "cargo/Cargo.toml"
    # Separate programs, each with its version and its arguments.
    programs = {
        "dufs": ("0.47.0", lambda folder, port: ["--bind", "127.0.0.1", "--port", port, folder]),
        "miniserve": ("0.35.0", lambda folder, port: ["-i", "127.0.0.1", "-p", port, folder]),
        "static-web-server": ("2.44.1", lambda folder, port: ["-a", "127.0.0.1", "-p", port, "-d", folder]),
    }

    def install(self):
        target = ["--target-dir", self.cache / "target"]
        manifest = ["--locked", "--manifest-path", self.pins]
        failures = run("cargo", "build", "--quiet", *manifest, *target)
        for name, (version, _) in self.programs.items():
            # The default features add TLS and compression, which these tests do not use.
            package = ["--locked", "--no-default-features", f"{name}@{version}"]
            place = ["--debug", "--root", self.cache, *target]
            failures += run("cargo", "install", "--quiet", "--config", "profile.dev.debug=false", *package, *place)
        return failures

    def command(self, name, folder, port):
        if name in self.programs:
            return [self.cache / "bin" / name, *self.programs[name][1](folder, port)]
        return [self.cache / "target/debug/file-servers", name, folder, port]

    def version(self, package):
        if package in self.programs:
            return self.programs[package][0]
        if package.startswith("tower-http-"):
            package = package.replace(".", "")
        found = tomllib.loads(self.pins.read_text())["dependencies"][package]
        return found["version"].lstrip("=") if isinstance(found, dict) else found.lstrip("=")


class Debian(Source):
    registry = "debian"
    # A security update changes the part after the last hyphen, and the archive then drops the previous version.
    packages = {
        "apache2-bin": "2.4.*",
        "busybox": "1:1.35.0-*",
        "caddy": "2.6.2-*",
        "civetweb": "1.15*",
        "h2o": "2.2.5*",
        "libapr1": "*",
        "libaprutil1": "*",
        "libcivetweb1": "1.15*",
        "lighttpd": "1.4.69-*",
        "mini-httpd": "1.30-*",
        "nginx": "1.22.1-*",
        "rclone": "1.60.1*",
        "webfs": "1.21*",
        "weborf": "0.19*",
    }

    def install(self):
        pins = json.dumps(self.packages)
        if self.is_done(pins):
            return []
        shutil.rmtree(self.cache, ignore_errors=True)
        self.cache.mkdir(parents=True)
        failures = []
        for package, version in self.packages.items():
            failures += run("apt-get", "download", "--quiet", f"{package}={version}", cwd=self.cache)
        for archive in self.cache.glob("*.deb"):
            failures += run("dpkg", "--extract", archive, self.cache / "root")
        if not failures:
            self.done(pins)
        return failures

    def environment(self):
        libraries = ":".join(str(path) for path in self.cache.glob("root/usr/lib/*-linux-gnu"))
        return super().environment() | {"LD_LIBRARY_PATH": libraries}

    def version(self, package):
        archive = next(self.cache.glob(f"{package}_*.deb"), None)
        return archive.name.split("_")[1].replace("%3a", ":") if archive else "?"

    def command(self, name, folder, port):
        return getattr(self, name.replace("-", "_"))(folder, port)

    def binary(self, name):
        return next(self.cache.glob(f"root/**/*bin/{name}"), name)

    def config(self, folder, text):
        """Writes a configuration file outside of the served folder."""
        path = folder.parent / "server.conf"
        path.write_text(text)
        return path

    def apache2(self, folder, port):
        modules = self.cache / "root/usr/lib/apache2/modules"
        text = f"""
            LoadModule mpm_event_module {modules}/mod_mpm_event.so
            LoadModule authz_core_module {modules}/mod_authz_core.so
            LoadModule mime_module {modules}/mod_mime.so
            TypesConfig /dev/null
            AddType video/mp4 .mp4
            ServerName localhost
            Listen 127.0.0.1:{port}
            PidFile {folder.parent}/pid
            ErrorLog {folder.parent}/error.log
            DocumentRoot {folder}
            <Directory {folder}>
              Require all granted
            </Directory>
        """
        return [self.binary("apache2"), "-X", "-f", self.config(folder, text)]

    def busybox(self, folder, port):
        return [self.binary("busybox"), "httpd", "-f", "-p", f"127.0.0.1:{port}", "-h", folder]

    def caddy(self, folder, port):
        return [self.binary("caddy"), "file-server", "--root", folder, "--listen", f"127.0.0.1:{port}"]

    def civetweb(self, folder, port):
        listen = ["-listening_ports", f"127.0.0.1:{port}"]
        return [self.binary("civetweb"), "-document_root", folder, *listen]

    def h2o(self, folder, port):
        text = f"listen: {{host: 127.0.0.1, port: {port}}}\nuser: root\nhosts: {{default: {{paths: {{/: {{file.dir: {folder}}}}}}}}}\n"
        return [self.binary("h2o"), "-c", self.config(folder, text)]

    def lighttpd(self, folder, port):
        modules = next(self.cache.glob("root/usr/lib/lighttpd"))
        text = f"""
            server.document-root = "{folder}"
            server.bind = "127.0.0.1"
            server.port = {port}
            mimetype.assign = (".mp4" => "video/mp4")
        """
        return [self.binary("lighttpd"), "-D", "-m", modules, "-f", self.config(folder, text)]

    def mini_httpd(self, folder, port):
        return [self.binary("mini_httpd"), "-D", "-h", "127.0.0.1", "-p", port, "-d", folder, "-u", "root"]

    def nginx(self, folder, port):
        temporary = folder.parent
        text = f"""
            daemon off; master_process off; pid {temporary}/pid; error_log {temporary}/error.log;
            events {{}}
            http {{
              types {{ video/mp4 mp4; }} access_log off;
              client_body_temp_path {temporary}/body; proxy_temp_path {temporary}/proxy; fastcgi_temp_path {temporary}/fastcgi;
              uwsgi_temp_path {temporary}/uwsgi; scgi_temp_path {temporary}/scgi;
              server {{ listen 127.0.0.1:{port}; root {folder}; }}
            }}
        """
        return [self.binary("nginx"), "-e", temporary / "error.log", "-c", self.config(folder, text)]

    def rclone(self, folder, port):
        return [self.binary("rclone"), "serve", "http", folder, "--addr", f"127.0.0.1:{port}", "--config", "/dev/null"]

    def webfs(self, folder, port):
        return [self.binary("webfsd"), "-F", "-i", "127.0.0.1", "-p", port, "-r", folder]

    def weborf(self, folder, port):
        return [self.binary("weborf"), "-i", "127.0.0.1", "-p", port, "-b", folder]


NAMES = {
    PyPI: """aiohttp baize blacksheep bottle cherrypy django falcon flask http.server litestar pyramid quart
        rangehttpserver sanic+use_content_range servestatic servestatic+autorefresh starlette tornado twisted uploadserver webob whitenoise
        whitenoise+autorefresh wsgidav""",
    Npm: """@fastify/static @hapi/inert @hono/node-server express h3 http-server koa-send koa-static live-server
        local-web-server send serve serve+--no-etag serve-handler sirv sirv+etag sirv+dev sirv+dev+etag sirv-cli
        srvx st st+uncached vite+preview""",
    Cargo: """actix-files dufs http-serve hyper-staticfile miniserve poem salvo static-web-server tower-http-0.6
        tower-http-0.7 warp""",
    Debian: """apache2 busybox caddy civetweb h2o lighttpd mini-httpd nginx rclone webfs weborf""",
}

# Servers that send the same validators for two files of different times, and the reason.
INDISTINGUISHABLE = {
    "rclone": "caches size and date of a file for five minutes (--dir-cache-time)",
    "servestatic": "reads the metadata of its files once, at its start",
    "sirv": "reads the metadata of its files once, at its start",
    "sirv etag": "reads the metadata of its files once, at its start",
    "sirv-cli": "reads the metadata of its files once, at its start",
    "tornado": "keeps a file's strong ETag while it runs; two files of the same second have the same date",
    "whitenoise": "reads the metadata of its files once, at its start",
}


def every_server(cache):
    sources = [(source(cache), names.split()) for source, names in NAMES.items()]
    packages = {"apache2": "apache2-bin"}
    return [
        Server(name.replace("+", " "), source, packages.get(name, ""))
        for source, names in sources
        for name in names
    ]


def run(*command, cwd=None):
    """Runs an installation command and returns its failure, if any."""
    try:
        ended = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=1800)
    except (OSError, subprocess.TimeoutExpired) as error:
        return [f"{command[0]}: {error}"]
    if ended.returncode == 0:
        return []
    last = (ended.stderr.strip() or ended.stdout.strip() or "no message").splitlines()[-1]
    return [f"{' '.join(str(part) for part in command)}: exit code {ended.returncode}: {last}"]
