// Tests of the page of a simulator.

import assert from "node:assert/strict";
import { test } from "node:test";

import { MODEL, assertAccessible, assertFits, call, fetchGeneration, open, own, screenshot, simulate } from "./support.mjs";

const lane = (page, state) => page.locator(`.lane[data-state="${state}"]`);

/** A simulator with generations in every state, a rule, requests with violations, and two keys. */
async function busy() {
  const base = await simulate("--manual-clock", "--seed", "7");
  const rule = (prompt, more) => ({ when: { body: { "/prompt": { matches: prompt } } }, ...more });
  const next = [
    rule("storm", { name: "no storms", end: { fail: { message: "not this scene" } }, seconds: 60, times: "always" }),
    rule("boat", { seconds: 300, times: 5 }),
    rule("lantern", { seconds: 400, queued_seconds: 350, times: 5 }),
    rule("teapot", { seconds: 90, times: 5 }),
    rule("stuck", { name: "stalls", end: { stall: "generating" }, times: 2 }),
  ];
  await own(base, "scenario", { next });
  const ids = [];
  for (const prompt of ["A paper boat sails down a rain gutter at dusk", "A storm over the sea", "A lantern rises over the rooftops of an old town, and the camera follows it slowly", "A red teapot", "A stuck clock"]) {
    ids.push((await call(base, { prompt })).id);
  }
  await call(base, { prompt: "A teapot of another team" }, "another-key-1");
  await call(base, { prompt: "Rain", duration: 7 });
  await call(base, { prompt: 5, cfg_scale: 3 });
  await own(base, "clock", { advance_seconds: 200 });
  for (const id of ids) await fetchGeneration(base, id);
  return base;
}

test("generations move through the lanes while time advances", async (t) => {
  const base = await simulate("--manual-clock", "--seed", "1", "--spread", "0");
  const page = await open(t, `${base}/_simulator/`);
  await own(base, "scenario", { next: [{ seconds: 100, queued_seconds: 40 }] });
  await call(base, { prompt: "A lantern rises" });
  await lane(page, "queued").getByText("A lantern rises").waitFor();
  await lane(page, "queued").getByText("starts in 40 s").waitFor();
  await page.getByRole("button", { name: "Show the requests of generation #1" }).focus();
  await own(base, "clock", { advance_seconds: 60 });
  await lane(page, "generating").getByText("40 s left of 1 min 0 s").waitFor();
  // The focus moves with the card.
  assert.equal(await page.evaluate(() => document.activeElement.ariaLabel), "Show the requests of generation #1");
  assert.equal(await lane(page, "generating").getByRole("progressbar", { name: "Progress of generation #1" }).getAttribute("aria-valuenow"), "33");
  assert.equal(await page.locator("#now").textContent(), "00:01:00");
  await page.getByLabel("Seconds to advance").fill("40");
  await page.getByRole("button", { name: "Advance", exact: true }).click();
  await lane(page, "completed").getByText("took 1 min 40 s").waitFor();
  await page.locator("#announcer").getByText("1 generation completed").waitFor({ state: "attached" });
});

test("a clip of a completed generation plays, and is no download", async (t) => {
  const base = await busy();
  const page = await open(t, `${base}/_simulator/`);
  const card = lane(page, "completed").locator(".card", { hasText: "A red teapot" });
  await card.getByRole("button", { name: /^Play/ }).click();
  const video = card.locator("video");
  await page.waitForFunction((node) => node.currentTime > 0.2 && node.videoWidth > 0, await video.elementHandle());
  // The card goes on to play while others arrive.
  const at = await video.evaluate((node) => node.currentTime);
  await call(base, { prompt: "One more" });
  await page.getByText("One more").first().waitFor();
  await page.waitForFunction(([node, time]) => node.currentTime > time && !node.paused, [await video.elementHandle(), at]);
  const tasks = await own(base, "tasks");
  assert.deepEqual(tasks.map((task) => task.downloads), [0, 0, 0, 0, 0, 0, 0]);
  assert.ok((await own(base, "requests")).every((request) => request.target.startsWith("/v2/")));
});

