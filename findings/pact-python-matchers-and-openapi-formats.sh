#!/usr/bin/env bash
# pact-python: matchers for a date-time and a boolean, with default settings. Which JSON values does the mock server of Pact accept?
#
# Guess: `match.datetime(aware)` accepts what OpenAPI calls date-time (RFC 3339: 2026-11-28T10:00:00Z, or +00:00), at least the example it
#   was given; `match.bool(True)` accepts true and false and no text, as JSON Schema's boolean does.
# Version: pact-python 4.2.0 (PyPI; pact-python-ffi 0.5.12.1, the library of Pact in Rust).
# Behaviour: the default format of the date-time is that of strftime's %z, an offset without a colon. Both date-times of RFC 3339 are
#   refused, even the text that the matcher was given as its example, and +0000 is accepted, which RFC 3339 does not allow. A client
#   that sends what its document asks for fails the test, unless the matcher has format="%Y-%m-%dT%H:%M:%S%:z". The
#   boolean accepts the text "false", which counts as true in JavaScript and Python.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-compile pact-python==4.2.0 pact-python-ffi==0.5.12.1 jsonschema==4.26.0 \
    rfc3339-validator==0.1.4
cat >check.py <<'PYTHON'
import datetime, json, urllib.error, urllib.request
import jsonschema
from pact import Pact, match

def accepted(matcher, values):
    pact = Pact("consumer", "provider").with_specification("V4")
    request = pact.upon_receiving("a request").with_request("POST", "/clips")
    request.with_body({"value": matcher}, "application/json").will_respond_with(200)
    results = []
    with pact.serve(raises=False, verbose=False) as server:
        for value in values:
            body = json.dumps({"value": value}).encode()
            call = urllib.request.Request(f"{server.url}/clips", body, {"Content-Type": "application/json"})
            try:
                urllib.request.urlopen(call).close()
                results.append(True)
            except urllib.error.HTTPError:
                results.append(False)
    return results

def valid(schema, values):
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
    return [validator.is_valid(value) for value in values]

def show(name, values, results):
    print(f"{name}:", ", ".join(f"{json.dumps(value)} {'accepted' if ok else 'refused'}" for value, ok in zip(values, results)))

now = datetime.datetime(2026, 11, 28, 10, tzinfo=datetime.timezone.utc)
times = ["2026-11-28T10:00:00Z", "2026-11-28T10:00:00+00:00", "2026-11-28T10:00:00+0000"]
show("JSON Schema date-time", times, valid({"format": "date-time"}, times))
show("match.datetime(now)", times, accepted(match.datetime(now), times))
show('match.datetime("…Z")', times, accepted(match.datetime("2026-11-28T10:00:00Z"), times))
show("match.datetime(now, format=…%:z)", times, accepted(match.datetime(now, format="%Y-%m-%dT%H:%M:%S%:z"), times))
booleans = [False, "false", "no", 0]
show("JSON Schema boolean", booleans, valid({"type": "boolean"}, booleans))
show("match.bool(True)", booleans, accepted(match.bool(True), booleans))
PYTHON
timeout 60 venv/bin/python check.py >output 2>log || { cat log; exit 1; }
cat output
diff output - <<'EXPECTED'
JSON Schema date-time: "2026-11-28T10:00:00Z" accepted, "2026-11-28T10:00:00+00:00" accepted, "2026-11-28T10:00:00+0000" refused
match.datetime(now): "2026-11-28T10:00:00Z" refused, "2026-11-28T10:00:00+00:00" refused, "2026-11-28T10:00:00+0000" accepted
match.datetime("…Z"): "2026-11-28T10:00:00Z" refused, "2026-11-28T10:00:00+00:00" refused, "2026-11-28T10:00:00+0000" accepted
match.datetime(now, format=…%:z): "2026-11-28T10:00:00Z" accepted, "2026-11-28T10:00:00+00:00" accepted, "2026-11-28T10:00:00+0000" refused
JSON Schema boolean: false accepted, "false" refused, "no" refused, 0 refused
match.bool(True): false accepted, "false" accepted, "no" refused, 0 refused
EXPECTED
