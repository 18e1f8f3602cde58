#!/usr/bin/env bash
# The server answers a Range request with 200 and a whole new file: what is saved by tools that resume?
#
# Guess: 200 means that the server starts from the first byte, so that each tool truncates what it had and saves the new file, or
#   stops (curl does). RFC 9110, section 14.2: a server may ignore Range; section 13.1.5: with If-Range that is the sign of a change.
# Versions: wget 1.21.3-1+deb12u1, lftp 4.9.2-2+b1 (Debian 12); httpie 3.2.4, yt-dlp 2026.10.26 (PyPI).
# Behaviour: wget reads the new file, throws away as many bytes of it as it already had of the old one, and appends the rest: exit 0, old and
#   new joined, though every byte of the new file was in its hands and the ETag differs. The other three save the new file.
# Output on 2026-11-27: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
server=
trap 'test -z "$server" || kill "$server" 2>/dev/null || :; rm -rf "$folder"' EXIT
cd "$folder"
apt-get -o APT::Sandbox::User=root download -qq wget=1.21.3-1+deb12u1 lftp=4.9.2-2+b1 >/dev/null
for package in ./*.deb; do dpkg -x "$package" root; done
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-compile httpie==3.2.4 yt-dlp==2026.10.26

cat >server.py <<'PYTHON'
import http.server

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.respond(False)

    def do_GET(self):
        self.respond(True)

    def respond(self, with_body):
        self.send_response(200)
        self.send_header("Content-Type", "video/mp4")
        self.send_header("Content-Length", "1000000")
        self.send_header("ETag", '"new"')
        self.send_header("Last-Modified", "Thu, 02 Jan 2025 00:00:00 GMT")
        self.end_headers()
        if with_body:
            try:
                self.wfile.write(b"n" * 1_000_000)
            except OSError:
                self.close_connection = True

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
PYTHON
python3 server.py >port 2>server.log &
server=$!
for _ in $(seq 100); do test -s port && break; sleep 0.1; done
url=http://127.0.0.1:$(cat port)/clip.mp4

for tool in wget lftp httpie yt-dlp; do
    out=$tool.mp4 code=0
    head -c 600000 /dev/zero | tr '\0' o >"$out"
    case $tool in
    wget) command=(root/usr/bin/wget --no-config -q --continue -O "$out" "$url") ;;
    lftp) command=(root/usr/bin/lftp --norc -c "get -c $url -o $out") ;;
    httpie) command=(venv/bin/http --ignore-stdin --download --continue --output "$out" GET "$url") ;;
    yt-dlp)
        mv "$out" "$out.part"
        command=(venv/bin/yt-dlp --ignore-config --quiet --no-progress --continue -o "$out" "$url")
        ;;
    esac
    timeout 60 "${command[@]}" >log 2>&1 || code=$?
    echo "$tool: exit $code, $(tr -dc o <"$out" | wc -c) bytes of the old file, $(tr -dc n <"$out" | wc -c) of the new"
done >output
cat output
diff output - <<'EXPECTED'
wget: exit 0, 600000 bytes of the old file, 400000 of the new
lftp: exit 0, 0 bytes of the old file, 1000000 of the new
httpie: exit 0, 0 bytes of the old file, 1000000 of the new
yt-dlp: exit 0, 0 bytes of the old file, 1000000 of the new
EXPECTED
