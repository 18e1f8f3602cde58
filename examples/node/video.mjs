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
/** The create got no response that can be read. It may have been billed, so it is not repeated. */
export class MaybeCreated extends Error {}
/** The video was not received. The message has the id of its generation, which is not lost. */
export class NotSaved extends Error {}

export class Service {
  constructor({ key, url = "https://api.aimlapi.com", pollSeconds = 10 }) {
    this.generations = `${url}/v2/video/generations`;
    this.headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    this.pollSeconds = pollSeconds;
  }

  /** Creates a video, waits for it and saves it. */
  async save(prompt, path, duration = 5) {
    const id = await this.create({ model: MODEL, prompt, duration });
    try {
      await this.download(await this.wait(id), path);
    } catch (error) {
      if (error instanceof GenerationFailed) throw error;
      throw new NotSaved(`generation ${id}: ${error.cause ?? error}`);
    }
  }

  async create(body) {
    let status, text;
    try {
      const response = await fetch(this.generations, { method: "POST", headers: this.headers, body: JSON.stringify(body) });
      [status, text] = [response.status, await response.text()];
      const { id } = status < 300 ? JSON.parse(text) : {};
      if (id) return id;
    } catch (error) {
      throw new MaybeCreated(String(error.cause ?? error));
    }
    throw status >= 400 && status < 500 ? new Refused(text) : new MaybeCreated(`status ${status}: ${text}`);
  }

  /** Returns the URL of the video. */
  async wait(id) {
    for (;;) {
      let code, text, generation;
      try {
        const response = await fetch(`${this.generations}?${new URLSearchParams({ generation_id: id })}`, { headers: this.headers });
        [code, text] = [response.status, await response.text()];
        if (response.ok) generation = JSON.parse(text);
      } catch {
        // No response, or a part of one: the generation goes on.
        code = 503;
      }
      if (code >= 300 && !TRANSIENT.includes(code)) throw new Error(`status ${code}: ${text}`);
      if (generation?.status === "completed") return generation.video.url;
      if (generation?.status === "error") throw new GenerationFailed(generation.error.message);
      await setTimeout(this.pollSeconds * 1000);
    }
  }

  async download(url, path) {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`the video has status ${response.status}`);
    // A file of this name is complete: `fetch` fails if the response ends early.
    const part = `${path}.part`;
    await pipeline(Readable.fromWeb(response.body), createWriteStream(part));
    await rename(part, path);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const service = new Service({ key: process.env.AIML_API_KEY, url: process.env.AIML_API_BASE });
  await service.save(process.argv[2], process.argv[3]);
}
