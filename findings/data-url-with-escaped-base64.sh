#!/usr/bin/env bash
# Data URLs: base64 data with %2B, %2F and %3D in place of +, / and =, and the word BASE64 in capitals: which parsers return the file?
#
# Guess: all of them. The data are characters of a URL, which may be escaped (RFC 2397, section 3), as encodeURIComponent and
#   URLSearchParams do with base64; the word is a literal of the grammar, and those have no case. A parser that cannot read one reports it.
# Versions (npm): data-urls 8.0.0, data-uri-to-buffer 8.0.0, parse-data-uri 0.2.0, dauria 2.0.0, dataurl 0.1.0, parse-data-url 6.0.0,
#   @readme/data-urls 4.0.3, image-data-uri 2.0.1, and fetch of Node.js; (PyPI) w3lib 2.5.0, fsspec 2026.9.0, datauri 1.1.0, data-url
#   1.4.0, and urllib of Python 3.
# Behaviour: only fetch and data-urls return the same three bytes in all forms. Five of the other seven in JavaScript decode %2F as
#   base64: they return four bytes, the last three wrong, and no error. BASE64 is taken for text by data-uri-to-buffer, parse-data-uri,
#   dauria, urllib, fsspec and datauri, so that the "file" is its own base64 text. Without base64, dataurl, @readme/data-urls and
#   data-url return the escapes as they stand, and fsspec replaces each byte above 127 by three others.
# Output on 2026-11-28: the lines at the end of this script (bytes in hexadecimal digits).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-compile fsspec==2026.9.0 datauri==1.1.0 data-url==1.4.0 w3lib==2.5.0
npm install --silent --no-audit --no-fund --ignore-scripts @readme/data-urls@4.0.3 parse-data-url@6.0.0 image-data-uri@2.0.1 dauria@2.0.0 \
    dataurl@0.1.0 parse-data-uri@0.2.0 data-uri-to-buffer@8.0.0 data-urls@8.0.0 >/dev/null
cat >urls.json <<'JSON'
{
  "plain": "data:image/png;base64,AP/+",
  "escaped": "data:image/png;base64,AP%2F%2B",
  "capitals": "data:image/png;BASE64,AP/+",
  "no base64": "data:image/png,%00%FF%FE"
}
JSON
cat >check.mjs <<'NODE'
import fs from "node:fs";
import * as readme from "@readme/data-urls";
import { dataUriToBuffer } from "data-uri-to-buffer";
import dataUrls from "data-urls";
import dataurl from "dataurl";
import dauria from "dauria";
import imageDataUri from "image-data-uri";
import parseDataUri from "parse-data-uri";
import * as parseDataUrl from "parse-data-url";

const urls = JSON.parse(fs.readFileSync("urls.json", "utf8"));
const parsers = {
  fetch: async (url) => (await fetch(url)).arrayBuffer(),
  "data-urls": (url) => dataUrls(url).body,
  "data-uri-to-buffer": (url) => dataUriToBuffer(url).buffer,
  "parse-data-uri": (url) => parseDataUri(url).data,
  dauria: (url) => dauria.parseDataURI(url).buffer,
  dataurl: (url) => dataurl.parse(url).data,
  "parse-data-url": (url) => (parseDataUrl.default.default ?? parseDataUrl.default)(url).toBuffer(),
  "@readme/data-urls": (url) => readme.parse(url).toBuffer(),
  "image-data-uri": (url) => imageDataUri.decode(url).dataBuffer,
};
for (const [name, parse] of Object.entries(parsers)) {
  const results = [];
  for (const [form, url] of Object.entries(urls)) {
    try {
      results.push(`${form} ${Buffer.from(await parse(url)).toString("hex")}`);
    } catch {
      results.push(`${form} error`);
    }
  }
  console.log(`${name}: ${results.join(", ")}`);
}
NODE
cat >check.py <<'PYTHON'
import json, urllib.request
import data_url, datauri, fsspec, w3lib.url

def with_fsspec(url):
    with fsspec.open(url) as file:
        return file.read()

def with_data_url(url):
    data = data_url.DataURL.from_url(url).data
    return data if isinstance(data, bytes) else data.encode()

PARSERS = {
    "urllib": lambda url: urllib.request.urlopen(url).read(),
    "w3lib": lambda url: w3lib.url.parse_data_uri(url).data,
    "fsspec": with_fsspec,
    "datauri": lambda url: datauri.parse(url).data,
    "data-url": with_data_url,
}

def result(parse, url):
    try:
        return parse(url).hex()
    except Exception:
        return "error"

urls = json.load(open("urls.json"))
for name, parse in PARSERS.items():
    print(f"{name}:", ", ".join(f"{form} {result(parse, url)}" for form, url in urls.items()))
PYTHON
{
    timeout 60 node check.mjs
    timeout 60 venv/bin/python check.py
} >output
cat output
diff output - <<'EXPECTED'
fetch: plain 00fffe, escaped 00fffe, capitals 00fffe, no base64 00fffe
data-urls: plain 00fffe, escaped 00fffe, capitals 00fffe, no base64 00fffe
data-uri-to-buffer: plain 00fffe, escaped 00fffe, capitals 41502f2b, no base64 00fffe
parse-data-uri: plain 00fffe, escaped 00fffe, capitals 41502f2b, no base64 00fffe
dauria: plain 00fffe, escaped 00fd85d8, capitals 41502f2b, no base64 00fffe
dataurl: plain 00fffe, escaped 00fd85d8, capitals 00fffe, no base64 253030254646254645
parse-data-url: plain 00fffe, escaped 00fd85d8, capitals 00fffe, no base64 error
@readme/data-urls: plain 00fffe, escaped 00fd85d8, capitals 00fffe, no base64 253030254646254645
image-data-uri: plain 00fffe, escaped 00fd85d8, capitals error, no base64 error
urllib: plain 00fffe, escaped 00fffe, capitals 41502f2b, no base64 00fffe
w3lib: plain 00fffe, escaped 00fffe, capitals error, no base64 00fffe
fsspec: plain 00fffe, escaped error, capitals 41502f2b, no base64 00efbfbdefbfbd
datauri: plain 00fffe, escaped error, capitals 41502f2b, no base64 00fffe
data-url: plain 00fffe, escaped error, capitals error, no base64 253030254646254645
EXPECTED
