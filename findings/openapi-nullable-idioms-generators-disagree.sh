#!/usr/bin/env bash
# OpenAPI 3.0, `nullable: true`: which tools let null through in the three forms that documents use?
#
# Guess: all agree on a plain required property with nullable. On an enum without null they follow the clarification of OpenAPI 3.0.3
#   (nullable widens the type only, so that null must be in the enum too), or all ignore it.
# Versions: openapi-typescript 7.13.0, openapi-zod-client 1.18.3, @hey-api/openapi-ts 0.95.0 (npm); datamodel-code-generator 0.89.0,
#   openapi-schema-validator 0.8.1 (PyPI).
# Behaviour: datamodel-code-generator drops null from each REQUIRED nullable property, the plain integer too (`seed: int`), unless
#   told --strict-nullable. On the enum without null the validator and @hey-api/openapi-ts refuse null; openapi-typescript and
#   openapi-zod-client add it. On allOf with nullable the validator refuses null as well (`nullable` without `type` beside it says
#   nothing, by the clarification), while the three npm generators take it.
# Output on 2026-11-27: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-compile datamodel-code-generator==0.89.0 openapi-schema-validator==0.8.1
npm install --silent --no-audit --no-fund --ignore-scripts \
    openapi-typescript@7.13.0 openapi-zod-client@1.18.3 @hey-api/openapi-ts@0.95.0 typescript@5.9.3 zod@3.25.76
cat >document.json <<'JSON'
{
  "openapi": "3.0.3",
  "info": {"title": "Clips", "version": "1"},
  "paths": {
    "/clips": {
      "post": {
        "operationId": "createClip",
        "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Clip"}}}},
        "responses": {"200": {"description": "Created."}}
      }
    }
  },
  "components": {
    "schemas": {
      "Quality": {"type": "string", "enum": ["low", "high"]},
      "Clip": {
        "type": "object",
        "required": ["seed", "aspect", "quality"],
        "properties": {
          "seed": {"type": "integer", "nullable": true},
          "aspect": {"type": "string", "nullable": true, "enum": ["16:9", "9:16"]},
          "quality": {"nullable": true, "allOf": [{"$ref": "#/components/schemas/Quality"}]}
        }
      }
    }
  }
}
JSON
timeout 120 node_modules/.bin/openapi-typescript document.json -o types.ts >log 2>&1
timeout 120 node_modules/.bin/openapi-zod-client document.json -o zod.ts >log 2>&1
timeout 120 node_modules/.bin/openapi-ts -i document.json -o hey -p zod @hey-api/typescript >log 2>&1
timeout 120 venv/bin/datamodel-codegen --input document.json --input-file-type openapi --output models.py \
    --output-model-type pydantic_v2.BaseModel --disable-timestamp >log 2>&1
cat >validate.py <<'PYTHON'
import json
from openapi_schema_validator import OAS30Validator

schemas = json.load(open("document.json"))["components"]["schemas"]
properties = json.loads(json.dumps(schemas["Clip"]["properties"]).replace('{"$ref": "#/components/schemas/Quality"}', json.dumps(schemas["Quality"])))
for name, schema in properties.items():
    print(f"{name}: {'null' if OAS30Validator(schema).is_valid(None) else 'no null'}")
PYTHON
{
    echo openapi-typescript
    grep -E '^ +(seed|aspect|quality)' types.ts
    echo openapi-zod-client
    grep -E '^ +(seed|aspect|quality)' zod.ts
    echo @hey-api/openapi-ts
    grep -E '^ +(seed|aspect|quality)' hey/types.gen.ts hey/zod.gen.ts -h
    echo datamodel-code-generator
    grep -E '^ +(seed|aspect|quality)' models.py
    echo openapi-schema-validator
    venv/bin/python validate.py
} | sed 's/^ */  /' >output
cat output
diff output - <<'EXPECTED'
  openapi-typescript
  seed: number | null;
  aspect: "16:9" | "9:16" | null;
  quality: components["schemas"]["Quality"] | null;
  openapi-zod-client
  seed: z.number().int().nullable(),
  aspect: z.enum(["16:9", "9:16"]).nullable(),
  quality: Quality.nullable(),
  @hey-api/openapi-ts
  seed: number | null;
  aspect: '16:9' | '9:16';
  quality: Quality | null;
  seed: z.number().int().nullable(),
  aspect: z.enum(['16:9', '9:16']),
  quality: zQuality.nullable()
  datamodel-code-generator
  seed: int
  aspect: Aspect
  quality: Quality
  openapi-schema-validator
  seed: null
  aspect: no null
  quality: no null
EXPECTED
