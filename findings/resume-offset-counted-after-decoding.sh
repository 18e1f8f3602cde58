#!/usr/bin/env bash
# Ranges of a gzip-encoded response: do parallel and resuming downloaders count bytes before or after they decode them?
#
# Guess: a tool that asks for ranges sends Accept-Encoding: identity, or counts the bytes that came over the wire, since a range is one
#   of the encoded representation (RFC 9110, section 14.2); a healthy server that keeps clip.json.gz beside clip.json is no trouble.
# Versions: pypdl 1.5.7, bdownload 0.2.4, huggingface_hub 2.4.0 (PyPI); node-downloader-helper 2.1.11 (npm).
# Behaviour: pypdl and bdownload take the length of the encoded file, ask for parts of it with Accept-Encoding: gzip, and decode each part
#   by itself; every part but the first begins in the middle of a gzip stream. pypdl with segments returns no file and reports no error by
#   exception, bdownload fails too, on a server where nothing went wrong. huggingface_hub's http_get works until the connection breaks, and
#   then resumes at the count of DECODED bytes. pypdl without segments and node-downloader-helper, which asks for no encoding, get the
#   file whole.
# Output on 2026-11-27: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
server=
trap 'test -z "$server" || kill "$server" 2>/dev/null || :; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-compile pypdl==1.5.7 bdownload==0.2.4 huggingface_hub==2.4.0
npm install --silent --no-audit --no-fund --ignore-scripts node-downloader-helper@2.1.11

cat >server.py <<'PYTHON'
import gzip, http.server, random, re, threading

LENGTH = 24_000_000
PLAIN = ("%0*x" % (LENGTH, random.Random(7).getrandbits(4 * LENGTH))).encode()
ENCODED = gzip.compress(PLAIN, 1)
open("expected", "wb").write(PLAIN)
broken = set()

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.respond(False)

    def do_GET(self):
        self.respond(True)

    def respond(self, with_body):
        encode = "gzip" in self.headers.get("Accept-Encoding", "")
        body = ENCODED if encode else PLAIN
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        end = min(int(asked[2]), len(body) - 1) if asked and asked[2] else len(body) - 1
        if start > end:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(body)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{end}/{len(body)}")
        if encode:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Vary", "Accept-Encoding")
        self.send_header("ETag", '"encoded"' if encode else '"plain"')
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(end + 1 - start))
        self.end_headers()
        if not with_body:
            return
        part = body[start : end + 1]
        if "broken" in self.path and len(part) > len(body) * 2 // 3 and self.path not in broken:
            broken.add(self.path)
            part = part[: len(body) * 3 // 4]
            self.close_connection = True
        try:
            self.wfile.write(part)
        except OSError:
            self.close_connection = True

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
PYTHON
cat >download.py <<'PYTHON'
import sys

tool, url, out = sys.argv[1:]
if tool.startswith("pypdl"):
    from pypdl import Pypdl
    Pypdl().start(url=url, file_path=out, retries=1, segments=2, multisegment=tool == "pypdl-segments", display=False)
elif tool == "bdownload":
    from bdownload import BDownloader
    with BDownloader(progress="mill") as downloader:
        downloader.downloads([(out, url)])
else:
    from huggingface_hub.file_download import http_get
    with open(out, "wb") as file:
        http_get(url, file)
PYTHON
cat >download.mjs <<'NODE'
import { DownloaderHelper } from "node-downloader-helper";

const [url, fileName] = process.argv.slice(2);
const helper = new DownloaderHelper(url, ".", { fileName, retry: { maxRetries: 3, delay: 100 } });
helper.on("error", () => {});
await helper.start();
process.exit(0);
NODE
python3 server.py >port 2>server.log &
server=$!
for _ in $(seq 300); do test -s port && break; sleep 0.1; done
origin=http://127.0.0.1:$(cat port)

for run in healthy/pypdl-one healthy/pypdl-segments healthy/bdownload healthy/huggingface_hub broken/huggingface_hub \
    healthy/node-downloader-helper broken/node-downloader-helper; do
    tool=${run#*/} out=${run%/*}-$tool.json
    case $tool in
    node*) command=(node download.mjs "$origin/$run" "$out") ;;
    *) command=(venv/bin/python download.py "$tool" "$origin/$run" "$out") ;;
    esac
    timeout 120 "${command[@]}" >log 2>&1 || :
    if cmp -s "$out" expected; then echo "$run: whole file"; else echo "$run: no or wrong file"; fi
done >output
cat output
diff output - <<'EXPECTED'
healthy/pypdl-one: whole file
healthy/pypdl-segments: no or wrong file
healthy/bdownload: no or wrong file
healthy/huggingface_hub: whole file
broken/huggingface_hub: no or wrong file
healthy/node-downloader-helper: whole file
broken/node-downloader-helper: whole file
EXPECTED
