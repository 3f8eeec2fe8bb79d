// Test controls, configuration and connections by the page.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, openPage, press, until, visit, write } from "../lib/browser.js";
import { restClient, sqsClient } from "../lib/clients.js";
import { start } from "../lib/server.js";

let server, browser, opened, page, admin, sqs;
before(async () => {
  server = await start("--test-controls");
  admin = restClient(`${server.admin}/api/v1`);
  sqs = sqsClient(server.sqs);
  browser = await launch();
  opened = await openPage(browser);
  page = opened.page;
  await visit(page, server.admin, "#/test");
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

test("the clock is driven, and every view says so", async () => {
  await press(page, "Stop", "main");
  await until(page, "the clock stands still", ".banner");
  await press(page, "Advance by 1 h");
  await until(page, "1 h have passed.");
  assert.ok((await admin("GET", "/test/clock")).ahead_ms >= 3_600_000 - 60_000);
  await press(page, "Let it go on", "main");
  await until(page, "the clock is ahead", ".banner");
  await visit(page, server.admin, "#/queues");
  await until(page, "the clock is ahead", ".banner");
});

test("a fault is set, does its work, and goes", async () => {
  await visit(page, server.admin, "#/test");
  await press(page, "Set a rule");
  await write(page, "Error's code", "InternalFailure", "dialog");
  await write(page, "Name", "broken", "dialog");
  await write(page, "Action", "CreateQueue", "dialog");
  await press(page, "Set", "dialog");
  await until(page, "1 fault rule is set", ".banner");
  await assert.rejects(sqs("CreateQueue", { QueueName: "q" }), /InternalFailure/);
  await page.waitForFunction(() => [...document.querySelectorAll("tbody tr")].some((row) => row.textContent?.startsWith("broken") && row.textContent.includes("11")));
  await press(page, "Remove the rule broken");
  await until(page, "No rule is set.");
  await sqs("CreateQueue", { QueueName: "q" });
  for (const effect of ["throttle", "latency", "drop", "entries"]) {
    await press(page, "Set a rule");
    await page.select("dialog select[name=effect]", effect);
    await write(page, "Name", effect, "dialog");
    await write(page, "Action", "TagQueue", "dialog");
    await press(page, "Set", "dialog");
    await until(page, "The rule is set.");
    await page.waitForFunction(() => !document.querySelector("dialog"));
  }
  assert.equal((await admin("GET", "/test/faults")).faults.length, 4);
  await press(page, "Remove all");
  await until(page, "All rules are gone.");
});

test("the production profile goes on and off", async () => {
  await press(page, "Switch it on");
  await until(page, "the production profile is on", ".banner");
  await press(page, "Switch it off");
  await until(page, "The profile is off.");
  assert.equal((await admin("GET", "/test/profile")).on, false);
});

test("a state is kept, brought back, and forgotten; and all is reset", async () => {
  await write(page, "Name", "one");
  await press(page, "Keep what there is now");
  await until(page, "It is kept.");
  await press(page, "Delete everything…");
  await until(page, "the whole server", "dialog");
  await press(page, "Delete everything", "dialog");
  await until(page, "Queues: 1, resources of Pub/Sub: 0.");
  await press(page, "Restore one");
  await press(page, "Restore", "dialog");
  await until(page, "The server is as one has it.");
  assert.equal((await admin("GET", "/queues")).queues.length, 1);
  await press(page, "Forget one");
  await press(page, "Forget", "dialog");
  await until(page, "None is kept.");
});

test("the configuration says where each value comes from", async () => {
  await visit(page, server.admin, "#/configuration");
  await until(page, "--test-controls");
  await page.click("main input[type=checkbox]");
  await page.waitForFunction(() => !document.querySelector("main")?.innerText.includes("metrics-series-max"));
  await press(page, "Read the file again");
  await until(page, "file", ".toast.bad");
});

test("a connection is ended", async () => {
  await sqs("ListQueues", {});
  const { connections } = await admin("GET", "/connections?endpoint=sqs");
  assert.ok(connections.length > 0);
  await visit(page, server.admin, "#/connections?endpoint=sqs");
  await press(page, `End the connection of ${connections[0].peer}`);
  await press(page, "End it", "dialog");
  await until(page, "The connection has ended.");
});

test("nothing was complained of", () => assert.deepEqual(opened.complaints, []));
