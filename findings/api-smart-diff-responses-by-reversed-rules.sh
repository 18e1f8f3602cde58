#!/usr/bin/env bash
# api-smart-diff (npm): every change of a response's type is called non-breaking, a new null among them.
#
# Guess: a client breaks when a property of a response turns from a string into an integer, or may be null from now on; a client
#   that sends null goes on when a request begins to allow it, and breaks when a request allows only two values of many. The tool, which
#   exists to find breaking changes in OpenAPI 3.0, says so, or at least calls nothing of this harmless.
# Version: api-smart-diff 1.0.6, the newest.
# Behaviour: the class for a response is the reverse of the one for a request. Each change of type is breaking in a request and therefore
#   non-breaking in a response, and in a query parameter it is non-breaking anyway. `nullable` is judged the wrong way round in both
#   places, and a first `enum` on a text too: non-breaking in the request, where it refuses what was accepted, and breaking in the
#   response, where it promises more than before.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts api-smart-diff@1.0.6 >/dev/null
cat >check.cjs <<'NODE'
const { apiCompare } = require("api-smart-diff");

const text = { type: "string" };
const body = (schema) => ({
  content: { "application/json": { schema: { type: "object", properties: { value: schema } } } },
});
const documents = {
  "in a response": (schema) => ({ responses: { 200: { description: "Done.", ...body(schema) } } }),
  "in a request": (schema) => ({ requestBody: body(schema), responses: { 204: { description: "Done." } } }),
  "in a parameter": (schema) => ({
    parameters: [{ name: "value", in: "query", schema }],
    responses: { 204: { description: "Done." } },
  }),
};
const changes = {
  "string to integer": [text, { type: "integer" }],
  "integer to string": [{ type: "integer" }, text],
  "null allowed": [text, { type: "string", nullable: true }],
  "null no longer allowed": [{ type: "string", nullable: true }, text],
  "two values instead of any text": [text, { type: "string", enum: ["a", "b"] }],
};
for (const [change, [before, after]] of Object.entries(changes)) {
  const classes = Object.entries(documents).map(([place, operation]) => {
    const document = (schema) => ({
      openapi: "3.0.3", info: { title: "Clips", version: "1" }, paths: { "/clips": { post: operation(schema) } },
    });
    const { diffs } = apiCompare(document(before), document(after));
    return `  ${place}: ${[...new Set(diffs.map((diff) => diff.type))].join(" ") || "no change"}`;
  });
  console.log([change, ...classes].join("\n"));
}
NODE
timeout 60 node check.cjs >output
cat output
diff output - <<'EXPECTED'
string to integer
  in a response: non-breaking
  in a request: breaking
  in a parameter: non-breaking
integer to string
  in a response: non-breaking
  in a request: breaking
  in a parameter: non-breaking
null allowed
  in a response: non-breaking
  in a request: breaking
  in a parameter: breaking
null no longer allowed
  in a response: breaking
  in a request: non-breaking
  in a parameter: non-breaking
two values instead of any text
  in a response: breaking
  in a request: non-breaking
  in a parameter: non-breaking
EXPECTED
