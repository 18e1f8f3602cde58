#!/usr/bin/env bash
# Question: an HTTP/1.1 client written in Rust with hyper sends its field names in lower case (`range:`). Does a packaged file
# server care?
#
# Guess: no. Field names have had no case since HTTP/1.0 (RFC 9110 5.1), and a server that gets this wrong would not work
# behind any proxy that speaks HTTP/2.
#
# Behaviour, weborf 0.19 of Debian 12: it finds `Range`, and not `range`: the same request gets 206 with the rest, or 200 with
# the whole file. A download that is cut begins anew each time with such a client, and is continued with curl, which writes
# `Range`. hyper has `title_case_headers` for servers like this one.
#
# Output on 2026-11-27:
#   Range: 206 bytes 1000-25599/25600
#   range: 200 None
#   RANGE: 200 None
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get update --quiet=2
apt-get download --quiet=2 --option APT::Sandbox::User=root weborf=0.19-2.1+deb12u1
dpkg --extract weborf_*.deb packages
cat >check.py <<'PY'
import http.client, os, signal, socket, subprocess, sys, time

os.mkdir("files")
open("files/a.mp4", "wb").write(bytes(range(256)) * 100)
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]


def ask(name):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/a.mp4", headers={name: "bytes=1000-"})
    response = connection.getresponse()
    return f"{response.status} {response.getheader('Content-Range')}"


def wait():
    for _ in range(300):
        try:
            return ask("Range")
        except OSError:
            time.sleep(0.1)
    sys.exit("it does not start")


command = ["packages/usr/bin/weborf", "-i", "127.0.0.1", "-p", str(port), "-b", os.path.abspath("files")]
server = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    wait()
    seen = {name: ask(name) for name in ("Range", "range", "RANGE")}
finally:
    os.killpg(server.pid, signal.SIGKILL)
    server.wait()
for name, answer in seen.items():
    print(f"{name}: {answer}")
assert seen == {"Range": "206 bytes 1000-25599/25600", "range": "200 None", "RANGE": "200 None"}
PY
python3 check.py
