#!/usr/bin/env node
// Runs the binary for `npx aimlapi-video`.
"use strict";

const { spawn } = require("node:child_process");
const { binary } = require("./binary.js");

let path;
try {
  path = binary();
} catch (error) {
  console.error(error.message);
  process.exit(2);
}
const child = spawn(path, process.argv.slice(2), { stdio: "inherit" });
const forward = (signal) => child.kill(signal);
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, forward);
// Ctrl-C reaches the binary, too, which decides when it ends.
process.on("SIGINT", () => {});
child.on("error", (error) => {
  console.error(`cannot run ${path}: ${error.message}`);
  process.exitCode = 2;
});
child.on("exit", (code, signal) => {
  if (signal) {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  }
  process.exitCode = code ?? 2;
});
