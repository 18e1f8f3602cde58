#!/usr/bin/env bash
# creatomate (npm): how long does a wait for six renders take that are all complete at the first poll?
#
# Guess: about one interval between polls (2 s); a timeout of 5 s is then not reached. `render` starts a render for each template
#   with a tag, and its `timeout` is documented as the time that the renders may take.
# Version: creatomate 1.2.1.
# Behaviour: 12 s, since one render is polled after the other, with 2 s before each. So the wait for n renders takes at least 2n seconds,
#   whatever the service does. With a timeout below that it ends with TimeoutError although all renders are complete, and the results that
#   it already has are dropped with it.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts creatomate@1.2.1 >/dev/null

cat >wait.mjs <<'NODE'
import http from "node:http";
import creatomate from "creatomate";

let ids, polls;
const server = http.createServer((request, response) => {
  request.resume().on("end", () => {
    response.setHeader("content-type", "application/json");
    if (request.method === "POST") return response.end(JSON.stringify(ids.map((id) => ({ id, status: "planned" }))));
    polls += 1;
    const id = request.url.split("/").at(-1);
    response.end(JSON.stringify({ id, status: "succeeded", url: `https://example.com/${id}.mp4` }));
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const client = new creatomate.Client("key");
client.httpClient.defaults.baseURL = `http://127.0.0.1:${server.address().port}`;

for (const [count, timeout] of [[1, 5], [6, 60], [6, 5]]) {
  ids = Array.from({ length: count }, (_, number) => `render-${number}`);
  polls = 0;
  const start = performance.now();
  const wait = client.render({ tags: ["trailer"] }, timeout);
  const outcome = await wait.then((renders) => `${renders.length} renders`, (error) => error.constructor.name);
  const seconds = Math.round((performance.now() - start) / 1000);
  console.log(`${count} complete at once, timeout ${timeout} s: ${outcome} after ${seconds} s, polls: ${polls}`);
}
process.exit(0);
NODE
timeout 60 node wait.mjs >output
cat output
diff output - <<'EXPECTED'
1 complete at once, timeout 5 s: 1 renders after 2 s, polls: 1
6 complete at once, timeout 60 s: 6 renders after 12 s, polls: 6
6 complete at once, timeout 5 s: TimeoutError after 6 s, polls: 3
EXPECTED
