#!/usr/bin/env bash
# Converting a document from OpenAPI 3.0 to 3.1: does it allow the same values afterwards?
#
# Guess: `nullable`, exclusive limits and `example` are rewritten where they are keywords. Names of properties, defaults and examples
#   stay, `format: binary` keeps its type, and `nullable` without a type beside it has no effect (OpenAPI 3.0.3).
# Versions: openapi-format 1.33.6, @scalar/openapi-upgrader 0.4.9 (npm), both with their conversion to 3.1.
# Behaviour: openapi-format takes every `type` and `nullable` for a keyword: a property called `type` becomes the list
#   ["[object Object]"] and one called `nullable` is dropped, values of `default`, `example` and `enum` get other contents, and an
#   untyped `nullable` arm becomes {}, which allows everything. @scalar/openapi-upgrader leaves names and values alone, but
#   a text with `format: binary` loses its type, so that numbers are allowed, and an untyped `nullable` beside `allOf` begins to
#   allow null.
# Output on 2026-11-27: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts openapi-format@1.33.6 @scalar/openapi-upgrader@0.4.9 >/dev/null

cat >convert.mjs <<'NODE'
import { upgradeFromThreeToThreeOne } from "@scalar/openapi-upgrader/3.0-to-3.1";
import openapiFormat from "openapi-format";

const schemas = {
  "properties called type and nullable": { type: "object", properties: { type: { type: "string" }, nullable: { type: "boolean" } } },
  "default": { type: "object", default: { type: "clip", nullable: true } },
  "enum of objects": { enum: [{ type: "clip", nullable: true }] },
  "untyped nullable arm": { oneOf: [{ type: "string" }, { nullable: true }] },
  "untyped nullable beside allOf": { nullable: true, allOf: [{ type: "integer" }] },
  "binary": { type: "string", format: "binary" },
  "exclusive minimum": { type: "number", minimum: 0, exclusiveMinimum: true },
};
const document = (schema) => ({
  openapi: "3.0.3",
  info: { title: "t", version: "1" },
  paths: {},
  components: { schemas: { S: structuredClone(schema) } },
});
for (const [name, schema] of Object.entries(schemas)) {
  const { data } = await openapiFormat.openapiConvertVersion(document(schema), { convertTo: "3.1" });
  const upgraded = upgradeFromThreeToThreeOne(document(schema));
  console.log(`${name}: ${JSON.stringify(schema)}`);
  console.log(`  openapi-format:   ${JSON.stringify(data.components.schemas.S)}`);
  console.log(`  openapi-upgrader: ${JSON.stringify(upgraded.components.schemas.S)}`);
}
NODE
node convert.mjs >output
cat output
diff output - <<'EXPECTED'
properties called type and nullable: {"type":"object","properties":{"type":{"type":"string"},"nullable":{"type":"boolean"}}}
  openapi-format:   {"type":"object","properties":{"type":["[object Object]"]}}
  openapi-upgrader: {"type":"object","properties":{"type":{"type":"string"},"nullable":{"type":"boolean"}}}
default: {"type":"object","default":{"type":"clip","nullable":true}}
  openapi-format:   {"type":"object","default":{"type":["clip","null"]}}
  openapi-upgrader: {"type":"object","default":{"type":"clip","nullable":true}}
enum of objects: {"enum":[{"type":"clip","nullable":true}]}
  openapi-format:   {"enum":[{"type":["clip","null"]}]}
  openapi-upgrader: {"enum":[{"type":"clip","nullable":true}]}
untyped nullable arm: {"oneOf":[{"type":"string"},{"nullable":true}]}
  openapi-format:   {"oneOf":[{"type":"string"},{}]}
  openapi-upgrader: {"oneOf":[{"type":"string"},{"type":"null"}]}
untyped nullable beside allOf: {"nullable":true,"allOf":[{"type":"integer"}]}
  openapi-format:   {"allOf":[{"type":"integer"}]}
  openapi-upgrader: {"anyOf":[{"type":"integer"},{"type":"null"}]}
binary: {"type":"string","format":"binary"}
  openapi-format:   {"type":"string","format":"binary"}
  openapi-upgrader: {"contentMediaType":"application/octet-stream"}
exclusive minimum: {"type":"number","minimum":0,"exclusiveMinimum":true}
  openapi-format:   {"type":"number","exclusiveMinimum":0}
  openapi-upgrader: {"type":"number","exclusiveMinimum":0}
EXPECTED
