#!/usr/bin/env bash
# OpenAPI Overlay 1.0: three tools apply the same small overlays to the same document. Do they agree?
#
# Guess: yes. Each action is one sentence of the specification: `remove: true` removes each node that the target selects; an update of
#   an array is an entry to append; `remove` is a boolean whose default, false, changes nothing.
# Versions: openapi-format 1.33.6, openapi-overlays-js 0.2.0 (npm), oas-patch 0.6.0 (PyPI).
# Behaviour: they agree on one of the five. openapi-format removes the first of three neighbours and then skips one, since it removes by the
#   indices of the array as it was, so that an internal parameter stays in the published document; it replaces the array by the text
#   that was to be appended, and appends no object. openapi-overlays-js turns the array to which an object is appended into an object, and
#   appends no text. openapi-overlays-js and oas-patch take `remove: false` for true and delete the operation that the same action
#   describes; openapi-format leaves out the update. All exit with 0.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-compile oas-patch==0.6.0
npm install --silent --no-audit --no-fund --ignore-scripts openapi-format@1.33.6 openapi-overlays-js@0.2.0 >/dev/null
cat >document.yaml <<'YAML'
openapi: 3.1.0
info: {title: Clips, version: "1"}
servers:
  - url: https://one.example
paths:
  /clips:
    get:
      operationId: listClips
      parameters:
        - {name: trace, in: query, x-internal: true, schema: {type: string}}
        - {name: shard, in: query, x-internal: true, schema: {type: string}}
        - {name: debug, in: query, x-internal: true, schema: {type: string}}
        - {name: limit, in: query, schema: {type: integer}}
      responses: {"200": {description: Listed.}}
components:
  schemas:
    Clip:
      type: object
      required: [id]
      properties: {id: {type: string}, state: {type: string}}
YAML
overlay() {
    cat >"$1.yaml" <<YAML
overlay: 1.0.0
info: {title: $1, version: "1"}
actions:
  - $2
YAML
}
overlay remove-by-filter "{target: \"\$.paths['/clips'].get.parameters[?(@['x-internal'] == true)]\", remove: true}"
overlay append-a-text "{target: \$.components.schemas.Clip.required, update: state}"
overlay append-an-object "{target: \$.servers, update: {url: 'https://two.example'}}"
overlay remove-false "{target: \"\$.paths['/clips'].get\", update: {description: Lists.}, remove: false}"
overlay update-an-object "{target: \"\$.paths['/clips'].get\", update: {description: Lists.}}"
cat >show.py <<'PYTHON'
import json, sys
import yaml

VALUES = {
    "remove-by-filter": lambda document: [parameter["name"] for parameter in document["paths"]["/clips"]["get"]["parameters"]],
    "append-a-text": lambda document: document["components"]["schemas"]["Clip"]["required"],
    "append-an-object": lambda document: document["servers"],
    "remove-false": lambda document: sorted(document["paths"]["/clips"].get("get", {"operation": "deleted"})),
    "update-an-object": lambda document: sorted(document["paths"]["/clips"]["get"]),
}
name, tool = sys.argv[1:]
print(f"  {tool}: {json.dumps(VALUES[name](yaml.safe_load(open('result.yaml'))))}")
PYTHON
for name in remove-by-filter append-a-text append-an-object remove-false update-an-object; do
    echo "$name"
    timeout 30 node_modules/.bin/openapi-format document.yaml --overlayFile "$name.yaml" --no-sort -o result.yaml >log 2>&1
    venv/bin/python show.py "$name" openapi-format
    timeout 30 node_modules/.bin/overlayjs --openapi document.yaml --overlay "$name.yaml" >result.yaml 2>log
    venv/bin/python show.py "$name" openapi-overlays-js
    timeout 30 venv/bin/oas-patch overlay document.yaml "$name.yaml" -o result.yaml >log 2>&1
    venv/bin/python show.py "$name" oas-patch
done >output
cat output
diff output - <<'EXPECTED'
remove-by-filter
  openapi-format: ["shard", "limit"]
  openapi-overlays-js: ["limit"]
  oas-patch: ["limit"]
append-a-text
  openapi-format: "state"
  openapi-overlays-js: ["id"]
  oas-patch: ["id", "state"]
append-an-object
  openapi-format: [{"url": "https://one.example"}]
  openapi-overlays-js: {"0": {"url": "https://one.example"}, "url": "https://two.example"}
  oas-patch: [{"url": "https://one.example"}, {"url": "https://two.example"}]
remove-false
  openapi-format: ["operationId", "parameters", "responses"]
  openapi-overlays-js: ["operation"]
  oas-patch: ["operation"]
update-an-object
  openapi-format: ["description", "operationId", "parameters", "responses"]
  openapi-overlays-js: ["description", "operationId", "parameters", "responses"]
  oas-patch: ["description", "operationId", "parameters", "responses"]
EXPECTED
