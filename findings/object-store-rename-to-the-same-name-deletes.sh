#!/usr/bin/env bash
# object_store through its Python binding: an object is renamed to the name that it has. Is it still there?
#
# Guess: yes, in each store, whether the call does nothing, as rename(2) and fsspec's mv do, or is an error, as in opendal.
# Versions: obstore 0.12.1 (object_store 0.14); azurite 3.35.0 (npm) with azure-storage-blob 12.31.1; moto 5.2.5 with boto3 1.44.8;
#   opendal 0.47.12, fsspec 2026.9.0.
# Behaviour: in MemoryStore and AzureStore the object is deleted, and rename returns without an error; a copy to the same name is harmless
#   there. In S3Store both are refused, so that the object stays, and in LocalStore it stays, too. A program that moves a video to a
#   name that it computes loses the video if the two names are equal.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
servers=()
trap 'test ${#servers[@]} = 0 || kill "${servers[@]}" 2>/dev/null || :; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-compile obstore==0.12.1 'moto[s3,server]==5.2.5' boto3==1.44.8 \
    azure-storage-blob==12.31.1 opendal==0.47.12 fsspec==2026.9.0
npm install --silent --no-audit --no-fund --ignore-scripts azurite@3.35.0 >/dev/null
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
azure=$(free_port)
AZURITE_ACCOUNTS="account:$(printf key | base64)" node node_modules/.bin/azurite-blob --silent --disableTelemetry --inMemoryPersistence \
    --skipApiVersionCheck --blobPort "$azure" >azure.log 2>&1 &
servers+=($!)
s3=$(free_port)
venv/bin/moto_server -H 127.0.0.1 -p "$s3" >s3.log 2>&1 &
servers+=($!)
cat >check.py <<'PYTHON'
import base64, sys, tempfile, time, urllib.error, urllib.request
import boto3, fsspec, obstore, opendal
from azure.storage.blob import BlobServiceClient
from obstore.store import AzureStore, LocalStore, MemoryStore, S3Store

azure, s3 = (f"http://127.0.0.1:{port}" for port in sys.argv[1:])
for origin in [azure, s3]:
    for _ in range(200):
        try:
            urllib.request.urlopen(origin).close()
            break
        except urllib.error.HTTPError:
            break
        except OSError:
            time.sleep(0.1)
account, key = "account", base64.b64encode(b"key").decode()
BlobServiceClient(f"{azure}/{account}", credential={"account_name": account, "account_key": key}).create_container("clips")
keys = {"aws_access_key_id": "id", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
boto3.client("s3", endpoint_url=s3, **keys).create_bucket(Bucket="clips")
plain = {"allow_http": True}
stores = {
    "MemoryStore": MemoryStore(),
    "AzureStore": AzureStore(
        "clips", endpoint=f"{azure}/{account}", account_name=account, account_key=key, client_options=plain
    ),
    "LocalStore": LocalStore(tempfile.mkdtemp(dir=".")),
    "S3Store": S3Store(
        "clips", endpoint=s3, access_key_id="id", secret_access_key="secret", region="us-east-1", client_options=plain
    ),
}

def outcome(call):
    try:
        call()
        return "no error"
    except Exception as error:
        return type(error).__name__

for name, store in stores.items():
    obstore.put(store, "clip.mp4", b"video")
    copied = outcome(lambda: obstore.copy(store, "clip.mp4", "clip.mp4"))
    there = bool(list(obstore.list(store).collect()))
    renamed = outcome(lambda: obstore.rename(store, "clip.mp4", "clip.mp4"))
    still = bool(list(obstore.list(store).collect()))
    print(f"{name}: copy {copied}, {'there' if there else 'GONE'}; rename {renamed}, {'there' if still else 'GONE'}")
memory = fsspec.filesystem("memory")
memory.pipe("/clip.mp4", b"video")
renamed = outcome(lambda: memory.mv("/clip.mp4", "/clip.mp4"))
print(f"fsspec: rename {renamed}, {'there' if memory.exists('/clip.mp4') else 'GONE'}")
operator = opendal.Operator("fs", root=tempfile.mkdtemp(dir="."))
operator.write("clip.mp4", b"video")
renamed = outcome(lambda: operator.rename("clip.mp4", "clip.mp4"))
print(f"opendal: rename {renamed}, {'there' if operator.exists('clip.mp4') else 'GONE'}")
PYTHON
timeout 60 venv/bin/python check.py "$azure" "$s3" >output
cat output
diff output - <<'EXPECTED'
MemoryStore: copy no error, there; rename no error, GONE
AzureStore: copy no error, there; rename no error, GONE
LocalStore: copy no error, there; rename no error, there
S3Store: copy GenericError, there; rename GenericError, there
fsspec: rename no error, there
opendal: rename IsSameFile, there
EXPECTED
