#!/usr/bin/env bash
# JavaScript clients that retry: a 429 has a Retry-After whose date has just passed, or 0. When is the second request?
#
# Guess: at once, or after the client's own pause. A date has passed as soon as the clock of the client is some seconds ahead of the
#   server's, or the response was slow; 0 is a valid number of seconds (RFC 9110, section 10.2.3).
# Versions (npm): retry-axios 4.0.3, axios-retry 4.5.0 and axios-retry-after 2.1.0 with axios 1.21.1; ky 1.14.3, got 14.6.6.
# Behaviour: four of the five send it. retry-axios sends none and throws the 429, though it waits for a date that is still to come and then
#   sends it. So a clock that is some seconds fast turns a retry that was due into a failure.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts retry-axios@4.0.3 axios-retry@4.5.0 axios-retry-after@2.1.0 \
    axios@1.21.1 ky@1.14.3 got@14.6.6 >/dev/null
cat >check.mjs <<'NODE'
import http from "node:http";
import axios from "axios";
import axiosRetry from "axios-retry";
import axiosRetryAfter from "axios-retry-after";
import got from "got";
import ky from "ky";
import * as rax from "retry-axios";

let retryAfter;
let requests = 0;
const server = http.createServer((request, response) => {
  requests += 1;
  if (requests === 1) {
    response.writeHead(429, { "Retry-After": retryAfter() });
  }
  response.end("{}");
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}/`;

const withRetryAxios = axios.create();
withRetryAxios.defaults.raxConfig = { instance: withRetryAxios };
rax.attach(withRetryAxios);
const withAxiosRetry = axios.create();
(axiosRetry.default ?? axiosRetry)(withAxiosRetry, { retries: 3, retryCondition: () => true });
const withAxiosRetryAfter = axios.create();
withAxiosRetryAfter.interceptors.response.use(null, (axiosRetryAfter.default ?? axiosRetryAfter)(withAxiosRetryAfter));
const clients = {
  "retry-axios": () => withRetryAxios.get(url),
  "axios-retry": () => withAxiosRetry.get(url),
  "axios-retry-after": () => withAxiosRetryAfter.get(url),
  ky: () => ky.get(url).text(),
  got: () => got(url),
};
const date = (seconds) => new Date(Date.now() + seconds * 1000).toUTCString();
const values = { "3 seconds ahead": () => date(3), "3 seconds ago": () => date(-3), 0: () => "0" };
for (const [name, get] of Object.entries(clients)) {
  const results = [];
  for (const [label, value] of Object.entries(values)) {
    retryAfter = value;
    requests = 0;
    let outcome = "200";
    try {
      await get();
    } catch {
      outcome = "429";
    }
    results.push(`${label}: ${requests} requests, ${outcome}`);
  }
  console.log(`${name}: ${results.join("; ")}`);
}
process.exit();
NODE
timeout 60 node check.mjs >output
cat output
diff output - <<'EXPECTED'
retry-axios: 0: 1 requests, 429; 3 seconds ahead: 2 requests, 200; 3 seconds ago: 1 requests, 429
axios-retry: 0: 2 requests, 200; 3 seconds ahead: 2 requests, 200; 3 seconds ago: 2 requests, 200
axios-retry-after: 0: 2 requests, 200; 3 seconds ahead: 2 requests, 200; 3 seconds ago: 2 requests, 200
ky: 0: 2 requests, 200; 3 seconds ahead: 2 requests, 200; 3 seconds ago: 2 requests, 200
got: 0: 2 requests, 200; 3 seconds ahead: 2 requests, 200; 3 seconds ago: 2 requests, 200
EXPECTED
