// Tests of the page that `gallery` and `batch --gallery` write, opened from the disk.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";

import { MODEL, assertAccessible, assertFits, open, own, screenshot, simulate } from "../../../simulator/tests/browser/support.mjs";

const { PROGRAM } = process.env;
const OTHER_MODEL = "kling-video/v1.6/standard/text-to-video";
const HTML = `A <img src="x.png"> boat <b>sails</b> &amp; turns`;
const ODD_NAME = "boat #1 at 50%? <b>.mp4";

const root = mkdtempSync(join(tmpdir(), "gallery-"));
after(() => rmSync(root, { recursive: true }));
const env = { ...process.env, AIMLAPI_VIDEO_HOME: join(root, "home") };
const run = (...args) => execFileSync(PROGRAM, args, { cwd: root, env, stdio: ["ignore", "pipe", "ignore"], encoding: "utf8" });
const page = (folder) => pathToFileURL(join(root, folder, "index.html")).href;
/** Opens the page of a folder, which requests nothing but files. */
const openGallery = (t, folder, options = {}) => open(t, page(folder), { hosts: [], ...options });
const card = (page, text) => page.locator(".card", { hasText: text });
const playing = (video) => video.evaluate((node) => new Promise((done) => {
  const look = () => (node.currentTime > 0.3 && !node.paused ? done(true) : requestAnimationFrame(look));
  look();
}));

const REQUESTS = [
  [ODD_NAME, { prompt: HTML, duration: 5, aspect_ratio: "16:9" }],
  ["lantern.mp4", { prompt: "A lantern rises over the rooftops of an old town, and the camera follows it slowly into the night", duration: 10, aspect_ratio: "9:16" }],
  ["square.mp4", { prompt: "A red teapot pours by itself", duration: 10, aspect_ratio: "1:1" }],
  ["kite.mp4", { model: OTHER_MODEL, prompt: "A kite climbs above a green hill", duration: 5 }],
];
for (const [name, { model = MODEL, prompt, ...rest }] of REQUESTS) {
  const sets = Object.entries(rest).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
  run("generate", model, "--prompt", prompt, ...sets, "--simulate", "--speed", "1000", "--sidecar", "-o", join("videos", name));
}
const failed = {
  aimlapi_video_sidecar: 1,
  state: "failed",
  id: "storm-1",
  model: MODEL,
  request: { model: MODEL, prompt: "A storm over the sea, it's late", duration: 5, seed: 7 },
  ended_at: "2026-01-02T03:04:05.000Z",
  error: "the generation failed: not this scene",
};
writeFileSync(join(root, "videos", "storm.json"), JSON.stringify(failed));
run("gallery", "videos");

