#!/usr/bin/env bash
# JavaScript clients and waits: a timeout of 30 days, or of Infinity, for a generation whose time has no limit.
#
# Guess: no timeout within this test, or an error that names the allowed values. Some documents say Infinity for "no limit".
# Versions (npm): axios 1.21.1, got 14.6.6, superagent 10.4.2, ofetch 1.5.1, ky 1.14.3, undici 7.30.2, openai 6.49.0, @runwayml/sdk 4.20.1,
#   p-wait-for 6.0.0, p-timeout 7.0.2, async-wait-until 2.0.31, bottleneck 2.19.5; Node.js 20.
# Behaviour: setTimeout takes at most 2147483647 ms (24.8 days), and makes 1 ms of all that is more, Infinity too. Ten of the thirteen hand
#   30 days on to it, so that the request or the wait times out at once ("timeout of 2592000000ms exceeded"), and six do so with
#   Infinity; the one hint is a TimeoutOverflowWarning of Node.js on stderr. The client of OpenAI, told to wait without limit, gives up
#   on a healthy server within milliseconds, three times with its retries. Only undici and the wait of runwayml wait for 30 days, by
#   clocks of their own; ky refuses both values.
# Output on 2026-11-28: the lines at the end of this script (what is waited for takes 300 ms).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts axios@1.21.1 got@14.6.6 superagent@10.4.2 ofetch@1.5.1 ky@1.14.3 \
    undici@7.30.2 openai@6.49.0 @runwayml/sdk@4.20.1 p-wait-for@6.0.0 p-timeout@7.0.2 async-wait-until@2.0.31 bottleneck@2.19.5 >/dev/null

cat >wait.mjs <<'NODE'
import http from "node:http";
import RunwayML from "@runwayml/sdk";
import { waitUntil } from "async-wait-until";
import axios from "axios";
import Bottleneck from "bottleneck";
import got from "got";
import ky from "ky";
import { ofetch } from "ofetch";
import OpenAI from "openai";
import pTimeout from "p-timeout";
import pWaitFor from "p-wait-for";
import superagent from "superagent";
import { request } from "undici";

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const server = http.createServer(async (incoming, response) => {
  await sleep(300);
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ id: "job", status: "SUCCEEDED" }));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}`;
const id = "11111111-2222-4333-8444-555555555555";
const options = { apiKey: "key", baseURL: url };
const work = () => sleep(300);
const completeAtSecondPoll = () => {
  let polls = 0;
  return () => sleep(150).then(() => (polls += 1) === 2);
};

const calls = {
  axios: (timeout) => axios.get(url, { timeout }),
  got: (timeout) => got(url, { timeout: { request: timeout }, retry: { limit: 0 } }),
  superagent: (timeout) => superagent.get(url).timeout(timeout),
  ofetch: (timeout) => ofetch(url, { timeout }),
  ky: (timeout) => ky(url, { timeout }),
  undici: (headersTimeout) => request(url, { headersTimeout }),
  openai: (timeout) => new OpenAI({ ...options, timeout }).videos.retrieve("job"),
  "runwayml, client": (timeout) => new RunwayML({ ...options, timeout }).tasks.retrieve(id),
  "runwayml, wait": (timeout) => new RunwayML(options).tasks.retrieve(id).waitForTaskOutput({ timeout }),
  "p-wait-for": (timeout) => pWaitFor(completeAtSecondPoll(), { timeout }),
  "p-timeout": (milliseconds) => pTimeout(work(), { milliseconds }),
  "async-wait-until": (timeout) => waitUntil(completeAtSecondPoll(), { timeout }),
  bottleneck: (expiration) => new Bottleneck().schedule({ expiration }, work),
};
for (const [name, call] of Object.entries(calls)) {
  const outcomes = [];
  for (const timeout of [30 * 24 * 3600 * 1000, Infinity]) {
    const outcome = await new Promise((resolve) => resolve(call(timeout))).then(
      () => "waits",
      ({ message }) => {
        if (/invalid|greater than|trying to parse/.test(message)) return "refused";
        return /time/i.test(message) ? "times out at once" : message;
      },
    );
    outcomes.push(`${timeout === Infinity ? "Infinity" : "30 days"}: ${outcome}`);
  }
  console.log(`${name}: ${outcomes.join(", ")}`);
}
process.exit(0);
NODE
timeout 60 node --no-warnings wait.mjs >output
cat output
diff output - <<'EXPECTED'
axios: 30 days: times out at once, Infinity: refused
got: 30 days: times out at once, Infinity: times out at once
superagent: 30 days: times out at once, Infinity: times out at once
ofetch: 30 days: times out at once, Infinity: times out at once
ky: 30 days: refused, Infinity: refused
undici: 30 days: waits, Infinity: refused
openai: 30 days: times out at once, Infinity: times out at once
runwayml, client: 30 days: times out at once, Infinity: times out at once
runwayml, wait: 30 days: waits, Infinity: waits
p-wait-for: 30 days: times out at once, Infinity: waits
p-timeout: 30 days: times out at once, Infinity: waits
async-wait-until: 30 days: times out at once, Infinity: waits
bottleneck: 30 days: times out at once, Infinity: times out at once
EXPECTED