test("violations are marked, filtered, and shown with what is allowed", async (t) => {
  const base = await busy();
  const page = await open(t, `${base}/_simulator/`);
  const rows = page.locator("#rows > li");
  await page.getByRole("combobox", { name: "Show" }).selectOption("violations");
  await page.getByText("3 of 13 requests").first().waitFor();
  assert.equal(await rows.count(), 3);
  const row = rows.filter({ hasText: "#7" });
  await row.getByRole("button", { name: /#7 POST .* ⚠ 1 violation 400/ }).click();
  const detail = row.locator(".deviation");
  await detail.getByText("request body /duration").waitFor();
  assert.match(await detail.innerText(), /expected one of 5, 10\s+received 7\s+kling\/v2-master-text-to-video\.json/);
  await row.getByRole("region", { name: "request body" }).getByText('"prompt": "Rain"').waitFor();
  await row.getByRole("region", { name: "response body, status 400" }).getByText("duration: expected one of 5, 10").waitFor();
  await page.getByRole("combobox", { name: "Show" }).selectOption("all requests");
  await page.getByRole("searchbox", { name: "Filter" }).fill("a storm");
  await page.getByText("1 of 13 requests").first().waitFor();
  await page.locator("#announcer").getByText("1 of 13 requests").waitFor({ state: "attached" });
  await rows.getByText("no storms").waitFor();
  await page.getByRole("button", { name: "Show the requests of generation #4" }).click();
  await page.getByText("2 of 13 requests").first().waitFor();
  assert.deepEqual(await rows.locator(".number").allInnerTexts(), ["#12", "#4"]);
});

test("a prompt with markup stays text", async (t) => {
  const base = await simulate("--manual-clock");
  const page = await open(t, `${base}/_simulator/`);
  const prompt = `<img src="x.png"><b id="marker">bold</b> &amp;`;
  await own(base, "scenario", { next: [{ name: prompt, seconds: 60 }] });
  await call(base, { prompt, [prompt]: prompt });
  await call(base, { prompt, duration: prompt });
  await lane(page, "queued").getByText(prompt).waitFor();
  await page.getByText("2 requests, the newest first").waitFor();
  for (const row of await page.locator("#rows .record").all()) await row.click();
  await page.locator("#rules summary").click();
  await page.locator("#rows .deviation").getByText("marker").first().waitFor();
  assert.equal(await page.locator("#marker").count(), 0);
  assert.equal(await page.locator("img").count(), 0);
});

test("nothing foreign runs or loads in the page, and no text becomes markup", async (t) => {
  const base = await simulate("--manual-clock");
  const page = await open(t, `${base}/_simulator/`, { allowed: /Content Security Policy|TrustedHTML|TrustedScript|Failed to fetch|Refused to connect|Fetch API cannot load/ });
  const refused = await page.evaluate(async () => {
    const attempts = [() => (document.body.innerHTML = "<p>text</p>"), () => document.body.setAttribute("onclick", "1"), () => fetch("http://192.0.2.1/")];
    const errors = [];
    for (const attempt of attempts) {
      try {
        await attempt();
        errors.push("none");
      } catch (error) {
        errors.push(error.name);
      }
    }
    return errors;
  });
  assert.deepEqual(refused, ["TypeError", "TypeError", "TypeError"]);
});

test("a scenario is added by the page, and the error of an invalid one is shown as given", async (t) => {
  const base = await simulate("--manual-clock");
  const page = await open(t, `${base}/_simulator/`, { allowed: /status of 400/ });
  const text = page.getByLabel("Rules to add, as JSON");
  const add = page.getByRole("button", { name: "Add rules" });
  await text.fill(`{ "next": [{ "name": "twice", "times": 0 }] }`);
  await add.click();
  await page.getByRole("alert").getByText(`next[0].times: expected 1 or more, or "always"; received 0`).waitFor();
  assert.equal(await text.getAttribute("aria-invalid"), "true");
  await text.fill(`{ "next": [{ "name": "twice", "times": 2, "end": { "fail": { "message": "no" } }, "seconds": 10 }] }`);
  await add.click();
  const rule = page.getByRole("list", { name: "Rules" }).getByText("twice", { exact: true });
  await rule.waitFor();
  assert.equal(await page.getByRole("alert").innerText(), "");
  await page.getByRole("list", { name: "Rules" }).locator("summary").focus();
  await call(base, { prompt: "Rain" });
  await page.getByRole("list", { name: "Rules" }).getByText("1 left").waitFor();
  assert.match(await page.evaluate(() => document.activeElement.innerText), /^twice/);
  await page.getByRole("button", { name: "+10 s" }).click();
  await lane(page, "failed").getByText("Rain").waitFor();
  await page.getByRole("button", { name: "Remove all rules" }).click();
  await page.getByText("no rules: the next generations complete normally").waitFor();
  assert.deepEqual(await own(base, "rules"), []);
});

test("a reset removes everything, after it is confirmed", async (t) => {
  const base = await busy();
  const page = await open(t, `${base}/_simulator/`);
  await lane(page, "completed").getByText("A red teapot").waitFor();
  await page.getByRole("button", { name: "Reset…" }).click();
  await assertAccessible(page);
  await page.getByRole("button", { name: "Cancel" }).click();
  assert.equal((await own(base, "tasks")).length, 6);
  await page.getByRole("button", { name: "Reset…" }).click();
  await page.getByRole("button", { name: "Reset", exact: true }).click();
  await page.getByText("Reset of all keys.").waitFor();
  await page.getByText("none yet: point a program at").waitFor();
  assert.equal(await page.locator(".card").count(), 0);
  assert.equal(await page.locator("#now").textContent(), "00:00:00");
  assert.deepEqual(await own(base, "requests"), []);
});

test("of several keys, the page shows and changes the chosen one alone", async (t) => {
  const base = await busy();
  const page = await open(t, `${base}/_simulator/`);
  const choice = page.getByRole("combobox", { name: "Key" });
  const key = (await own(base, "tasks")).find((task) => task.prompt.includes("another team")).key;
  await choice.selectOption(key);
  await page.getByText("1 request, the newest first").waitFor();
  assert.match(await page.locator("#tiles > div", { hasText: "requests" }).innerText(), /\s1$/);
  assert.equal(await page.locator(".card").count(), 1);
  await page.getByRole("button", { name: "+1 min" }).click();
  await page.getByText(`The clock of the key ${key.slice(7, 15)}… advanced by 1 min 0 s.`).waitFor();
  assert.equal(await page.locator("#now").textContent(), "00:04:20");
  assert.equal((await own(base, "clock")).now_seconds, 200);
  await page.getByRole("button", { name: "Reset…" }).click();
  await page.getByRole("button", { name: "Reset", exact: true }).click();
  await page.getByText(`Reset of the key`).waitFor();
  assert.equal((await own(base, "tasks")).length, 5);
  await choice.selectOption("");
  await page.getByText("12 requests, the newest first").waitFor();
  assert.match(await page.locator("#tiles > div", { hasText: "requests" }).innerText(), /\s12$/);
  // The choice ends with the key.
  await choice.selectOption(key);
  await page.getByText("none yet").waitFor();
  await own(base, "reset", {});
  await call(base, { prompt: "After the reset" }, "a-third-key-2");
  await page.getByText("After the reset").waitFor();
  assert.equal(await choice.count(), 0);
});

test("the keyboard is enough, and shows its focus", async (t) => {
  const base = await busy();
  const page = await open(t, `${base}/_simulator/`);
  await lane(page, "completed").getByText("A red teapot").waitFor();
  const tabTo = async (name) => {
    for (let presses = 0; presses < 80; presses += 1) {
      await page.keyboard.press("Tab");
      const focus = await page.evaluate(() => {
        const node = document.activeElement;
        const { outlineStyle, outlineWidth } = getComputedStyle(node);
        return { name: node.ariaLabel ?? node.labels?.[0]?.innerText ?? node.innerText, outline: `${outlineStyle} ${outlineWidth}` };
      });
      // The controls of a video have a focus ring of the browser.
      if (!focus.name.startsWith("Clip: ")) assert.equal(focus.outline, "solid 2px", focus.name);
      if (name.test(focus.name)) return;
    }
    assert.fail(`no focus on ${name}`);
  };
  await tabTo(/^Skip to requests$/);
  await tabTo(/^\+1 min$/);
  await page.keyboard.press("Enter");
  await page.getByText("00:04:20").waitFor();
  await tabTo(/^Play the clip of generation #4$/);
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement.currentTime > 0);
  await tabTo(/^Filter/);
  await page.keyboard.type("rain");
  await page.getByText("2 of 13 requests").first().waitFor();
  await tabTo(/^#7/);
  await page.keyboard.press("Enter");
  await page.locator(".deviation").waitFor();
  await tabTo(/^Rules to add/);
  await page.keyboard.press("Control+A");
  await page.keyboard.type(`{ "next": [{ "name": "typed" }] }`);
  await tabTo(/^Add rules$/);
  await page.keyboard.press("Space");
  await page.getByRole("list", { name: "Rules" }).getByText("typed", { exact: true }).waitFor();
  await page.reload();
  await lane(page, "completed").getByText("A red teapot").waitFor();
  await tabTo(/^Reset…$/);
  await page.keyboard.press("Enter");
  await tabTo(/^Reset$/);
  await page.keyboard.press("Enter");
  await page.getByText("Reset of all keys.").waitFor();
});

test("the header does not cover the focus", async (t) => {
  const base = await busy();
  for (const width of [1280, 700]) {
    const page = await open(t, `${base}/_simulator/`, { width, height: 500 });
    await lane(page, "completed").getByText("A red teapot").waitFor();
    await page.getByRole("link", { name: "OpenAPI" }).focus();
    for (let presses = 0; presses < 30; presses += 1) {
      await page.keyboard.press("Shift+Tab");
      const [text, top, bottom] = await page.evaluate(() => {
        const node = document.activeElement;
        const header = document.querySelector(".top");
        const bottom = header.contains(node) || node.id === "skip" ? 0 : header.getBoundingClientRect().bottom;
        return [node.innerText, node.getBoundingClientRect().top, bottom];
      });
      assert.ok(top >= bottom, `${text}: ${top} < ${bottom}`);
    }
  }
});

test("further requests and generations get the focus", async (t) => {
  const base = await simulate("--manual-clock", "--slots", "1");
  for (let at = 0; at < 101; at += 1) await call(base, { prompt: `Scene ${at}` });
  const page = await open(t, `${base}/_simulator/`);
  await page.getByRole("button", { name: "Show 100 more" }).click();
  const focused = () => page.evaluate(() => document.activeElement.ariaLabel ?? document.activeElement.innerText);
  assert.match(await focused(), /^#1\s/);
  assert.equal(await page.locator("#rows > li").count(), 101);
  await lane(page, "queued").getByRole("button", { name: /^Show 24 more/ }).click();
  assert.match(await focused(), /^Show the requests of generation #/);
  assert.equal(await lane(page, "queued").locator(".card:focus-within").evaluate((node) => [...node.parentElement.children].indexOf(node)), 24);
});

test("an error of the page itself is shown as one, and what it concerns is shown later", async (t) => {
  const base = await simulate("--manual-clock");
  const page = await open(t, `${base}/_simulator/`, { allowed: /TypeError/ });
  await page.getByText("live", { exact: true }).waitFor();
  await page.route("**/page/state?*", async (route) => {
    const response = await route.fetch();
    const body = response.status() === 200 ? { ...(await response.json()), rules: null } : undefined;
    await route.fulfill({ response, json: body });
  });
  await call(base, { prompt: "Rain" });
  await page.getByRole("status").getByText("error in this page: ").waitFor();
  await page.unrouteAll({ behavior: "wait" });
  await page.getByText("live", { exact: true }).waitFor();
  await page.getByText("1 request, the newest first").waitFor();
});

test("the page is accessible and fits, on a desktop and a phone, light and dark", async (t) => {
  const base = await busy();
  const page = await open(t, `${base}/_simulator/`);
  await lane(page, "completed").getByText("A red teapot").waitFor();
  await page.getByRole("button", { name: /#10 GET/ }).click();
  await page.locator("#rules summary").first().click();
  for (const [device, width, height] of [["desktop", 1280, 900], ["tablet", 800, 1000], ["phone", 360, 740]]) {
    await page.setViewportSize({ width, height });
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await assertFits(page);
      await assertAccessible(page);
      await screenshot(page, `${device}-${colorScheme}`);
    }
  }
});

test("a page of another origin changes nothing", async (t) => {
  const base = await simulate("--manual-clock");
  await call(base, { prompt: "Rain" });
  const foreign = new URL(base);
  foreign.hostname = "localhost";
  // Any response without the page's policy may stand for a foreign page.
  const page = await open(t, `${foreign.origin}/_simulator/rules`, { allowed: /status of 40[34]/, hosts: [foreign.host, new URL(base).host] });
  const type = await page.evaluate(async (url) => (await fetch(url, { method: "POST", mode: "no-cors" })).type, `${base}/_simulator/reset`);
  assert.equal(type, "opaque");
  const [response] = await Promise.all([
    page.waitForResponse(`${base}/_simulator/reset`),
    page.evaluate((action) => {
      const form = Object.assign(document.createElement("form"), { action, method: "post" });
      document.body.append(form);
      form.submit();
    }, `${base}/_simulator/reset`),
  ]);
  assert.equal(response.status(), 403);
  assert.equal((await own(base, "tasks")).length, 1);
});

test("a stopped simulator is shown, and found again", async (t) => {
  const base = await simulate("--manual-clock");
  const page = await open(t, `${base}/_simulator/`, { allowed: /Failed to load resource/ });
  await page.getByText("live", { exact: true }).waitFor();
  await page.context().setOffline(true);
  await page.getByText("not reachable").waitFor();
  await page.context().setOffline(false);
  await page.getByText("live", { exact: true }).waitFor();
});

test("1,000 generations and 5,000 requests leave the page time for its reader", async (t) => {
  const base = await simulate("--speed", "60", "--slots", "20");
  const fill = async (creates, fetches) => {
    for (let at = 0; at < creates; at += 20) {
      const made = await Promise.all(Array.from({ length: 20 }, (_, n) => call(base, { prompt: `Scene ${at + n}`, duration: n === 0 ? 7 : 5 })));
      const ids = made.map(({ id }) => id).filter(Boolean);
      for (let n = 0; n < fetches; n += 1) await Promise.all(ids.map((id) => fetchGeneration(base, id)));
    }
  };
  await fill(1060, 4);
  const page = await open(t, `${base}/_simulator/`);
  await page.getByText("5,000 requests, the newest first").waitFor();
  await page.getByText(/the newest 1000 of 1007/).waitFor();
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const measure = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    const values = Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
    return { at: values.Timestamp, work: values.ScriptDuration + values.LayoutDuration + values.RecalcStyleDuration };
  };
  const first = await measure();
  await fill(200, 2);
  await page.getByText("the newest 1000 of 1197").waitFor();
  await page.locator("#rows .number", { hasText: "#5668" }).waitFor();
  const last = await measure();
  const share = (last.work - first.work) / (last.at - first.at);
  const elements = await page.evaluate(() => document.querySelectorAll("*").length);
  t.diagnostic(`scripts, styles and layout take ${(share * 100).toFixed(1)} % of the time; the page has ${elements} elements`);
  assert.ok(share < 0.25, `${share}`);
  assert.ok(elements < 3000, `${elements}`);
});
