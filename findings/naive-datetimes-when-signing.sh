#!/usr/bin/env bash
# boto3, google-cloud-storage, azure-storage-blob, alibabacloud-oss-v2 (PyPI): the same datetime, two expiries.
#
# Guess: a naive datetime is local time to all of them, as it is to `datetime.timestamp()` and `astimezone()`.
# Versions: botocore 1.44.8, google-cloud-storage 3.17.1, azure-storage-blob 12.31.1, alibabacloud-oss-v2 1.4.1.
# Behaviour: UTC to CloudFront's signer, Cloud Storage and Azure, local time to Alibaba's. West of Greenwich a link
# for the next hours from `datetime.now() + timedelta(hours=4)` has already ended with the first three, without an
# error from CloudFront's signer and Azure; east of it, it lives hours longer than asked.
# Output on 2026-11-27 (TZ=EST5: five hours behind UTC; 20:00 on the day after tomorrow, naive):
#   botocore CloudFrontSigner: 20:00 UTC
#   google-cloud-storage v2: 20:00 UTC
#   azure-storage-blob: 20:00 UTC
#   alibabacloud-oss-v2 v1: 20:00 local
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check botocore==1.44.8 google-cloud-storage==3.17.1 \
  azure-storage-blob==12.31.1 alibabacloud-oss-v2==1.4.1 cryptography==50.0.2
# A zone that needs no zone files: five hours behind UTC.
TZ=EST5 venv/bin/python - >output 2>/dev/null <<'PYTHON'
import base64, datetime, re
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from urllib.parse import unquote

day = datetime.date.today() + datetime.timedelta(days=2)
naive = datetime.datetime(day.year, day.month, day.day, 20)
readings = {
    int(naive.replace(tzinfo=datetime.timezone.utc).timestamp()): "20:00 UTC",
    int(naive.timestamp()): "20:00 local",
}
assert len(readings) == 2

def show(name, url):
    seconds = int(re.search(r"[?&]Expires=(\d+)", url)[1])
    print(f"{name}: {readings.get(seconds, seconds)}")

from botocore.signers import CloudFrontSigner
show("botocore CloudFrontSigner",
     CloudFrontSigner("EXAMPLEKEYID", lambda text: b"EXAMPLE").generate_presigned_url("https://h/x", date_less_than=naive))

from google.cloud import storage
from google.oauth2 import service_account
pem = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
credentials = service_account.Credentials.from_service_account_info({
    "client_email": "signer@example.com", "private_key": pem.decode(), "token_uri": "https://example.com"})
blob = storage.Client("example", credentials).bucket("clips").blob("clip.mp4")
show("google-cloud-storage v2", blob.generate_signed_url(version="v2", expiration=naive))

from azure.storage.blob import BlobSasPermissions, generate_blob_sas
sas = generate_blob_sas("example", "clips", "clip.mp4", account_key=base64.b64encode(b"EXAMPLE").decode(),
                        permission=BlobSasPermissions(read=True), expiry=naive)
end = datetime.datetime.fromisoformat(unquote(re.search(r"se=([^&]+)", sas)[1]).replace("Z", "+00:00"))
show("azure-storage-blob", f"?Expires={int(end.timestamp())}")

import alibabacloud_oss_v2 as oss
config = oss.config.load_default()
config.credentials_provider = oss.credentials.StaticCredentialsProvider("EXAMPLEKEYID", "EXAMPLE-SECRET")
config.region, config.signature_version = "cn-beijing", "v1"
request = oss.GetObjectRequest(bucket="clips", key="clip.mp4")
show("alibabacloud-oss-v2 v1", oss.Client(config).presign(request, expiration=naive).url)
PYTHON
cat output
diff output - <<'EXPECTED'
botocore CloudFrontSigner: 20:00 UTC
google-cloud-storage v2: 20:00 UTC
azure-storage-blob: 20:00 UTC
alibabacloud-oss-v2 v1: 20:00 local
EXPECTED