test("each card shows its video, its prompt as text, its cost and what repeats it", async (t) => {
  const page = await openGallery(t, "videos");
  assert.equal(await page.locator(".card").count(), 5);
  const odd = card(page, "sails");
  assert.equal(await odd.locator("h2").textContent(), HTML);
  assert.equal(await page.locator("img, #grid b").count(), 0);
  assert.match(await odd.locator(".facts").textContent(), /^\d\.\d\d+ USD5 s/);
  assert.match(await page.locator("#totals").textContent(), /^4 videos · 1 failed · \d\.\d\d+ USD$/);
  const storm = card(page, "A storm");
  await storm.getByText("not this scene").waitFor();
  const command = await storm.locator("code").textContent();
  assert.match(command, /^aimlapi-video generate klingai\/v2-master-text-to-video --set duration=5 --set 'prompt=A storm over the sea, it'\\''s late' --set seed=7 --sidecar -o videos\/storm.mp4$/);
  assert.equal(await storm.locator(".facts").textContent(), "seed 7");
  await odd.getByText("Details").click();
  await odd.getByText("SHA-256").waitFor();
  assert.ok(readFileSync(join(root, "videos", "index.html")).length < 200_000);
});

test("a video plays while the pointer or the focus is on it", async (t) => {
  const page = await openGallery(t, "videos");
  const odd = card(page, "sails");
  await odd.locator(".screen").hover();
  await playing(odd.locator("video"));
  await page.mouse.move(0, 0);
  assert.ok(await odd.locator("video").evaluate((node) => node.paused));
  const kite = card(page, "A kite");
  await page.getByRole("button", { name: "Play kite.mp4" }).press("Tab");
  await page.keyboard.press("Shift+Tab");
  await playing(kite.locator("video"));
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Play kite.mp4" }).waitFor();
  assert.ok(await kite.locator("video").evaluate((node) => node.paused && node.videoWidth > 0));
});

test("only videos near the window are loaded", async (t) => {
  const page = await openGallery(t, "videos", { width: 360, height: 300 });
  const [first, last] = [card(page, "sails").locator("video"), card(page, "A red teapot").locator("video")];
  await page.waitForFunction((node) => node.readyState >= 2, await first.elementHandle());
  assert.equal(await last.getAttribute("src"), null);
  await last.scrollIntoViewIfNeeded();
  await page.waitForFunction(([one, other]) => one.readyState === 0 && other.readyState >= 2, [await first.elementHandle(), await last.elementHandle()]);
});

test("no video plays by itself for a user who prefers reduced motion", async (t) => {
  const page = await openGallery(t, "videos", { reducedMotion: "reduce" });
  const kite = card(page, "A kite");
  await kite.locator(".screen").hover();
  assert.ok(await kite.locator("video").evaluate((node) => node.paused));
  await kite.getByRole("button", { name: "Play kite.mp4" }).click();
  await playing(kite.locator("video"));
});

test("cards are filtered and sorted, and the URL keeps it", async (t) => {
  const page = await openGallery(t, "videos");
  const names = () => page.locator(".card h2").allTextContents();
  await page.getByRole("searchbox", { name: "Search" }).fill("teapot RED");
  assert.deepEqual(await names(), ["A red teapot pours by itself"]);
  await page.getByText("1 of 5 shown").waitFor();
  await page.getByRole("searchbox", { name: "Search" }).fill("");
  await page.getByRole("combobox", { name: "Model" }).selectOption(OTHER_MODEL);
  assert.deepEqual(await names(), ["A kite climbs above a green hill"]);
  await page.getByRole("combobox", { name: "State" }).selectOption("failed");
  await page.getByText("Nothing matches").waitFor();
  await page.getByRole("combobox", { name: "Model" }).selectOption("all models");
  assert.deepEqual(await names(), ["A storm over the sea, it's late"]);
  await page.getByRole("combobox", { name: "State" }).selectOption("saved");
  await page.getByRole("combobox", { name: "Sort by" }).selectOption("longest");
  assert.deepEqual((await names()).slice(0, 2).map((name) => name.slice(0, 5)), ["A lan", "A red"]);
  await page.getByRole("combobox", { name: "Sort by" }).selectOption("prompt");
  const sorted = await names();
  assert.deepEqual(sorted, [...sorted].sort((one, other) => one.localeCompare(other)));
  await page.reload();
  assert.deepEqual(await names(), sorted);
});

test("two videos are compared in step", async (t) => {
  const page = await openGallery(t, "videos");
  await page.getByRole("checkbox", { name: "Compare lantern.mp4" }).check();
  await page.getByText("lantern.mp4: choose one more").waitFor();
  await page.getByRole("checkbox", { name: "Compare square.mp4" }).check();
  await page.getByRole("button", { name: "Compare", exact: true }).click();
  const videos = page.locator("#panes video");
  await playing(videos.first());
  await playing(videos.last());
  const times = () => videos.evaluateAll((nodes) => nodes.map((node) => node.currentTime));
  const [one, other] = await times();
  assert.ok(Math.abs(one - other) < 0.25, `${one} ${other}`);
  await page.locator("#panes dd", { hasText: "9:16" }).waitFor();
  await page.getByRole("button", { name: "Pause", exact: true }).click();
  await page.getByRole("slider", { name: "Position in both videos" }).fill("4");
  assert.deepEqual(await times(), [4, 4]);
  await page.getByRole("button", { name: "Play", exact: true }).click();
  await page.waitForFunction(() => [...document.querySelectorAll("#panes video")].every((node) => node.currentTime > 4.2));
  await screenshot(page, "gallery-compare");
  await assertAccessible(page);
  await page.keyboard.press("Escape");
  await videos.first().waitFor({ state: "detached" });
});

test("the page fits a phone and a desk, in light and dark, and is accessible", async (t) => {
  for (const [width, colorScheme, name] of [[1280, "light", "gallery"], [1280, "dark", "gallery-dark"], [360, "light", "gallery-phone"]]) {
    const page = await openGallery(t, "videos", { width, colorScheme });
    await page.waitForFunction(() => [...document.querySelectorAll("video[src]")].every((node) => node.readyState >= 2));
    await assertFits(page);
    await assertAccessible(page);
    await screenshot(page, name);
    await page.getByRole("checkbox", { name: "Compare lantern.mp4" }).check();
    await page.getByRole("checkbox", { name: "Compare square.mp4" }).check();
    await assertFits(page);
    await page.getByRole("button", { name: "Compare", exact: true }).click();
    await playing(page.locator("#panes video").first());
    await assertFits(page);
    await screenshot(page, `${name}-comparison`);
  }
});

test("the page of a running batch reloads itself and keeps what the user has chosen", async (t) => {
  const base = await simulate("--manual-clock", "--seed", "3");
  const prompts = ["first kite", "second kite", "third boat"];
  const requests = prompts.map((prompt) => JSON.stringify({ model: MODEL, prompt }));
  writeFileSync(join(root, "requests.jsonl"), requests.join("\n"));
  const rule = (prompt, more) => ({ when: { body: { "/prompt": { matches: prompt } } }, ...more });
  await own(base, "scenario", { next: [rule("first kite", { seconds: 1 }), rule("second kite", { seconds: 500 }), rule("third boat", { seconds: 5000, end: { fail: { message: "not this scene" } } })] });
  const args = ["batch", "requests.jsonl", "--out", "live", "--gallery", "--speed", "1000", "--deadline", "100h"];
  const service = { ...env, AIML_API_BASE: base, AIML_API_KEY: "key-of-the-test" };
  const batch = spawn(PROGRAM, args, { cwd: root, env: service, stdio: "ignore" });
  const exited = once(batch, "exit");
  t.after(() => batch.kill());
  while ((await own(base, "tasks")).length < 3);
  const page = await openGallery(t, "live");
  await page.getByText(/running: \d of 3 ended/).waitFor();
  await page.getByRole("searchbox", { name: "Search" }).fill("kite");
  await own(base, "clock", { advance_seconds: 10 });
  await card(page, "first kite").waitFor();
  assert.equal(await page.getByRole("searchbox", { name: "Search" }).inputValue(), "kite");
  assert.equal(await page.evaluate(() => document.activeElement.id), "text");
  await page.setViewportSize({ width: 360, height: 300 });
  await page.evaluate(() => scrollTo(0, 150));
  await page.getByRole("checkbox", { name: "Compare 0001.mp4" }).check();
  await page.evaluate(() => scrollTo(0, 150));
  await own(base, "clock", { advance_seconds: 1000 });
  await card(page, "second kite").waitFor();
  assert.equal(await page.evaluate(() => scrollY), 150);
  assert.ok(await page.getByRole("checkbox", { name: "Compare 0001.mp4" }).isChecked());
  await own(base, "clock", { advance_seconds: 10_000 });
  await exited;
  await page.locator("#run").waitFor({ state: "hidden" });
  await page.getByRole("searchbox", { name: "Search" }).fill("boat");
  await page.getByText("not this scene").waitFor();
});
