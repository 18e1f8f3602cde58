#!/usr/bin/env bash
# cos-nodejs-sdk-v5 (npm), cos-python-sdk-v5 (PyPI): the same vendor's libraries sign different times for one request.
#
# Guess: a link for 3600 seconds is good from now to 3600 seconds from now with both.
# Versions: cos-nodejs-sdk-v5 3.0.0, cos-python-sdk-v5 1.9.44; one clock that stands still, by faketime.
# Behaviour: Node counts both ends from one second ago, so that the link ends a second before the caller thinks and
# has next to no allowance for a server whose clock is behind. Python begins a minute ago and ends as asked.
# Output on 2026-11-27:
#   node: from -1 to 3599
#   python: from -60 to 3600
set -euo pipefail
command -v faketime >/dev/null || { echo 'needs faketime (the Debian package)' >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check cos-python-sdk-v5==1.9.44
npm install --loglevel=error --no-audit --no-fund --ignore-scripts cos-nodejs-sdk-v5@3.0.0
export TZ=UTC NODE_NO_WARNINGS=1

cat >sign.cjs <<'NODE'
const COS = require("cos-nodejs-sdk-v5");
const cos = new COS({ SecretId: "EXAMPLEKEYID", SecretKey: "EXAMPLE-SECRET" });
const url = cos.getObjectUrl({ Bucket: "clips-1250000000", Region: "ap-beijing", Key: "clip.mp4", Sign: true, Expires: 3600 });
const [, start, end] = /q-sign-time=(\d+)(?:;|%3B)(\d+)/.exec(url);
const now = Math.floor(Date.now() / 1000);
console.log(`node: from ${start - now} to ${end - now}`);
// The library keeps a timer, which never ends while the clock stands still.
process.exit(0);
NODE
cat >sign.py <<'PYTHON'
import re, time
from qcloud_cos import CosConfig, CosS3Client

client = CosS3Client(CosConfig(Region="ap-beijing", SecretId="EXAMPLEKEYID", SecretKey="EXAMPLE-SECRET"))
url = client.get_presigned_download_url("clips-1250000000", "clip.mp4", Expired=3600)
start, end = re.search(r"q-sign-time=(\d+)(?:;|%3B)(\d+)", url).groups()
print(f"python: from {int(start) - int(time.time())} to {int(end) - int(time.time())}")
PYTHON
faketime -f '2026-11-27 09:04:31' node sign.cjs >output
faketime -f '2026-11-27 09:04:31' venv/bin/python sign.py >>output 2>/dev/null
cat output
diff output - <<'EXPECTED'
node: from -1 to 3599
python: from -60 to 3600
EXPECTED
