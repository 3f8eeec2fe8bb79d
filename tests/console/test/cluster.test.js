// The nodes of a cluster by the page, on a Redis of this test's own.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { violations } from "../lib/axe.js";
import { launch, openPage, until, visit } from "../lib/browser.js";
import { restClient } from "../lib/clients.js";
import { start } from "../lib/server.js";

const PATIENCE_MS = 10_000;

/** A port that nobody has. @returns {Promise<number>} */
const freePort = () => new Promise((resolve) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
    server.close(() => resolve(port));
  });
});

let folder, redis, nodes, browser, opened, page;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "lclq-console-redis-"));
  const port = await freePort();
  const durable = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""];
  redis = spawn("redis-server", ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", folder, ...durable], { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise((resolve, reject) => {
    let said = "";
    redis.once("error", reject);
    redis.once("exit", () => reject(new Error(`redis-server ended:\n${said}`)));
    redis.stdout.on("data", (bytes) => { said += bytes; if (said.includes("Ready to accept connections")) resolve(undefined); });
  });
  const store = ["--store", `redis://127.0.0.1:${port}`, "--shards", "6", "--cluster", "--node-port", "0"];
  nodes = await Promise.all([start(...store), start(...store)]);
  browser = await launch();
  opened = await openPage(browser);
  page = opened.page;
});
after(async () => {
  await browser?.close();
  for (const node of nodes ?? []) await node.stop();
  if (redis) {
    redis.removeAllListeners("exit");
    const ended = new Promise((resolve) => redis.once("exit", resolve));
    redis.kill("SIGTERM");
    await ended;
  }
  await rm(folder, { recursive: true, force: true });
});

test("the overview shows each node with what it runs, and which one this is", async () => {
  const admin = restClient(`${nodes[0].admin}/api/v1`);
  const until_ms = Date.now() + PATIENCE_MS;
  let cluster;
  do {
    cluster = await admin("GET", "/cluster");
    assert.ok(Date.now() < until_ms, `not in time: ${JSON.stringify(cluster)}`);
  } while (cluster.unowned.length > 0 || cluster.nodes.length < 2);
  const own = cluster.nodes.find((node) => node.node === cluster.node);
  const other = cluster.nodes.find((node) => node.node !== cluster.node);
  assert.deepEqual([...own.shards, ...other.shards].toSorted((one, another) => one - another), [0, 1, 2, 3, 4, 5]);
  await visit(page, nodes[0].admin, "#/");
  await until(page, "Each shard is run by a node.", "main");
  for (const [node, state] of [[own, "up, this one"], [other, "up"]]) {
    await page.waitForFunction((name, address, wanted) => [...document.querySelectorAll("tbody tr")].some((row) => {
      const cells = [...row.children].map((cell) => cell.textContent);
      return cells[0] === name && cells[1] === address && cells[2] === wanted;
    }), {}, node.node, node.address, state);
  }
  assert.deepEqual(await violations(page), []);
  assert.deepEqual(opened.complaints, []);
});

test("a server alone has no nodes to show", async () => {
  const alone = await start();
  const { node, nodes: others, unowned } = await restClient(`${alone.admin}/api/v1`)("GET", "/cluster");
  assert.deepEqual([node, others, unowned], [null, [], []]);
  await visit(page, alone.admin, "#/");
  await until(page, "Operations since the start", "main");
  assert.equal(await page.$$eval("h2", (heads) => heads.some((head) => head.textContent === "Nodes")), false);
  await alone.stop();
});
