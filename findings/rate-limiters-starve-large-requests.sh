#!/usr/bin/env bash
# A limiter of 10 units a second, shared by requests of 1 unit and one request of 8 units: when does the large one get its turn?
#
# Guess: within about a second, in order of arrival: whoever waits longest is next, whatever its size. A budget of credits or tokens is
#   what a size is for, so a queue that only small requests leave would be of no use.
# Versions: aiolimiter 1.3.0, pyrate-limiter 4.5.1, throttled-py 3.5.0 (PyPI); bottleneck 2.19.5, limiter 4.1.0, rate-limiter-flexible
#   11.4.0 (npm).
# Behaviour: four give the large request its turn. aiolimiter sorts those that wait by their size, the smallest first, and
#   throttled-py (GCRA, with a timeout to wait for) keeps no queue, so that a small request takes each unit before eight have gathered.
#   Three callers that each ask for 1 unit again and again keep the large request waiting for as long as they go on; there is no error.
# Output on 2026-11-28: the lines at the end of this script (5 s for each; the limit is used up before the large request arrives).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check aiolimiter==1.3.0 pyrate-limiter==4.5.1 throttled-py==3.5.0
npm install --silent --no-audit --no-fund --ignore-scripts bottleneck@2.19.5 limiter@4.1.0 rate-limiter-flexible@11.4.0 >/dev/null

cat >limit.py <<'PYTHON'
import asyncio

from aiolimiter import AsyncLimiter
from pyrate_limiter import Duration, Limiter, Rate
from throttled.asyncio import Throttled, rate_limiter


async def wait_for_large(name, acquire):
    for _ in range(10):
        await acquire(1)
    large = asyncio.create_task(acquire(8))
    await asyncio.sleep(0.01)
    small_requests = 0

    async def repeat():
        nonlocal small_requests
        while True:
            await acquire(1)
            small_requests += 1

    callers = [asyncio.create_task(repeat()) for _ in range(3)]
    await asyncio.wait([large], timeout=5)
    outcome = "gets its turn" if large.done() else "still waits after 5 s"
    assert large.done() or small_requests > 30, small_requests
    for task in (large, *callers):
        task.cancel()
    await asyncio.gather(large, *callers, return_exceptions=True)
    return f"{name}: the large request {outcome}"


async def main():
    aio = AsyncLimiter(10, 1)
    pyrate = Limiter(Rate(10, Duration.SECOND))
    throttled = Throttled(key="video", using="gcra", quota=rate_limiter.per_sec(10, burst=10), timeout=60)
    lines = await asyncio.gather(
        wait_for_large("aiolimiter", aio.acquire),
        wait_for_large("pyrate-limiter", lambda units: pyrate.try_acquire_async("video", units)),
        wait_for_large("throttled-py", lambda units: throttled.limit(cost=units)),
    )
    print("\n".join(lines))


asyncio.run(main())
PYTHON

cat >limit.mjs <<'NODE'
import Bottleneck from "bottleneck";
import { RateLimiter } from "limiter";
import { RateLimiterMemory, RateLimiterQueue } from "rate-limiter-flexible";

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function waitForLarge(name, acquire) {
  for (let unit = 0; unit < 10; unit += 1) await acquire(1);
  let done = false;
  const large = acquire(8).then(() => (done = true));
  await sleep(10);
  let stopped = false;
  for (let caller = 0; caller < 3; caller += 1) {
    (async () => {
      while (!stopped) await acquire(1);
    })();
  }
  await Promise.race([large, sleep(5000)]);
  stopped = true;
  return `${name}: the large request ${done ? "gets its turn" : "still waits after 5 s"}`;
}

const bottleneck = new Bottleneck({ reservoir: 10, reservoirRefreshAmount: 10, reservoirRefreshInterval: 1000 });
const limiter = new RateLimiter({ tokensPerInterval: 10, interval: "second" });
const queue = new RateLimiterQueue(new RateLimiterMemory({ points: 10, duration: 1 }));
const lines = await Promise.all([
  waitForLarge("bottleneck", (weight) => bottleneck.schedule({ weight }, async () => {})),
  waitForLarge("limiter", (tokens) => limiter.removeTokens(tokens)),
  waitForLarge("rate-limiter-flexible", (tokens) => queue.removeTokens(tokens)),
]);
console.log(lines.join("\n"));
process.exit(0);
NODE
timeout 60 venv/bin/python -W ignore limit.py >output
timeout 60 node limit.mjs >>output
cat output
diff output - <<'EXPECTED'
aiolimiter: the large request still waits after 5 s
pyrate-limiter: the large request gets its turn
throttled-py: the large request still waits after 5 s
bottleneck: the large request gets its turn
limiter: the large request gets its turn
rate-limiter-flexible: the large request gets its turn
EXPECTED
