#!/usr/bin/env bash
# `format: time`, `date-time`, `hostname`, `ipv4` of OpenAPI: zod schemas that five generators write, beside a validator.
#
# Guess: where a generator writes a check for a format, the check accepts each value that a validator accepts: 10:00:00Z as a `time`
#   (full-time of RFC 3339, whose offset is required), +00:00 in a `date-time`, a plain host name as a `hostname`.
# Versions (npm): orval 8.38.0, @kubb/plugin-zod 4.39.3, @cerios/openapi-to-zod 1.7.0, each with zod 4.6.7; @hey-api/openapi-ts 0.95.0
#   with zod 3.25.76; openapi-zod-client 1.18.3 with zod 3.25.76; beside ajv 8.20.0 with ajv-formats 3.0.1. Default settings.
# Behaviour: four of the five write zod's time check, which takes no offset: they refuse every valid `time` and accept those that the
#   validator refuses, so that no value passes both. Three refuse a `date-time` with +00:00, which is how Python writes UTC. Two take a
#   `hostname` for a URL, and one an `ipv4`. zod's own reader of JSON Schema (z.fromJSONSchema) agrees with the validator.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
install() { npm install --silent --no-audit --no-fund --ignore-scripts --legacy-peer-deps --prefix "$@" >/dev/null; }
install four zod@4.6.7 ajv@8.20.0 ajv-formats@3.0.1 typescript@5.9.3 orval@8.38.0 @cerios/openapi-to-zod@1.7.0 \
    @kubb/cli@4.39.3 @kubb/core@4.39.3 @kubb/plugin-oas@4.39.3 @kubb/plugin-zod@4.39.3
install three zod@3.25.76 typescript@5.9.3 @hey-api/openapi-ts@0.95.0 openapi-zod-client@1.18.3 @zodios/core@10.9.6

node >document.json <<'NODE'
const formats = { Clock: "time", Stamp: "date-time", Host: "hostname", Address: "ipv4" };
const paths = {};
const schemas = {};
for (const [name, format] of Object.entries(formats)) {
  schemas[name] = { type: "object", required: ["value"], properties: { value: { type: "string", format } } };
  const content = { "application/json": { schema: { $ref: `#/components/schemas/${name}` } } };
  paths[`/${name}`] = {
    post: { operationId: `put${name}`, requestBody: { required: true, content }, responses: { 204: { description: "Kept." } } },
  };
}
console.log(JSON.stringify({ openapi: "3.0.3", info: { title: "Formats", version: "1" }, paths, components: { schemas } }));
NODE

cd four
cat >orval.config.cjs <<'NODE'
module.exports = { zod: { input: "../document.json", output: { client: "zod", mode: "single", target: "made/orval.ts" } } };
NODE
cat >openapi-to-zod.config.json <<'JSON'
{"specs": [{"input": "../document.json", "outputTypes": "made/cerios.ts"}]}
JSON
cat >kubb.config.mjs <<'NODE'
import { defineConfig } from "@kubb/core";
import { pluginOas } from "@kubb/plugin-oas";
import { pluginZod } from "@kubb/plugin-zod";

export default defineConfig({
  root: ".",
  input: { path: "../document.json" },
  output: { path: "made/kubb", extension: { ".ts": ".js" } },
  plugins: [pluginOas({ generators: [] }), pluginZod({ output: { path: "zod" } })],
});
NODE
timeout 120 node_modules/.bin/orval --config orval.config.cjs >log 2>&1
timeout 120 node_modules/.bin/openapi-to-zod --config openapi-to-zod.config.json >log 2>&1
timeout 120 node_modules/.bin/kubb generate --config kubb.config.mjs >log 2>&1
cd ../three
timeout 120 node_modules/.bin/openapi-ts -i ../document.json -o made/hey -p zod @hey-api/typescript >log 2>&1
timeout 120 node_modules/.bin/openapi-zod-client ../document.json -o made/client.ts --export-schemas >log 2>&1
cd ..
compile() { node_modules/.bin/tsc --module esnext --moduleResolution bundler --target es2022 --skipLibCheck --outDir built "$@"; }
(cd four && compile made/orval.ts made/cerios.ts made/kubb/zod/index.ts && echo '{"type": "module"}' >built/package.json)
(cd three && compile made/hey/zod.gen.ts made/client.ts && echo '{"type": "module"}' >built/package.json)

cat >four/check.mjs <<'NODE'
import { z } from "zod";
import Ajv from "ajv";
import addFormats from "ajv-formats";
import * as orval from "./built/orval.js";
import * as kubb from "./built/kubb/zod/index.js";
import * as cerios from "./built/cerios.js";
import * as hey from "../three/built/hey/zod.gen.js";
import * as client from "../three/built/client.js";

const ajv = new Ajv();
addFormats(ajv);
const formats = { Clock: "time", Stamp: "date-time", Host: "hostname", Address: "ipv4" };
const values = [
  ["Clock", "10:00:00Z"], ["Clock", "10:00:00+01:00"], ["Clock", "10:00:00"],
  ["Stamp", "2026-11-28T10:00:00Z"], ["Stamp", "2026-11-28T10:00:00+00:00"],
  ["Host", "example.com"], ["Address", "192.0.2.1"],
];
for (const [name, value] of values) {
  const format = formats[name];
  const lower = name.toLowerCase();
  const verdicts = {
    ajv: ajv.validate({ type: "string", format }, value),
    zod: z.fromJSONSchema({ type: "string", format }).safeParse(value).success,
    orval: orval[`Put${name}Body`].safeParse({ value }).success,
    kubb: kubb[`${lower}Schema`].safeParse({ value }).success,
    cerios: cerios[`${lower}Schema`].safeParse({ value }).success,
    "hey-api": hey[`z${name}`].safeParse({ value }).success,
    "openapi-zod-client": client.schemas[name].safeParse({ value }).success,
  };
  const by = (verdict) => Object.keys(verdicts).filter((key) => verdicts[key] === verdict).join(" ") || "none";
  console.log(`${format} ${value}\n  accepted: ${by(true)}\n  refused: ${by(false)}`);
}
NODE
timeout 60 node four/check.mjs >output
cat output
diff output - <<'EXPECTED'
time 10:00:00Z
  accepted: ajv zod openapi-zod-client
  refused: orval kubb cerios hey-api
time 10:00:00+01:00
  accepted: ajv zod openapi-zod-client
  refused: orval kubb cerios hey-api
time 10:00:00
  accepted: orval kubb cerios hey-api openapi-zod-client
  refused: ajv zod
date-time 2026-11-28T10:00:00Z
  accepted: ajv zod orval kubb cerios hey-api openapi-zod-client
  refused: none
date-time 2026-11-28T10:00:00+00:00
  accepted: ajv zod orval openapi-zod-client
  refused: kubb cerios hey-api
hostname example.com
  accepted: ajv zod orval cerios hey-api
  refused: kubb openapi-zod-client
ipv4 192.0.2.1
  accepted: ajv zod orval cerios hey-api openapi-zod-client
  refused: kubb
EXPECTED
