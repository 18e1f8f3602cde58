// Creates a video and saves it, by HTTP requests alone. The contract tests are in video.test.mjs.
//
//     export AIML_API_KEY=...
//     node video.mjs "A paper boat sails down a rain gutter at dusk" boat.mp4
import { createWriteStream } from "node:fs";
import { rename } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout } from "node:timers/promises";
import { pathToFileURL } from "node:url";

const MODEL = "klingai/v2-master-text-to-video";
const TRANSIENT = [429, 500, 502, 503, 504];

/** The service refused the request, and created nothing. */
export class Refused extends Error {}
/** The generation ended without a video. */
export class GenerationFailed extends Error {}
/** The create got no response. It may have been billed, so it is not repeated. */
export class MaybeCreated extends Error {}

export class Service {
  constructor({ key, url = "https://api.aimlapi.com", pollSeconds = 10 }) {
    this.generations = `${url}/v2/video/generations`;
    this.headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    this.pollSeconds = pollSeconds;
  }

  /** Creates a video, waits for it and saves it. */
  async save(prompt, path, duration = 5) {
    const id = await this.create({ model: MODEL, prompt, duration });
    const response = await fetch(await this.wait(id));
    if (!response.ok) throw new Error(`the video has status ${response.status}`);
    // A file of this name is complete: `fetch` fails if the response ends early.
    const part = `${path}.part`;
    await pipeline(Readable.fromWeb(response.body), createWriteStream(part));
    await rename(part, path);
  }

  async create(body) {
    let status, text;
    try {
      const response = await fetch(this.generations, { method: "POST", headers: this.headers, body: JSON.stringify(body) });
      [status, text] = [response.status, await response.text()];
    } catch (error) {
      throw new MaybeCreated(String(error.cause ?? error));
    }
    if (status < 300) return JSON.parse(text).id;
    throw status < 500 ? new Refused(text) : new MaybeCreated(`status ${status}: ${text}`);
  }

  /** Returns the URL of the video. */
  async wait(id) {
    for (;;) {
      const response = await fetch(`${this.generations}?${new URLSearchParams({ generation_id: id })}`, { headers: this.headers });
      if (response.ok) {
        const { status, video, error } = await response.json();
        if (status === "completed") return video.url;
        if (status === "error") throw new GenerationFailed(error.message);
      } else if (!TRANSIENT.includes(response.status)) {
        throw new Error(`status ${response.status}: ${await response.text()}`);
      }
      await setTimeout(this.pollSeconds * 1000);
    }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const service = new Service({ key: process.env.AIML_API_KEY, url: process.env.AIML_API_BASE });
  await service.save(process.argv[2], process.argv[3]);
}
