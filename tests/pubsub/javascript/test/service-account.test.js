// The official library with a service account's file over TLS, as it is used with the real service.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { PATIENCE_MS, assert, together } from "./helpers.js";

const run = promisify(execFile);
const CLIENT = fileURLToPath(new URL("service-account-client.js", import.meta.url));
const UNAUTHENTICATED = 16;

/** A server of the test's own; answers the port of Pub/Sub. */
async function ownServer(t, binary, ...flags) {
  const ports = ["sqs", "pubsub", "pubsub-rest", "admin"].flatMap((name) => [`--${name}-port`, "0"]);
  const server = spawn(binary, ["start", ...ports, ...flags], { stdio: ["ignore", "pipe", "ignore"] });
  const ended = once(server, "exit");
  t.after(async () => {
    server.kill();
    await ended;
  });
  let port;
  for await (const line of createInterface({ input: server.stdout })) {
    port ??= line.match(/^listening pubsub http:\/\/\S+:(\d+)$/)?.[1];
    if (line === "ready") return port;
  }
  assert.fail("the server has not started");
}

/** A server that wants tokens; answers the environment of a client of it. */
async function secured(t) {
  const { PUBSUB_EMULATOR_HOST, ...environment } = process.env;
  const binary = environment.LCLQ_BIN;
  assert.ok(binary, "LCLQ_BIN must name the server's program");
  const directory = await mkdtemp(join(tmpdir(), "lclq-"));
  t.after(() => rm(directory, { recursive: true }));
  const [keys, tls, file] = ["keys.toml", "tls", "account.json"].map((name) => join(directory, name));
  const { stdout } = await run(binary, ["credentials", "create-service-account", "--project", "p", "--file", keys]);
  const port = await ownServer(
    t, binary, "--pubsub-auth", "enforce", "--credentials", keys, "--tls", "self-signed", "--tls-dir", tls,
  );
  const trusted = join(tls, "ca.pem");
  await writeFile(file, JSON.stringify({ ...JSON.parse(stdout), token_uri: `https://localhost:${port}/token` }));
  return {
    ...environment,
    GOOGLE_APPLICATION_CREDENTIALS: file,
    // Node reads the one, for the token endpoint; gRPC may read the other.
    NODE_EXTRA_CA_CERTS: trusted,
    GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: trusted,
    ENDPOINT: `localhost:${port}`,
  };
}

/** Runs a client in a process of its own: trust is read once a process. */
async function clientOf(env, how) {
  const { stdout } = await run(process.execPath, [CLIENT, how], { env, timeout: PATIENCE_MS });
  return JSON.parse(stdout);
}

describe("service account", together, () => {
  for (const how of ["own token", "exchanged token"]) {
    test(`publishes and receives with its ${how}`, async (t) => {
      assert.deepEqual(await clientOf(await secured(t), how), { data: "hello" });
    });
  }

  for (const [how, told] of [
    ["no token", "Request is missing required authentication credential."],
    ["token of another key", "Request had invalid authentication credentials."],
  ]) {
    test(`a stranger with ${how} is unauthenticated`, async (t) => {
      const { code, details } = await clientOf(await secured(t), how);
      assert.equal(code, UNAUTHENTICATED, details);
      assert.ok(details.startsWith(told), details);
    });
  }
});
