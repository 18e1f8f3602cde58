#!/usr/bin/env bash
# undici (npm): its retry of a broken body joins two versions of a file unless the first response had a strong ETag.
#
# Guess: RetryAgent continues with Range only if it can check that the file is the same one, by ETag or else by Last-Modified
#   (RFC 9110, section 13.1.5, If-Range), and fails or starts anew where there is neither.
# Version: undici 7.30.2.
# Behaviour: a strong ETag goes into If-Match, and a replaced file is then an error. With a weak ETag, with Last-Modified alone or with
#   neither, the request for the rest carries no condition, and the new ETag and Last-Modified of the 206 are not compared with those of
#   the first response: the caller gets the first part of the old file and the rest of the new one, and no error.
# Output on 2026-11-27: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts undici@7.30.2

cat >retry.mjs <<'NODE'
import http from "node:http";
import { Agent, RetryAgent, request } from "undici";

const LENGTH = 1_000_000;
const FIRST_PART = 600_000;
const MODIFIED = ["Wed, 01 Jan 2025 00:00:00 GMT", "Thu, 02 Jan 2025 00:00:00 GMT"];
const VALIDATORS = {
  "strong ETag": (version) => ({ etag: `"${version}"`, "last-modified": MODIFIED[version] }),
  "weak ETag": (version) => ({ etag: `W/"${version}"`, "last-modified": MODIFIED[version] }),
  "Last-Modified": (version) => ({ "last-modified": MODIFIED[version] }),
  neither: () => ({}),
};

for (const [name, validators] of Object.entries(VALIDATORS)) {
  const conditions = [];
  let requests = 0;
  const server = http.createServer((incoming, outgoing) => {
    requests += 1;
    if (requests === 1) {
      outgoing.writeHead(200, { "content-length": LENGTH, "accept-ranges": "bytes", ...validators(0) });
      outgoing.write("a".repeat(FIRST_PART), () => setTimeout(() => outgoing.destroy(), 100));
      return;
    }
    const sent = incoming.headers;
    conditions.push(...["if-match", "if-range", "if-unmodified-since"].filter((header) => header in sent));
    if (sent["if-match"]) {
      outgoing.writeHead(412, { "content-length": 0 }).end();
      return;
    }
    const start = Number(/^bytes=(\d+)-/.exec(sent.range)[1]);
    outgoing.writeHead(206, {
      "content-length": LENGTH - start,
      "content-range": `bytes ${start}-${LENGTH - 1}/${LENGTH}`,
      ...validators(1),
    });
    outgoing.end("b".repeat(LENGTH - start));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const dispatcher = new RetryAgent(new Agent(), { minTimeout: 50, maxRetries: 2 });
  let outcome;
  try {
    const response = await request(`http://127.0.0.1:${server.address().port}/`, { dispatcher });
    const text = await response.body.text();
    const old = text.lastIndexOf("a") + 1;
    outcome = `${old} bytes of the old file, ${text.length - old} of the new`;
  } catch (error) {
    outcome = error.code;
  }
  console.log(`${name}: condition ${conditions.join(" ") || "none"}; ${outcome}`);
  await dispatcher.close();
  server.closeAllConnections();
  server.close();
}
NODE
timeout 60 node retry.mjs >output
cat output
diff output - <<'EXPECTED'
strong ETag: condition if-match; UND_ERR_REQ_RETRY
weak ETag: condition none; 600000 bytes of the old file, 400000 of the new
Last-Modified: condition none; 600000 bytes of the old file, 400000 of the new
neither: condition none; 600000 bytes of the old file, 400000 of the new
EXPECTED
