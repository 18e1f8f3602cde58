// Tests of the clips of simulated generations.

import assert from "node:assert/strict";
import { test } from "node:test";

import { call, open, own, simulate } from "./support.mjs";

/** Plays a clip, and returns its colours above and below the horizon at the begin and close to the end. */
async function coloursOf(page, id) {
  return page.evaluate(async (source) => {
    const video = Object.assign(document.createElement("video"), { src: source, muted: true, playbackRate: 8 });
    const event = (name) => new Promise((done, fail) => {
      video.addEventListener(name, done, { once: true });
      video.addEventListener("error", () => fail(new Error(video.error.message)), { once: true });
    });
    const colours = () => {
      const canvas = Object.assign(document.createElement("canvas"), { width: video.videoWidth, height: video.videoHeight });
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.drawImage(video, 0, 0);
      return [0.05, 0.75].map((part) => [...context.getImageData(4, canvas.height * part, 1, 1).data]);
    };
    const shown = new Promise((done) => video.requestVideoFrameCallback(done));
    document.body.append(video);
    await Promise.race([shown, event("error")]);
    const begin = colours();
    const ended = event("ended");
    await video.play();
    await ended;
    return [begin, colours()];
  }, `/_simulator/page/clips/${encodeURIComponent(id)}`);
}

const distance = (one, other) => Math.max(...one.flat().map((value, index) => Math.abs(value - other.flat()[index])));

test("clips of different requests differ in their colours from begin to end", async (t) => {
  const base = await simulate("--manual-clock");
  const page = await open(t, `${base}/_simulator/`);
  const requests = ["16:9", "9:16", "1:1"].flatMap((ratio) => [{ aspect_ratio: ratio, duration: 5 }, { aspect_ratio: ratio, duration: 10 }]);
  const ids = [];
  for (const request of requests) ids.push((await call(base, { prompt: "A paper boat", ...request })).id);
  await own(base, "clock", { advance_seconds: 100_000 });
  const seen = [];
  for (const id of ids) {
    const [begin, end] = await coloursOf(page, id);
    assert.ok(distance(begin, end) < 8, `${begin} ${end}`);
    for (const other of seen) assert.ok(distance(begin, other) > 40, `${begin} ${other}`);
    seen.push(begin);
  }
});
