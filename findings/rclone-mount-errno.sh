#!/usr/bin/env bash
# rclone's mount answers EIO where the file system cannot do what was asked.
#
# Guess, before it was run: link(2) fails with EPERM, as link(2) has it for "the filesystem does not support the creation of
# hard links", or with ENOSYS or EOPNOTSUPP as a FUSE server that lacks the call; a name that is too long for the remote
# fails with ENAMETOOLONG. Programs that fall back where there are no hard links test for these.
#
# Version: rclone 1.60.1+dfsg-2+b5 (Debian 12), `rclone mount` of a local folder, fuse3 3.14.0-4, with
# --vfs-cache-mode writes.
#
# Behaviour: both fail with EIO, which everywhere else says that a disk is broken. A program has to treat any error of a
# link as "no hard links here", and cannot tell from the error that a name is too long. renameat2(2) with
# RENAME_NOREPLACE fails with EINVAL, as documented for file systems that do not support the flag.
#
# Output on 2026-11-27:
#   link: EIO
#   name of 256 bytes: EIO
#   rename without replacing: EINVAL
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
rclone mount ":local:$work/remote" mounted --config /dev/null --cache-dir "$work/cache" --daemon --vfs-cache-mode writes \
  2>/dev/null
for _ in $(seq 50); do mountpoint -q mounted && break; sleep 0.1; done
mountpoint -q mounted

cat >ask.py <<'P'
import ctypes, errno, os
os.chdir("mounted")
libc = ctypes.CDLL(None, use_errno=True)
def outcome(what):
    try:
        what()
        return "done"
    except OSError as error:
        return errno.errorcode[error.errno]
def rename_without_replacing():
    AT_FDCWD, RENAME_NOREPLACE = -100, 1
    if libc.renameat2(AT_FDCWD, b"a", AT_FDCWD, b"b", RENAME_NOREPLACE) != 0:
        raise OSError(ctypes.get_errno(), "renameat2")
open("a", "w").close()
print("link:", outcome(lambda: os.link("a", "b")))
print("name of 256 bytes:", outcome(lambda: open("n" * 256, "w").close()))
print("rename without replacing:", outcome(rename_without_replacing))
P
python3 ask.py | tee output
diff output - <<'O'
link: EIO
name of 256 bytes: EIO
rename without replacing: EINVAL
O
echo 'as described'
