#!/usr/bin/env bash
# HTTP structured fields: a number and a time are written and read back by the same library. Does it accept what it has written?
#
# Guess: yes. A decimal is rounded to three digits behind its point and keeps at least one (RFC 9651, section 4.1.5), and a date is a
#   whole number of seconds (section 4.1.10), so that a library rounds a time or refuses it.
# Versions: structured-headers 2.1.0, @svta/cml-structured-field-values 1.1.6 (of the Common Media Library for players),
#   structured-field-values 2.0.4 (npm); http-sfv 0.9.9 (PyPI).
# Behaviour: structured-headers writes a decimal that rounds to a whole number with nothing behind the point ("3." for 2.9999, "0." for
#   0.0001), and its own parser refuses it. The two others for JavaScript write the milliseconds of a Date ("@1659578233.5") and refuse
#   that: of `new Date()` they write a valid field once in a thousand times. http-sfv reads what it writes. A reader drops the whole
#   field for one invalid member, so that a limit or a priority is lost now and then.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-compile http-sfv==0.9.9
npm install --silent --no-audit --no-fund --ignore-scripts structured-headers@2.1.0 @svta/cml-structured-field-values@1.1.6 \
    structured-field-values@2.0.4 >/dev/null
cat >check.mjs <<'NODE'
import * as svta from "@svta/cml-structured-field-values";
import * as values from "structured-field-values";
import * as headers from "structured-headers";

const libraries = {
  "structured-headers": [(value) => headers.serializeItem([value, new Map()]), headers.parseItem],
  "@svta/cml-structured-field-values": [svta.encodeSfItem, svta.decodeSfItem],
  "structured-field-values": [values.encodeItem, values.decodeItem],
};
const examples = [2.5, 2.9999, 0.0001, new Date(1659578233000), new Date(1659578233500)];
for (const [name, [write, read]] of Object.entries(libraries)) {
  const results = examples.map((value) => {
    const written = write(value);
    try {
      read(written);
      return `${written} accepted`;
    } catch {
      return `${written} REFUSED`;
    }
  });
  console.log(`${name}: ${results.join(", ")}`);
}
NODE
cat >check.py <<'PYTHON'
import datetime
import http_sfv

def result(value):
    written = str(http_sfv.Item(value))
    try:
        http_sfv.Item().parse(written.encode())
        return f"{written} accepted"
    except ValueError:
        return f"{written} REFUSED"

times = [datetime.datetime.fromtimestamp(seconds) for seconds in [1659578233, 1659578233.5]]
print("http-sfv:", ", ".join(result(value) for value in [2.5, 2.9999, 0.0001, *times]))
PYTHON
{
    timeout 30 node check.mjs
    timeout 30 venv/bin/python check.py
} >output
cat output
diff output - <<'EXPECTED'
structured-headers: 2.5 accepted, 3. REFUSED, 0. REFUSED, @1659578233 accepted, @1659578233 accepted
@svta/cml-structured-field-values: 2.5 accepted, 3.0 accepted, 0.0 accepted, @1659578233 accepted, @1659578233.5 REFUSED
structured-field-values: 2.5 accepted, 3.0 accepted, 0.0 accepted, @1659578233 accepted, @1659578233.5 REFUSED
http-sfv: 2.5 accepted, 3.0 accepted, 0.0 accepted, @1659578233 accepted, @1659578233 accepted
EXPECTED
