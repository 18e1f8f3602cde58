#!/usr/bin/env bash
# akamai-edgeauth (PyPI): making a token moves the local time of the whole process to GMT.
#
# Guess: a library that makes a token leaves `datetime.now()` of its process alone.
# Version: akamai-edgeauth 0.3.2, the newest, on Python 3 with glibc.
# Behaviour: the import sets the environment variable TZ to GMT. Nothing shows, because localtime_r of glibc does not
# read TZ again; the first token calls time.mktime, which does. From then on every local time in the process (log
# lines, schedules, naive datetimes, child processes) is GMT.
# Output on 2026-11-27 (TZ=CST-8):
#   before the import: +0800 TZ=CST-8
#   after the import: +0800 TZ=GMT
#   after the first token: +0000 TZ=GMT
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check akamai-edgeauth==0.3.2

# A zone that needs no zone files: eight hours ahead of GMT.
TZ=CST-8 venv/bin/python - >output <<'PYTHON'
import os
from datetime import datetime

def show(when):
    print(f"{when}: {datetime.now().astimezone():%z} TZ={os.environ['TZ']}")

show("before the import")
from akamai.edgeauth import EdgeAuth
show("after the import")
EdgeAuth(key="0123456789abcdef", window_seconds=60).generate_url_token("/clip.mp4")
show("after the first token")
PYTHON
cat output
diff output - <<'EXPECTED'
before the import: +0800 TZ=CST-8
after the import: +0800 TZ=GMT
after the first token: +0000 TZ=GMT
EXPECTED
