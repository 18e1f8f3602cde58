"""One download through a proxy that cuts the connection, from a server whose file is then replaced."""

import asyncio
import json
import os
import random
import struct
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECOND = 10**9
SIZE = 2 * 1024 * 1024
CUT = SIZE // 2 + 4321
# The read timeout in seconds: some servers announce more bytes than they have, and keep the connection open.
READ_TIMEOUT = 5


@dataclass(frozen=True)
class Scenario:
    name: str
    # The times of the two files, in nanoseconds from an hour ago; None is the time of their use.
    first: int | None = SECOND // 4
    second: int | None = None
    # Whether the file is replaced.
    replaced: bool = True
    # The size of the second file minus the size of the first, in bytes.
    longer: int = 0
    # Whether the second file is written over the first, with the same inode.
    in_place: bool = False
    # Whether the part file of the first run is completed with the rest of the first file, as if the run had been killed
    # before it renamed the part file.
    filled: bool = False

    def ways(self):
        return ["rerun"] if self.filled else ["retry", "rerun"]


HOUR = 3600 * SECOND

SCENARIOS = [
    Scenario("unchanged", replaced=False),
    Scenario("newer", second=60 * SECOND),
    Scenario("older", second=-60 * SECOND),
    Scenario("same second", second=3 * SECOND // 4),
    Scenario("same time", second=SECOND // 4, in_place=True),
    Scenario("longer, newer", second=60 * SECOND, longer=65536),
    Scenario("shorter, older", second=-60 * SECOND, longer=-65536),
    Scenario("fresh", first=None, second=None),
    Scenario("fresh, unchanged", first=None, replaced=False),
    Scenario("future", first=2 * HOUR, second=3 * HOUR),
    Scenario("complete part, newer", second=60 * SECOND, filled=True),
]


@dataclass
class Exchange:
    """The relevant fields of one request and its response, as the proxy observed them."""

    request: dict
    status: int = 0
    response: dict = field(default_factory=dict)

    def validators(self):
        """Returns the fields that can distinguish two files: the validators, and the length of the whole file."""
        total = self.response.get("content-range", "").partition("/")[2] or self.response.get("content-length")
        return {name: self.response.get(name) for name in ("etag", "last-modified")} | {"total": total}

    def describes_as(self, other):
        """Whether both have the same validators. A length that one of them omits (weborf) is not a difference."""
        mine, theirs = self.validators(), other.validators()
        if mine["total"] is None or theirs["total"] is None:
            mine["total"] = theirs["total"] = None
        return mine == theirs

    def __str__(self):
        requested = [f"{name}: {value}" for name, value in self.request.items() if name in ("range", "if-range")]
        names = ("date", "etag", "last-modified", "content-range", "content-length", "accept-ranges")
        returned = [f"{name}: {self.response[name]}" for name in names if name in self.response]
        return f"GET {'; '.join(requested)} -> {self.status} {'; '.join(returned)}"


@dataclass
class Outcome:
    # resumed, restarted, old, refused, SPLICED, or a description of another failure.
    word: str
    # Whether the server sends the same validators for both files.
    is_indistinguishable: bool
    exchanges: list
    output: str = ""


def video(size, seed, inverted=False):
    """Returns a complete MP4 of `size` bytes: `ftyp`, a `moov` without tracks, and an `mdat` of random bytes."""

    def box(kind, *content):
        content = b"".join(content)
        return struct.pack(">I", 8 + len(content)) + kind + content

    matrix = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)
    mvhd = struct.pack(">IIIIIIHHII", 0, 0, 0, 1000, 5000, 65536, 256, 0, 0, 0) + matrix + bytes(24) + struct.pack(">I", 2)
    head = box(b"ftyp", b"isom", struct.pack(">I", 512), b"isommp41") + box(b"moov", box(b"mvhd", mvhd))
    media = random.Random(seed).randbytes(size - len(head) - 8)
    if inverted:
        media = bytes(media).translate(bytes(255 - byte for byte in range(256)))
    return head + box(b"mdat", media)


def put(path, content, nanoseconds=None, in_place=False):
    """Writes a file under another name and renames it, or writes it in place, which keeps its inode."""
    target = path if in_place else path.with_suffix(".new")
    with open(target, "r+b" if in_place else "wb") as file:
        file.write(content)
    if nanoseconds is not None:
        os.utime(target, ns=(nanoseconds, nanoseconds))
    target.replace(path)


class Service:
    """Serves completed generations, whose ids name the URLs of their videos."""

    def __init__(self):
        self.urls = urls = {}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                name = self.path.rpartition("generation_id=")[2]
                generation = {"id": name, "status": "completed", "video": {"url": urls[name]}}
                body = json.dumps(generation).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()


class Proxy:
    """Forwards requests to a server, cuts the first response, and records requests and responses."""

    def __init__(self, port, on_first, on_cut, is_refusing):
        self.port, self.on_first, self.on_cut, self.is_refusing = port, on_first, on_cut, is_refusing
        self.exchanges = []
        self.is_cut = False

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.url = "http://127.0.0.1:%d" % self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.server.close()

    async def serve(self, client, to_client):
        to_server = None
        try:
            request = await client.readuntil(b"\r\n\r\n")
            if self.is_cut and self.is_refusing:
                # A 403 ends the first run at once; its part file is kept for the second run.
                to_client.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return await to_client.drain()
            if not self.is_cut:
                await self.on_first()
            server, to_server = await asyncio.open_connection("127.0.0.1", self.port)
            to_server.write(request)
            exchange = Exchange(fields(request))
            self.exchanges.append(exchange)
            response = await asyncio.wait_for(server.readuntil(b"\r\n\r\n"), READ_TIMEOUT)
            exchange.status, exchange.response = int(response.split()[1]), fields(response)
            to_client.write(response)
            length = int(exchange.response.get("content-length", 1 << 40))
            left, is_chunked = length if self.is_cut else min(length, CUT), "transfer-encoding" in exchange.response
            while left > 0:
                piece = await asyncio.wait_for(server.read(min(left, 65536)), READ_TIMEOUT)
                to_client.write(piece)
                await to_client.drain()
                left -= len(piece)
                if not piece or (is_chunked and piece.endswith(b"0\r\n\r\n")):
                    break
            if not self.is_cut:
                self.is_cut = True
                self.on_cut()
        except (OSError, EOFError, asyncio.TimeoutError):
            pass
        finally:
            to_client.close()
            if to_server:
                to_server.close()


def fields(head):
    lines = head.decode("latin-1").split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name}


