// Contract tests of video.mjs, against a simulator.
//
//     npm install
//     npm test
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { startSimulator } from "aimlapi-video";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";

import { GenerationFailed, MaybeCreated, NotSaved, Refused, Service } from "./video.mjs";

let simulator, service, folder;

beforeAll(async () => {
  // A generation of five minutes takes 0.03 s.
  simulator = await startSimulator({ speed: 10_000 });
  service = new Service({ key: simulator.key, url: simulator.url, pollSeconds: 0.01 });
});
afterAll(() => simulator.stop());
beforeEach(async () => {
  await simulator.reset();
  folder = await mkdtemp(join(tmpdir(), "video-"));
});
afterEach(() => rm(folder, { recursive: true }));

const statuses = async () => (await simulator.requests()).map((request) => request.status);

test("video is saved", async () => {
  await service.save("A paper boat", join(folder, "boat.mp4"));

  const saved = await readFile(join(folder, "boat.mp4"));
  expect(saved.toString("latin1", 4, 8)).toBe("ftyp");
  const creates = await simulator.requests({ method: "POST" });
  const body = { model: "klingai/v2-master-text-to-video", prompt: "A paper boat", duration: 5 };
  expect(creates.map((create) => create.body)).toEqual([body]);
  expect(await simulator.tasks()).toMatchObject([{ downloads: 1 }]);
  // The documents allow every request that the program sent.
  expect(new Set(await statuses())).toEqual(new Set([200]));
});

test("failed generation is reported and saves nothing", async () => {
  const when = { body: { "/prompt": { matches: "rain" } } };
  await simulator.scenario({ next: [{ name: "no rain", when, end: { fail: { message: "no rain" } } }] });

  const saving = service.save("A boat in the rain", join(folder, "boat.mp4"));

  await expect(saving).rejects.toThrow(new GenerationFailed("no rain"));
  await simulator.assertRule("no rain", 1);
  expect(await readdir(folder)).toEqual([]);
});

test("create is not repeated after a lost response", async () => {
  await simulator.scenario({ next: [{ create: { close: true, created: true } }] });

  await expect(service.save("A paper boat", join(folder, "boat.mp4"))).rejects.toThrow(MaybeCreated);

  expect(await statuses()).toEqual([null]);
  expect(await simulator.tasks()).toHaveLength(1);
});

test.each([{ text: '{"id": "1' }, { html: "<h1>Hello</h1>" }])("create is not repeated after the unreadable response %o", async (response) => {
  await simulator.scenario({ next: [{ create: { ...response, created: true } }] });

  await expect(service.save("A paper boat", join(folder, "boat.mp4"))).rejects.toThrow(MaybeCreated);

  expect(await simulator.tasks()).toHaveLength(1);
});

test("wait continues after lost responses", async () => {
  await simulator.scenario({ next: [{ polls: [{ close: true, times: 3 }, { text: "{", times: 1 }] }] });

  await service.save("A paper boat", join(folder, "boat.mp4"));

  expect((await statuses()).filter((status) => status === null)).toHaveLength(3);
});

test("video that is not received is named by its generation", async () => {
  await simulator.scenario({ next: [{ downloads: [{ cut_after: 100, times: 9 }] }] });

  const saving = service.save("A paper boat", join(folder, "boat.mp4"));

  await expect(saving).rejects.toThrow(NotSaved);
  const [{ id }] = await simulator.tasks();
  await expect(saving).rejects.toThrow(id);
});

test("wait continues after bad gateways", async () => {
  await simulator.scenario({ next: [{ polls: [{ status: 502, html: "<h1>Bad Gateway</h1>", times: 3 }] }] });

  await service.save("A paper boat", join(folder, "boat.mp4"));

  expect((await statuses()).filter((status) => status === 502)).toHaveLength(3);
});

test("request that the document does not allow is refused", async () => {
  const saving = service.save("A paper boat", join(folder, "boat.mp4"), 7);

  await expect(saving).rejects.toThrow(Refused);
  await expect(saving).rejects.toThrow(/duration.*7/);
  expect(await statuses()).toEqual([400]);
  expect(await simulator.tasks()).toEqual([]);
});
