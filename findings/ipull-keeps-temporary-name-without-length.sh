#!/usr/bin/env bash
# ipull (npm): a file served without Content-Length is reported as finished, but stays under its temporary name.
#
# Guess: `await engine.download()` resolves once the file has the name that was asked for, whether or not the server states a length.
# Version: ipull 4.0.3.
# Behaviour: with a chunked response, all bytes arrive, the status says "Finished" and nothing is thrown, but only clip.mp4.ipull
#   exists: the rename never happens. With a Content-Length the file is clip.mp4.
# Output on 2026-11-27: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts ipull@4.0.3

cat >download.mjs <<'NODE'
import fs from "node:fs";
import http from "node:http";
import { downloadFile } from "ipull";

const body = Buffer.alloc(300_000, "v");
const server = http.createServer((incoming, outgoing) => {
  const length = incoming.url.startsWith("/length") ? { "content-length": body.length } : {};
  outgoing.writeHead(200, { "content-type": "video/mp4", ...length });
  outgoing.end(incoming.method === "HEAD" ? undefined : body);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const lines = [];
for (const path of ["length", "chunked"]) {
  const engine = await downloadFile({
    url: `http://127.0.0.1:${server.address().port}/${path}`,
    directory: path,
    fileName: "clip.mp4",
    cliProgress: false,
  });
  await engine.download();
  await new Promise((resolve) => setTimeout(resolve, 500));
  const files = fs.readdirSync(path).map((name) => `${name} of ${fs.statSync(`${path}/${name}`).size} bytes`);
  lines.push(`${path}: ${engine.status.downloadStatus}, ${files.join(", ")}`);
}
fs.writeFileSync("output", lines.join("\n") + "\n");
process.exit(0);
NODE
timeout 60 node download.mjs >/dev/null
cat output
diff output - <<'EXPECTED'
length: Finished, clip.mp4 of 300000 bytes
chunked: Finished, clip.mp4.ipull of 300000 bytes
EXPECTED
