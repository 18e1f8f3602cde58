#!/usr/bin/env bash
# OpenAPI: an optional object in the query, with a required property. Which servers accept a request without it, and one with it?
#
# Guess: all four accept a request that leaves an optional parameter out, whatever its schema requires, and each of the three spellings.
# Versions: @stoplight/prism-cli 5.14.2, express-openapi-validator 5.6.2, openapi-backend 5.21.2, openapi-enforcer 1.23.0 (npm).
# Behaviour: prism (deepObject and form) and express-openapi-validator (deepObject) read an absent parameter as {}, and refuse the request
#   because {} lacks the property: the filter that may be left out has to be sent. openapi-backend accepts the absent one, and refuses the
#   object in form, the default style, as it is sent with and without explode. prism refuses a list of two
#   with spaceDelimited (minItems: 2). Only openapi-enforcer accepts all of them.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
server=
trap 'test -z "$server" || kill "$server" 2>/dev/null || :; rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @stoplight/prism-cli@5.14.2 express@5.3.0 \
    express-openapi-validator@5.6.2 openapi-backend@5.21.2 openapi-enforcer@1.23.0 >/dev/null
cat >document.mjs <<'NODE'
import fs from "node:fs";

const filter = { type: "object", required: ["state"], properties: { state: { type: "string" } } };
const operation = (operationId, parameter) => ({
  get: {
    operationId,
    parameters: [{ in: "query", ...parameter }],
    responses: { 200: { description: "Listed.", content: { "application/json": { schema: { type: "object" } } } } },
  },
});
const paths = {
  "/deep": operation("deep", { name: "filter", style: "deepObject", explode: true, schema: filter }),
  "/form": operation("form", { name: "filter", style: "form", explode: true, schema: filter }),
  "/flat": operation("flat", { name: "filter", style: "form", explode: false, schema: filter }),
  "/space": operation("space", {
    name: "ids", style: "spaceDelimited", explode: false, schema: { type: "array", minItems: 2, items: { type: "string" } },
  }),
};
fs.writeFileSync("document.json", JSON.stringify({ openapi: "3.0.3", info: { title: "Clips", version: "1" }, paths }));
NODE
node document.mjs
cat >check.mjs <<'NODE'
import fs from "node:fs";
import express from "express";
import { middleware } from "express-openapi-validator";
import openapiBackend from "openapi-backend";
import Enforcer from "openapi-enforcer";

const document = () => JSON.parse(fs.readFileSync("document.json", "utf8"));
const OpenAPIBackend = openapiBackend.OpenAPIBackend ?? openapiBackend;
const backend = new OpenAPIBackend({ definition: document() });
await backend.init();
const enforcer = await Enforcer(document());
const app = express();
app.set("query parser", "extended");
app.use(middleware({ apiSpec: document() }));
app.use((request, response, next) => response.json({}));
app.use((error, request, response, next) => response.status(error.status ?? 500).json({}));
const server = app.listen(0, "127.0.0.1");
await new Promise((resolve) => server.once("listening", resolve));
const accepts = async (origin, path) => (await fetch(origin + path)).status === 200;
const servers = {
  prism: (path) => accepts(process.argv[2], path),
  "express-openapi-validator": (path) => accepts(`http://127.0.0.1:${server.address().port}`, path),
  "openapi-backend": (path) => backend.validateRequest({ method: "GET", path, headers: {} }).valid,
  "openapi-enforcer": (path) => !enforcer.request({ method: "GET", path })[1],
};
const requests = {
  "deepObject absent": "/deep",
  "deepObject filter[state]=done": "/deep?filter%5Bstate%5D=done",
  "form absent": "/form",
  "form state=done": "/form?state=done",
  "form without explode absent": "/flat",
  "form without explode filter=state,done": "/flat?filter=state,done",
  "spaceDelimited absent": "/space",
  "spaceDelimited ids=a%20b": "/space?ids=a%20b",
};
for (const [name, path] of Object.entries(requests)) {
  const verdicts = [];
  for (const [tool, accept] of Object.entries(servers)) {
    verdicts.push(`${tool} ${(await accept(path)) ? "yes" : "NO"}`);
  }
  console.log(`${name}: ${verdicts.join(", ")}`);
}
process.exit();
NODE
port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
node node_modules/.bin/prism mock --port "$port" document.json >prism.log 2>&1 &
server=$!
for _ in $(seq 300); do grep -q listening prism.log && break; sleep 0.1; done
timeout 60 node check.mjs "http://127.0.0.1:$port" >output
cat output
diff output - <<'EXPECTED'
deepObject absent: prism NO, express-openapi-validator NO, openapi-backend yes, openapi-enforcer yes
deepObject filter[state]=done: prism yes, express-openapi-validator yes, openapi-backend yes, openapi-enforcer yes
form absent: prism NO, express-openapi-validator yes, openapi-backend yes, openapi-enforcer yes
form state=done: prism yes, express-openapi-validator yes, openapi-backend NO, openapi-enforcer yes
form without explode absent: prism yes, express-openapi-validator yes, openapi-backend yes, openapi-enforcer yes
form without explode filter=state,done: prism yes, express-openapi-validator yes, openapi-backend NO, openapi-enforcer yes
spaceDelimited absent: prism yes, express-openapi-validator yes, openapi-backend yes, openapi-enforcer yes
spaceDelimited ids=a%20b: prism NO, express-openapi-validator yes, openapi-backend yes, openapi-enforcer yes
EXPECTED
