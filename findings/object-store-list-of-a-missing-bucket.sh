#!/usr/bin/env bash
# object_store through its Python binding: the S3 bucket does not exist. Which kind of error does each operation give?
#
# Guess: the same kind from all of them, since the server responds with status 404 and `NoSuchBucket` to all: NotFound, which the
#   binding maps to FileNotFoundError.
# Versions: obstore 0.12.1 (object_store 0.14), against moto 5.2.5.
# Behaviour: NotFound from every operation on one object, but both lists give the general error, so that a program which looks
#   whether its bucket is there by a list has to read the text.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check 'moto[s3,server]==5.2.5' obstore==0.12.1

cat >missing.py <<'PYTHON'
import os

import obstore
from moto.server import ThreadedMotoServer
from obstore.store import S3Store

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
url = "http://{}:{}".format(*server.get_host_and_port())
keys = {"aws_access_key_id": "id", "aws_secret_access_key": "secret", "region": "us-east-1"}
store = S3Store("missing", endpoint=url, client_options={"allow_http": True}, **keys)
operations = {
    "head": lambda: obstore.head(store, "a.mp4"),
    "get": lambda: obstore.get(store, "a.mp4"),
    "put": lambda: obstore.put(store, "a.mp4", b"x", use_multipart=False),
    "multipart put": lambda: obstore.put(store, "a.mp4", bytes(2**23), use_multipart=True),
    "copy": lambda: obstore.copy(store, "a.mp4", "b.mp4"),
    "list": lambda: list(obstore.list(store)),
    "list with delimiter": lambda: obstore.list_with_delimiter(store),
}
for name, operation in operations.items():
    try:
        operation()
        print(f"{name}: no error", flush=True)
    except Exception as error:
        print(f"{name}: {type(error).__name__}", flush=True)
os._exit(0)
PYTHON
venv/bin/python missing.py 2>errors | tee output || { cat errors; exit 1; }
diff output - <<'EXPECTED'
head: FileNotFoundError
get: FileNotFoundError
put: FileNotFoundError
multipart put: FileNotFoundError
copy: FileNotFoundError
list: GenericError
list with delimiter: GenericError
EXPECTED
