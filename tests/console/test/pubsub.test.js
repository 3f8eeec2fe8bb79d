// What is done to topics, subscriptions, snapshots and schemas by the page is done.

import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch, openPage, press, until, visit, write } from "../lib/browser.js";
import { furnish, restClient, traffic } from "../lib/clients.js";
import { start } from "../lib/server.js";

let server, browser, opened, page, admin, rest, stop;
before(async () => {
  server = await start("--journey-events", "1000");
  const furnished = await furnish(server);
  ({ rest } = furnished);
  // Beside what is counted below.
  stop = traffic(furnished, "busy");
  admin = restClient(`${server.admin}/api/v1`);
  browser = await launch();
  opened = await openPage(browser);
  page = opened.page;
});
after(async () => {
  await browser?.close();
  await stop?.();
  await server?.stop();
});

const worker = () => admin("GET", "/subscriptions/worker");

test("a schema, a topic that uses it, a subscription and a snapshot are made", async () => {
  await visit(page, server.admin, "#/schemas");
  await press(page, "Create a schema", "main");
  await write(page, "Id", "x", "dialog");
  await until(page, "3 to 255 characters.", "dialog .wrong");
  await write(page, "Id", "letter", "dialog");
  await write(page, "Definition", "{\"type\":\"record\",\"name\":\"Letter\",\"fields\":[{\"name\":\"to\",\"type\":\"string\"}]}", "dialog");
  await press(page, "Create", "dialog");
  await until(page, "Its next revision");
  await visit(page, server.admin, "#/topics");
  await press(page, "Create a topic", "main");
  await write(page, "Id", "letters", "dialog");
  await write(page, "Schema", "letter", "dialog");
  await press(page, "Create", "dialog");
  await until(page, "Nobody subscribes to it");
  await press(page, "Create a subscription", ".head");
  await write(page, "Id", "readers", "dialog");
  await write(page, "Ack deadline, s", "601", "dialog");
  await until(page, "A whole number from 10 to 600 s.", "dialog .wrong");
  await write(page, "Ack deadline, s", "33", "dialog");
  await press(page, "Create", "dialog");
  await until(page, "Pull from it");
  assert.equal((await admin("GET", "/subscriptions/readers")).definition.ackDeadlineSeconds, 33);
  await press(page, "Snapshot…", ".head");
  await write(page, "Id", "readers-now", "dialog");
  await press(page, "Create", "dialog");
  await until(page, "Expires");
});

test("a message is held against its schema, published, and looked into", async () => {
  await visit(page, server.admin, "#/topic/local/letters/publish");
  await write(page, "Data", "{\"from\":\"a\"}");
  await press(page, "Publish");
  await page.waitForFunction(() => (document.querySelector("form .wrong[role=alert]")?.textContent ?? "") !== "");
  await write(page, "Data", "{\"to\":\"b\"}");
  await press(page, "Publish");
  await until(page, "The message is published.");
  await visit(page, server.admin, "#/subscription/local/readers/messages");
  await until(page, "1 shown");
  await page.click("td.preview button");
  await until(page, "\"to\": \"b\"", "pre");
  await press(page, "Journey");
  await until(page, "Kept since");
});

test("a subscription goes back to a time and to a snapshot", async () => {
  const { messages } = await admin("POST", "/subscriptions/worker/pull", { max: 100 });
  await admin("POST", "/subscriptions/worker/settle", { ack_ids: messages.map((one) => one.ack_id) });
  const left = (await worker()).available;
  assert.ok(left < 30, `${left}`);
  await visit(page, server.admin, "#/subscription/local/worker/seek");
  await until(page, "Seek to the snapshot");
  await press(page, "Seek to the snapshot");
  await until(page, "It is as the snapshot has it.");
  assert.equal((await worker()).available, 30);
  await press(page, "Purge", ".head");
  await press(page, "Purge", "dialog");
  await until(page, "It is empty.");
  assert.equal((await worker()).available, 0);
  await until(page, "30 acknowledged ones come again", ".timeline");
  await page.$eval(".timeline input[type=range]", (slider) => { slider.value = slider.max; slider.dispatchEvent(new Event("input")); });
  await until(page, "0 acknowledged ones come again", ".timeline");
  await page.$eval(".timeline input[type=range]", (slider) => { slider.value = "0"; slider.dispatchEvent(new Event("input")); });
  await until(page, "30 acknowledged ones come again", ".timeline");
  await press(page, "Seek to the time");
  await until(page, "It is at");
  assert.equal((await worker()).available, 30);
});

