#!/usr/bin/env bash
# boto3 (PyPI), aws-sdk (npm): which signature a presigned URL of S3 has depends on the region.
#
# Guess: signature version 4 everywhere, twelve years after it came, with its limit of seven days.
# Versions: boto3 1.44.5 with botocore 1.44.8; aws-sdk 2.1693.0.
# Behaviour: in the regions that are older than version 4, and without a region, `generate_presigned_url` signs with
# version 2: other parameters (`AWSAccessKeyId`, `Expires` as a time since 1970) and no limit of the lifetime, so that
# the same program makes links for a year in us-west-2, and links that S3 refuses in eu-central-1. Requests that the
# same client sends are signed with version 4 in each region. The AWS SDK for JavaScript 2 does it by region, too.
# Output on 2026-11-27 (a link for 365 days):
#   boto3 us-east-1: version 2, request: AWS4-HMAC-SHA256
#   boto3 us-west-2: version 2, request: AWS4-HMAC-SHA256
#   boto3 eu-west-1: version 2, request: AWS4-HMAC-SHA256
#   boto3 eu-central-1: version 4 for 31536000 seconds, request: AWS4-HMAC-SHA256
#   aws-sdk us-west-2: version 2
#   aws-sdk eu-central-1: refused
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check boto3==1.44.5 botocore==1.44.8
npm install --loglevel=error --no-audit --no-fund --ignore-scripts aws-sdk@2.1693.0
export AWS_EC2_METADATA_DISABLED=true NODE_NO_WARNINGS=1 AWS_CONFIG_FILE=/nonexistent AWS_SHARED_CREDENTIALS_FILE=/nonexistent

venv/bin/python - >output <<'PYTHON'
import re
import boto3
from botocore.awsrequest import AWSResponse

class Nothing:
    """The body of an answer."""
    def stream(self):
        return []

for region in ["us-east-1", "us-west-2", "eu-west-1", "eu-central-1"]:
    client = boto3.client("s3", aws_access_key_id="EXAMPLEKEYID", aws_secret_access_key="EXAMPLE-SECRET", region_name=region)
    url = client.generate_presigned_url("get_object", Params={"Bucket": "clips", "Key": "clip.mp4"}, ExpiresIn=365 * 86400)
    four = re.search(r"X-Amz-Expires=(\d+)", url)
    how = f"version 4 for {four[1]} seconds" if four else "version 2" if "AWSAccessKeyId=" in url else url
    # The request is answered here, before it would leave.
    sent = []
    def answer(request, **_):
        sent.append(request.headers["Authorization"])
        return AWSResponse(request.url, 200, {}, Nothing())
    client.meta.events.register("before-send.s3.HeadObject", answer)
    client.head_object(Bucket="clips", Key="clip.mp4")
    scheme = sent[0].decode() if isinstance(sent[0], bytes) else sent[0]
    print(f"boto3 {region}: {how}, request: {scheme.split()[0]}")
PYTHON
node - >>output 2>/dev/null <<'NODE'
const AWS = require("aws-sdk");
for (const region of ["us-west-2", "eu-central-1"]) {
  const s3 = new AWS.S3({ accessKeyId: "EXAMPLEKEYID", secretAccessKey: "EXAMPLE-SECRET", region });
  let how;
  try {
    how = s3.getSignedUrl("getObject", { Bucket: "clips", Key: "clip.mp4", Expires: 365 * 86400 });
    how = how.includes("AWSAccessKeyId=") ? "version 2" : how;
  } catch (error) {
    how = /week/.test(error.message) ? "refused" : error.message;
  }
  console.log(`aws-sdk ${region}: ${how}`);
}
NODE
cat output
diff output - <<'EXPECTED'
boto3 us-east-1: version 2, request: AWS4-HMAC-SHA256
boto3 us-west-2: version 2, request: AWS4-HMAC-SHA256
boto3 eu-west-1: version 2, request: AWS4-HMAC-SHA256
boto3 eu-central-1: version 4 for 31536000 seconds, request: AWS4-HMAC-SHA256
aws-sdk us-west-2: version 2
aws-sdk eu-central-1: refused
EXPECTED
