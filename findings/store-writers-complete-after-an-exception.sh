#!/usr/bin/env bash
# Writers of Python's S3 libraries as context managers: the producer raises inside `with open(…, "wb")` after a part of the data.
#
# Guess: a `with` block that ends with an exception discards the upload, as the interface exists for. Only pyarrow, whose stream is a
#   plain file object, completes it.
# Versions: s3fs 2026.9.0, smart_open 9.0.2, cloudpathlib 0.26.0, pyarrow 26.0.1, obstore 0.12.1, opendal 0.47.12, against moto 5.2.5.
# Behaviour: four of the six complete the upload, so that half a file appears under its final name and nothing marks it: s3fs,
#   cloudpathlib, pyarrow and opendal, after 1 MiB as well as after 12 MiB (that is, with and without a multipart upload).
#   smart_open and obstore abort it. None leaves an open multipart upload behind.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check 'moto[s3,server]==5.2.5' s3fs==2026.9.0 'smart_open[s3]==9.0.2' \
  'cloudpathlib[s3]==0.26.0' pyarrow==26.0.1 obstore==0.12.1 opendal==0.47.12

cat >write.py <<'PYTHON'
import os

os.environ.update(AWS_ACCESS_KEY_ID="id", AWS_SECRET_ACCESS_KEY="secret", AWS_DEFAULT_REGION="us-east-1", AWS_EC2_METADATA_DISABLED="true")
import boto3
import obstore
import opendal
import pyarrow.fs
import s3fs
import smart_open
from cloudpathlib import S3Client
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
writers = {
    "s3fs": lambda: s3fs.S3FileSystem(endpoint_url=url).open("clips/a.mp4", "wb", block_size=5 * MIB),
    "smart_open": lambda: smart_open.open("s3://clips/a.mp4", "wb", transport_params={"client": s3, "min_part_size": 5 * MIB}),
    "cloudpathlib": lambda: S3Client(endpoint_url=url).CloudPath("s3://clips/a.mp4").open("wb"),
    "pyarrow": lambda: arrow.open_output_stream("clips/a.mp4"),
    "obstore": lambda: obstore.open_writer(store, "a.mp4", buffer_size=5 * MIB),
    "opendal": lambda: operator.open("a.mp4", "wb", chunk=5 * MIB),
}
for name, writer in writers.items():
    for mib in (1, 12):
        try:
            with writer() as file:
                for _ in range(mib):
                    file.write(bytes(MIB))
                raise RuntimeError("the source of the data failed")
        except RuntimeError:
            pass
        visible = [one["Size"] // MIB for one in s3.list_objects_v2(Bucket="clips").get("Contents", [])]
        left = len(s3.list_multipart_uploads(Bucket="clips").get("Uploads", []))
        print(f"{name} after {mib} MiB: object of {visible[0]} MiB" if visible else f"{name} after {mib} MiB: no object", f"{left} uploads left", sep=", ", flush=True)
        s3.delete_object(Bucket="clips", Key="a.mp4")
os._exit(0)
PYTHON
venv/bin/python -W ignore write.py 2>errors | tee output || { cat errors; exit 1; }
diff output - <<'EXPECTED'
s3fs after 1 MiB: object of 1 MiB, 0 uploads left
s3fs after 12 MiB: object of 12 MiB, 0 uploads left
smart_open after 1 MiB: no object, 0 uploads left
smart_open after 12 MiB: no object, 0 uploads left
cloudpathlib after 1 MiB: object of 1 MiB, 0 uploads left
cloudpathlib after 12 MiB: object of 12 MiB, 0 uploads left
pyarrow after 1 MiB: object of 1 MiB, 0 uploads left
pyarrow after 12 MiB: object of 12 MiB, 0 uploads left
obstore after 1 MiB: no object, 0 uploads left
obstore after 12 MiB: no object, 0 uploads left
opendal after 1 MiB: object of 1 MiB, 0 uploads left
opendal after 12 MiB: object of 12 MiB, 0 uploads left
EXPECTED
