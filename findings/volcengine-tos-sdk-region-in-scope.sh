#!/usr/bin/env bash
# @volcengine/tos-sdk (npm): a presigned URL is signed for a region that is named like the host.
#
# Guess: the region of the credential's scope is the one that the client was given, `cn-beijing`, as in the
# Authorization header of its own requests and in the links of the vendor's library for Python.
# Versions: @volcengine/tos-sdk 2.9.1, tos 2.9.3 (PyPI).
# Behaviour: `getPreSignedUrl` signs with the endpoint (`tos-cn-beijing.volces.com`) in the region's place. The scope
# goes into the signing key, so the signature is another than Python's for the same link, and changes with an
# alternative endpoint. A check or a policy by the region of the scope does not match such links.
# Output on 2026-11-27:
#   node, region given: tos-cn-beijing.volces.com
#   node, region and endpoint given: tos-cn-beijing.volces.com
#   node, headers of a request: cn-beijing
#   python: cn-beijing
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check tos==2.9.3
npm install --loglevel=error --no-audit --no-fund --ignore-scripts @volcengine/tos-sdk@2.9.1
export NODE_NO_WARNINGS=1

cat >sign.cjs <<'NODE'
const http = require("node:http");
const { TosClient } = require("@volcengine/tos-sdk");
const options = { accessKeyId: "EXAMPLEKEYID", accessKeySecret: "EXAMPLE-SECRET", region: "cn-beijing", bucket: "clips" };
const scope = (text) => /EXAMPLEKEYID(?:%2F|\/)\d{8}(?:%2F|\/)([^%/]+)/.exec(text)[1];
const link = (more) => scope(new TosClient({ ...options, ...more }).getPreSignedUrl({ key: "clip.mp4" }));
console.log(`node, region given: ${link({})}`);
console.log(`node, region and endpoint given: ${link({ endpoint: "tos-cn-beijing.volces.com" })}`);
// A server of our own sees how a request is signed.
const server = http.createServer((request, response) => {
  console.log(`node, headers of a request: ${scope(request.headers.authorization)}`);
  response.end();
  server.close();
  process.exit(0);
});
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address();
  new TosClient({ ...options, endpoint: `127.0.0.1:${port}`, secure: false }).listBuckets().catch(() => {});
});
NODE
cat >sign.py <<'PYTHON'
import re, tos

client = tos.TosClientV2("EXAMPLEKEYID", "EXAMPLE-SECRET", "tos-cn-beijing.volces.com", "cn-beijing")
url = client.pre_signed_url(tos.HttpMethodType.Http_Method_Get, "clips", "clip.mp4").signed_url
print("python:", re.search(r"EXAMPLEKEYID%2F\d{8}%2F([^%/]+)", url)[1])
PYTHON
node sign.cjs >output
venv/bin/python sign.py >>output
cat output
diff output - <<'EXPECTED'
node, region given: tos-cn-beijing.volces.com
node, region and endpoint given: tos-cn-beijing.volces.com
node, headers of a request: cn-beijing
python: cn-beijing
EXPECTED
