// The tests of the package, which vitest and jest run with the installed binary.
"use strict";

const { spawn } = require("node:child_process");
const { once } = require("node:events");
const { mkdtempSync, rmSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { dirname, join } = require("node:path");

const MODEL = "klingai/v2-master-text-to-video";
const REFUSED = { next: [{ name: "refused", end: { fail: { message: "refused" } } }] };

const send = (simulator, query, init) =>
  fetch(`${simulator.url}/v2/video/generations${query}`, {
    headers: { authorization: `Bearer ${simulator.key}`, "content-type": "application/json" },
    ...init,
  });

const create = async (simulator, more) => {
  const body = JSON.stringify({ model: MODEL, prompt: "Rain", ...more });
  const response = await send(simulator, "", { method: "POST", body });
  return { status: response.status, ...(await response.json()) };
};

module.exports = ({ afterAll, afterEach, expect, startSimulator, ...runner }) => {
  // The default of five seconds is short for a busy machine that starts several processes.
  const test = (name, run) => runner.test(name, run, 60_000);
  const running = [];
  const started = async (options) => {
    const simulator = await startSimulator(options);
    running.push(simulator);
    return simulator;
  };
  const folder = mkdtempSync(join(tmpdir(), "aimlapi-video-"));
  afterEach(async () => {
    for (const simulator of running.splice(0)) await simulator.stop();
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test("lists have the requests and generations of the key, until a reset", async () => {
    const simulator = await started();
    const { id } = await create(simulator);
    await create({ url: simulator.url, key: "another key" });

    const [request, ...others] = await simulator.requests();
    expect(others).toEqual([]);
    expect(request).toMatchObject({ method: "POST", status: 200, body: { prompt: "Rain" } });
    expect(await simulator.tasks({ model: MODEL })).toMatchObject([{ id, requests: [request.number] }]);
    expect(await simulator.requests({ method: "GET", model: undefined })).toEqual([]);
    await simulator.reset();
    expect([...(await simulator.tasks()), ...(await simulator.requests())]).toEqual([]);
  });

  test("options and scenario reach the binary", async () => {
    const simulator = await started({ scenario: REFUSED, manualClock: true, seed: 7, spread: 0, strict: true, cors: false });
    expect((await create(simulator, { duration: "5" })).status).toBe(400);
    const { id } = await create(simulator);
    await simulator.advance(1000);
    expect(await (await send(simulator, `?generation_id=${id}`)).json()).toMatchObject({ status: "error" });
    await simulator.assertRule("refused");

    await simulator.reset();
    expect((await create(simulator)).id).toBe(id);
  });

  test("asserted rule with another count is an error that lists the rules", async () => {
    const simulator = await started({ scenario: REFUSED });
    await expect(simulator.assertRule("refused", 2)).rejects.toThrow("applied to 0 creates; expected 2; the rules: refused: 0");
    await expect(simulator.assertRule("other", 0)).rejects.toThrow("no rule has the name other");
  });

  test("message of the binary is shown as it is", async () => {
    const simulator = await started();
    const zero = { next: [{ times: 0 }] };
    await expect(simulator.scenario(zero)).rejects.toThrow("times: expected 1 or more");
    await expect(simulator.requests({ colour: "red" })).rejects.toThrow("colour: unknown parameter; expected one of method");
    await expect(startSimulator({ colourOfRain: true })).rejects.toThrow("unexpected argument '--colour-of-rain'");
    await expect(startSimulator({ scenario: zero })).rejects.toThrow("times: expected 1 or more");
  });

  test("missing binary says how to get it", async () => {
    const { platform } = process;
    Object.defineProperty(process, "platform", { value: "plan9" });
    try {
      await expect(startSimulator()).rejects.toThrow(/aimlapi-video-plan9-\w+ is missing.*cargo install aimlapi-video-cli/);
    } finally {
      Object.defineProperty(process, "platform", { value: platform });
    }
    process.env.AIMLAPI_VIDEO_BIN = "/nowhere/aimlapi-video";
    try {
      await expect(startSimulator()).rejects.toThrow(/\/nowhere\/aimlapi-video .*ENOENT; AIMLAPI_VIDEO_BIN names another binary/);
    } finally {
      delete process.env.AIMLAPI_VIDEO_BIN;
    }
  });

  test("stopped simulator cannot be reached", async () => {
    const simulator = await startSimulator();
    await simulator.stop();
    await expect(simulator.tasks()).rejects.toThrow(`no simulator at ${simulator.url}`);
  });

  test("simulator that already runs is shared by keys and not stopped", async () => {
    const simulator = await started();
    const shared = await startSimulator({ url: simulator.url, key: "worker-2" });
    await create(shared);
    expect(await shared.tasks()).toHaveLength(1);
    await shared.stop();
    expect(await simulator.tasks()).toEqual([]);
  });

  test("process ends when its parent is killed, and does not keep it running", async () => {
    const recording = { record: join(folder, "killed.jsonl"), upstream: "http://127.0.0.1:1" };
    const program = (options, end) => `require("aimlapi-video").startSimulator(${JSON.stringify(options)}).then(({ url }) => { console.log(url); ${end} })`;
    for (const [options, end] of [[{}, "process.stdin.resume()"], [recording, "process.stdin.resume()"], [{}, ""]]) {
      const parent = spawn(process.execPath, ["-e", program(options, end)], { cwd: __dirname });
      const exited = once(parent, "exit");
      const url = String((await once(parent.stdout, "data"))[0]).trim();
      if (end) parent.kill("SIGKILL");
      await exited;
      // A test that does not end in time shows that the simulator does not.
      const simulator = await startSimulator({ url });
      const ended = async () => {
        for (;;) await simulator.reset();
      };
      await expect(ended()).rejects.toThrow("no simulator at");
    }
  });

  test("recorded exchanges are replayed", async () => {
    const service = await started({ speed: 1000 });
    const record = join(folder, "recording.jsonl");
    const proxy = await started({ record, upstream: service.url });
    const { id } = await create(proxy);
    await proxy.reset();
    const calls = [proxy.tasks(), proxy.requests(), proxy.rules(), proxy.advance(1), proxy.scenario({ next: [] })];
    for (const call of await Promise.allSettled(calls)) expect(call.reason?.message).toMatch("with record, there is no");
    await proxy.stop();
    const simulator = await started({ replay: record, replayOnly: true });
    expect((await create(simulator)).id).toBe(id);
    expect((await create(simulator, { duration: 10 })).status).toBe(404);
  });

  // On Windows, there are no such signals.
  const signalTest = process.platform === "win32" ? runner.test.skip : test;
  signalTest("signal to the command ends the binary, whose exit code is the command's", async () => {
    const bin = join(dirname(require.resolve("aimlapi-video")), "bin.js");
    const args = [bin, "proxy", "--listen=127.0.0.1:0", "--upstream=http://127.0.0.1:1"];
    for (const signal of ["SIGTERM", "SIGHUP"]) {
      const command = spawn(process.execPath, args);
      const exited = once(command, "exit");
      const [line] = await once(command.stdout, "data");
      command.kill(signal);
      const [code] = await exited;
      if (signal === "SIGTERM") expect(code).toBe(0);
      const proxy = await startSimulator({ url: /http:\S+/.exec(line)[0] });
      await expect(proxy.reset()).rejects.toThrow("no simulator at");
    }
  });

  test("key is one of the worker", async () => {
    expect((await started()).key).toMatch(/^worker-\d+$/);
    process.env.AIML_API_KEY = "key of the service";
    try {
      expect((await started({ record: join(folder, "other.jsonl"), upstream: "http://127.0.0.1:1" })).key).toBe("key of the service");
    } finally {
      delete process.env.AIML_API_KEY;
    }
  });
};
