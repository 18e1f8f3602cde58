#!/usr/bin/env bash
# Python's S3 libraries: a file is opened for exclusive creation, and another program stores the object before it is closed.
#
# Guess: the close fails and the other object stays, in all of them, since S3 checks `If-None-Match: *` when it stores an object and
#   when it completes an upload in parts; the refused upload is aborted.
# Versions: cloudpathlib 0.26.0, s3fs 2026.9.0, opendal 0.47.12, obstore 0.12.1, and boto3 1.43.117 against moto 5.2.5.
# Behaviour: cloudpathlib compares the mode with the store at the open alone, and then replaces the other object without an error.
#   s3fs and opendal keep it, but leave the parts of the refused upload in the bucket, which no list of objects shows and which are
#   billed until someone aborts the upload. s3fs does abort it in `pipe_file`, and obstore sends no parts under this condition.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check boto3==1.43.117 'moto[s3,server]==5.2.5' 'cloudpathlib[s3]==0.26.0' s3fs==2026.9.0 opendal==0.47.12 \
  obstore==0.12.1

cat >create.py <<'PYTHON'
import os

os.environ.update(AWS_ACCESS_KEY_ID="id", AWS_SECRET_ACCESS_KEY="secret", AWS_DEFAULT_REGION="us-east-1", AWS_EC2_METADATA_DISABLED="true")
import boto3
import obstore
import opendal
import s3fs
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
files = s3fs.S3FileSystem(endpoint_url=url, default_block_size=5 * MIB)


def other_program():
    s3.put_object(Bucket="clips", Key="a.mp4", Body=b"other")


def write(file, mib):
    with file:
        for _ in range(mib):
            file.write(bytes(MIB))
        other_program()


def at_once(call, mib):
    other_program()
    call(bytes(mib * MIB))


creates = {
    "cloudpathlib open": lambda mib: write(S3Client(endpoint_url=url).CloudPath("s3://clips/a.mp4").open("xb"), mib),
    "s3fs open": lambda mib: write(files.open("clips/a.mp4", "xb"), mib),
    "s3fs pipe_file": lambda mib: at_once(lambda data: files.pipe_file("clips/a.mp4", data, mode="create", chunksize=5 * MIB), mib),
    "opendal open": lambda mib: write(operator.open("a.mp4", "wb", chunk=5 * MIB, if_not_exists=True), mib),
    "opendal write": lambda mib: at_once(lambda data: operator.write("a.mp4", data, chunk=5 * MIB, if_not_exists=True), mib),
    "obstore put": lambda mib: at_once(lambda data: obstore.put(store, "a.mp4", data, mode="create"), mib),
}
for name, create in creates.items():
    for mib in (1, 12):
        try:
            create(mib)
            error = "no error"
        except Exception as raised:
            error = type(raised).__name__
        kept = "kept" if s3.head_object(Bucket="clips", Key="a.mp4")["ContentLength"] == 5 else "replaced"
        uploads = s3.list_multipart_uploads(Bucket="clips").get("Uploads", [])
        print(f"{name}, {mib} MiB: {error}, the other object is {kept}, {len(uploads)} uploads left", flush=True)
        for upload in uploads:
            s3.abort_multipart_upload(Bucket="clips", Key="a.mp4", UploadId=upload["UploadId"])
        s3.delete_object(Bucket="clips", Key="a.mp4")
os._exit(0)
PYTHON
venv/bin/python -W ignore create.py 2>errors | tee output || { cat errors; exit 1; }
diff output - <<'EXPECTED'
cloudpathlib open, 1 MiB: no error, the other object is replaced, 0 uploads left
cloudpathlib open, 12 MiB: no error, the other object is replaced, 0 uploads left
s3fs open, 1 MiB: FileExistsError, the other object is kept, 0 uploads left
s3fs open, 12 MiB: FileExistsError, the other object is kept, 1 uploads left
s3fs pipe_file, 1 MiB: FileExistsError, the other object is kept, 0 uploads left
s3fs pipe_file, 12 MiB: FileExistsError, the other object is kept, 0 uploads left
opendal open, 1 MiB: ConditionNotMatch, the other object is kept, 0 uploads left
opendal open, 12 MiB: ConditionNotMatch, the other object is kept, 1 uploads left
opendal write, 1 MiB: ConditionNotMatch, the other object is kept, 0 uploads left
opendal write, 12 MiB: ConditionNotMatch, the other object is kept, 1 uploads left
obstore put, 1 MiB: AlreadyExistsError, the other object is kept, 0 uploads left
obstore put, 12 MiB: AlreadyExistsError, the other object is kept, 0 uploads left
EXPECTED
