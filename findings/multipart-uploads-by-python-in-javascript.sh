#!/usr/bin/env bash
# multipart/form-data: Python clients upload a file of nine bytes. Which parsers of JavaScript servers get the nine bytes?
#
# Guess: all of them; the clients are the most used ones, a part needs no Content-Type (RFC 7578, section 4.4), and the order of header
#   fields means nothing. What a parser cannot read, it reports.
# Versions: requests 2.34.2, httpx 0.28.1, aiohttp 3.14.5 (PyPI); busboy 1.6.0, lambda-multipart-parser 1.0.1, parse-multipart-data 1.5.0,
#   multipart-formdata 1.1.0, aws-multipart-parser 0.2.1, aws-lambda-multipart-parser 0.1.3 (npm).
# Behaviour: requests writes no Content-Type into the part of a file whose type nobody states: three parsers throw, and multipart-formdata
#   returns a piece of the boundary as the file. aiohttp writes Content-Type before Content-Disposition: both parsers for AWS return a
#   file with a piece of the part's header in front, and multipart-formdata throws. Only what httpx writes is read by all six.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-compile requests==2.34.2 httpx==0.28.1 aiohttp==3.14.5
npm install --silent --no-audit --no-fund --ignore-scripts busboy@1.6.0 lambda-multipart-parser@1.0.1 parse-multipart-data@1.5.0 \
    multipart-formdata@1.1.0 aws-multipart-parser@0.2.1 aws-lambda-multipart-parser@0.1.3 >/dev/null
cat >send.py <<'PYTHON'
import asyncio, base64, http.server, json, threading
import aiohttp, httpx, requests

DATA = b"\x00\x01\xff\x80image"
uploads = {}

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        uploads[self.path[1:]] = {"type": self.headers["Content-Type"], "body": base64.b64encode(body).decode()}
        self.send_response(204)
        self.end_headers()

async def send_with_aiohttp(url):
    form = aiohttp.FormData({"model": "fast"})
    form.add_field("image", DATA, filename="image.bin")
    async with aiohttp.ClientSession() as session, session.post(url, data=form):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
origin = f"http://127.0.0.1:{server.server_address[1]}"
requests.post(f"{origin}/requests", data={"model": "fast"}, files={"image": ("image.bin", DATA)})
httpx.post(f"{origin}/httpx", data={"model": "fast"}, files={"image": ("image.bin", DATA)})
asyncio.run(send_with_aiohttp(f"{origin}/aiohttp"))
json.dump({"data": base64.b64encode(DATA).decode(), "uploads": uploads}, open("uploads.json", "w"))
PYTHON
cat >receive.mjs <<'NODE'
import fs from "node:fs";
import aws from "aws-multipart-parser";
import awsLambda from "aws-lambda-multipart-parser";
import busboy from "busboy";
import lambda from "lambda-multipart-parser";
import formdata from "multipart-formdata";
import parseMultipartData from "parse-multipart-data";

const { data, uploads } = JSON.parse(fs.readFileSync("uploads.json", "utf8"));
const sent = Buffer.from(data, "base64");
const event = (type, body) => ({
  headers: { "Content-Type": type, "content-type": type }, body: body.toString("base64"), isBase64Encoded: true,
});
const binary = (content) => (typeof content === "string" ? Buffer.from(content, "latin1") : Buffer.from(content));
const parsers = {
  busboy: (type, body) => new Promise((resolve, reject) => {
    const parser = busboy({ headers: { "content-type": type } });
    parser.on("file", (_, stream) => {
      const chunks = [];
      stream.on("data", (chunk) => chunks.push(chunk)).on("end", () => resolve(Buffer.concat(chunks)));
    });
    parser.on("error", reject).end(body);
  }),
  "lambda-multipart-parser": async (type, body) => (await lambda.parse(event(type, body))).files[0].content,
  "parse-multipart-data": (type, body) => {
    const parts = parseMultipartData.parse(body, parseMultipartData.getBoundary(type));
    return parts.find((part) => part.name === "image").data;
  },
  "multipart-formdata": (type, body) =>
    formdata.parse(body, formdata.getBoundary(type)).find((part) => part.name === "image").data,
  "aws-multipart-parser": (type, body) => aws.parse(event(type, body), true).image.content,
  "aws-lambda-multipart-parser": (type, body) =>
    awsLambda.parse({ headers: { "Content-Type": type }, body: body.toString("latin1") }, true).image.content,
};
const describe = (text, type) => {
  if (type.split("boundary=")[1].startsWith(text.replace(/^-+/, ""))) return "a piece of the boundary";
  return text.includes("form-data; name") ? "header and file" : `${text.length} other bytes`;
};
for (const [name, parse] of Object.entries(parsers)) {
  const results = [];
  for (const [client, { type, body }] of Object.entries(uploads)) {
    try {
      const received = binary(await parse(type, Buffer.from(body, "base64")));
      results.push(`${client} ${received.equals(sent) ? "right" : describe(received.toString("latin1"), type)}`);
    } catch (error) {
      results.push(`${client} ${error.name}`);
    }
  }
  console.log(`${name}: ${results.join(", ")}`);
}
NODE
timeout 30 venv/bin/python send.py
timeout 30 node receive.mjs >output
cat output
diff output - <<'EXPECTED'
busboy: requests right, httpx right, aiohttp right
lambda-multipart-parser: requests right, httpx right, aiohttp right
parse-multipart-data: requests TypeError, httpx right, aiohttp right
multipart-formdata: requests a piece of the boundary, httpx right, aiohttp TypeError
aws-multipart-parser: requests TypeError, httpx right, aiohttp header and file
aws-lambda-multipart-parser: requests TypeError, httpx right, aiohttp header and file
EXPECTED
