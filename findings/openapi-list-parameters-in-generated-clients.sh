#!/usr/bin/env bash
# OpenAPI: one GET with two lists and an object in its query. What do the clients of seven generators and libraries send?
#
# Guess: three spellings, as the document says: `ids=a,b` for a list with `explode: false`, `tags=x&tags=y` for a list without a word
#   (form and explode are the defaults), `filter[state]=done` for `style: deepObject`. Some may refuse deepObject.
# Versions: @hey-api/openapi-ts 0.95.0, oazapfts 7.5.0, orval 8.38.0, swagger-typescript-api 13.13.0, @kubb/plugin-client 4.39.3,
#   openapi-fetch 0.17.0 (npm); openapi-python-client 0.29.1 (PyPI).
# Behaviour: the first two and orval's client for fetch follow the document. The clients that orval and swagger-typescript-api make for
#   axios send `ids[]=a&ids[]=b`, a parameter that the document does not have, so that the HTTP library that is chosen for one generator
#   changes what arrives. @kubb/plugin-client joins each list with commas, the exploded one too, and it and swagger-typescript-api send
#   "[object Object]" for the filter. openapi-python-client sends the members of the filter as parameters of their own. None refuses any.
# Output on 2026-11-28: the lines at the end of this script (the query that arrives, decoded).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-compile openapi-python-client==0.29.1
npm install --silent --no-audit --no-fund --ignore-scripts orval@8.38.0 @hey-api/openapi-ts@0.95.0 swagger-typescript-api@13.13.0 \
    oazapfts@7.5.0 @oazapfts/runtime@1.2.0 openapi-fetch@0.17.0 axios@1.21.1 typescript@5.9.3 tsx@4.23.15 @kubb/cli@4.39.3 \
    @kubb/core@4.39.3 @kubb/plugin-oas@4.39.3 @kubb/plugin-ts@4.39.3 @kubb/plugin-client@4.39.3 >/dev/null
