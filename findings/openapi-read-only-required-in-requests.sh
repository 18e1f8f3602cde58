#!/usr/bin/env bash
# OpenAPI 3.0, a property that is both `required` and `readOnly`: must a request have it, may it, or must it not?
#
# Guess: it may be left out (OpenAPI 3.0.3, Schema Object, readOnly: "required" then concerns the response only), and a request that
#   sends it all the same is let through, since the text says SHOULD NOT.
# Versions: openapi-backend 5.21.2, openapi-request-validator 12.1.3, openapi-zod-client 1.18.3, @hey-api/openapi-ts 0.95.0 (npm);
#   openapi-core 0.23.1 (PyPI).
# Behaviour: openapi-backend demands the property in the request, and openapi-request-validator and openapi-core refuse a request that
#   has it: no body satisfies all three. openapi-zod-client demands it too. Only @hey-api/openapi-ts, which makes a second schema for
#   requests without the property, and strips what it does not know, takes both bodies.
# Output on 2026-11-27: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-compile openapi-core==0.23.1
npm install --silent --no-audit --no-fund --ignore-scripts openapi-backend@5.21.2 openapi-request-validator@12.1.3 \
    openapi-zod-client@1.18.3 @zodios/core@10.9.6 @hey-api/openapi-ts@0.95.0 typescript@5.9.3 zod@3.25.76
cat >document.json <<'JSON'
{
  "openapi": "3.0.3",
  "info": {"title": "Clips", "version": "1"},
  "servers": [{"url": "http://localhost"}],
  "paths": {
    "/clips": {
      "post": {
        "operationId": "createClip",
        "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Clip"}}}},
        "responses": {
          "200": {"description": "Created.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Clip"}}}}
        }
      }
    }
  },
  "components": {
    "schemas": {
      "Clip": {
        "type": "object",
        "required": ["prompt", "id"],
        "properties": {"prompt": {"type": "string"}, "id": {"type": "string", "readOnly": true}}
      }
    }
  }
}
JSON
timeout 120 node_modules/.bin/openapi-zod-client document.json -o zod.ts --export-schemas >log 2>&1
timeout 120 node_modules/.bin/openapi-ts -i document.json -o hey -p zod >log 2>&1
node_modules/.bin/tsc --module esnext --moduleResolution bundler --target es2022 --skipLibCheck --outDir built zod.ts hey/zod.gen.ts >log 2>&1 || :
mv "$(find built -name zod.js)" zod-client.mjs
mv "$(find built -name zod.gen.js)" hey.mjs
cat >validate.mjs <<'NODE'
import fs from "node:fs";
import { createRequire } from "node:module";
import { zCreateClipBody } from "./hey.mjs";
import { schemas } from "./zod-client.mjs";
const require = createRequire(import.meta.url);
const { OpenAPIBackend } = require("openapi-backend");
const RequestValidator = require("openapi-request-validator").default;

const document = () => JSON.parse(fs.readFileSync("document.json", "utf8"));
const bodies = { without: { prompt: "sea" }, with: { prompt: "sea", id: "1" } };
const headers = { "content-type": "application/json" };
const backend = new OpenAPIBackend({ definition: document() });
await backend.init();
const validators = {
  "openapi-backend": (body) => backend.validateRequest({ method: "post", path: "/clips", body, headers }, "createClip").valid,
  "openapi-request-validator": (body) => {
    const { paths, components } = document();
    const { requestBody } = paths["/clips"].post;
    return !new RequestValidator({ requestBody, componentSchemas: components.schemas }).validateRequest({ headers, body });
  },
  "openapi-zod-client": (body) => schemas.Clip.safeParse(body).success,
  "@hey-api/openapi-ts": (body) => zCreateClipBody.safeParse(body).success,
};
for (const [name, accepts] of Object.entries(validators)) {
  const outcomes = Object.entries(bodies).map(([kind, body]) => `${kind} id ${accepts(structuredClone(body)) ? "accepted" : "refused"}`);
  console.log(`${name}: ${outcomes.join(", ")}`);
}
NODE
cat >validate.py <<'PYTHON'
import json
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest

api = OpenAPI.from_dict(json.load(open("document.json")))
outcomes = []
for kind, body in {"without": {"prompt": "sea"}, "with": {"prompt": "sea", "id": "1"}}.items():
    data = json.dumps(body).encode()
    try:
        api.validate_request(MockRequest("http://localhost", "post", "/clips", data=data, content_type="application/json"))
        outcomes.append(f"{kind} id accepted")
    except Exception:
        outcomes.append(f"{kind} id refused")
print(f"openapi-core: {', '.join(outcomes)}")
PYTHON
timeout 60 node validate.mjs >output
timeout 60 venv/bin/python -W ignore validate.py >>output
cat output
diff output - <<'EXPECTED'
openapi-backend: without id refused, with id accepted
openapi-request-validator: without id accepted, with id refused
openapi-zod-client: without id refused, with id accepted
@hey-api/openapi-ts: without id accepted, with id accepted
openapi-core: without id accepted, with id refused
EXPECTED
