#!/usr/bin/env bash
# JavaScript libraries of paid video services: how often is one create sent if the response is lost, and if it is 500?
#
# Guess: a library repeats a create no more often after a lost connection, which leaves open whether the job was taken, than after a 500,
#   which at least says that something failed; and one that repeats it marks the repeats with an Idempotency-Key.
# Versions (npm): @runwayml/sdk 4.20.1, lumaai 1.19.1, openai 7.55.0, together-ai 0.52.0, @fal-ai/client 1.10.1, replicate 1.4.0, ai
#   7.0.173 with @ai-sdk/replicate 3.0.46. Default settings.
# Behaviour: the other way round. replicate, fal and together send a create once if it meets 500, and 6, 4 and 3 times if the
#   connection closes without a response. Only the ai package sends a key, the same in each try.
# Output on 2026-11-27: the lines at the end of this script.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @runwayml/sdk@4.20.1 lumaai@1.19.1 openai@7.55.0 together-ai@0.52.0 \
    @fal-ai/client@1.10.1 replicate@1.4.0 ai@7.0.173 @ai-sdk/replicate@3.0.46

cat >create.mjs <<'NODE'
import http from "node:http";

let received = [];
let mode;
const server = http.createServer((incoming, outgoing) => {
  incoming.resume();
  incoming.on("end", () => {
    received.push(incoming.headers["idempotency-key"]);
    if (mode === "lost") {
      incoming.socket.destroy();
    } else {
      outgoing.writeHead(500, { "content-type": "application/json" }).end('{"detail": "no"}');
    }
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const origin = `http://127.0.0.1:${server.address().port}`;
// The pauses between tries are not the question; the longer timers are time-outs of requests.
const later = globalThis.setTimeout;
globalThis.setTimeout = (call, ms, ...rest) => later(call, ms < 30_000 ? Math.min(ms, 10) : ms, ...rest);

const creates = {
  async runwayml() {
    const { default: Runway } = await import("@runwayml/sdk");
    const client = new Runway({ apiKey: "key", baseURL: origin });
    await client.textToVideo.create({ model: "veo3.1", promptText: "sea", ratio: "1280:720", duration: 8 });
  },
  async lumaai() {
    const { LumaAI } = await import("lumaai");
    await new LumaAI({ authToken: "key", baseURL: origin }).generations.create({ prompt: "sea", model: "ray-2" });
  },
  async openai() {
    const { default: OpenAI } = await import("openai");
    await new OpenAI({ apiKey: "key", baseURL: origin }).videos.create({ prompt: "sea" });
  },
  async together() {
    const { default: Together } = await import("together-ai");
    await new Together({ apiKey: "key", baseURL: origin }).videos.create({ model: "model", prompt: "sea" });
  },
  async fal() {
    const { createFalClient } = await import("@fal-ai/client");
    const toLoopback = (url, init) => fetch(String(url).replace(/^https:\/\/[^/]+/, origin), init);
    await createFalClient({ credentials: "key", fetch: toLoopback }).queue.submit("fal-ai/model", { input: {} });
  },
  async replicate() {
    const { default: Replicate } = await import("replicate");
    await new Replicate({ auth: "key", baseUrl: origin }).predictions.create({ model: "owner/model", input: {} });
  },
  async "ai with @ai-sdk/replicate"() {
    const { experimental_generateVideo } = await import("ai");
    const { createReplicate } = await import("@ai-sdk/replicate");
    const model = createReplicate({ apiToken: "key", baseURL: origin }).video("owner/model");
    await experimental_generateVideo({ model, prompt: "sea" });
  },
};
for (const [name, create] of Object.entries(creates)) {
  const outcomes = [];
  for (mode of ["lost", "500"]) {
    received = [];
    const outcome = await create().then(() => "no error", () => "error");
    const keys = new Set(received.filter(Boolean)).size;
    outcomes.push(`${mode} ${received.length} (keys: ${keys}, ${outcome})`);
  }
  console.log(`${name}: ${outcomes.join(", ")}`);
}
process.exit(0);
NODE
timeout 120 node create.mjs >output
cat output
diff output - <<'EXPECTED'
runwayml: lost 3 (keys: 0, error), 500 3 (keys: 0, error)
lumaai: lost 3 (keys: 0, error), 500 3 (keys: 0, error)
openai: lost 3 (keys: 0, error), 500 3 (keys: 0, error)
together: lost 3 (keys: 0, error), 500 1 (keys: 0, error)
fal: lost 4 (keys: 0, error), 500 1 (keys: 0, error)
replicate: lost 6 (keys: 0, error), 500 1 (keys: 0, error)
ai with @ai-sdk/replicate: lost 3 (keys: 1, error), 500 3 (keys: 1, error)
EXPECTED
