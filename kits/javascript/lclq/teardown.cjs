"use strict";
// Stops what lclq/setup has started, for runners that have it in a module of its own.

module.exports = async function teardown() {
  await globalThis.__lclq?.stop();
};
