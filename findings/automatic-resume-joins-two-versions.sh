#!/usr/bin/env bash
# Resume without being asked: which downloaders join two versions of a file within ONE run, though both responses carry ETags?
#
# Guess: joining is a danger of a second run, which has forgotten the ETag (wget -c, curl -C -). A tool that resumes by itself, within
#   the run that received the first ETag, sends If-Range or compares the ETag of the 206, or at least its total length.
# Versions: wget 1.21.3-1+deb12u1, aria2 1.36.0-1 (Debian 12); yt-dlp 2026.10.26, huggingface_hub 2.4.0, pypdl 1.5.7, parfive 2.3.1
#   (PyPI); node-downloader-helper 2.1.11, nodejs-file-downloader 4.13.0 (npm). Retries on, one connection.
# Behaviour: the connection breaks after two thirds of 24 MB; then the server has another file, of the same size ("same") or 1000
#   bytes longer ("longer"), with another ETag, Last-Modified and Content-Range total. No tool that resumes sends If-Range or looks
#   at the ETag of the 206. aria2, huggingface_hub's http_get and node-downloader-helper notice another total, and wget and yt-dlp
#   not even that. pypdl, parfive and nodejs-file-downloader start anew, and so get the new file whole.
# Output on 2026-11-27: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
server=
trap 'test -z "$server" || kill "$server" 2>/dev/null || :; rm -rf "$folder"' EXIT
cd "$folder"
apt-get -o APT::Sandbox::User=root download -qq wget=1.21.3-1+deb12u1 aria2=1.36.0-1 libaria2-0=1.36.0-1 libc-ares2=1.18.1-3 >/dev/null
for package in ./*.deb; do dpkg -x "$package" packages; done
libraries=$folder/packages/usr/lib/$(uname -m)-linux-gnu
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check yt-dlp==2026.10.26 huggingface_hub==2.4.0 pypdl==1.5.7 parfive==2.3.1
npm install --silent --no-audit --no-fund --ignore-scripts node-downloader-helper@2.1.11 nodejs-file-downloader@4.13.0

cat >server.py <<'PYTHON'
import http.server, re, threading

LENGTH, FIRST_PART = 24_000_000, 16_000_000
broken, plain_gets, lock = set(), {}, threading.Lock()

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.respond(False)

    def do_GET(self):
        self.respond(True)

    def respond(self, with_body):
        with lock:
            version = 1 if self.path in broken else 0
            asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            if with_body and not asked:
                plain_gets[self.path] = plain_gets.get(self.path, 0) + 1
        total = LENGTH + (1000 if version and "longer" in self.path else 0)
        start = int(asked[1]) if asked else 0
        end = min(int(asked[2]), total - 1) if asked and asked[2] else total - 1
        if self.headers.get("If-Range", f'"{version}"') != f'"{version}"':
            asked, start, end = None, 0, total - 1
        if start >= total:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{total}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{end}/{total}")
        self.send_header("Content-Type", "video/mp4")
        self.send_header("Content-Length", str(end + 1 - start))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", f'"{version}"')
        self.send_header("Last-Modified", f"{('Wed, 01', 'Thu, 02')[version]} Jan 2025 00:00:00 GMT")
        self.end_headers()
        if not with_body:
            return
        # yt-dlp looks at the page with a request of its own before it downloads.
        cut = end + 1 - start > FIRST_PART and not version and ("yt-dlp" not in self.path or plain_gets[self.path] == 2)
        try:
            self.wfile.write((b"n" if version else b"o") * (FIRST_PART if cut else end + 1 - start))
        except OSError:
            pass
        if cut:
            broken.add(self.path)
            self.close_connection = True

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
PYTHON
cat >download.py <<'PYTHON'
import sys

tool, url, out = sys.argv[1:]
if tool == "yt-dlp":
    import yt_dlp
    with yt_dlp.YoutubeDL({"outtmpl": out, "quiet": True, "noprogress": True, "retries": 3}) as downloader:
        sys.exit(downloader.download([url]))
if tool == "huggingface_hub":
    from huggingface_hub.file_download import http_get
    with open(out, "wb") as file:
        http_get(url, file)
if tool == "pypdl":
    from pypdl import Pypdl
    sys.exit(0 if Pypdl().start(url=url, file_path=out, retries=3, multisegment=False, display=False) else 1)
if tool == "parfive":
    from parfive import Downloader
    downloader = Downloader(max_conn=1, max_splits=1, progress=False)
    downloader.enqueue_file(url, path=".", filename=out)
    results = downloader.download()
    if results.errors:
        results = downloader.retry(results)
    sys.exit(1 if results.errors else 0)
PYTHON
cat >download.mjs <<'NODE'
const [tool, url, fileName] = process.argv.slice(2);
if (tool === "node-downloader-helper") {
  const { DownloaderHelper } = await import("node-downloader-helper");
  const helper = new DownloaderHelper(url, ".", { fileName, retry: { maxRetries: 3, delay: 100 } });
  helper.on("error", () => {});
  await helper.start();
} else {
  const { Downloader } = await import("nodejs-file-downloader");
  await new Downloader({ url, directory: ".", fileName, maxAttempts: 3 }).download();
}
process.exit(0);
NODE
python3 server.py >port 2>server.log &
server=$!
for _ in $(seq 100); do test -s port && break; sleep 0.1; done
origin=http://127.0.0.1:$(cat port)

for tool in wget aria2 yt-dlp huggingface_hub pypdl parfive node-downloader-helper nodejs-file-downloader; do
    for kind in same longer; do
        url=$origin/$kind/$tool.mp4 out=$tool-$kind.mp4 code=0
        case $tool in
        wget) command=(packages/usr/bin/wget --no-config -q --tries=3 -O "$out" "$url") ;;
        aria2) command=(env LD_LIBRARY_PATH="$libraries" packages/usr/bin/aria2c --no-conf -q -s1 -x1 --retry-wait=1 -o "$out" "$url") ;;
        node*) command=(node download.mjs "$tool" "$url" "$out") ;;
        *) command=(venv/bin/python download.py "$tool" "$url" "$out") ;;
        esac
        timeout 90 "${command[@]}" >log 2>&1 || code=$?
        old=$(tr -dc o <"$out" | wc -c) new=$(tr -dc n <"$out" | wc -c)
        case $code in
        0) test "$old" = 0 && outcome="saved the new file, $new bytes" || outcome="saved old and new joined, $((old + new)) bytes" ;;
        *) outcome="failed" ;;
        esac
        echo "$tool, $kind: $outcome"
        rm -f "$out"
    done
done >output
cat output
diff output - <<'EXPECTED'
wget, same: saved old and new joined, 24000000 bytes
wget, longer: saved old and new joined, 24001000 bytes
aria2, same: saved old and new joined, 24000000 bytes
aria2, longer: failed
yt-dlp, same: saved old and new joined, 24000000 bytes
yt-dlp, longer: saved old and new joined, 24001000 bytes
huggingface_hub, same: saved old and new joined, 24000000 bytes
huggingface_hub, longer: failed
pypdl, same: saved the new file, 24000000 bytes
pypdl, longer: saved the new file, 24001000 bytes
parfive, same: saved the new file, 24000000 bytes
parfive, longer: saved the new file, 24001000 bytes
node-downloader-helper, same: saved old and new joined, 24000000 bytes
node-downloader-helper, longer: failed
nodejs-file-downloader, same: saved the new file, 24000000 bytes
nodejs-file-downloader, longer: saved the new file, 24001000 bytes
EXPECTED
