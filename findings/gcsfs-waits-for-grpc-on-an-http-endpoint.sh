#!/usr/bin/env bash
# gcsfs (PyPI) with an emulator: how long does a file of three bytes take?
#
# Guess: an instant; `endpoint_url` (or STORAGE_EMULATOR_HOST) with a plain http URL and token="anon" are all that an emulator needs.
# Version: gcsfs 2026.10.1, against gcp-storage-emulator 2026.7.19.
# Behaviour: half a minute to a minute and a half for each operation but `info` and `exists`. To learn the kind of the bucket, gcsfs
#   calls the control interface of the store by gRPC at the same host and port, with TLS although the URL is http, and repeats the
#   failed handshake until a time-out of 60 s. It then goes on as before with a warning, and does not remember the result, so that
#   the next operation waits again. GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT=false ends it; the variable counts as true if it is not set.
# Output on 2026-11-28: the lines at the end of this script. It takes some three minutes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check gcsfs==2026.10.1 gcp-storage-emulator==2026.7.19

cat >wait.py <<'PYTHON'
import os
import socket
import sys
import time

import gcsfs
from gcp_storage_emulator.server import create_server

with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
server = create_server("127.0.0.1", port, in_memory=True, default_bucket="clips")
server.start()
files = gcsfs.GCSFileSystem(token="anon", project="project", endpoint_url=f"http://127.0.0.1:{port}")
operations = {
    "info of the bucket": lambda: files.info("clips"),
    "write a file": lambda: files.pipe_file("clips/a.txt", b"abc"),
    "read it": lambda: files.cat_file("clips/a.txt"),
}
for name, operation in operations.items():
    start = time.monotonic()
    operation()
    seconds = time.monotonic() - start
    print(f"{sys.argv[1]}, {name}: {'more than 15 s' if seconds > 15 else 'less than 10 s' if seconds < 10 else 'some seconds'}", flush=True)
os._exit(0)
PYTHON
{
  timeout 500 venv/bin/python -W ignore wait.py "by default"
  GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT=false timeout 100 venv/bin/python -W ignore wait.py "without the new support"
} 2>errors | tee output || { cat errors; exit 1; }
diff output - <<'EXPECTED'
by default, info of the bucket: less than 10 s
by default, write a file: more than 15 s
by default, read it: more than 15 s
without the new support, info of the bucket: less than 10 s
without the new support, write a file: less than 10 s
without the new support, read it: less than 10 s
EXPECTED
