#!/usr/bin/env node
"use strict";
// The command: `npx lclq start`. Signals that a terminal or a supervisor sends go on to the server.

const { spawn } = require("node:child_process");
const { findBinary } = require("../binary.cjs");

let binary;
try {
  binary = findBinary();
} catch (error) {
  console.error(`lclq: ${error.message}`);
  process.exit(1);
}
const child = spawn(binary, process.argv.slice(2), { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => {
  console.error(`lclq: ${error.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => {
  if (signal) {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  } else {
    process.exit(code);
  }
});
