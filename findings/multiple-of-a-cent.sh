#!/usr/bin/env bash
# `multipleOf: 0.01` and a price: which validators refuse 19.99, and which even 100?
#
# Guess: ajv refuses 19.99, whose quotient as doubles is 1998.9999999999998 (it has an option for that); the others compare decimals or
#   allow for the rounding, and all accept 100. 0.005 is refused by all.
# Versions: jsonschema 4.26.0, jsonschema-rs 0.61.0, fastjsonschema 2.22.3, jschon 0.11.1, pydantic 2.14.4, msgspec 0.22.0 (PyPI); ajv
#   8.20.0, zod 4.6.7, valibot 1.5.0, @sinclair/typebox 0.34.52, @cfworker/json-schema 4.1.6, @exodus/schemasafe 1.3.0 (npm).
# Behaviour: Python's jsonschema refuses 19.99 as ajv does. msgspec, valibot and typebox compare the remainder of doubles with zero, and
#   100 % 0.01 is 0.00999…: of the 10000 prices from 0.01 to 100.00, valibot and typebox accept 14. Rust's jsonschema and the other six
#   accept what is a multiple as decimals.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check jsonschema==4.26.0 jsonschema-rs==0.61.0 fastjsonschema==2.22.3 \
    jschon==0.11.1 pydantic==2.14.4 msgspec==0.22.0
npm install --silent --no-audit --no-fund --ignore-scripts ajv@8.20.0 zod@4.6.7 valibot@1.5.0 @sinclair/typebox@0.34.52 \
    @cfworker/json-schema@4.1.6 @exodus/schemasafe@1.3.0 >/dev/null

cat >check.py <<'PYTHON'
from typing import Annotated
import fastjsonschema, jschon, jsonschema, jsonschema_rs, msgspec, pydantic

STEP = 0.01
SCHEMA = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "number", "multipleOf": STEP}
jschon.create_catalog("2020-12")
price = pydantic.TypeAdapter(Annotated[float, pydantic.Field(multiple_of=STEP)])
money = Annotated[float, msgspec.Meta(multiple_of=STEP)]
fast = fastjsonschema.compile({"type": "number", "multipleOf": STEP})

def passes(call, error):
    try:
        call()
        return True
    except error:
        return False

VALIDATORS = {
    "jsonschema": lambda text: jsonschema.Draft202012Validator(SCHEMA).is_valid(msgspec.json.decode(text)),
    "jsonschema-rs": lambda text: jsonschema_rs.is_valid(SCHEMA, msgspec.json.decode(text)),
    "fastjsonschema": lambda text: passes(lambda: fast(msgspec.json.decode(text)), fastjsonschema.JsonSchemaException),
    "jschon": lambda text: jschon.JSONSchema(SCHEMA).evaluate(jschon.JSON.loads(text)).valid,
    "pydantic": lambda text: passes(lambda: price.validate_json(text), pydantic.ValidationError),
    "msgspec": lambda text: passes(lambda: msgspec.json.decode(text, type=money), msgspec.ValidationError),
}
for name, accepts in VALIDATORS.items():
    print(f"{name}:", ", ".join(f"{text} {'accepted' if accepts(text) else 'refused'}" for text in ["19.99", "100", "0.005"]))
PYTHON
cat >check.mjs <<'NODE'
import Ajv from "ajv";
import { Validator } from "@cfworker/json-schema";
import { validator } from "@exodus/schemasafe";
import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import * as v from "valibot";
import { z } from "zod";

const schema = { type: "number", multipleOf: 0.01 };
const validators = {
  ajv: new Ajv().compile(schema),
  zod: (value) => z.number().multipleOf(0.01).safeParse(value).success,
  valibot: (value) => v.safeParse(v.pipe(v.number(), v.multipleOf(0.01)), value).success,
  typebox: (value) => Value.Check(Type.Number({ multipleOf: 0.01 }), value),
  cfworker: (value) => new Validator(schema).validate(value).valid,
  schemasafe: validator(schema),
};
for (const [name, accepts] of Object.entries(validators)) {
  const prices = Array.from({ length: 10000 }, (_, cents) => (cents + 1) / 100).filter((price) => accepts(price)).length;
  const verdicts = [19.99, 100, 0.005].map((value) => `${value} ${accepts(value) ? "accepted" : "refused"}`).join(", ");
  console.log(`${name}: ${verdicts}; ${prices} of the 10000 prices up to 100`);
}
NODE
{
    timeout 60 venv/bin/python check.py
    timeout 60 node check.mjs
} >output
cat output
diff output - <<'EXPECTED'
jsonschema: 19.99 refused, 100 accepted, 0.005 refused
jsonschema-rs: 19.99 accepted, 100 accepted, 0.005 refused
fastjsonschema: 19.99 accepted, 100 accepted, 0.005 refused
jschon: 19.99 accepted, 100 accepted, 0.005 refused
pydantic: 19.99 accepted, 100 accepted, 0.005 refused
msgspec: 19.99 refused, 100 refused, 0.005 refused
ajv: 19.99 refused, 100 accepted, 0.005 refused; 8637 of the 10000 prices up to 100
zod: 19.99 accepted, 100 accepted, 0.005 refused; 10000 of the 10000 prices up to 100
valibot: 19.99 refused, 100 refused, 0.005 refused; 14 of the 10000 prices up to 100
typebox: 19.99 refused, 100 refused, 0.005 refused; 14 of the 10000 prices up to 100
cfworker: 19.99 accepted, 100 accepted, 0.005 refused; 10000 of the 10000 prices up to 100
schemasafe: 19.99 accepted, 100 accepted, 0.005 refused; 10000 of the 10000 prices up to 100
EXPECTED
