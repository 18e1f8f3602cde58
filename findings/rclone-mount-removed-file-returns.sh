#!/usr/bin/env bash
# On rclone's mount without a cache, a file that is removed while it is open comes back when it is closed.
#
# Guess, before it was run: as POSIX has it for unlink(2), the name is gone at once, and the file when it is closed. rclone's
# page on `mount` lists what cannot be done with --vfs-cache-mode off (open for reading and writing, seek, append), and
# this is not on the list.
#
# Version: rclone 1.60.1+dfsg-2+b5 (Debian 12), `rclone mount` of a local folder, fuse3 3.14.0-4, with the default
# --vfs-cache-mode off.
#
# Behaviour: unlink(2) succeeds and the name is gone; close(2) then uploads what had been written under the old name, and
# the file is there again. A program that removes its temporary file and lets its process end leaves it behind; it has to
# close the file first.
#
# Output on 2026-11-27:
#   removed while open: gone before the close, there after it
#   removed after the close: gone
set -euo pipefail

work=$(mktemp -d)
cleanup() {
  cd /
  umount -l "$work/mounted" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
cd "$work"

apt-get -o APT::Sandbox::User=root download -qq rclone=1.60.1+dfsg-2+b5 fuse3=3.14.0-4 >/dev/null
for archive in ./*.deb; do dpkg -x "$archive" packages; done
export PATH="$work/packages/usr/bin:$work/packages/bin:$PATH"

mkdir remote mounted
rclone mount ":local:$work/remote" mounted --config /dev/null --cache-dir "$work/cache" --daemon 2>/dev/null
for _ in $(seq 50); do mountpoint -q mounted && break; sleep 0.1; done
mountpoint -q mounted

cat >ask.py <<'P'
import os, time
def is_there(name):
    return "there" if os.path.exists("remote/" + name) else "gone"
with open("mounted/a", "wb") as file:
    file.write(b"video")
    file.flush()
    os.unlink("mounted/a")
    before = "there" if os.path.exists("mounted/a") else "gone"
# The last close is reported to the file system without waiting for it.
for _ in range(50):
    if is_there("a") == "there":
        break
    time.sleep(0.1)
print(f"removed while open: {before} before the close, {is_there('a')} after it")
with open("mounted/b", "wb") as file:
    file.write(b"video")
time.sleep(1)
os.unlink("mounted/b")
time.sleep(1)
print(f"removed after the close: {is_there('b')}")
P
python3 ask.py | tee output
diff output - <<'O'
removed while open: gone before the close, there after it
removed after the close: gone
O
echo 'as described'
