#!/usr/bin/env bash
# Presigned URLs of signature version 4 for eight days: who refuses, who signs a link that no store accepts.
#
# Guess: every library refuses, since version 4 allows seven days (604800 seconds) everywhere.
# Versions: as pinned below.
# Behaviour: half of them sign, and a link of that lifetime is refused by the store from its first second on. The
# libraries of one vendor differ: boto3 signs and the AWS SDK for JavaScript refuses; oss2 and ali-oss sign and
# alibabacloud-oss-v2 refuses.
# Output on 2026-11-27:
#   alibabacloud-oss-v2: refused
#   boto3: signed 691200
#   google-cloud-storage: refused
#   minio (PyPI): refused
#   oss2: signed 691200
#   tos: signed 691200
#   @aws-sdk/s3-request-presigner: refused
#   @volcengine/tos-sdk: signed 691200
#   ali-oss: signed 691200
#   aws4fetch: signed 691200
#   minio (npm): refused
#   s3mini: refused
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check alibabacloud-oss-v2==1.4.1 boto3==1.44.5 botocore==1.44.8 \
  google-cloud-storage==3.17.1 minio==7.2.20 oss2==2.19.1 tos==2.9.3 cryptography==50.0.2
npm install --loglevel=error --no-audit --no-fund --ignore-scripts @aws-sdk/client-s3@3.1175.0 \
  @aws-sdk/s3-request-presigner@3.1169.0 @volcengine/tos-sdk@2.9.1 ali-oss@6.23.0 aws4fetch@1.0.20 minio@8.0.7 \
  s3mini@1.0.2
export AWS_EC2_METADATA_DISABLED=true NODE_NO_WARNINGS=1

cat >sign.py <<'PYTHON'
import datetime, re
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

ID, SECRET, LIFETIME = "EXAMPLEKEYID", "EXAMPLE-SECRET", 8 * 86400

def show(name, sign):
    try:
        print(f"{name}: signed", re.search(r"-expires=(\d+)", sign(), re.I)[1])
    except Exception as error:
        assert "604800" in str(error) or "days" in str(error), error
        print(f"{name}: refused")

import alibabacloud_oss_v2 as oss
config = oss.config.load_default()
config.credentials_provider = oss.credentials.StaticCredentialsProvider(ID, SECRET)
config.region = "cn-beijing"
request = oss.GetObjectRequest(bucket="clips", key="clip.mp4")
show("alibabacloud-oss-v2", lambda: oss.Client(config).presign(request, expires=datetime.timedelta(days=8)).url)

import boto3
from botocore.config import Config
s3 = boto3.client("s3", aws_access_key_id=ID, aws_secret_access_key=SECRET, region_name="us-west-2",
                  config=Config(signature_version="s3v4"))
show("boto3", lambda: s3.generate_presigned_url("get_object", Params={"Bucket": "clips", "Key": "x"}, ExpiresIn=LIFETIME))

from google.cloud import storage
from google.oauth2 import service_account
pem = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
credentials = service_account.Credentials.from_service_account_info({
    "client_email": "signer@example.com", "private_key": pem.decode(), "token_uri": "https://example.com"})
blob = storage.Client("example", credentials).bucket("clips").blob("clip.mp4")
show("google-cloud-storage", lambda: blob.generate_signed_url(version="v4", expiration=datetime.timedelta(days=8)))

from minio import Minio
minio = Minio("play.example.com", ID, SECRET, region="us-east-1")
show("minio (PyPI)", lambda: minio.presigned_get_object("clips", "x", expires=datetime.timedelta(days=8)))

import oss2
bucket = oss2.Bucket(oss2.AuthV4(ID, SECRET), "https://oss-cn-beijing.aliyuncs.com", "clips", region="cn-beijing")
show("oss2", lambda: bucket.sign_url("GET", "clip.mp4", LIFETIME))

import tos
client = tos.TosClientV2(ID, SECRET, "tos-cn-beijing.volces.com", "cn-beijing")
show("tos", lambda: client.pre_signed_url(tos.HttpMethodType.Http_Method_Get, "clips", "x", expires=LIFETIME).signed_url)
PYTHON
cat >sign.cjs <<'NODE'
const LIFETIME = 8 * 86400;
const credentials = { accessKeyId: "EXAMPLEKEYID", secretAccessKey: "EXAMPLE-SECRET" };
const old = { accessKeyId: "EXAMPLEKEYID", accessKeySecret: "EXAMPLE-SECRET", bucket: "clips" };
async function show(name, sign) {
  try {
    console.log(`${name}: signed ${/-expires=(\d+)/i.exec(await sign())[1]}`);
  } catch (error) {
    if (!/604800|days|week/.test(error.message)) throw error;
    console.log(`${name}: refused`);
  }
}
(async () => {
  const { S3Client, GetObjectCommand } = require("@aws-sdk/client-s3");
  const { getSignedUrl } = require("@aws-sdk/s3-request-presigner");
  await show("@aws-sdk/s3-request-presigner", () => getSignedUrl(new S3Client({ region: "us-west-2", credentials }),
    new GetObjectCommand({ Bucket: "clips", Key: "x" }), { expiresIn: LIFETIME }));
  const { TosClient } = require("@volcengine/tos-sdk");
  await show("@volcengine/tos-sdk", () => new TosClient({ ...old, region: "cn-beijing" }).getPreSignedUrl({ key: "x", expires: LIFETIME }));
  const OSS = require("ali-oss");
  await show("ali-oss", () => new OSS({ ...old, region: "oss-cn-beijing" }).signatureUrlV4("GET", LIFETIME, undefined, "x"));
  const { AwsClient } = require("aws4fetch");
  await show("aws4fetch", async () => (await new AwsClient({ ...credentials, service: "s3", region: "auto" })
    .sign(`https://example.com/clips/x?X-Amz-Expires=${LIFETIME}`, { aws: { signQuery: true } })).url);
  const minio = require("minio");
  await show("minio (npm)", () => new minio.Client({
    endPoint: "play.example.com", accessKey: "EXAMPLEKEYID", secretKey: "EXAMPLE-SECRET", region: "us-east-1",
  }).presignedGetObject("clips", "x", LIFETIME));
  const { S3mini } = require("s3mini");
  await show("s3mini", () => new S3mini({ ...credentials, endpoint: "https://s3.example.com/clips", region: "auto" })
    .getPresignedUrl("GET", "x", LIFETIME));
  process.exit(0);
})();
NODE
venv/bin/python sign.py >output 2>/dev/null
node sign.cjs >>output
cat output
diff output - <<'EXPECTED'
alibabacloud-oss-v2: refused
boto3: signed 691200
google-cloud-storage: refused
minio (PyPI): refused
oss2: signed 691200
tos: signed 691200
@aws-sdk/s3-request-presigner: refused
@volcengine/tos-sdk: signed 691200
ali-oss: signed 691200
aws4fetch: signed 691200
minio (npm): refused
s3mini: refused
EXPECTED
