#!/usr/bin/env bash
# Schemas in JavaScript exported as JSON Schema or OpenAPI: does a check with a flag, or two checks of one kind, mean the same afterwards?
#
# Guess: JSON Schema has no flags, so that an exporter writes [Mm][Pp]4 for /mp4/i or throws; two patterns or two multipleOf become an allOf
#   or an error. What cannot be expressed is not changed without a word.
# Versions (npm): zod 4.6.7, @asteasolutions/zod-to-openapi 9.1.0, arktype 2.2.10, valibot 1.5.0 with @valibot/to-json-schema 1.8.0,
#   yup 1.7.1 with @sodaru/yup-to-json-schema 2.0.1, joi 18.3.2 with joi-to-json 5.0.5; ajv 8.20.0 reads the exports.
# Behaviour: only valibot throws for the flag. zod, arktype and yup drop it, so that the exported schema refuses "MP4", which the program
#   accepts. zod-to-openapi and joi-to-json write the flag into the pattern, "^mp4$/i", which no text matches at all. Of two patterns
#   zod-to-openapi and yup export the first and joi-to-json the last; of two multiples valibot and joi-to-json export the last and
#   zod-to-openapi none, without a word. zod alone exports both of each; arktype makes one multiple of two, and throws for two patterns.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts zod@4.6.7 @asteasolutions/zod-to-openapi@9.1.0 arktype@2.2.10 valibot@1.5.0 \
    @valibot/to-json-schema@1.8.0 yup@1.7.1 @sodaru/yup-to-json-schema@2.0.1 joi@18.3.2 joi-to-json@5.0.5 \
    ajv@8.20.0 >/dev/null
cat >check.mjs <<'NODE'
import { extendZodWithOpenApi, OpenAPIRegistry, OpenApiGeneratorV31 } from "@asteasolutions/zod-to-openapi";
import { convertSchema } from "@sodaru/yup-to-json-schema";
import { toJsonSchema } from "@valibot/to-json-schema";
import Ajv from "ajv/dist/2020.js";
import { type } from "arktype";
import joi from "joi";
import joiToJson from "joi-to-json";
import * as v from "valibot";
import * as yup from "yup";
import { z } from "zod";

extendZodWithOpenApi(z);
const withoutDialect = ({ $schema, ...schema }) => schema;
const libraries = {
  zod: {
    schemas: [z.string().regex(/^mp4$/i), z.string().regex(/a/).regex(/b/), z.number().multipleOf(2).multipleOf(3)],
    accepts: (schema, value) => schema.safeParse(value).success,
    exported: (schema) => z.toJSONSchema(schema),
  },
  "zod-to-openapi": {
    schemas: [z.string().regex(/^mp4$/i), z.string().regex(/a/).regex(/b/), z.number().multipleOf(2).multipleOf(3)],
    accepts: (schema, value) => schema.safeParse(value).success,
    exported: (schema) => {
      const registry = new OpenAPIRegistry();
      registry.register("Exported", schema);
      return new OpenApiGeneratorV31(registry.definitions).generateComponents().components.schemas.Exported;
    },
  },
  arktype: {
    schemas: [type(/^mp4$/i), type(/a/).and(/b/), type("number%2").and("number%3")],
    accepts: (schema, value) => schema.allows(value),
    exported: (schema) => schema.toJsonSchema(),
  },
  valibot: {
    schemas: [
      v.pipe(v.string(), v.regex(/^mp4$/i)),
      v.pipe(v.string(), v.regex(/a/), v.regex(/b/)),
      v.pipe(v.number(), v.multipleOf(2), v.multipleOf(3)),
    ],
    accepts: (schema, value) => v.safeParse(schema, value).success,
    exported: toJsonSchema,
  },
  yup: {
    schemas: [yup.string().matches(/^mp4$/i), yup.string().matches(/a/).matches(/b/)],
    accepts: (schema, value) => schema.isValidSync(value, { strict: true }),
    exported: (schema) => convertSchema(schema),
  },
  joi: {
    schemas: [joi.string().pattern(/^mp4$/i), joi.string().pattern(/a/).pattern(/b/), joi.number().multiple(2).multiple(3)],
    accepts: (schema, value) => !schema.validate(value, { convert: false }).error,
    exported: (schema) => (joiToJson.default ?? joiToJson)(joi.object({ value: schema })).properties.value,
  },
};
const examples = [["MP4"], ["a", "b"], [9, 4]];
const verdicts = (values, accepts) => values.map((value) => `${value} ${accepts(value) ? "accepted" : "refused"}`).join(", ");
for (const [name, { schemas, accepts, exported }] of Object.entries(libraries)) {
  console.log(name);
  for (const [index, schema] of schemas.entries()) {
    console.log(`  library: ${verdicts(examples[index], (value) => accepts(schema, value))}`);
    try {
      const json = withoutDialect(exported(schema));
      const isValid = new Ajv({ strict: false }).compile(json);
      console.log(`    export: ${verdicts(examples[index], isValid)}: ${JSON.stringify(json)}`);
    } catch {
      console.log("    export: an error");
    }
  }
}
NODE
timeout 60 node check.mjs >output
cat output
diff output - <<'EXPECTED'
zod
  library: MP4 accepted
    export: MP4 refused: {"type":"string","pattern":"^mp4$"}
  library: a refused, b refused
    export: a refused, b refused: {"type":"string","allOf":[{"pattern":"a"},{"pattern":"b"}]}
  library: 9 refused, 4 refused
    export: 9 refused, 4 refused: {"type":"number","multipleOf":2,"allOf":[{"multipleOf":3}]}
zod-to-openapi
  library: MP4 accepted
    export: MP4 refused: {"type":"string","pattern":"^mp4$/i"}
  library: a refused, b refused
    export: a accepted, b refused: {"type":"string","pattern":"a"}
  library: 9 refused, 4 refused
    export: 9 accepted, 4 accepted: {"type":"number"}
arktype
  library: MP4 accepted
    export: MP4 refused: {"type":"string","pattern":"^mp4$"}
  library: a refused, b refused
    export: an error
  library: 9 refused, 4 refused
    export: 9 refused, 4 refused: {"type":"integer","multipleOf":6}
valibot
  library: MP4 accepted
    export: an error
  library: a refused, b refused
    export: an error
  library: 9 refused, 4 refused
    export: 9 accepted, 4 refused: {"type":"number","multipleOf":3}
yup
  library: MP4 accepted
    export: MP4 refused: {"type":"string","pattern":"^mp4$"}
  library: a refused, b refused
    export: a accepted, b refused: {"type":"string","pattern":"a"}
joi
  library: MP4 accepted
    export: MP4 refused: {"type":"string","pattern":"^mp4$/i"}
  library: a refused, b refused
    export: a refused, b accepted: {"type":"string","pattern":"b"}
  library: 9 refused, 4 refused
    export: 9 accepted, 4 refused: {"type":"number","multipleOf":3}
EXPECTED
