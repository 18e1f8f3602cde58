// What the browser tests of all packages share: the program under test, a headless Chromium, and pages that fail the test on an
// error in the console, and on a request to another host.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { after } from "node:test";

const { BROWSER, BROWSER_MODULES, PROGRAM, SCREENSHOTS } = process.env;
const require = createRequire(`${BROWSER_MODULES}/`);
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

export const MODEL = "klingai/v2-master-text-to-video";

const browser = await chromium.launch({
  executablePath: BROWSER,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const children = [];
after(async () => {
  await browser.close();
  for (const child of children) child.kill();
});

/** Starts the program under test and returns the base URL in its first line. */
export async function start(...args) {
  const child = spawn(PROGRAM, args, { stdio: ["ignore", "pipe", "ignore"] });
  children.push(child);
  const [line] = await once(createInterface(child.stdout), "line");
  return line.match(/http:\/\/[\d.:]+/)[0];
}

export const simulate = (...args) => start("simulate", "--listen", "127.0.0.1:0", "--exit-with-parent", ...args);

/** Sends a request to the service with a key, as the program of a user does; returns the body of the response. */
export async function call(base, body, key = "key-of-the-test") {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const response = await fetch(`${base}/v2/video/generations`, { method: "POST", headers, body: JSON.stringify({ model: MODEL, ...body }) });
  return response.json();
}

/** Fetches a generation. */
export async function fetchGeneration(base, id, key = "key-of-the-test") {
  const query = new URLSearchParams({ generation_id: id });
  const response = await fetch(`${base}/v2/video/generations?${query}`, { headers: { authorization: `Bearer ${key}` } });
  return response.json();
}

/** Reads one of the simulator's own lists, or sends it an action. */
export async function own(base, path, body) {
  const response = await fetch(`${base}/_simulator/${path}`, body === undefined ? {} : { method: "POST", body: JSON.stringify(body) });
  return response.status === 204 ? null : response.json();
}

/**
 * Opens a page for a test. When the test ends, the console must have no error besides those that `allowed` matches, and no
 * request may have gone to another host than that of the page, or than `hosts`.
 */
export async function open(test, url, { width = 1280, height = 900, allowed = null, hosts: expected = [new URL(url).host], ...options } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const errors = [];
  const hosts = new Set();
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(String(error)));
  context.on("request", (request) => hosts.add(new URL(request.url()).host));
  test.after(async () => {
    await context.close();
    assert.deepEqual(errors.filter((error) => !allowed?.test(error)), []);
    hosts.delete("");
    assert.deepEqual([...hosts], expected);
  });
  await page.goto(url);
  return page;
}

/** Asserts that axe finds no violation of WCAG 2.2 A and AA. */
export async function assertAccessible(page) {
  await page.evaluate(axe);
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const { violations } = await page.evaluate((values) => window.axe.run(document, { runOnly: { type: "tag", values } }), tags);
  const found = violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
  assert.deepEqual(found, []);
}

/** Asserts that the page is not wider than its window. */
export async function assertFits(page) {
  const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  assert.equal(content, window);
}

/** Saves a screenshot in the folder `SCREENSHOTS`, if it is set. */
export async function screenshot(page, name) {
  if (SCREENSHOTS) await page.screenshot({ path: `${SCREENSHOTS}/${name}.png`, fullPage: true });
}
