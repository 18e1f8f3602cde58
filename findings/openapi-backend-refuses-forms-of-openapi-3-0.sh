#!/usr/bin/env bash
# openapi-backend and openapi-schema-validator (npm): which valid OpenAPI 3.0 schemas make them refuse the whole document?
#
# Guess: none. `exclusiveMinimum` and `exclusiveMaximum` are booleans in 3.0 (as in JSON Schema draft 4), and the packages support 3.0;
#   `nullable` beside `allOf` is how every 3.0 document says "this reference or null".
# Versions: openapi-backend 5.21.2, openapi-schema-validator 12.1.3; for comparison @seriousme/openapi-schema-validator 2.4.1.
# Behaviour: boolean exclusive bounds, even the default false, are "not valid OpenAPI" to openapi-schema-validator and so to
#   openapi-backend, whose init() rejects, so that no operation of the document can be used. `nullable` with allOf and no `type`
#   passes that check, and init() rejects it all the same. The quick mode of openapi-backend starts with all of them, and then throws
#   while it handles the first request to the operation.
# Output on 2026-11-27: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts \
    openapi-backend@5.21.2 openapi-schema-validator@12.1.3 @seriousme/openapi-schema-validator@2.4.1
cat >check.mjs <<'NODE'
import { createRequire } from "node:module";
import { Validator } from "@seriousme/openapi-schema-validator";
const require = createRequire(import.meta.url);
const { OpenAPIBackend } = require("openapi-backend");
const SchemaValidator = require("openapi-schema-validator").default;

const schemas = {
  "plain minimum": { type: "number", minimum: 0 },
  "exclusiveMinimum: true": { type: "number", minimum: 0, exclusiveMinimum: true },
  "exclusiveMaximum: false": { type: "number", maximum: 1, exclusiveMaximum: false },
  "nullable with allOf": { nullable: true, allOf: [{ type: "string" }] },
};
for (const [name, schema] of Object.entries(schemas)) {
  const body = { content: { "application/json": { schema: { type: "object", properties: { value: schema } } } } };
  const operation = { operationId: "create", requestBody: body, responses: { 200: { description: "Created." } } };
  const info = { title: "Clips", version: "1" };
  const document = () => structuredClone({ openapi: "3.0.3", info, paths: { "/clips": { post: operation } } });
  const start = async (options) => {
    const backend = new OpenAPIBackend({ definition: document(), strict: true, ...options });
    try {
      await backend.init();
    } catch {
      return "does not start";
    }
    const request = { method: "post", path: "/clips", body: { value: schema.allOf ? "high" : 0.5 }, headers: { "content-type": "application/json" } };
    try {
      return backend.validateRequest(request, "create").valid ? "accepts" : "refuses";
    } catch {
      return "starts and throws";
    }
  };
  const outcomes = {
    "openapi-schema-validator": new SchemaValidator({ version: 3 }).validate(document()).errors.length ? "invalid" : "valid",
    "@seriousme": (await new Validator().validate(document())).valid ? "valid" : "invalid",
    "openapi-backend": await start({}),
    quick: await start({ quick: true }),
  };
  console.log(`${name}: ${Object.entries(outcomes).map((pair) => pair.join(" ")).join(", ")}`);
}
NODE
timeout 60 node check.mjs 2>/dev/null >output
cat output
diff output - <<'EXPECTED'
plain minimum: openapi-schema-validator valid, @seriousme valid, openapi-backend accepts, quick accepts
exclusiveMinimum: true: openapi-schema-validator invalid, @seriousme valid, openapi-backend does not start, quick starts and throws
exclusiveMaximum: false: openapi-schema-validator invalid, @seriousme valid, openapi-backend does not start, quick starts and throws
nullable with allOf: openapi-schema-validator valid, @seriousme valid, openapi-backend does not start, quick starts and throws
EXPECTED
