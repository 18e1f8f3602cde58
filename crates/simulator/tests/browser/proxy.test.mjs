// Tests of the page of a proxy, in front of a simulator.

import assert from "node:assert/strict";
import { test } from "node:test";

import { assertAccessible, assertFits, call, open, own, screenshot, simulate, start } from "./support.mjs";

test("deviations that a proxy finds appear live", async (t) => {
  const upstream = await simulate("--manual-clock");
  const proxy = await start("proxy", "--listen", "127.0.0.1:0", "--upstream", upstream);
  const page = await open(t, `${proxy}/_simulator/`);
  await page.getByText(`to ${upstream}`).waitFor();
  await page.getByText("none yet").waitFor();
  await own(upstream, "scenario", { next: [{ create: { json: { id: "1", status: "<b>done</b>" } } }] });
  await call(proxy, { prompt: "Rain" });
  const rows = page.locator("#rows > li");
  await rows.getByText("⚠ response body /status").waitFor();
  await call(proxy, { prompt: "Rain", duration: 7 });
  await rows.getByText("⚠ request body /duration").waitFor();
  const tiles = page.locator("#tiles > div");
  assert.match(await tiles.filter({ hasText: "exchanges" }).innerText(), /2/);
  await page.getByRole("combobox", { name: "Show" }).selectOption("request");
  await page.locator("#records-note", { hasText: "1 of" }).waitFor();
  await rows.getByRole("button").click();
  await rows.getByText("one of 5, 10").waitFor();
  await page.getByRole("combobox", { name: "Show" }).selectOption("all deviations");
  await rows.filter({ hasText: "/status" }).first().getByRole("button").click();
  await rows.getByText(`"<b>done</b>"`).waitFor();
  for (const [width, name] of [[1280, "proxy"], [360, "proxy-phone"]]) {
    await page.setViewportSize({ width, height: 800 });
    await assertFits(page);
    await assertAccessible(page);
    await screenshot(page, name);
  }
  assert.equal(await page.getByRole("heading", { name: "Scenario" }).count(), 0);
  await page.getByRole("link", { name: "Skip to deviations" }).waitFor({ state: "attached" });
  await page.getByRole("button", { name: "Reset…" }).click();
  await page.getByRole("button", { name: "Reset", exact: true }).click();
  await page.getByText("none yet").waitFor();
  assert.deepEqual(await own(proxy, "deviations"), []);
});
