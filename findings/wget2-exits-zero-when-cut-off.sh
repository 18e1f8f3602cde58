#!/usr/bin/env bash
# wget2: a body that ends before its Content-Length is saved as a whole file, with exit code 0 and no second try.
#
# Guess: wget2 treats a lost connection as wget does: it tries again up to --tries, resumes, and exits non-zero if it stays short.
# Version: wget2 1.99.1-2.2 (Debian 12), beside wget 1.21.3-1+deb12u1 from the same release.
# Behaviour: wget2 makes one request, writes the first part under the final name and exits 0. With a Content-Length the only sign
#   is a line on stderr ("Just got … bytes", hidden by --quiet); with a chunked body cut off in the middle there is none at all.
#   wget resumes with Range in both cases. A script that trusts the exit code of wget2 keeps half a video.
# Output on 2026-11-27: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
server=
trap 'test -z "$server" || kill "$server" 2>/dev/null || :; rm -rf "$folder"' EXIT
cd "$folder"
apt-get -o APT::Sandbox::User=root download -qq wget2=1.99.1-2.2 libwget0=1.99.1-2.2 libgpgme11=1.18.0-3+deb12u1 wget=1.21.3-1+deb12u1 >/dev/null
for package in ./*.deb; do dpkg -x "$package" packages; done
export LD_LIBRARY_PATH=$folder/packages/usr/lib:$folder/packages/usr/lib/$(uname -m)-linux-gnu

cat >server.py <<'PYTHON'
import http.server, re

BODY = bytes(range(256)) * 4096
received = {}

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path == "/requests":
            text = "".join(f"{path} {count}\n" for path, count in sorted(received.items())).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)
            return
        first = self.path not in received
        received[self.path] = received.get(self.path, 0) + 1
        chunked = "chunked" in self.path
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        self.send_response(206 if asked else 200)
        self.send_header("ETag", '"one"')
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{len(BODY) - 1}/{len(BODY)}")
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(BODY) - start))
        self.end_headers()
        part = BODY[: len(BODY) // 2] if first else BODY[start:]
        if chunked:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
            if not first:
                self.wfile.write(b"0\r\n\r\n")
        else:
            self.wfile.write(part)
        self.close_connection = True

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
PYTHON
python3 server.py >port 2>server.log &
server=$!
for _ in $(seq 100); do test -s port && break; sleep 0.1; done
origin=http://127.0.0.1:$(cat port)

for tool in wget wget2; do
    for path in length chunked; do
        code=0
        timeout 60 "packages/usr/bin/$tool" --quiet --no-config --tries=3 -O "$tool-$path.mp4" "$origin/$tool-$path.mp4" || code=$?
        echo "$tool, $path: exit $code, $(stat -c %s "$tool-$path.mp4") bytes of 1048576"
    done
done >output
python3 - "$origin/requests" >>output <<'PYTHON'
import sys, urllib.request
print(urllib.request.urlopen(sys.argv[1], timeout=10).read().decode(), end="")
PYTHON
cat output
diff output - <<'EXPECTED'
wget, length: exit 0, 1048576 bytes of 1048576
wget, chunked: exit 0, 1048576 bytes of 1048576
wget2, length: exit 0, 524288 bytes of 1048576
wget2, chunked: exit 0, 524288 bytes of 1048576
/wget-chunked.mp4 2
/wget-length.mp4 2
/wget2-chunked.mp4 1
/wget2-length.mp4 1
EXPECTED
