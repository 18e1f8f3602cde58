#!/usr/bin/env bash
# standardwebhooks and svix (PyPI): a message is signed with the time of now as an aware datetime. Does the receiver accept it?
#
# Guess: yes, in each time zone, since an aware datetime is an instant and the header states the seconds since 1970. Only a naive one,
#   which Python takes for local time, may be read in two ways.
# Versions: standardwebhooks 1.1.0, svix 2.9.1.
# Behaviour: `sign` replaces the zone by UTC instead of converting to it. So `datetime.now().astimezone()` signs the digits of the
#   wall clock as UTC, hours off the header's timestamp, and `verify` of the same library finds no matching signature, except where
#   the zone is UTC, as in most containers. A naive datetime is UTC to both.
# Output on 2026-11-28: the lines at the end of this script (TZ=EST5: five hours behind UTC).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check standardwebhooks==1.1.0 svix==2.9.1

cat >sign.py <<'PYTHON'
import base64
from datetime import datetime, timedelta, timezone

import standardwebhooks
import svix

SECRET = base64.b64encode(bytes(range(24))).decode()
BODY = '{"job": "boat"}'
now = datetime.now(timezone.utc)
times = {
    "aware, UTC": now,
    "aware, local": now.astimezone(),
    "aware, two hours ahead": now.astimezone(timezone(timedelta(hours=2))),
    "naive, local": now.astimezone().replace(tzinfo=None),
    "naive, UTC": now.replace(tzinfo=None),
}
for library, prefix in ((standardwebhooks, "webhook"), (svix, "svix")):
    webhook = library.Webhook(SECRET)
    for name, time in times.items():
        headers = {f"{prefix}-id": "1", f"{prefix}-timestamp": str(int(now.timestamp())), f"{prefix}-signature": webhook.sign("1", time, BODY)}
        try:
            webhook.verify(BODY, headers)
            print(f"{library.__name__}, {name}: accepted")
        except library.webhooks.WebhookVerificationError as error:
            print(f"{library.__name__}, {name}: {error}")
PYTHON
TZ=EST5 venv/bin/python sign.py | tee output
diff output - <<'EXPECTED'
standardwebhooks, aware, UTC: accepted
standardwebhooks, aware, local: No matching signature found
standardwebhooks, aware, two hours ahead: No matching signature found
standardwebhooks, naive, local: No matching signature found
standardwebhooks, naive, UTC: accepted
svix, aware, UTC: accepted
svix, aware, local: No matching signature found
svix, aware, two hours ahead: No matching signature found
svix, naive, local: No matching signature found
svix, naive, UTC: accepted
EXPECTED