test("settings are changed, and a schema gets a revision", async () => {
  await visit(page, server.admin, "#/subscription/local/worker/settings");
  await until(page, "What stays");
  const label = "What can be changed, as Pub/Sub's REST API has it";
  await page.$eval("textarea", (area) => {
    area.value = JSON.stringify({ ...JSON.parse(area.value), ackDeadlineSeconds: 44 });
    area.dispatchEvent(new Event("input"));
  });
  assert.ok(await page.$(`::-p-aria([name="${label}"])`));
  await press(page, "Save the JSON");
  await until(page, "The settings are saved.");
  await page.reload();
  await until(page, "What stays");
  await write(page, "Again after, s, at least", "601");
  await until(page, "A whole number from 0 to 600 s.", ".wrong");
  await write(page, "Again after, s, at least", "5");
  await write(page, "Push to", "nowhere");
  await until(page, "An URL that begins with http.", ".wrong");
  await write(page, "Push to", "");
  await press(page, "Add to Labels");
  await write(page, "Labels: name", "team");
  await write(page, "Labels: value", "shop");
  await press(page, "Save");
  let now = await worker();
  for (let n = 0; n < 100 && !now.definition.retryPolicy; n += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    now = await worker();
  }
  assert.equal(now.definition.ackDeadlineSeconds, 44);
  assert.equal(now.definition.retryPolicy.minimumBackoff, "5s");
  assert.deepEqual(now.definition.labels, { team: "shop" });
  assert.equal(now.definition.deadLetterPolicy.maxDeliveryAttempts, 5);
  assert.equal(now.definition.retainAckedMessages, true);
  await visit(page, server.admin, "#/topic/local/events/settings");
  await until(page, "What stays");
  await write(page, "Kept for, s", "599");
  await until(page, "A whole number from 600 to 2678400 s.", ".wrong");
  await write(page, "Kept for, s", "7200");
  await press(page, "Save");
  let topic;
  for (let n = 0; n < 100 && topic?.messageRetentionDuration !== "7200s"; n += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    topic = (await admin("GET", "/topics/events")).definition;
  }
  assert.deepEqual([topic.messageRetentionDuration, topic.labels.team], ["7200s", "shop"]);
  await visit(page, server.admin, "#/schema/local/event");
  await until(page, "Its next revision");
  const before = (await admin("GET", "/schemas/event")).definition.revisionId;
  const next = { type: "record", name: "Event", fields: [{ name: "id", type: "string" }, { name: "at", type: "long", default: 0 }] };
  await page.$eval("textarea", (area, text) => { area.value = text; area.dispatchEvent(new Event("input")); }, JSON.stringify(next));
  await press(page, "Commit");
  await until(page, "The revision is there.");
  assert.notEqual((await admin("GET", "/schemas/event")).definition.revisionId, before);
});

test("push that fails is seen to fail, with the endpoint's last answers and its stream", async () => {
  await visit(page, server.admin, "#/subscription/local/pushed");
  await until(page, "pushed to http://127.0.0.1:9/push");
  await until(page, "could not be asked");
  const answers = () => page.$$eval("section", (all) => all.find((one) => one.querySelector("h2")?.textContent === "The endpoint's last answers")?.textContent ?? "");
  assert.match(await answers(), /could not be asked.*efused/);
  await page.waitForFunction(() => [...document.querySelectorAll("section")].some((one) => one.querySelector("h2")?.textContent === "Streams and their flow control" && /of 2,000/.test(one.textContent ?? "")));
});

