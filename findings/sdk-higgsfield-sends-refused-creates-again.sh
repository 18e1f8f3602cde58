#!/usr/bin/env bash
# @higgsfield/client (npm): a create that is refused is sent four times, and one 503 while it polls ends the wait.
#
# Guess: a request refused with 400, 401, 403 or 422 is sent once, since the same bytes will be refused again; a 5xx in the middle of a
#   wait is a reason to poll again. Both are what the package's own conditions say.
# Version: @higgsfield/client 0.2.6, the client of `@higgsfield/client/v2`; 3 retries are its default.
# Behaviour: the other way round. Its interceptor replaces the error of axios by a class of its own before the two conditions look at it.
#   The retry refuses to retry only errors of axios, so that everything is sent four times, wrong keys and missing credits too; the
#   poll goes on only for errors of axios, so that one 503 ends it, and the generation goes on without its caller.
# Output on 2026-11-28: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @higgsfield/client@0.2.6 >/dev/null
cat >check.mjs <<'NODE'
import http from "node:http";
import { createHiggsfieldClient } from "@higgsfield/client/v2";

let creates, polls, refusal, responses;
const server = http.createServer((request, response) => {
  const respond = (status, value) => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
  };
  request.resume().on("end", () => {
    if (request.method === "POST") {
      creates += 1;
      return refusal ? respond(refusal, { detail: "refused" }) : respond(200, { request_id: "one", status: "queued" });
    }
    polls += 1;
    const status = responses.shift();
    return typeof status === "number" ? respond(status, { detail: "later" }) : respond(200, { request_id: "one", status });
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const client = createHiggsfieldClient({
  credentials: "key:secret",
  baseURL: `http://127.0.0.1:${server.address().port}`,
  retryBackoff: 1, retryMaxBackoff: 10, pollInterval: 10,
});

async function run(name, options) {
  [creates, polls, refusal, responses] = [0, 0, options.refusal, options.responses ?? []];
  const wait = client.subscribe("video", { input: { prompt: "sea" } });
  const outcome = await wait.then(({ status }) => status, (error) => error.constructor.name);
  console.log(`${name}: ${outcome}, creates: ${creates}, polls: ${polls}`);
}
for (const status of [400, 401, 403, 422]) await run(`create refused with ${status}`, { refusal: status });
await run("queued, completed", { responses: ["queued", "completed"] });
await run("queued, 503, completed", { responses: ["queued", 503, "completed"] });
server.close();
NODE
timeout 60 node check.mjs >output
cat output
diff output - <<'EXPECTED'
create refused with 400: BadInputError, creates: 4, polls: 0
create refused with 401: AuthenticationError, creates: 4, polls: 0
create refused with 403: NotEnoughCreditsError, creates: 4, polls: 0
create refused with 422: ValidationError, creates: 4, polls: 0
queued, completed: completed, creates: 1, polls: 2
queued, 503, completed: APIError, creates: 1, polls: 2
EXPECTED
