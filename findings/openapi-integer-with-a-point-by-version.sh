#!/usr/bin/env bash
# `type: integer` and the JSON number 5.0: does it depend on the version line of the OpenAPI document?
#
# Guess: no. JSON has one kind of number, 5.0 and 5 are the same one, and libraries accept both or at least stay the same from
#   OpenAPI 3.0 to 3.1. An enum of 5 and 10 says the same as an integer with that enum.
# Versions: openapi-core 0.23.1, jsonschema-rs 0.61.0 (PyPI, the second is Rust's jsonschema), ajv 8.20.0 (npm).
# Behaviour: one request body, {"duration": 5.0}, as Python's json.dumps writes a float, is refused under "openapi": "3.0.3" and accepted
#   under "3.1.0", all else in the document equal: 3.0 builds on JSON Schema before draft 6, where an integer had no fraction part in its
#   text. Drop `type: integer` and keep the enum, and 3.0 accepts it. JavaScript cannot tell the two apart, so that ajv accepts it.
# Output on 2026-11-27: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-compile openapi-core==0.23.1 jsonschema-rs==0.61.0
npm install --silent --no-audit --no-fund --ignore-scripts ajv@8.20.0

cat >validate.py <<'PYTHON'
import jsonschema_rs
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest

BODIES = [b'{"duration": 5}', b'{"duration": 5.0}', b'{"duration": 5e0}']
SCHEMAS = {"integer": {"type": "integer"}, "integer and enum": {"type": "integer", "enum": [5, 10]}, "enum": {"enum": [5, 10]}}

def accepts(version, schema, body):
    content = {"application/json": {"schema": {"type": "object", "properties": {"duration": schema}}}}
    operation = {"requestBody": {"required": True, "content": content}, "responses": {"200": {"description": "Created."}}}
    document = {
        "openapi": version,
        "info": {"title": "Clips", "version": "1"},
        "servers": [{"url": "http://localhost"}],
        "paths": {"/clips": {"post": operation}},
    }
    request = MockRequest("http://localhost", "post", "/clips", data=body, content_type="application/json")
    try:
        OpenAPI.from_dict(document).validate_request(request)
        return "accepted"
    except Exception:
        return "refused"

for version in ["3.0.3", "3.1.0"]:
    for name, schema in SCHEMAS.items():
        outcomes = [f"{body.decode()[13:-1]} {accepts(version, schema, body)}" for body in BODIES]
        print(f"openapi-core, {version}, {name}: {', '.join(outcomes)}")
for draft in [jsonschema_rs.Draft4Validator, jsonschema_rs.Draft6Validator, jsonschema_rs.Draft202012Validator]:
    print(f"jsonschema-rs, {draft.__name__}: 5.0 {'accepted' if draft({'type': 'integer'}).is_valid(5.0) else 'refused'}")
PYTHON
timeout 60 venv/bin/python -W ignore validate.py >output
timeout 60 node -e '
  const Ajv = require("ajv");
  console.log("ajv: 5.0", new Ajv().validate({ type: "integer" }, JSON.parse("5.0")) ? "accepted" : "refused");
' >>output
cat output
diff output - <<'EXPECTED'
openapi-core, 3.0.3, integer: 5 accepted, 5.0 refused, 5e0 refused
openapi-core, 3.0.3, integer and enum: 5 accepted, 5.0 refused, 5e0 refused
openapi-core, 3.0.3, enum: 5 accepted, 5.0 accepted, 5e0 accepted
openapi-core, 3.1.0, integer: 5 accepted, 5.0 accepted, 5e0 accepted
openapi-core, 3.1.0, integer and enum: 5 accepted, 5.0 accepted, 5e0 accepted
openapi-core, 3.1.0, enum: 5 accepted, 5.0 accepted, 5e0 accepted
jsonschema-rs, Draft4Validator: 5.0 refused
jsonschema-rs, Draft6Validator: 5.0 accepted
jsonschema-rs, Draft202012Validator: 5.0 accepted
ajv: 5.0 accepted
EXPECTED