test("a filter is tried on what waits", async () => {
  await admin("POST", "/topics/events/publish", { messages: [{ text: "tried", attributes: { kind: "other" } }] });
  await visit(page, server.admin, "#/subscription/local/worker/messages");
  await write(page, "Filter, to try", "attributes.kind = \"other\"");
  await until(page, "1 shown");
  await until(page, "tried", "td");
  await write(page, "Filter, to try", "attributes.kind =");
  await until(page, "The messages can't be shown.");
});

test("binary data is shown by its schema", async () => {
  await rest("POST", "/v1/projects/local/schemas?schemaId=point", { type: "PROTOCOL_BUFFER", definition: "syntax = \"proto3\"; message Point { int32 x = 1; string label = 2; }" });
  await rest("PUT", "/v1/projects/local/topics/points", { schemaSettings: { schema: "projects/local/schemas/point", encoding: "BINARY" } });
  await rest("PUT", "/v1/projects/local/subscriptions/plotter", { topic: "projects/local/topics/points" });
  await rest("POST", "/v1/projects/local/topics/points:publish", { messages: [{ data: Buffer.from([8, 7, 18, 2, 111, 107]).toString("base64") }] });
  for (const [subscription, expected] of [["plotter", "\"label\": \"ok\""], ["unpacker", "\"id\": \"seven\""]]) {
    await visit(page, server.admin, `#/subscription/local/${subscription}/messages`);
    await until(page, "1 shown");
    await page.click("td.preview button");
    await until(page, "Data by its schema");
    await until(page, expected, "pre");
  }
});

test("transforms are tried before they are saved", async () => {
  await visit(page, server.admin, "#/topic/local/events/settings");
  await until(page, "Try transforms");
  await press(page, "Try them");
  await until(page, "What comes out");
  await until(page, "order", "dl.facts dd");
  await write(page, "Data of a message", "{\"test\": true}");
  await press(page, "Try them");
  await until(page, "Nobody gets it.");
  await page.$eval("textarea[name=transforms]", (area) => {
    area.value = JSON.stringify([{ javascriptUdf: { functionName: "f", code: "function g() {}" } }]);
    area.dispatchEvent(new Event("input"));
  });
  await press(page, "Try them");
  await page.waitForFunction(() => [...document.querySelectorAll("form .wrong[role=alert]")].some((one) => (one.textContent ?? "").includes("f")));
});

test("messages are published from a file", async () => {
  const file = join(tmpdir(), `lclq-console-pubsub-${process.pid}.json`);
  writeFileSync(file, JSON.stringify([{ text: "one", attributes: { from: "file" } }, { any: "thing" }, "a text"]));
  await visit(page, server.admin, "#/topic/local/events-dead/publish");
  const before = (await admin("GET", "/topics/events-dead")).published;
  await (await page.$("input[type=file]")).uploadFile(file);
  await press(page, "Send the file's messages");
  await until(page, "3 are sent.");
  assert.equal((await admin("GET", "/topics/events-dead")).published, before + 3);
  rmSync(file);
});

test("detaching and deleting say what is lost", async () => {
  await visit(page, server.admin, "#/subscription/local/readers");
  await press(page, "Detach", ".head");
  await until(page, "its messages are lost", "dialog");
  await press(page, "Detach", "dialog");
  await until(page, "It is cut off.");
  for (const [address, name] of [["#/subscription/local/readers", "readers"], ["#/snapshot/local/readers-now", "readers-now"], ["#/topic/local/letters", "letters"], ["#/schema/local/letter", "letter"]]) {
    await visit(page, server.admin, address);
    await press(page, "Delete", ".head");
    await press(page, "Delete", "dialog");
    await until(page, `${name} is gone.`);
  }
  await assert.rejects(admin("GET", "/topics/letters"));
});

test("nothing was complained of", () => assert.deepEqual(opened.complaints, []));
