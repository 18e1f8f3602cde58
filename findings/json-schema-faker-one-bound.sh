#!/usr/bin/env bash
# json-schema-faker (npm): an integer with `minimum: 5000` and no maximum. Which values does it make?
#
# Guess: 5000 or more, as the release before made them; a mock server that uses it responds with values that the document allows.
# Version: json-schema-faker 0.6.3, the newest, beside 0.5.9.
# Behaviour: 0.6.3 takes the bound that is missing to be 1000, or -1000 for a minimum, and if that contradicts the stated bound, the two
#   change places: `minimum: 5000` makes values from 1000 to 5000, and of 200 none is allowed. The same holds for `maximum: -5000` and for
#   `type: number`. With both bounds in the schema, or a bound within 1000, all values are right. So a size in bytes or a time in
#   seconds, for which documents often state a minimum alone, is always wrong in the mock. 0.5.9 is right with all of these.
# Output on 2026-11-28: the lines at the end of this script (of 200 values, how many does ajv accept?).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts json-schema-faker@0.6.3 \
    faker-before@npm:json-schema-faker@0.5.9 ajv@8.20.0 >/dev/null
cat >check.mjs <<'NODE'
import Ajv from "ajv";
import { JSONSchemaFaker } from "faker-before";
import { generate } from "json-schema-faker";

const schemas = [
  { type: "integer", minimum: 500 },
  { type: "integer", minimum: 1000 },
  { type: "integer", minimum: 1500 },
  { type: "integer", minimum: 5000 },
  { type: "integer", minimum: 5000, maximum: 9000 },
  { type: "number", minimum: 5000 },
  { type: "integer", maximum: -500 },
  { type: "integer", maximum: -5000 },
];
for (const schema of schemas) {
  const isValid = new Ajv().compile(schema);
  const valid = { before: 0, now: 0 };
  for (let seed = 1; seed <= 200; seed += 1) {
    valid.before += isValid(JSONSchemaFaker.generate(schema));
    valid.now += isValid(await generate(schema, { seed }));
  }
  console.log(`${JSON.stringify(schema)}: 0.5.9 ${valid.before}, 0.6.3 ${valid.now}`);
}
NODE
timeout 60 node check.mjs >output
cat output
diff output - <<'EXPECTED'
{"type":"integer","minimum":500}: 0.5.9 200, 0.6.3 200
{"type":"integer","minimum":1000}: 0.5.9 200, 0.6.3 200
{"type":"integer","minimum":1500}: 0.5.9 200, 0.6.3 0
{"type":"integer","minimum":5000}: 0.5.9 200, 0.6.3 0
{"type":"integer","minimum":5000,"maximum":9000}: 0.5.9 200, 0.6.3 200
{"type":"number","minimum":5000}: 0.5.9 200, 0.6.3 0
{"type":"integer","maximum":-500}: 0.5.9 200, 0.6.3 200
{"type":"integer","maximum":-5000}: 0.5.9 200, 0.6.3 0
EXPECTED
