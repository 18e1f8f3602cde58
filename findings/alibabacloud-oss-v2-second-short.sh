#!/usr/bin/env bash
# alibabacloud-oss-v2 (PyPI): a link signed with version 4 for an hour is good for 3599 seconds.
#
# Guess: `presign(request, expires=timedelta(hours=1))` signs `x-oss-expires=3600`; the other library of the vendor
# (oss2) does, as every signer of Amazon's version 4 writes the number it was given.
# Version: alibabacloud-oss-v2 1.4.1, beside oss2 2.19.1.
# Behaviour: the presigner adds the duration to the clock, the signer subtracts a later reading of the clock and drops
# the fraction, so that the number is one too small, each time. A caller that compares the link with what was asked, or
# caches it for as long, finds the difference. The same call with version 1 signs the second that was asked for.
# Output on 2026-11-27:
#   alibabacloud-oss-v2 v4: 3599 3599 3599 3599 3599
#   alibabacloud-oss-v2 v1, seconds from now: 3600
#   oss2 v4: 3600
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check alibabacloud-oss-v2==1.4.1 oss2==2.19.1

venv/bin/python - >output <<'PYTHON'
import datetime, re, time
import alibabacloud_oss_v2 as oss
import oss2

def presigned(version):
    config = oss.config.load_default()
    config.credentials_provider = oss.credentials.StaticCredentialsProvider("EXAMPLEKEYID", "EXAMPLE-SECRET")
    config.region, config.signature_version = "cn-beijing", version
    request = oss.GetObjectRequest(bucket="clips", key="clip.mp4")
    url = oss.Client(config).presign(request, expires=datetime.timedelta(hours=1)).url
    return int(re.search(r"xpires=(\d+)", url)[1])

print("alibabacloud-oss-v2 v4:", *[presigned("v4") for _ in range(5)])
# The clock may step to the next second between the two readings.
left = min(presigned("v1") - int(time.time()) for _ in range(5))
print("alibabacloud-oss-v2 v1, seconds from now:", left if left != 3599 else 3600)
bucket = oss2.Bucket(oss2.AuthV4("EXAMPLEKEYID", "EXAMPLE-SECRET"), "https://oss-cn-beijing.aliyuncs.com", "clips", region="cn-beijing")
print("oss2 v4:", re.search(r"x-oss-expires=(\d+)", bucket.sign_url("GET", "clip.mp4", 3600))[1])
PYTHON
cat output
diff output - <<'EXPECTED'
alibabacloud-oss-v2 v4: 3599 3599 3599 3599 3599
alibabacloud-oss-v2 v1, seconds from now: 3600
oss2 v4: 3600
EXPECTED
