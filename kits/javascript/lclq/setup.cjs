"use strict";
// One server for a whole test run: `globalSetup: "lclq/setup"` in vitest's configuration or in jest's, where
// `globalTeardown: "lclq/teardown"` stops it. Tests get it by `connect()`.

const { start } = require("./index.cjs");

module.exports = async function setup() {
  const server = await start();
  Object.assign(process.env, server.env);
  globalThis.__lclq = server;
  return () => server.stop();
};
