#!/usr/bin/env bash
# Miller: its JSON is not JSON where a CSV field looks like a hexadecimal number, or has no digit beside its point.
#
# Guess: `mlr --icsv --ojsonl` writes a number of JSON where the field is one, and quotes everything else, so that every
#   line is JSON.
# Seen with: miller 6.6.0-2+b3 (Debian 12), read by the json module of Python 3.
# Behaviour: a field that Miller takes for a number is copied as it stands and without quotes: 0x1F, -0x2, 1. and .5 are
#   among them, and no JSON reader takes them (RFC 8259, section 6). Leading zeros (007), a plus sign (+10) and NaN are quoted.
#   So an id column such as 0x1F in a valid CSV makes lines that cannot be read; -S, which keeps every field a string, helps.
# Output on 2026-11-27: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
chmod 755 .
apt-get download -qq miller=6.6.0-2+b3 >/dev/null
dpkg -x miller_*.deb miller
printf '%s\n' 'id,value' 'a,5' 'b,0x1F' 'c,-0x2' 'd,1.' 'e,.5' 'f,007' 'g,+10' 'h,NaN' >table.csv
miller/usr/bin/mlr --icsv --ojsonl cat table.csv >lines.jsonl
python3 - >output <<'PYTHON'
import json

def refused(constant):
    raise ValueError(constant)

for line in open("lines.jsonl"):
    try:
        json.loads(line, parse_constant=refused)
        print("JSON    ", line.strip())
    except ValueError:
        print("not JSON", line.strip())
PYTHON
cat output
diff output - <<'TEXT'
JSON     {"id": "a", "value": 5}
not JSON {"id": "b", "value": 0x1F}
not JSON {"id": "c", "value": -0x2}
not JSON {"id": "d", "value": 1.}
not JSON {"id": "e", "value": .5}
JSON     {"id": "f", "value": "007"}
JSON     {"id": "g", "value": "+10"}
JSON     {"id": "h", "value": "NaN"}
TEXT
