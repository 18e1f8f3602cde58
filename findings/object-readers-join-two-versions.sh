#!/usr/bin/env bash
# Python's S3 readers: the object is replaced by another of the same size between two reads of one file. What does the caller get?
#
# Guess: obstore and s3fs, whose readers request the size and the ETag at the open, send If-Match with each range and fail. The readers
#   of opendal (with a chunk size), pyarrow and smart_open (with a chunk size) do not, and join the two versions.
# Versions: obstore 0.12.1, s3fs 2026.9.0, opendal 0.47.12, pyarrow 26.0.1, smart_open 9.0.2, against moto 5.2.5, which honours If-Match.
# Behaviour: only s3fs fails. obstore, too, requests the ETag at the open, and does not use it: the caller gets the first part of
#   one video and the rest of the other. No connection breaks, and no error is raised.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check 'moto[s3,server]==5.2.5' obstore==0.12.1 s3fs==2026.9.0 opendal==0.47.12 pyarrow==26.0.1 \
  'smart_open[s3]==9.0.2'

cat >read.py <<'PYTHON'
import os

os.environ.update(AWS_ACCESS_KEY_ID="id", AWS_SECRET_ACCESS_KEY="secret", AWS_DEFAULT_REGION="us-east-1", AWS_EC2_METADATA_DISABLED="true")
import boto3
import obstore
import opendal
import pyarrow.fs
import s3fs
import smart_open
from moto.server import ThreadedMotoServer
from obstore.store import S3Store

MIB = 2**20
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
url = "http://{}:{}".format(*server.get_host_and_port())
s3 = boto3.client("s3", endpoint_url=url)
s3.create_bucket(Bucket="clips")
keys = {"region": "us-east-1", "endpoint": url}
operator = opendal.Operator("s3", bucket="clips", access_key_id="id", secret_access_key="secret", **keys)
store = S3Store("clips", client_options={"allow_http": True}, aws_access_key_id="id", aws_secret_access_key="secret", **keys)
arrow = pyarrow.fs.S3FileSystem(endpoint_override=url, access_key="id", secret_key="secret", region="us-east-1")
files = s3fs.S3FileSystem(endpoint_url=url)


def put(letter):
    s3.put_object(Bucket="clips", Key="a.mp4", Body=letter * (16 * MIB))


def read(file):
    parts = [bytes(file.read(MIB))]
    put(b"n")
    while part := bytes(file.read(MIB)):
        parts.append(part)
    return b"".join(parts)


readers = {
    "s3fs open": lambda: read(files.open("clips/a.mp4", "rb", block_size=MIB)),
    "obstore open_reader": lambda: read(obstore.open_reader(store, "a.mp4")),
    "opendal open": lambda: read(operator.open("a.mp4", "rb", chunk=MIB)),
    "pyarrow open_input_file": lambda: read(arrow.open_input_file("clips/a.mp4")),
    "smart_open": lambda: read(smart_open.open("s3://clips/a.mp4", "rb", transport_params={"client": s3, "range_chunk_size": MIB})),
}
put(b"o")
for name, reader in readers.items():
    put(b"o")
    try:
        body = reader()
        mixed = b"o" in body and b"n" in body
        print(f"{name}: {len(body) // MIB} MiB{', both versions joined' if mixed else ''}", flush=True)
    except Exception as error:
        print(f"{name}: {type(error).__name__}", flush=True)
os._exit(0)
PYTHON
venv/bin/python -W ignore read.py 2>errors | tee output || { cat errors; exit 1; }
diff output - <<'EXPECTED'
s3fs open: FileExpired
obstore open_reader: 16 MiB, both versions joined
opendal open: 16 MiB, both versions joined
pyarrow open_input_file: 16 MiB, both versions joined
smart_open: 16 MiB, both versions joined
EXPECTED
