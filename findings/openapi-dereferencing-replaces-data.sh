#!/usr/bin/env bash
# OpenAPI dereferencers: a default, an enum and an example are data that have a key called $ref. Do they stay as they are?
#
# Guess: yes. A Reference Object stands only where the specification allows one, which is never inside of a default, an enum or an example
#   (OpenAPI 3.0.3, 4.7.23); a service that takes JSON Schemas as input has such data. A property may be called $ref, too.
# Versions: @redocly/openapi-core 2.64.0, @apidevtools/swagger-parser 13.0.0, @readme/openapi-parser 9.0.0, @scalar/openapi-parser 0.24.17
#   (npm); jsonref 1.1.0, prance 26.7.19.0 with openapi-spec-validator 0.9.0 (PyPI).
# Behaviour: five of the six replace the data in all three places by the schema that the key names, so that the enum allows another value
#   than the document says; redocly replaces it in the example alone. If the example names a file that is not there, as such an example may,
#   four refuse the whole document. prance also refuses a document with a property that is called $ref.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-compile jsonref==1.1.0 prance==26.7.19.0 openapi-spec-validator==0.9.0
npm install --silent --no-audit --no-fund --ignore-scripts @redocly/openapi-core@2.64.0 @apidevtools/swagger-parser@13.0.0 \
    @readme/openapi-parser@9.0.0 @scalar/openapi-parser@0.24.17 openapi-types@12.1.3 >/dev/null
cat >documents.mjs <<'NODE'
import fs from "node:fs";

const data = { $ref: "#/components/schemas/Name" };
const properties = {
  default: { name: { type: "object", default: data } },
  enum: { name: { type: "object", enum: [data] } },
  example: { name: { type: "object", example: data } },
  "example of a file": { name: { type: "object", example: { $ref: "./name.json" } } },
  "property $ref": { $ref: { type: "string" } },
};
for (const [name, value] of Object.entries(properties)) {
  const schemas = { Name: { type: "string" }, Body: { type: "object", properties: value } };
  const document = { openapi: "3.0.3", info: { title: "Clips", version: "1" }, paths: {}, components: { schemas } };
  fs.writeFileSync(`${name}.json`, JSON.stringify(document));
}
NODE
node documents.mjs
cat >check.mjs <<'NODE'
import fs from "node:fs";
import { isDeepStrictEqual } from "node:util";
import swaggerParser from "@apidevtools/swagger-parser";
import * as readme from "@readme/openapi-parser";
import { bundle, createConfig } from "@redocly/openapi-core";
import { dereference } from "@scalar/openapi-parser";

const names = ["default", "enum", "example", "example of a file", "property $ref"];
const read = (name) => JSON.parse(fs.readFileSync(`${name}.json`, "utf8"));
const config = await createConfig({});
const tools = {
  "@redocly/openapi-core": async (name) => (await bundle({ ref: `${name}.json`, config, dereference: true })).bundle.parsed,
  "@apidevtools/swagger-parser": (name) => swaggerParser.dereference(read(name)),
  "@readme/openapi-parser": (name) => readme.dereference(read(name)),
  "@scalar/openapi-parser": async (name) => (await dereference(read(name))).schema,
};
for (const [tool, resolve] of Object.entries(tools)) {
  const results = [];
  for (const name of names) {
    try {
      const { schemas } = (await resolve(name)).components;
      results.push(`${name} ${isDeepStrictEqual(schemas.Body, read(name).components.schemas.Body) ? "kept" : "CHANGED"}`);
    } catch {
      results.push(`${name} ERROR`);
    }
  }
  console.log(`${tool}: ${results.join(", ")}`);
}
NODE
cat >check.py <<'PYTHON'
import json
import jsonref
from prance import ResolvingParser

def read(name):
    return json.load(open(f"{name}.json"))

TOOLS = {
    "jsonref": lambda name: jsonref.replace_refs(read(name), proxies=False, lazy_load=False),
    "prance": lambda name: ResolvingParser(f"{name}.json", backend="openapi-spec-validator").specification,
}

def result(resolve, name):
    try:
        return "kept" if resolve(name)["components"]["schemas"]["Body"] == read(name)["components"]["schemas"]["Body"] else "CHANGED"
    except Exception:
        return "ERROR"

names = ["default", "enum", "example", "example of a file", "property $ref"]
for tool, resolve in TOOLS.items():
    print(f"{tool}:", ", ".join(f"{name} {result(resolve, name)}" for name in names))
PYTHON
{
    timeout 60 node check.mjs
    timeout 60 venv/bin/python check.py
} >output
cat output
diff output - <<'EXPECTED'
@redocly/openapi-core: default kept, enum kept, example CHANGED, example of a file kept, property $ref kept
@apidevtools/swagger-parser: default CHANGED, enum CHANGED, example CHANGED, example of a file ERROR, property $ref kept
@readme/openapi-parser: default CHANGED, enum CHANGED, example CHANGED, example of a file ERROR, property $ref kept
@scalar/openapi-parser: default CHANGED, enum CHANGED, example CHANGED, example of a file kept, property $ref kept
jsonref: default CHANGED, enum CHANGED, example CHANGED, example of a file ERROR, property $ref kept
prance: default CHANGED, enum CHANGED, example CHANGED, example of a file ERROR, property $ref ERROR
EXPECTED
