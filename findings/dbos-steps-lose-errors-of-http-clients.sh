#!/usr/bin/env bash
# dbos (PyPI): a step meets an HTTP 503, its workflow catches the error of the HTTP client. Does the replay of the workflow catch it, too?
#
# Guess: yes. A durable engine records the error of a step and raises it again when it replays the workflow after a crash, so that
#   the workflow takes the same path.
# Versions: dbos 3.4.0 on SQLite; httpx 0.28.1, requests 2.34.2, aiohttp 3.14.5, urllib of Python 3.
# Behaviour: dbos records errors by pickle, and does not check that they can be read. httpx.HTTPStatusError is caught at first; on
#   the replay (here by fork_workflow, which starts a copy after the recorded steps) the step raises TypeError, which the workflow
#   does not expect, so that a job that had handled the 503 fails. The errors of aiohttp and urllib cannot even be written: the step raises
#   TypeError in place of them in the first run, in which the same code without dbos catches them. Only that of requests survives.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check dbos==3.4.0 httpx==0.28.1 requests==2.34.2 aiohttp==3.14.5

cat >steps.py <<'PYTHON'
import asyncio
import http.server
import os
import threading
import urllib.error
import urllib.request

import aiohttp
import httpx
import requests
from dbos import DBOS


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.send_error(503)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
URL = f"http://127.0.0.1:{server.server_address[1]}/"
ERRORS = (httpx.HTTPStatusError, requests.HTTPError, aiohttp.ClientResponseError, urllib.error.HTTPError)


def get_by_aiohttp():
    async def get():
        async with aiohttp.ClientSession() as session, session.get(URL) as response:
            response.raise_for_status()

    asyncio.run(get())


clients = {
    "httpx": lambda: httpx.get(URL).raise_for_status(),
    "requests": lambda: requests.get(URL).raise_for_status(),
    "aiohttp": get_by_aiohttp,
    "urllib": lambda: urllib.request.urlopen(URL),
}
DBOS(config={"name": "video", "system_database_url": "sqlite:///jobs.sqlite", "log_level": "CRITICAL"})


@DBOS.step()
def poll(client):
    clients[client]()


@DBOS.step()
def report():
    pass


@DBOS.workflow()
def job(client):
    try:
        poll(client)
    except ERRORS:
        report()
        return "caught"


DBOS.launch()
for client, get in clients.items():
    try:
        get()
    except ERRORS:
        outcomes = ["caught"]
    first = DBOS.start_workflow(job, client)
    for handle in (lambda: first, lambda: DBOS.fork_workflow(first.workflow_id, 2)):
        try:
            outcomes.append(handle().get_result())
        except Exception as error:
            outcomes.append(type(error).__name__)
    print(f"{client}: without dbos {outcomes[0]}, in the first run {outcomes[1]}, in the replay {outcomes[2]}", flush=True)
os._exit(0)
PYTHON
venv/bin/python -W ignore steps.py 2>errors | tee output || { cat errors; exit 1; }
diff output - <<'EXPECTED'
httpx: without dbos caught, in the first run caught, in the replay TypeError
requests: without dbos caught, in the first run caught, in the replay caught
aiohttp: without dbos caught, in the first run TypeError, in the replay TypeError
urllib: without dbos caught, in the first run TypeError, in the replay TypeError
EXPECTED
