#!/usr/bin/env bash
# Question: a file may be written twice within one second. Is the strong ETag that a server gives it in that second good enough
# to join the two halves of a download?
#
# Guess: no, nowhere: nginx makes its tag of size and time, and the others will do the same.
#
# Behaviour, with Apache 2.4.71, nginx 1.22.1, Caddy 2.6.2 and lighttpd 1.4.69 of Debian 12: nginx and Caddy make the tag of size and
# whole seconds, so two files of one size get one strong tag. lighttpd uses the fraction, too, so its tags differ. Only Apache
# knows the problem: while the file is younger than about a second, the tag is weak (`W/"..."`), and later the same tag is
# strong. So with Apache the first response of a fresh file has no validator to resume with, and who compares the tags of two
# responses has to leave `W/` out, or takes one file for two.
#
# Output on 2026-11-27:
#   apache    fresh: weak    a while later: strong, same tag    rewritten within the second: another tag
#   caddy     fresh: strong  a while later: strong, same tag    rewritten within the second: same tag
#   lighttpd  fresh: strong  a while later: strong, same tag    rewritten within the second: another tag
#   nginx     fresh: strong  a while later: strong, same tag    rewritten within the second: same tag
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get update --quiet=2
apt-get download --quiet=2 --option APT::Sandbox::User=root apache2-bin=2.4.71-1~deb12u1 libapr1=1.7.2-3+deb12u1 \
  libaprutil1=1.6.3-1+deb12u1 caddy=2.6.2-5 lighttpd=1.4.69-1 nginx=1.22.1-9+deb12u11
for package in *.deb; do dpkg --extract "$package" packages; done

cat >check.py <<'PY'
import http.client, os, signal, socket, subprocess, sys, time
from pathlib import Path

work = Path.cwd()
files = work / "files"
files.mkdir()
os.chmod(work, 0o755)
environment = os.environ | {"LD_LIBRARY_PATH": ":".join(str(path) for path in work.glob("packages/usr/lib/*-linux-gnu"))}
EXPECTED = {
    "apache": ("weak", "strong, same tag", "another tag"),
    "caddy": ("strong", "strong, same tag", "same tag"),
    "lighttpd": ("strong", "strong, same tag", "another tag"),
    "nginx": ("strong", "strong, same tag", "same tag"),
}


def command(name, port):
    config = work / f"{name}.conf"
    if name == "apache":
        modules = work / "packages/usr/lib/apache2/modules"
        config.write_text(
            f"LoadModule mpm_event_module {modules}/mod_mpm_event.so\nLoadModule authz_core_module {modules}/mod_authz_core.so\n"
            f"ServerName localhost\nListen 127.0.0.1:{port}\nPidFile {work}/pid\nErrorLog {work}/log\nDocumentRoot {files}\n"
        )
        return [work / "packages/usr/sbin/apache2", "-X", "-f", config]
    if name == "caddy":
        return [work / "packages/usr/bin/caddy", "file-server", "--root", files, "--listen", f"127.0.0.1:{port}"]
    if name == "lighttpd":
        # Its cache of what it knows of files lasts a second, which is longer than this takes.
        config.write_text(
            f'server.document-root = "{files}"\nserver.bind = "127.0.0.1"\nserver.port = {port}\n'
            'server.stat-cache-engine = "disable"\nmimetype.assign = (".mp4" => "video/mp4")\n'
        )
        return [work / "packages/usr/sbin/lighttpd", "-D", "-m", work / "packages/usr/lib/lighttpd", "-f", config]
    config.write_text(
        f"daemon off; master_process off; pid {work}/pid; events {{}}\nhttp {{ access_log off; client_body_temp_path {work}/1; "
        f"proxy_temp_path {work}/2; fastcgi_temp_path {work}/3; uwsgi_temp_path {work}/4; scgi_temp_path {work}/5;\n"
        f"server {{ listen 127.0.0.1:{port}; root {files}; }} }}\n"
    )
    return [work / "packages/usr/sbin/nginx", "-e", work / "log", "-c", config]


def tag(port, name):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", f"/{name}")
    response = connection.getresponse()
    return response.getheader("ETag"), response.getheader("Date"), response.read()


def wait(port):
    for _ in range(300):
        try:
            return tag(port, "start.mp4")
        except OSError:
            time.sleep(0.1)
    sys.exit("it does not start")


def written_twice(port, name):
    """The tags of a file and of its successor of the same second, each asked for within that second."""
    for _ in range(10):
        time.sleep(1.02 - time.time() % 1)
        second = int(time.time())
        tags = []
        for content in (b"A" * 1000, b"B" * 1000):
            (files / name).write_bytes(content)
            seen, _, body = tag(port, name)
            assert body == content
            tags.append(seen)
            time.sleep(0.05)
        if int(time.time()) == second:
            return tags
    sys.exit("the machine is too slow to write a file twice within a second")


def strength(text):
    return "weak" if text.startswith("W/") else "strong"


def same(one, other):
    return "same tag" if one.removeprefix("W/") == other.removeprefix("W/") else "another tag"


(files / "start.mp4").write_bytes(b"start")
failed = False
for name, expected in EXPECTED.items():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([str(part) for part in command(name, port)], env=environment, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait(port)
        first, second = written_twice(port, f"{name}.mp4")
        time.sleep(3)
        later, _, _ = tag(port, f"{name}.mp4")
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    seen = (strength(second), f"{strength(later)}, {same(second, later)}", same(first, second))
    print(f"{name:9} fresh: {seen[0]:7} a while later: {seen[1]:20} rewritten within the second: {seen[2]}")
    failed |= seen != expected
sys.exit(failed)
PY
python3 check.py