async def fetch_head(port, path, **headers):
    """Sends one request and returns the exchange without the body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        return Exchange(headers, int(head.split()[1]), fields(head))
    finally:
        writer.close()


class Run:
    """One scenario with one server, resumed in one of two ways."""

    def __init__(self, scenario, way, port, folder, binary, service):
        self.scenario, self.way, self.port, self.binary, self.service = scenario, way, port, binary, service
        self.file = folder / f"{scenario.name.replace(' ', '-').replace(',', '')}-{way}.mp4"
        self.work = folder.parent / self.file.stem
        self.id = f"{port}-{self.file.stem}"
        self.first = video(SIZE, self.file.name)
        self.second = video(SIZE + scenario.longer, self.file.name, inverted=True)
        self.start = time.time_ns() // SECOND * SECOND - HOUR
        self.began_in = None
        self.output = ""

    def at(self, offset):
        return None if offset is None else self.start + offset

    def prepare(self):
        """Writes the first file before the server starts, since some servers read metadata only at their start."""
        self.work.mkdir()
        put(self.file, self.first, self.at(self.scenario.first))

    def replace(self):
        if self.scenario.replaced:
            put(self.file, self.second, self.at(self.scenario.second), self.scenario.in_place)

    async def begin(self):
        """Writes a fresh file right before its download, early enough in a second to be replaced in the same second."""
        if self.scenario.first is None:
            await asyncio.sleep(max(0, 1.02 - time.time() % 1) if time.time() % 1 > 0.5 else 0)
            put(self.file, self.first)
            self.began_in = os.stat(self.file).st_mtime_ns // SECOND

    async def outcome(self):
        for _ in range(5):
            outcome = await self.once()
            is_within = os.stat(self.file).st_mtime_ns // SECOND == self.began_in
            if self.scenario.first is not None or is_within:
                return outcome
        return Outcome("not within a second", False, outcome.exchanges)

    async def once(self):
        target = self.work / "out.mp4"
        for left in self.work.iterdir():
            left.unlink()
        async with Proxy(self.port, self.begin, self.replace, self.way == "rerun") as proxy:
            self.service.urls[self.id] = f"{proxy.url}/{self.file.name}"
            code = await self.download(target)
            if self.way == "rerun" and code != 0:
                proxy.is_refusing = False
                if self.scenario.filled:
                    for part in self.work.glob("*.part"):
                        put(part, self.first, in_place=True)
                code = await self.download(target)
            exchanges = proxy.exchanges
        if not exchanges:
            return Outcome("no request", False, [], self.output)
        now = await fetch_head(self.port, f"/{self.file.name}")
        is_indistinguishable = self.scenario.replaced and now.describes_as(exchanges[0])
        return Outcome(self.word(code, target, exchanges), is_indistinguishable, [*exchanges, now], self.output)

    def word(self, code, target, exchanges):
        if code is None:
            return "timeout"
        if not target.exists():
            return f"refused {code}"
        saved = target.read_bytes()
        current = self.second if self.scenario.replaced else self.first
        if len(exchanges) < 2:
            return "not cut"
        if saved == current:
            return "restarted" if exchanges[-1].status == 200 else "resumed"
        return "old" if saved == self.first else "SPLICED"

    async def download(self, target):
        arguments = ["wait", self.id, "--output", target, "--speed", "10"]
        environment = {"PATH": os.environ["PATH"], "HOME": self.work, "AIML_API_BASE": self.service.base, "AIML_API_KEY": "any"}
        process = await asyncio.create_subprocess_exec(
            self.binary, *arguments, env=environment, cwd=self.work,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )
        try:
            output, _ = await asyncio.wait_for(process.communicate(), 120)
            self.output += output.decode()
            return process.returncode
        except asyncio.TimeoutError:
            process.kill()
            return None
