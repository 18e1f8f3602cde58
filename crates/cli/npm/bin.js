#!/usr/bin/env node
// Runs the binary for `npx aimlapi-video`.
"use strict";

const { spawnSync } = require("node:child_process");
const { binary } = require("./binary.js");

let path;
try {
  path = binary();
} catch (error) {
  console.error(error.message);
  process.exit(2);
}
const { status, signal, error } = spawnSync(path, process.argv.slice(2), { stdio: "inherit" });
if (error) console.error(`cannot run ${path}: ${error.message}`);
if (signal) process.kill(process.pid, signal);
process.exitCode = status ?? 2;
