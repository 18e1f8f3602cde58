#!/usr/bin/env bash
# @hey-api/openapi-ts (npm): for `format: int64` its zod schema and its TypeScript type of the same property disagree.
#
# Guess: the schema generated for a request body takes and returns what the generated type says, so that a parsed body can be sent as
#   JSON, and a maximum of 9223372036854775807 is either exact or out of reach of a number.
# Version: @hey-api/openapi-ts 0.95.0 with its zod and @hey-api/typescript plugins; zod 3.25.76.
# Behaviour: the type says `seed?: number`; the schema turns the number into a bigint, on which JSON.stringify throws. The bound
#   is written as BigInt(9223372036854776000), a number that was rounded before it was converted: the schema accepts 2^63, one more
#   than the document allows. Without `maximum` in the document the bound is a string and exact.
# Output on 2026-11-27: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @hey-api/openapi-ts@0.95.0 zod@3.25.76 typescript@5.9.3
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
      "Clip": {
        "type": "object",
        "properties": {
          "seed": {"type": "integer", "format": "int64", "maximum": 9223372036854775807},
          "free": {"type": "integer", "format": "int64"}
        }
      }
    }
  }
}
JSON
timeout 120 node_modules/.bin/openapi-ts -i document.json -o generated -p zod @hey-api/typescript >log 2>&1
node_modules/.bin/tsc --module esnext --moduleResolution bundler --target es2022 --outDir built generated/zod.gen.ts
cat >check.mjs <<'NODE'
import { zClip } from "./built/zod.gen.js";

const parsed = zClip.parse(JSON.parse('{"seed": 42}'));
console.log("parsed seed:", typeof parsed.seed);
try {
  console.log(JSON.stringify(parsed));
} catch (error) {
  console.log("JSON.stringify:", error.name);
}
for (const name of ["seed", "free"]) {
  for (const value of [2n ** 63n - 1n, 2n ** 63n]) {
    console.log(name, value, zClip.safeParse({ [name]: value }).success ? "accepted" : "refused");
  }
}
NODE
mv built/zod.gen.js built/zod.gen.mjs && sed -i 's/zod.gen.js/zod.gen.mjs/' check.mjs
{
    grep -hE '^ +(seed|free)' generated/types.gen.ts | sed 's/^ */type: /'
    timeout 60 node check.mjs
} >output
cat output
diff output - <<'EXPECTED'
type: seed?: number;
type: free?: number;
parsed seed: bigint
JSON.stringify: TypeError
seed 9223372036854775807n accepted
seed 9223372036854775808n accepted
free 9223372036854775807n accepted
free 9223372036854775808n refused
EXPECTED
