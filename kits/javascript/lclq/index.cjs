"use strict";

const { spawn } = require("node:child_process");
const { randomInt } = require("node:crypto");
const { devNull } = require("node:os");
const { createInterface } = require("node:readline");
const { findBinary } = require("./binary.cjs");

const START_MS_MAX = 20_000;
const STOP_MS_MAX = 10_000;
const CONTROL_MS_MAX = 60_000;
const LOG_LINES_MAX = 1000;
const REGION = "us-east-1";

// What holds where no flag says otherwise: free ports, one core, no file of the working directory.
const DEFAULTS = {
  LCLQ_CONFIG: devNull,
  LCLQ_SQS_PORT: "0",
  LCLQ_PUBSUB_PORT: "0",
  LCLQ_PUBSUB_REST_PORT: "0",
  LCLQ_ADMIN_PORT: "0",
  LCLQ_CORES: "1",
  LCLQ_SHUTDOWN_MS_MAX: "1000",
};

class StartError extends Error {
  name = "StartError";
}

class ControlError extends Error {
  name = "ControlError";

  constructor(code, message) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

class Clock {
  #call;

  constructor(call) {
    this.#call = call;
  }

  async stop() {
    await this.#call("POST", "test/clock/stop");
  }

  async resume() {
    await this.#call("POST", "test/clock/resume");
  }

  async advance(ms) {
    await this.#call("POST", "test/clock/advance", { ms: Math.round(ms) });
  }

  async set(to) {
    await this.#call("POST", "test/clock/set", { to: to.toISOString() });
  }
}

class Faults {
  #call;

  constructor(call) {
    this.#call = call;
  }

  async set(rule) {
    return (await this.#call("POST", "test/faults", rule)).name;
  }

  async list() {
    return (await this.#call("GET", "test/faults")).faults;
  }

  async remove(name) {
    await this.#call("DELETE", `test/faults/${encodeURIComponent(name)}`);
  }

  async clear() {
    await this.#call("DELETE", "test/faults");
  }
}

class Sandbox {
  constructor(server) {
    this.server = server;
    // An access key that is an account's number puts a client into that account.
    this.account = String(randomInt(100_000_000_000, 1_000_000_000_000));
    this.project = `test-${this.account}`;
  }

  get aws() {
    const credentials = { accessKeyId: this.account, secretAccessKey: "test" };
    return { endpoint: this.server.endpoint, region: REGION, credentials };
  }

  get google() {
    return { projectId: this.project, apiEndpoint: this.server.pubsub, emulatorMode: true };
  }

  get env() {
    return {
      AWS_ENDPOINT_URL_SQS: this.server.endpoint,
      AWS_ACCESS_KEY_ID: this.account,
      AWS_SECRET_ACCESS_KEY: "test",
      AWS_REGION: REGION,
      AWS_DEFAULT_REGION: REGION,
      PUBSUB_EMULATOR_HOST: this.server.pubsub,
      PUBSUB_PROJECT_ID: this.project,
      GOOGLE_CLOUD_PROJECT: this.project,
      // Google's library looks for its cloud's metadata server, at every client's start.
      METADATA_SERVER_DETECTION: "none",
    };
  }

  async reset() {
    await this.server.call("POST", "test/reset", { account: this.account });
    await this.server.call("POST", "test/reset", { project: this.project });
  }

  async [Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]() {
    await this.reset();
  }
}

class Server {
  #child;
  #ended;
  #log;

  constructor({ endpoint, pubsub, admin }, child, ended, log) {
    this.endpoint = endpoint;
    this.pubsub = pubsub;
    this.admin = admin;
    this.pid = child?.pid ?? null;
    this.#child = child;
    this.#ended = ended;
    this.#log = log ?? [];
    const call = this.call.bind(this);
    this.clock = new Clock(call);
    this.faults = new Faults(call);
  }

  get log() {
    return this.#log.join("\n");
  }

  get env() {
    return { LCLQ_ENDPOINT: this.endpoint, LCLQ_PUBSUB: this.pubsub, LCLQ_URL: this.admin };
  }

  sandbox() {
    return new Sandbox(this);
  }

  async reset() {
    await this.call("POST", "test/reset", {});
  }

  async call(method, path, body) {
    const answer = await fetch(`${this.admin}/api/v1/${path}`, {
      method,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(CONTROL_MS_MAX),
    });
    const text = await answer.text();
    if (answer.ok) return JSON.parse(text);
    let error;
    try {
      error = JSON.parse(text).error;
    } catch {
      // Not one of the API's own refusals.
    }
    throw new ControlError(error?.code ?? String(answer.status), error?.message ?? text);
  }

  async stop() {
    if (!this.#child) return;
    const child = this.#child;
    this.#child = undefined;
    await end(child, this.#ended);
  }

  async [Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]() {
    await this.stop();
  }
}

// Ends a server by its standard input, and the hard way where that takes too long.
async function end(child, ended) {
  const killed = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
  child.ref();
  child.stdin.end();
  await ended;
  clearTimeout(killed);
}

async function start({ args = [], binary, env = {}, testControls = true } = {}) {
  let child;
  try {
    binary ??= findBinary();
  } catch (error) {
    throw new StartError(error.message);
  }
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("LCLQ_"));
  child = spawn(binary, ["start", "--stop-with-stdin", ...args], {
    env: { ...Object.fromEntries(inherited), ...DEFAULTS, LCLQ_TEST_CONTROLS: String(testControls), ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  // What it hasn't read when it ends is nobody's loss.
  child.stdin.on("error", () => {});
  const log = [];
  createInterface({ input: child.stderr }).on("line", (line) => {
    log.push(line);
    if (log.length > LOG_LINES_MAX) log.shift();
  });
  let failure;
  const ended = new Promise((resolve) => {
    child.on("error", (error) => {
      failure = `${binary} can't be run: ${error.message}`;
      if (child.pid === undefined) resolve();
    });
    child.on("close", (code, signal) => {
      failure ??= `lclq ended with ${signal ?? `code ${code}`}`;
      resolve();
    });
  });
  const said = {};
  let late;
  const ready = new Promise((resolve) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const [word, name, url] = line.split(" ");
      if (word === "listening") said[name] = url;
      if (word === "ready") resolve("ready");
    });
    late = setTimeout(resolve, START_MS_MAX, "late");
  });
  const outcome = await Promise.race([ready, ended.then(() => "ended")]);
  clearTimeout(late);
  if (outcome !== "ready") {
    if (outcome === "late") await end(child, ended);
    const what = outcome === "late" ? `lclq isn't ready after ${START_MS_MAX} ms` : failure;
    throw new StartError([what, ...log].join("\n"));
  }
  // It doesn't keep a test run from ending, and ends with it.
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream.unref();
  const addresses = { endpoint: said.sqs, pubsub: said.pubsub?.split("://")[1], admin: said.admin };
  return new Server(addresses, child, ended, log);
}

function connect(env = process.env) {
  for (const name of ["LCLQ_ENDPOINT", "LCLQ_PUBSUB", "LCLQ_URL"]) {
    if (!env[name]) throw new Error(`${name} isn't set: lclq/setup as a global setup does that`);
  }
  return new Server({ endpoint: env.LCLQ_ENDPOINT, pubsub: env.LCLQ_PUBSUB, admin: env.LCLQ_URL });
}

module.exports = { start, connect, findBinary, Server, Sandbox, StartError, ControlError };
