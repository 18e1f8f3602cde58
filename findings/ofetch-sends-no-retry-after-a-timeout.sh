#!/usr/bin/env bash
# HTTP clients with a timeout and three retries: the first response is slow. Does a retry reach the server?
#
# Guess: the second request, which is answered in time, ends the call. A timeout is for each try, or else no retry could follow one.
# Versions (npm): ofetch 1.5.1, got 14.6.6, ky 1.14.3, axios 1.21.1 with axios-retry 4.5.0 and its shouldResetTimeout.
# Behaviour: after a 503, all four send a second request. After a timeout, ofetch sends none, and one slow response ends the call with an
#   error, though it was given three retries. With the other three, the second request succeeds.
# Output on 2026-11-28: the lines at the end of this script (timeout 400 ms, 3 retries; slow responses take 3 s).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts ofetch@1.5.1 got@14.6.6 ky@1.14.3 axios@1.21.1 axios-retry@4.5.0 >/dev/null

cat >poll.mjs <<'NODE'
import http from "node:http";
import axios from "axios";
import axiosRetry from "axios-retry";
import got from "got";
import ky from "ky";
import { ofetch } from "ofetch";

let requests, script;
const server = http.createServer((request, response) => {
  requests += 1;
  const step = script.shift() ?? "ok";
  response.setHeader("content-type", "application/json");
  if (step === "503") response.statusCode = 503;
  setTimeout(() => response.end("{}"), step === "slow" ? 3000 : 0);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}/`;

const timeout = 400;
const clients = {
  ofetch: () => ofetch(url, { timeout, retry: 3, retryDelay: 10 }),
  got: () =>
    got(url, { timeout: { request: timeout }, retry: { limit: 3, calculateDelay: ({ computedValue }) => computedValue && 10 } }),
  ky: () => ky(url, { timeout, retry: { limit: 3, retryOnTimeout: true, delay: () => 10 } }),
  "axios-retry": () => {
    const client = axios.create({ timeout });
    const retryCondition = (error) => error.code === "ECONNABORTED" || error.response?.status === 503;
    axiosRetry(client, { retries: 3, retryDelay: () => 10, retryCondition, shouldResetTimeout: true });
    return client.get(url);
  },
};
const cases = { "503, then ok": ["503"], "slow, then ok": ["slow"] };
for (const [name, poll] of Object.entries(clients)) {
  const outcomes = [];
  for (const [title, steps] of Object.entries(cases)) {
    requests = 0;
    script = [...steps];
    const outcome = await poll().then(() => "ok", (error) => (/time|abort/i.test(error.message) ? "timeout" : error.message));
    outcomes.push(`${title}: ${outcome}, requests: ${requests}`);
  }
  console.log(`${name}: ${outcomes.join("; ")}`);
}
process.exit(0);
NODE
timeout 60 node poll.mjs >output
cat output
diff output - <<'EXPECTED'
ofetch: 503, then ok: ok, requests: 2; slow, then ok: timeout, requests: 1
got: 503, then ok: ok, requests: 2; slow, then ok: ok, requests: 2
ky: 503, then ok: ok, requests: 2; slow, then ok: ok, requests: 2
axios-retry: 503, then ok: ok, requests: 2; slow, then ok: ok, requests: 2
EXPECTED
