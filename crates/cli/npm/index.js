// Starts the simulator of the binary `aimlapi-video`, and controls it by its endpoints below `/_simulator/`.
"use strict";

const { spawn } = require("node:child_process");
const { createHash } = require("node:crypto");
const { request } = require("node:http");
const { binary } = require("./binary.js");

const START_SECONDS = 30;
// Test runners name their workers so; workers can share a simulator, which keeps its state for each key.
const worker = process.env.VITEST_POOL_ID ?? process.env.JEST_WORKER_ID ?? "main";

exports.startSimulator = async ({ scenario, key, url, ...options } = {}) => {
  const records = options.record !== undefined;
  key ??= (records && process.env.AIML_API_KEY) || `worker-${worker}`;
  const started = url === undefined ? await start(records, options) : { url, stop: async () => {} };
  const simulator = new Simulator(started.url.replace(/\/$/, ""), key, started.stop, records && url === undefined);
  if (scenario !== undefined) {
    try {
      await simulator.scenario(scenario);
    } catch (error) {
      await simulator.stop();
      throw error;
    }
  }
  return simulator;
};

class Simulator {
  #records;

  constructor(url, key, stop, records) {
    this.url = url;
    this.key = key;
    this.stop = stop;
    this.#records = records;
  }

  async reset() {
    await send(this, "POST", "reset");
  }

  async scenario(scenario) {
    this.#expect("scenario");
    await send(this, "POST", "scenario", scenario);
  }

  async requests(filters) {
    return this.#list("requests", filters);
  }

  async tasks(filters) {
    return this.#list("tasks", filters);
  }

  async rules(filters) {
    return this.#list("rules", filters);
  }

  async assertRule(name, applied = 1) {
    const rules = await this.rules();
    const counts = rules.filter((rule) => rule.name === name).map((rule) => rule.applied);
    const shown = rules.map((rule) => `${rule.name}: ${rule.applied}`).join(", ");
    if (counts.length === 0) throw new Error(`no rule has the name ${name}; the rules: ${shown}`);
    const count = counts.reduce((sum, each) => sum + each);
    if (count !== applied) throw new Error(`the rule ${name} applied to ${count} creates; expected ${applied}; the rules: ${shown}`);
  }

  async advance(seconds) {
    this.#expect("clock");
    await send(this, "POST", "clock", { advance_seconds: seconds });
  }

  #list(name, filters = {}) {
    this.#expect(name);
    // In a query, a key may be logged.
    const key = `sha256:${createHash("sha256").update(this.key).digest("hex").slice(0, 16)}`;
    const stated = Object.entries(filters).filter(([, value]) => value !== undefined);
    return send(this, "GET", `${name}?${new URLSearchParams([["key", key], ...stated])}`);
  }

  #expect(name) {
    if (this.#records) throw new Error(`with record, there is no ${name}: requests are forwarded to the service`);
  }
}

// By `node:http`, since tests may replace `fetch`, and jsdom has none.
const send = ({ url, key }, method, path, body) =>
  new Promise((resolve, reject) => {
    const unreachable = (error) => reject(new Error(`no simulator at ${url}: ${error.message || error.code}`));
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const sent = request(`${url}/_simulator/${path}`, { method, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => (text += chunk));
      response.on("error", unreachable);
      response.on("end", () => {
        if (response.statusCode >= 400) reject(new Error(`${method} /_simulator/${path}: ${text}`));
        else resolve(text === "" ? undefined : JSON.parse(text));
      });
    });
    sent.on("error", unreachable);
    sent.end(body && JSON.stringify(body));
  });

/** Starts the binary on a free port and waits until it listens. */
const start = (records, options) =>
  new Promise((resolve, reject) => {
    const command = records ? "proxy" : "simulate";
    const line = [binary(), command, "--json", "--exit-with-parent", "--listen=127.0.0.1:0", ...flags(options)];
    // On Windows, the end of standard input tells the binary that this process has exited.
    const child = spawn(line[0], line.slice(1), { stdio: "pipe", windowsHide: true });
    const closed = new Promise((resolve) => child.once("close", resolve));
    const kill = () => child.kill();
    const stop = async () => {
      process.off("exit", kill);
      child.ref();
      kill();
      await closed;
    };
    const timer = setTimeout(() => {
      errors ||= `no URL within ${START_SECONDS} seconds`;
      kill();
    }, START_SECONDS * 1000);
    process.once("exit", kill);
    let [output, errors] = ["", ""];
    child.stderr.setEncoding("utf8").on("data", (chunk) => (errors = (errors + chunk).slice(-65536)));
    child.stdout.setEncoding("utf8").on("data", (chunk) => {
      output += chunk;
      // The line of a binary that fails has no URL.
      const url = output.startsWith("{") && output.endsWith("\n") && JSON.parse(output).url;
      if (!url) return;
      clearTimeout(timer);
      // A test runner that does not call `stop` can exit, which ends the binary.
      for (const each of [child, child.stdin, child.stdout, child.stderr]) each.unref();
      resolve({ url, stop });
    });
    child.once("error", (error) => {
      errors = `${error.message}; AIMLAPI_VIDEO_BIN names another binary`;
    });
    closed.then(() => {
      clearTimeout(timer);
      process.off("exit", kill);
      reject(new Error(`${line.join(" ")}: ${errors.trim()}`));
    });
  });

/** Returns options as arguments of the binary: `{ replayOnly: true, speed: 9 }` is `--replay-only --speed=9`. */
const flags = (options) =>
  Object.entries(options)
    .filter(([, value]) => value !== undefined && value !== false)
    .map(([name, value]) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}${value === true ? "" : `=${value}`}`);
