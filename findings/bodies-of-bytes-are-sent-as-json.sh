#!/usr/bin/env bash
# HTTP clients for JavaScript: a Blob, a Uint8Array or a web stream is handed over as the body of a PUT; what arrives?
#
# Guess: the bytes, with or without a Content-Type beside them, as with fetch, or an error. JSON is for plain objects and arrays.
# Versions (npm): wretch 2.11.1, superagent 10.4.2, xior 0.1.4; fetch of Node.js 20, axios 1.21.1, ky 1.14.3, ofetch 1.5.1.
# Behaviour: without a Content-Type, wretch, superagent and xior make JSON of all three: a Blob, the usual form of a
#   video in memory, and a stream arrive as "{}", and a Uint8Array as {"0":0,"1":0,…}, about nine times its size. None of the three
#   reports an error. With Content-Type: video/mp4 wretch sends the bytes, xior does but for a stream, and superagent raises an error.
# Output on 2026-11-28: the lines at the end of this script (3000 bytes).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts wretch@2.11.1 superagent@10.4.2 xior@0.1.4 axios@1.21.1 ky@1.14.3 \
    ofetch@1.5.1 >/dev/null

cat >send.mjs <<'NODE'
import http from "node:http";
import axios from "axios";
import ky from "ky";
import { ofetch } from "ofetch";
import superagent from "superagent";
import wretch from "wretch";
import xior from "xior";

let received;
const server = http.createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  received = Buffer.concat(chunks);
  response.setHeader("content-type", "application/json");
  response.end("{}");
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}/clip.mp4`;

const bytes = new Uint8Array(3000);
const bodies = { Blob: () => new Blob([bytes]), Uint8Array: () => bytes, ReadableStream: () => new Blob([bytes]).stream() };
const fetchOptions = (body, headers) => ({ method: "PUT", body, headers, duplex: "half" });
const clients = {
  fetch: (body, headers) => fetch(url, fetchOptions(body, headers)),
  axios: (body, headers) => axios.put(url, body, { headers }),
  ky: (body, headers) => ky(url, fetchOptions(body, headers)),
  ofetch: (body, headers) => ofetch(url, fetchOptions(body, headers)),
  superagent: (body, headers) => superagent.put(url).set(headers).send(body),
  wretch: (body, headers) => wretch(url).options({ duplex: "half" }).headers(headers).put(body).res(),
  xior: (body, headers) => xior.create().put(url, body, { headers }),
};
for (const [title, headers] of Object.entries({ "no Content-Type": {}, "video/mp4": { "Content-Type": "video/mp4" } })) {
  for (const [name, send] of Object.entries(clients)) {
    const outcomes = [];
    for (const [kind, body] of Object.entries(bodies)) {
      received = undefined;
      const outcome = await new Promise((resolve) => resolve(send(body(), headers))).then(
        () => (received.equals(bytes) ? "the bytes" : `${received.subarray(0, 7)} (${received.length} bytes)`),
        () => "error",
      );
      outcomes.push(`${kind}: ${outcome}`);
    }
    console.log(`${name}, ${title}: ${outcomes.join(", ")}`);
  }
}
process.exit(0);
NODE
timeout 60 node send.mjs >output
cat output
diff output - <<'EXPECTED'
fetch, no Content-Type: Blob: the bytes, Uint8Array: the bytes, ReadableStream: the bytes
axios, no Content-Type: Blob: the bytes, Uint8Array: the bytes, ReadableStream: error
ky, no Content-Type: Blob: the bytes, Uint8Array: the bytes, ReadableStream: the bytes
ofetch, no Content-Type: Blob: the bytes, Uint8Array: the bytes, ReadableStream: the bytes
superagent, no Content-Type: Blob: {} (2 bytes), Uint8Array: {"0":0, (25891 bytes), ReadableStream: {} (2 bytes)
wretch, no Content-Type: Blob: {} (2 bytes), Uint8Array: {"0":0, (25891 bytes), ReadableStream: {} (2 bytes)
xior, no Content-Type: Blob: {} (2 bytes), Uint8Array: {"0":0, (25891 bytes), ReadableStream: {} (2 bytes)
fetch, video/mp4: Blob: the bytes, Uint8Array: the bytes, ReadableStream: the bytes
axios, video/mp4: Blob: the bytes, Uint8Array: the bytes, ReadableStream: error
ky, video/mp4: Blob: the bytes, Uint8Array: the bytes, ReadableStream: the bytes
ofetch, video/mp4: Blob: the bytes, Uint8Array: the bytes, ReadableStream: the bytes
superagent, video/mp4: Blob: error, Uint8Array: error, ReadableStream: error
wretch, video/mp4: Blob: the bytes, Uint8Array: the bytes, ReadableStream: the bytes
xior, video/mp4: Blob: the bytes, Uint8Array: the bytes, ReadableStream: error
EXPECTED
