#!/usr/bin/env bash
# maxLength and pattern on a name with a rare Chinese character (U+20BB7, CJK extension B): generated zod schemas beside validators.
#
# Guess: a generator that writes `maxLength: 2` as a check keeps the meaning of JSON Schema, which counts code points,
#   and its pattern sees code points too; all tools that read one document accept the same names.
# Versions: openapi-zod-client 1.18.3, @hey-api/openapi-ts 0.95.0, zod 3.25.76, ajv 8.20.0 (npm); datamodel-code-generator 0.89.0 with
#   pydantic 2.12.5, jsonschema-rs 0.61.0 (PyPI).
# Behaviour: both generators write z.string().max(2), which counts UTF-16 code units, and refuse a name of two such characters that a
#   server with ajv, pydantic or Rust's jsonschema accepts. In a pattern both add the u flag if it holds \p{…}, but not for a bare dot, so
#   that the dot is half of the character: ^.$ refuses it and ^..$ takes it.
# Output on 2026-11-27: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-compile \
    datamodel-code-generator==0.89.0 pydantic==2.12.5 jsonschema-rs==0.61.0
npm install --silent --no-audit --no-fund --ignore-scripts openapi-zod-client@1.18.3 @zodios/core@10.9.6 @hey-api/openapi-ts@0.95.0 \
    zod@3.25.76 typescript@5.9.3 ajv@8.20.0
cat >document.json <<'JSON'
{
  "openapi": "3.0.3",
  "info": {"title": "Clips", "version": "1"},
  "paths": {
    "/clips": {
      "post": {
        "operationId": "createClip",
        "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Clip"}}}},
        "responses": {"200": {"description": "Created."}}
      }
    }
  },
  "components": {
    "schemas": {
      "Clip": {
        "type": "object",
        "properties": {
          "most": {"type": "string", "maxLength": 2},
          "one": {"type": "string", "pattern": "^.$"},
          "two": {"type": "string", "pattern": "^..$"},
          "letter": {"type": "string", "pattern": "^\\p{L}$"}
        }
      }
    }
  }
}
JSON
cat >bodies.json <<'JSON'
[{"most": "\ud842\udfb7\ud842\udfb7"}, {"one": "\ud842\udfb7"}, {"two": "\ud842\udfb7"}, {"letter": "\ud842\udfb7"}]
JSON
timeout 120 node_modules/.bin/openapi-zod-client document.json -o zod.ts --export-schemas >log 2>&1
timeout 120 node_modules/.bin/openapi-ts -i document.json -o hey -p zod >log 2>&1
timeout 120 venv/bin/datamodel-codegen --input document.json --input-file-type openapi --output models.py \
    --output-model-type pydantic_v2.BaseModel --disable-timestamp >log 2>&1
node_modules/.bin/tsc --module esnext --moduleResolution bundler --target es2022 --skipLibCheck --outDir built zod.ts hey/zod.gen.ts >log 2>&1 || :
mv "$(find built -name zod.js)" zod-client.mjs
mv "$(find built -name zod.gen.js)" hey.mjs
cat >validate.mjs <<'NODE'
import fs from "node:fs";
import Ajv from "ajv";
import { zClip } from "./hey.mjs";
import { schemas } from "./zod-client.mjs";

const bodies = JSON.parse(fs.readFileSync("bodies.json", "utf8"));
const ajv = new Ajv().compile(JSON.parse(fs.readFileSync("document.json", "utf8")).components.schemas.Clip);
const tools = {
  "openapi-zod-client": (body) => schemas.Clip.safeParse(body).success,
  "@hey-api/openapi-ts": (body) => zClip.safeParse(body).success,
  ajv,
};
for (const [name, accepts] of Object.entries(tools)) {
  console.log(`${name}: ${bodies.map((body) => `${Object.keys(body)[0]} ${accepts(body) ? "accepted" : "refused"}`).join(", ")}`);
}
NODE
cat >validate.py <<'PYTHON'
import json
import jsonschema_rs
from models import Clip

def accepted_by_pydantic(body):
    try:
        Clip.model_validate(body)
        return True
    except ValueError:
        return False

schema = json.load(open("document.json"))["components"]["schemas"]["Clip"]
bodies = json.load(open("bodies.json"))
for name, accepts in {"pydantic": accepted_by_pydantic, "jsonschema-rs": jsonschema_rs.Draft4Validator(schema).is_valid}.items():
    print(f"{name}: {', '.join(f'{[*body][0]} ' + ('accepted' if accepts(body) else 'refused') for body in bodies)}")
PYTHON
timeout 60 node validate.mjs >output
timeout 60 venv/bin/python validate.py >>output
cat output
diff output - <<'EXPECTED'
openapi-zod-client: most refused, one refused, two accepted, letter accepted
@hey-api/openapi-ts: most refused, one refused, two accepted, letter accepted
ajv: most accepted, one accepted, two refused, letter accepted
pydantic: most accepted, one accepted, two refused, letter accepted
jsonschema-rs: most accepted, one accepted, two refused, letter accepted
EXPECTED
