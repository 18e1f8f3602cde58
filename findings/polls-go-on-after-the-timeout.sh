#!/usr/bin/env bash
# Libraries that poll until a condition holds: does the timeout end the polls, or only the promise?
#
# Guess: both. After the timeout nobody hears of the condition any more, so that the library stops to check it, and a program that has
#   nothing else to do ends.
# Versions (npm): async-wait-until 2.0.31, promise-poller 1.9.1, p-wait-for 6.0.0, p-retry 9.0.0 with maxRetryTime.
# Behaviour: async-wait-until, if a poll is under way when the time is up, and promise-poller when `shouldContinue` tells it which results
#   to pass over (its way to wait for a state), reject in time and then poll on. Nothing can stop them but the condition, so that a job
#   that never completes is polled for as long as the process lives, and the process does not end by itself. Each wait that times out adds
#   a loop of requests to the rate limit. p-wait-for, p-retry, and promise-poller without `shouldContinue` stop.
# Output on 2026-11-28: the lines at the end of this script (a poll takes 200 ms, the pause between two is 20 ms, the timeout 300 ms).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts async-wait-until@2.0.31 promise-poller@1.9.1 p-wait-for@6.0.0 \
    p-retry@9.0.0 >/dev/null

cat >wait.mjs <<'NODE'
import { waitUntil } from "async-wait-until";
import pRetry from "p-retry";
import pWaitFor from "p-wait-for";
import promisePoller from "promise-poller";

let polls = 0;
const isComplete = async () => {
  polls += 1;
  await new Promise((resolve) => setTimeout(resolve, 200));
  return false;
};
const complete = async () => {
  if (!(await isComplete())) throw new Error("not complete");
};
const poller = promisePoller.default ?? promisePoller;
const waits = {
  "async-wait-until": () => waitUntil(isComplete, { timeout: 300, intervalBetweenAttempts: 20 }),
  "promise-poller, shouldContinue": () =>
    poller({ taskFn: isComplete, interval: 20, masterTimeout: 300, shouldContinue: (error, value) => !value }),
  "promise-poller": () => poller({ taskFn: complete, interval: 20, masterTimeout: 300, retries: 1000 }),
  "p-wait-for": () => pWaitFor(isComplete, { interval: 20, timeout: 300 }),
  "p-retry": () => pRetry(complete, { retries: 1000, minTimeout: 20, factor: 1, maxRetryTime: 300 }),
};
const name = process.argv[2];
await waits[name]().then(() => process.exit(2), () => {});
const before = polls;
if (process.argv[3] === "count") {
  await new Promise((resolve) => setTimeout(resolve, 3000));
  console.log(polls - before);
  process.exit(0);
}
NODE
for name in async-wait-until 'promise-poller, shouldContinue' promise-poller p-wait-for p-retry; do
  later=$(timeout 30 node wait.mjs "$name" count)
  if ((later > 8)); then later='polls go on'; elif ((later > 1)); then later='some polls'; else later='no more polls'; fi
  if timeout 6 node wait.mjs "$name" end; then ends='the process ends'; else ends='the process still runs after 6 s'; fi
  echo "$name: $later, $ends"
done >output
cat output
diff output - <<'EXPECTED'
async-wait-until: polls go on, the process still runs after 6 s
promise-poller, shouldContinue: polls go on, the process still runs after 6 s
promise-poller: no more polls, the process ends
p-wait-for: no more polls, the process ends
p-retry: no more polls, the process ends
EXPECTED
