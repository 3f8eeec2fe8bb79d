// The real binary, on ports of its own.

import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const START_MS_MAX = 20_000;

/** @param {...string} flags */
export const start = (...flags) => startWith(null, ...flags);

/** @param {string | null} file the configuration's @param {...string} flags */
export async function startWith(file, ...flags) {
  const binary = process.env.LCLQ_BIN;
  if (!binary) throw new Error("LCLQ_BIN names the binary under test");
  const folder = await mkdtemp(join(tmpdir(), "lclq-console-"));
  if (file !== null) await writeFile(join(folder, "lclq.toml"), file);
  const ports = ["--sqs-port", "0", "--pubsub-port", "0", "--pubsub-rest-port", "0", "--admin-port", "0"];
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("LCLQ_") || name === "LCLQ_CONSOLE_FOLDER"));
  const child = spawn(binary, ["start", ...ports, "--cores", "2", ...flags], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  // A test that fails leaves none behind.
  process.once("exit", () => child.kill("SIGKILL"));
  let said = "";
  child.stderr.on("data", (bytes) => { said = (said + bytes).slice(-20_000); });
  const at = {};
  await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`it did not start:\n${said}`)), START_MS_MAX);
    child.once("exit", () => reject(new Error(`it ended:\n${said}`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const [word, name, address] = line.split(/\s+/);
      if (word === "listening") at[name] = address;
      if (word !== "ready") return;
      clearTimeout(timer);
      resolve();
    });
  });
  return {
    sqs: at.sqs, pubsub: at.pubsub, admin: at.admin, folder, pid: child.pid ?? 0,
    /** Tells it something, as a user would by kill. @param {NodeJS.Signals} signal */
    signal: (signal) => child.kill(signal),
    async stop() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
