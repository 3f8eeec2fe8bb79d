"use strict";
// Where the server's binary is: what LCLQ_BIN names, else the one of this platform's package, else one on PATH.

const { existsSync } = require("node:fs");
const path = require("node:path");

const NAME = process.platform === "win32" ? "lclq.exe" : "lclq";

function findBinary() {
  const named = process.env.LCLQ_BIN;
  if (named) {
    if (!existsSync(named)) throw new Error(`LCLQ_BIN names ${named}, which isn't there`);
    return named;
  }
  const carrier = `@lclq/${process.platform}-${process.arch}`;
  try {
    return require.resolve(`${carrier}/bin/${NAME}`);
  } catch {
    // Not installed: optional dependencies may be left out, and not every platform has one.
  }
  for (const directory of (process.env.PATH ?? "").split(path.delimiter)) {
    // npm puts a command of this package there, which is no binary.
    if (directory.endsWith(path.join("node_modules", ".bin"))) continue;
    const file = path.join(directory, NAME);
    if (directory && existsSync(file)) return file;
  }
  throw new Error(`the lclq binary isn't on PATH, and ${carrier} isn't installed: name one by LCLQ_BIN`);
}

module.exports = { findBinary };