cat >document.json <<'JSON'
{
  "openapi": "3.0.3",
  "info": {"title": "Clips", "version": "1"},
  "servers": [{"url": "http://127.0.0.1"}],
  "paths": {
    "/clips": {
      "get": {
        "operationId": "listClips",
        "parameters": [
          {"name": "ids", "in": "query", "explode": false, "schema": {"type": "array", "items": {"type": "string"}}},
          {"name": "tags", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
          {
            "name": "filter", "in": "query", "style": "deepObject",
            "schema": {"type": "object", "properties": {"state": {"type": "string"}}}
          }
        ],
        "responses": {"200": {"description": "Listed.", "content": {"application/json": {"schema": {"type": "object"}}}}}
      }
    }
  }
}
JSON
cat >orval.config.mjs <<'NODE'
const client = (name) => ({ input: "./document.json", output: { target: `./orval-${name}.ts`, client: name } });
export default { fetch: client("fetch"), axios: client("axios") };
NODE
cat >kubb.config.mjs <<'NODE'
import { defineConfig } from "@kubb/core";
import { pluginClient } from "@kubb/plugin-client";
import { pluginOas } from "@kubb/plugin-oas";
import { pluginTs } from "@kubb/plugin-ts";

export default defineConfig([{
  root: ".",
  input: { path: "./document.json" },
  output: { path: "./kubb" },
  plugins: [pluginOas({ generators: [] }), pluginTs(), pluginClient({ client: "fetch" })],
}]);
NODE
{
    bin=node_modules/.bin
    timeout 60 $bin/orval --config orval.config.mjs
    timeout 60 $bin/openapi-ts -i document.json -o hey-fetch -p @hey-api/client-fetch @hey-api/sdk @hey-api/typescript
    timeout 60 $bin/openapi-ts -i document.json -o hey-axios -p @hey-api/client-axios @hey-api/sdk @hey-api/typescript
    timeout 60 $bin/swagger-typescript-api generate -p document.json -o swagger-fetch -n api.ts
    timeout 60 $bin/swagger-typescript-api generate -p document.json -o swagger-axios -n api.ts --axios
    timeout 60 $bin/oazapfts document.json oazapfts.ts
    timeout 60 $bin/kubb generate --config kubb.config.mjs
    timeout 60 venv/bin/openapi-python-client generate --path document.json --meta none --output-path generated
} >log 2>&1 || { cat log; exit 1; }
cat >check.mts <<'NODE'
import createClient from "openapi-fetch";
import http from "node:http";

const query: any = { ids: ["a", "b"], tags: ["x", "y"], filter: { state: "done" } };
let arrived = "";
const server = http.createServer((request, response) => {
  arrived = decodeURIComponent(request.url!.split("?")[1]);
  response.setHeader("content-type", "application/json");
  response.end("{}");
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const origin = `http://127.0.0.1:${(server.address() as any).port}`;
const plainFetch = globalThis.fetch;
globalThis.fetch = (url: any, init?: any) => plainFetch(typeof url === "string" && url.startsWith("/") ? origin + url : url, init);
const load = async (path: string): Promise<any> => import(path);
const clients: Record<string, () => Promise<unknown>> = {
  "@hey-api/openapi-ts, fetch": async () => (await load("./hey-fetch/sdk.gen")).listClips({ query, baseUrl: origin }),
  "@hey-api/openapi-ts, axios": async () => (await load("./hey-axios/sdk.gen")).listClips({ query, baseURL: origin }),
  oazapfts: async () => (await load("./oazapfts")).listClips(query, { baseUrl: origin }),
  "orval, fetch": async () => (await load("./orval-fetch")).listClips(query),
  "orval, axios": async () => {
    const generated = await load("./orval-axios");
    return (generated.listClips ?? generated.getClips().listClips)(query, { baseURL: origin });
  },
  "swagger-typescript-api, fetch": async () => new (await load("./swagger-fetch/api")).Api({ baseUrl: origin }).clips.listClips(query),
  "swagger-typescript-api, axios": async () => new (await load("./swagger-axios/api")).Api({ baseURL: origin }).clips.listClips(query),
  "@kubb/plugin-client, fetch": async () => (await load("./kubb/index")).listClips(query, { baseURL: origin }),
  "openapi-fetch": async () => createClient<any>({ baseUrl: origin }).GET("/clips", { params: { query } } as never),
};
for (const [name, call] of Object.entries(clients)) {
  await call();
  console.log(`${name}: ${arrived}`);
}
server.close();
process.exit();
NODE
cat >check.py <<'PYTHON'
import urllib.parse
import httpx
from generated.api.default import list_clips
from generated.client import Client
from generated.models.list_clips_filter import ListClipsFilter

def respond(request):
    print("openapi-python-client, httpx:", urllib.parse.unquote(request.url.query.decode()))
    return httpx.Response(200, json={})

client = Client(base_url="http://127.0.0.1", httpx_args={"transport": httpx.MockTransport(respond)})
list_clips.sync(client=client, ids=["a", "b"], tags=["x", "y"], filter_=ListClipsFilter.from_dict({"state": "done"}))
PYTHON
{
    timeout 60 node_modules/.bin/tsx check.mts
    timeout 60 venv/bin/python check.py
} >output
cat output
diff output - <<'EXPECTED'
@hey-api/openapi-ts, fetch: ids=a,b&tags=x&tags=y&filter[state]=done
@hey-api/openapi-ts, axios: ids=a,b&tags=x&tags=y&filter[state]=done
oazapfts: ids=a,b&tags=x&tags=y&filter[state]=done
orval, fetch: ids=a,b&tags=x&tags=y&filter[state]=done
orval, axios: ids[]=a&ids[]=b&tags[]=x&tags[]=y&filter[state]=done
swagger-typescript-api, fetch: ids=a&ids=b&tags=x&tags=y&filter=[object Object]
swagger-typescript-api, axios: ids[]=a&ids[]=b&tags[]=x&tags[]=y&filter[state]=done
@kubb/plugin-client, fetch: ids=a,b&tags=x,y&filter=[object+Object]
openapi-fetch: ids=a&ids=b&tags=x&tags=y&filter[state]=done
openapi-python-client, httpx: ids=a&ids=b&tags=x&tags=y&state=done
EXPECTED
