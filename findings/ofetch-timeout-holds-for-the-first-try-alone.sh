#!/usr/bin/env bash
# A poll with a timeout and retries: does the timeout hold for each try, or for all of them and the pauses together?
#
# Guess: for each try, as a retry after a timeout makes no sense otherwise, and as 408 and 5xx are on the lists of what is retried; or
#   the documentation says that it includes retries.
# Versions (npm): ofetch 1.5.1, got 14.6.6, ky 1.14.3, axios 1.21.1 with axios-retry 4.5.0 and its shouldResetTimeout.
# Behaviour: ofetch makes an AbortSignal and its timer for the first try and passes the signal on to the others. If the first try runs
#   into the timeout, each retry has a signal that is aborted: none of the three reaches the server, and one slow response ends the
#   call. If the first try is answered in time, with 503, the timer is cleared and no other is set: the retries have no timeout, so that
#   a connection that hangs then holds the call for ever. The other three set the timer anew for each try.
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
const cases = { "slow, then ok": ["slow"], "503, then slow": ["503", "slow", "slow", "slow"] };
for (const [name, poll] of Object.entries(clients)) {
  const outcomes = [];
  for (const [title, steps] of Object.entries(cases)) {
    requests = 0;
    script = [...steps];
    const start = performance.now();
    const outcome = await poll().then(() => "ok", (error) => (/time|abort/i.test(error.message) ? "timeout" : error.message));
    const seconds = performance.now() - start > 2900 ? "after 3 s" : "in less than 3 s";
    outcomes.push(`${title}: ${outcome} ${seconds}, requests: ${requests}`);
  }
  console.log(`${name}: ${outcomes.join("; ")}`);
}
process.exit(0);
NODE
timeout 60 node poll.mjs >output
cat output
diff output - <<'EXPECTED'
ofetch: slow, then ok: timeout in less than 3 s, requests: 1; 503, then slow: ok after 3 s, requests: 2
got: slow, then ok: ok in less than 3 s, requests: 2; 503, then slow: timeout in less than 3 s, requests: 4
ky: slow, then ok: ok in less than 3 s, requests: 2; 503, then slow: timeout in less than 3 s, requests: 4
axios-retry: slow, then ok: ok in less than 3 s, requests: 2; 503, then slow: timeout in less than 3 s, requests: 4
EXPECTED
