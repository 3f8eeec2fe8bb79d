// Test controls, configuration and connections by the page.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch, openPage, press, until, visit, write } from "../lib/browser.js";
import { restClient, sqsClient } from "../lib/clients.js";
import { startWith } from "../lib/server.js";

let server, browser, opened, page, admin, sqs;
before(async () => {
  server = await startWith("[log]\nfilter = \"info\"\n\n[server]\n", "--test-controls");
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

test("regions are set, cut and healed", async () => {
  await write(page, "Regions", '{"regions": ["us-east1", "europe-west1"], "links": [{"between": ["us-east1", "europe-west1"], "latency_ms": 80}]}');
  await press(page, "Set regions");
  await until(page, "The regions are set.");
  await until(page, "regions are other than at the start", ".banner");
  await press(page, "Cut us-east1 and europe-west1");
  await until(page, "1 pair of regions is cut", ".banner");
  await press(page, "Heal us-east1 and europe-west1");
  await until(page, "They are together again.");
  await press(page, "As at the start");
  await until(page, "They are as at the start.");
  assert.equal((await admin("GET", "/test/regions")).on, false);
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
  await until(page, "is read: 0 keys are in effect.", ".toast");
});

test("the file is edited: completed, checked, compared, written and taken", async () => {
  const file = join(server.folder, "lclq.toml");
  const area = "main textarea";
  await visit(page, server.admin, "#/configuration/edit");
  await until(page, "Nothing differs from the file.");
  await page.focus(area);
  await page.keyboard.down("Control");
  await page.keyboard.press("End");
  await page.keyboard.up("Control");
  await page.keyboard.type("shut");
  await until(page, "shutdown-ms-max", ".fits button");
  await page.keyboard.down("Control");
  await page.keyboard.press("Space");
  await page.keyboard.up("Control");
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), "shutdown-ms-max", "the keyboard is at what fits");
  await page.keyboard.press("Enter");
  await page.keyboard.type("\"two\"");
  await until(page, "a whole number", ".wrong");
  assert.equal(await page.$eval("main button.main", (save) => save.disabled), true);
  for (let n = 0; n < 5; n += 1) await page.keyboard.press("Backspace");
  await page.keyboard.type("3000");
  await until(page, "server.shutdown-ms-max", ".tag.warn");
  await page.$eval(area, (text) => { text.value = text.value.replace("info", "warn"); text.dispatchEvent(new Event("input")); });
  await until(page, "log.filter", ".tag.good");
  await page.waitForFunction(() => !document.querySelector("main button.main")?.disabled);
  await press(page, "Save…");
  await until(page, "+ filter = \"warn\"", "dialog .new");
  await until(page, "- filter = \"info\"", "dialog .gone");
  await press(page, "Write the file", "dialog");
  await until(page, "wait for a restart.", ".toast");
  assert.match(readFileSync(file, "utf8"), /filter = "warn"\n\n\[server\]\nshutdown-ms-max = 3000/);
  const { config } = await admin("GET", "/config");
  assert.match(JSON.stringify(config), /"warn"/);
  // Somebody else's change isn't lost unseen.
  await until(page, "Nothing differs from the file.");
  writeFileSync(file, "# another's\n");
  await page.$eval(area, (text) => { text.value += "# mine\n"; text.dispatchEvent(new Event("input")); });
  await page.waitForFunction(() => !document.querySelector("main button.main")?.disabled);
  await press(page, "Save…");
  await press(page, "Write the file", "dialog");
  await until(page, "has changed since it was read", ".toast.bad");
  assert.equal(readFileSync(file, "utf8"), "# another's\n");
});

test("a file with secrets is not shown where nobody has to say who they are", async () => {
  writeFileSync(join(server.folder, "lclq.toml"), "[push]\ntoken-issuer = \"http://me:word@127.0.0.1/\"\n");
  await assert.rejects(admin("GET", "/config/file"), /HasSecrets/);
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
