#!/usr/bin/env bash
# replicate (PyPI and npm): a model returns text that begins with "https:" or "data:", say what it reads in a frame. What does `run` return?
#
# Guess: the text. A file is an output that the model's schema declares with `format: uri`; text is a string whatever it says, and
#   `"".join(output)` is how the examples of the package print the tokens of a language model.
# Versions: replicate 1.0.7 (PyPI), replicate 1.4.0 (npm).
# Behaviour: both look at the first letters of each string in the output, and ask for no schema: text that begins with "https:" or "data:"
#   becomes a FileOutput. In Python the join of tokens, one of which is "https:", is a TypeError, so that a language model that quotes a
#   link breaks its caller, and the file "data: none" cannot be read. In JavaScript it is an object in place of a string.
#   use_file_output=False (useFileOutput: false) ends it, for all outputs.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
server=
trap 'test -z "$server" || kill "$server" 2>/dev/null || :; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-compile replicate==1.0.7
npm install --silent --no-audit --no-fund --ignore-scripts replicate@1.4.0 >/dev/null

cat >server.py <<'PYTHON'
import http.server
import json

OUTPUTS = {"ocr": "https://example.com/sale ends soon", "caption": "data: none", "tokens": ["see ", "https:", "//example.com"]}


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        prediction = {"id": "job", "model": "a/b", "version": "1", "status": "succeeded", "input": {}, "urls": {}}
        prediction["output"] = OUTPUTS[self.path.split("/")[-2]]
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(prediction).encode())


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
PYTHON
cat >run.py <<'PYTHON'
import sys

import replicate

client = replicate.Client(api_token="key", base_url=sys.argv[1])


def attempt(call):
    try:
        return call()
    except Exception as error:
        return type(error).__name__


print(f"Python, ocr: {type(client.run('text/ocr', input={})).__name__}")
output = client.run("text/caption", input={})
print(f"Python, caption: {type(output).__name__}; read: {attempt(output.read)}")
output = client.run("text/tokens", input={})
print(f"Python, tokens: {', '.join(type(token).__name__ for token in output)}; join: {attempt(lambda: ''.join(output))}")
plain = client.run("text/tokens", input={}, use_file_output=False)
print(f"Python, tokens, use_file_output=False: {', '.join(type(token).__name__ for token in plain)}")
PYTHON
cat >run.mjs <<'NODE'
import Replicate from "replicate";

const client = new Replicate({ auth: "key", baseUrl: process.argv[2] });
const show = (name, output) => console.log(`JavaScript, ${name}: ${[output].flat().map(describe).join(", ")}`);
const describe = (value) => (typeof value === "string" ? "string" : value.constructor.name);
for (const name of ["ocr", "caption", "tokens"]) {
  show(name, await client.run(`text/${name}`, { input: {} }));
}
const plain = new Replicate({ auth: "key", baseUrl: process.argv[2], useFileOutput: false });
show("tokens, useFileOutput: false", await plain.run("text/tokens", { input: {} }));
NODE
python3 server.py >port &
server=$!
for _ in $(seq 100); do [ -s port ] && break; sleep 0.1; done
origin=http://127.0.0.1:$(cat port)
{
  timeout 30 venv/bin/python -W ignore run.py "$origin"
  timeout 30 node run.mjs "$origin"
} >output
cat output
diff output - <<'EXPECTED'
Python, ocr: FileOutput
Python, caption: FileOutput; read: ValueError
Python, tokens: str, FileOutput, str; join: TypeError
Python, tokens, use_file_output=False: str, str, str
JavaScript, ocr: FileOutput
JavaScript, caption: FileOutput
JavaScript, tokens: string, FileOutput, string
JavaScript, tokens, useFileOutput: false: string, string, string
EXPECTED
