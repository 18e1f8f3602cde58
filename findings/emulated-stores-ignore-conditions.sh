#!/usr/bin/env bash
# moto and gcp-storage-emulator: a write, read or delete has a condition that does not hold. Is it refused, as by the stores themselves?
#
# Guess: an emulator that checks a condition in one operation checks it in the others that have it. moto checks If-Match and
#   If-None-Match of PutObject, so it does in CompleteMultipartUpload; gcp-storage-emulator checks generations, as each object has one.
# Versions: moto 5.2.5 with boto3 1.43.117; gcp-storage-emulator 2026.7.19 with google-cloud-storage 3.17.1.
# Behaviour: moto checks If-None-Match at the end of an upload in parts, but not If-Match, so that a program that replaces only the
#   version it has read is tested for small objects and not for large ones; nor does it check If-None-Match in CopyObject.
#   gcp-storage-emulator ignores every generation: what must exist only once is replaced, and a stale delete deletes.
#   A test of two writers passes there whether or not the program sends a condition.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check boto3==1.43.117 'moto[s3,server]==5.2.5' gcp-storage-emulator==2026.7.19 google-cloud-storage==3.17.1

cat >conditions.py <<'PYTHON'
import io
import os
import socket

os.environ.update(AWS_ACCESS_KEY_ID="id", AWS_SECRET_ACCESS_KEY="secret", AWS_DEFAULT_REGION="us-east-1", AWS_EC2_METADATA_DISABLED="true")
import boto3
from gcp_storage_emulator.server import create_server
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from moto.server import ThreadedMotoServer

moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
moto.start()
s3 = boto3.client("s3", endpoint_url="http://{}:{}".format(*moto.get_host_and_port()))
s3.create_bucket(Bucket="clips")
with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
emulator = create_server("127.0.0.1", port, in_memory=True, default_bucket="clips")
emulator.start()
cloud = storage.Client("project", AnonymousCredentials(), client_options={"api_endpoint": f"http://127.0.0.1:{port}"})
blob = cloud.bucket("clips").blob("a.mp4")
resumable = cloud.bucket("clips").blob("a.mp4", chunk_size=2**18)

OBJECT = {"Bucket": "clips", "Key": "a.mp4"}
STALE = '"d41d8cd98f00b204e9800998ecf8427e"'


def complete(**condition):
    upload = {**OBJECT, "UploadId": s3.create_multipart_upload(**OBJECT)["UploadId"]}
    etag = s3.upload_part(PartNumber=1, Body=b"new", **upload)["ETag"]
    s3.complete_multipart_upload(MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]}, **upload, **condition)


def copy(**condition):
    s3.put_object(Bucket="clips", Key="b.mp4", Body=b"new")
    s3.copy_object(CopySource="clips/b.mp4", **OBJECT, **condition)


operations = {
    "moto, PutObject If-None-Match": lambda: s3.put_object(Body=b"new", IfNoneMatch="*", **OBJECT),
    "moto, PutObject If-Match": lambda: s3.put_object(Body=b"new", IfMatch=STALE, **OBJECT),
    "moto, CompleteMultipartUpload If-None-Match": lambda: complete(IfNoneMatch="*"),
    "moto, CompleteMultipartUpload If-Match": lambda: complete(IfMatch=STALE),
    "moto, CopyObject If-None-Match": lambda: copy(IfNoneMatch="*"),
    "moto, GetObject If-Match": lambda: s3.get_object(IfMatch=STALE, **OBJECT),
    "moto, DeleteObject If-Match": lambda: s3.delete_object(IfMatch=STALE, **OBJECT),
    "gcp-storage-emulator, upload of generation 0": lambda: blob.upload_from_string(b"new", if_generation_match=0),
    "gcp-storage-emulator, resumable upload of generation 0": lambda: resumable.upload_from_file(io.BytesIO(b"new"), if_generation_match=0),
    "gcp-storage-emulator, read of generation 1": lambda: blob.download_as_bytes(if_generation_match=1),
    "gcp-storage-emulator, delete of generation 1": lambda: blob.delete(if_generation_match=1),
}
for name, operation in operations.items():
    s3.put_object(Body=b"other", **OBJECT)
    blob.upload_from_string(b"other")
    try:
        operation()
        print(f"{name}: done", flush=True)
    except Exception as error:
        status = getattr(error, "code", None) or error.response["ResponseMetadata"]["HTTPStatusCode"]
        print(f"{name}: refused with {int(status)}", flush=True)
os._exit(0)
PYTHON
venv/bin/python -W ignore conditions.py 2>errors | tee output || { cat errors; exit 1; }
diff output - <<'EXPECTED'
moto, PutObject If-None-Match: refused with 412
moto, PutObject If-Match: refused with 412
moto, CompleteMultipartUpload If-None-Match: refused with 412
moto, CompleteMultipartUpload If-Match: done
moto, CopyObject If-None-Match: done
moto, GetObject If-Match: refused with 412
moto, DeleteObject If-Match: refused with 412
gcp-storage-emulator, upload of generation 0: done
gcp-storage-emulator, resumable upload of generation 0: done
gcp-storage-emulator, read of generation 1: done
gcp-storage-emulator, delete of generation 1: done
EXPECTED
