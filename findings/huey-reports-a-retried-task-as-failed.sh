#!/usr/bin/env bash
# A task fails once and succeeds when the queue retries it: what does the caller get that waits for its result?
#
# Guess: the result. A task that has retries left has not failed yet, so that a wait goes on until the last try.
# Versions (PyPI): huey 3.5.4, dramatiq 2.2.1, celery 5.7.0, taskiq 0.13.0, each with its broker in memory.
# Behaviour: three wait. huey stores the error of each try as the result: `get(blocking=True)` raises TaskException after the first one,
#   while the retry is scheduled and then succeeds. The object keeps that error, so that a later `get()` raises it again, when the result
#   has long been stored; only `get()` after `reset()` returns it. A caller that creates a new generation on this exception pays for two.
# Output on 2026-11-28: the lines at the end of this script (the retry comes a second after the failure).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check huey==3.5.4 dramatiq==2.2.1 celery==5.7.0 taskiq==0.13.0

cat >wait.py <<'PYTHON'
import asyncio
import logging
import os
import time

import dramatiq
from celery import Celery
from celery.contrib.testing.worker import start_worker
from dramatiq.brokers.stub import StubBroker
from dramatiq.results import Results
from dramatiq.results.backends import StubBackend
from huey import MemoryHuey
from taskiq import InMemoryBroker, SmartRetryMiddleware

logging.disable(logging.CRITICAL)
tries = 0


def create():
    global tries
    tries += 1
    if tries == 1:
        raise RuntimeError("unavailable")
    return "clip.mp4"


def report(name, get):
    try:
        outcome = get()
    except Exception as error:
        outcome = type(error).__name__
    print(f"{name}: {outcome}, tries so far: {tries}", flush=True)


huey = MemoryHuey()
huey_task = huey.task(retries=2, retry_delay=1)(create)
huey.create_consumer(scheduler_interval=1, check_worker_health=False).start()
result = huey_task()
report("huey, get(blocking=True)", lambda: result.get(blocking=True, timeout=10))
time.sleep(4)
report("huey, get() after the retry", result.get)
result.reset()
report("huey, get() after reset()", result.get)

tries = 0
broker = StubBroker()
broker.add_middleware(Results(backend=StubBackend()))
dramatiq.set_broker(broker)
actor = dramatiq.actor(create, max_retries=2, min_backoff=1000, store_results=True)
dramatiq.Worker(broker, worker_timeout=50).start()
message = actor.send()
report("dramatiq, get_result(block=True)", lambda: message.get_result(block=True, timeout=10_000))

tries = 0
app = Celery("video", broker="memory://", backend="cache+memory://")
celery_task = app.task(create, autoretry_for=(RuntimeError,), default_retry_delay=1)
with start_worker(app, perform_ping_check=False, pool="solo"):
    celery_result = celery_task.delay()
    report("celery, get()", lambda: celery_result.get(timeout=10))

tries = 0


async def wait_for_taskiq():
    queue = InMemoryBroker(await_inplace=False).with_middlewares(SmartRetryMiddleware(default_retry_count=3, default_delay=1))

    @queue.task(retry_on_error=True)
    async def task():
        return create()

    await queue.startup()
    outcome = await (await task.kiq()).wait_result(timeout=10)
    return outcome.return_value


report("taskiq, wait_result()", lambda: asyncio.run(wait_for_taskiq()))
os._exit(0)
PYTHON
timeout 60 venv/bin/python -W ignore wait.py >output 2>errors || { cat errors; exit 1; }
cat output
diff output - <<'EXPECTED'
huey, get(blocking=True): TaskException, tries so far: 1
huey, get() after the retry: TaskException, tries so far: 2
huey, get() after reset(): clip.mp4, tries so far: 2
dramatiq, get_result(block=True): clip.mp4, tries so far: 2
celery, get(): clip.mp4, tries so far: 2
taskiq, wait_result(): clip.mp4, tries so far: 2
EXPECTED
