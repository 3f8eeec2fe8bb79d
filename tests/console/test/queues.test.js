// What is done to queues and their messages by the page is done.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { hold, launch, openPage, press, until, visit, write } from "../lib/browser.js";
import { furnish, restClient, traffic } from "../lib/clients.js";
import { start } from "../lib/server.js";

const MANY = 1000;
const MAKERS = 8;

let server, browser, opened, page, admin, sqs, url, stop;
before(async () => {
  server = await start("--test-controls", "--journey-events", "10000");
  const furnished = await furnish(server);
  ({ sqs, url } = furnished);
  stop = traffic(furnished);
  admin = restClient(`${server.admin}/api/v1`);
  browser = await launch();
  opened = await openPage(browser);
  page = opened.page;
  await browser.defaultBrowserContext().overridePermissions(server.admin, ["clipboard-read", "clipboard-write"]);
  await page.browserContext().overridePermissions(server.admin, ["clipboard-read", "clipboard-write", "clipboard-sanitized-write"]);
});
after(async () => {
  await browser?.close();
  await stop?.();
  await server?.stop();
});

const at = (queue, tab = "") => `#/queue/us-east-1/000000000000/${queue}${tab ? `/${tab}` : ""}`;
const counts = async (queue) => {
  const { visible, in_flight, delayed } = await admin("GET", `/queues/${queue}`);
  return [visible, in_flight, delayed];
};

test("a queue is made, with the service's limits checked as they are typed", async () => {
  await visit(page, server.admin, "#/queues");
  await press(page, "Create a queue", "main");
  await write(page, "Name", "not a name", "dialog");
  await until(page, "Letters, digits, - and _ only", "dialog .wrong");
  await write(page, "Name", "made", "dialog");
  await write(page, "Visibility timeout, s", "43201", "dialog");
  await until(page, "A whole number from 0 to 43200.", "dialog .wrong");
  await press(page, "Create", "dialog");
  assert.equal(await page.$eval("dialog [aria-invalid=true]", (field) => field === document.activeElement), true, "the keyboard is where the mistake is");
  await write(page, "Visibility timeout, s", "7", "dialog");
  await write(page, "Dead letters go to", "orders-dead", "dialog");
  await write(page, "After how many receives", "3", "dialog");
  await press(page, "Create", "dialog");
  await until(page, "Receive from it");
  assert.equal(await page.evaluate(() => location.hash), at("made"));
  const made = await admin("GET", "/queues/made");
  assert.equal(made.attributes.VisibilityTimeout, "7");
  assert.match(made.attributes.RedrivePolicy, /orders-dead/);
});

test("what the service refuses is said where it was asked", async () => {
  await visit(page, server.admin, "#/queues");
  await press(page, "Create a queue", "main");
  await write(page, "Name", "orders", "dialog");
  await write(page, "Visibility timeout, s", "1", "dialog");
  await press(page, "Create", "dialog");
  await until(page, "already exists", "dialog .wrong");
  await page.keyboard.press("Escape");
});

test("settings and tags are changed", async () => {
  await visit(page, server.admin, at("orders", "settings"));
  await until(page, "Visibility timeout, s");
  await write(page, "Visibility timeout, s", "61");
  await page.$eval("textarea[name=RedriveAllowPolicy]", (area) => { area.value = "{\"redrivePermission\":\"denyAll\"}"; area.dispatchEvent(new Event("input")); });
  await press(page, "Remove this one of Tags");
  await press(page, "Save");
  await until(page, "The settings are saved.");
  const now = await admin("GET", "/queues/orders");
  assert.equal(now.attributes.VisibilityTimeout, "61");
  assert.equal(JSON.parse(now.attributes.RedriveAllowPolicy).redrivePermission, "denyAll");
  assert.deepEqual(now.tags, { team: "shop" });
});

test("a message is sent, found, looked into in every form, and its journey told", async () => {
  await visit(page, server.admin, at("made", "send"));
  await write(page, "Body", "{\"a\":{\"b\":[1,2]}}");
  await press(page, "Add to Attributes");
  await write(page, "Attributes: name", "AWS.kind");
  await until(page, "the service's own", ".wrong");
  await write(page, "Attributes: name", "kind");
  await write(page, "Attributes: value", "letter");
  await press(page, "Copy as");
  await until(page, "Copied");
  const line = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(line, /^aws --endpoint-url http:\/\/127\.0\.0\.1:\d+ --region us-east-1 sqs send-message --queue-url \S+\/made --message-body '\{"a"/);
  assert.match(line, /--message-attributes '\{"kind":\{"DataType":"String","StringValue":"letter"\}\}'/);
  const words = execFileSync("sh", ["-c", `aws() { printf '%s|' "$@"; }; ${line}`], { encoding: "utf8" }).split("|");
  assert.equal(words[words.indexOf("--message-body") + 1], "{\"a\":{\"b\":[1,2]}}", "a shell reads the line as it is meant");
  // The same as programs, which are run against modules that say what they were asked for.
  const copied = async (form) => {
    await page.select("select[aria-label='Form of the copy']", form);
    await page.waitForFunction(() => [...document.querySelectorAll("button")].some((one) => one.textContent === "Copy as"));
    await press(page, "Copy as");
    await until(page, "Copied");
    return page.evaluate(() => navigator.clipboard.readText());
  };
  const wanted = { QueueUrl: url("made"), MessageBody: "{\"a\":{\"b\":[1,2]}}", MessageAttributes: { kind: { DataType: "String", StringValue: "letter" } } };
  const python = `import sys, types, json\nboto3 = types.ModuleType("boto3")\nclass Client:\n    def send_message(self, **given):\n        print(json.dumps(given))\n        return {"MessageId": "m"}\nboto3.client = lambda name, **given: Client()\nsys.modules["boto3"] = boto3\n${await copied("Python")}`;
  assert.deepEqual(JSON.parse(execFileSync("python3", ["-c", python], { encoding: "utf8" }).split("\n")[0]), wanted);
  const script = (await copied("JavaScript")).replace(/^import .*$/m, "const SQSClient = class { send(command) { console.log(JSON.stringify(command)); return { MessageId: \"m\" }; } }; const SendMessageCommand = function (given) { return given; };");
  assert.deepEqual(JSON.parse(execFileSync("node", ["--input-type=module", "-e", script], { encoding: "utf8" }).split("\n")[0]), wanted);
  await press(page, "Send");
  await until(page, "The message is sent.");
  await page.click("main ul a");
  await until(page, "1 shown");
  await page.click("td.preview button");
  await until(page, "\"b\": [", "pre");
  await until(page, "letter");
  await until(page, "MD5 of the body");
  await page.select("select[aria-label='How to show the body']", "hex");
  await until(page, "000000  7b 22 61", "pre");
  await page.select("select[aria-label='How to show the body']", "base64");
  await until(page, "eyJhIjp7ImIiOlsxLDJdfX0=", "pre");
  await page.select("select[aria-label='How to show the body']", "pretty");
  await press(page, "Journey");
  await until(page, "Kept since");
  await until(page, "sent", ".journey");
});

test("messages are filtered by their state and by what is in them", async () => {
  await visit(page, server.admin, `${at("orders", "messages")}?state=in-flight`);
  await until(page, "5 shown");
  await visit(page, server.admin, at("orders", "messages"));
  await until(page, "50 shown, and more");
  await press(page, "Next page");
  await page.waitForFunction(() => !document.body.innerText.includes("\"order\":0,"));
  await write(page, "Find in bodies, attributes, ids", "<order");
  await until(page, "1 shown");
  await page.click("td.preview button");
  await until(page, "<order id=\"7\">\n  <item>cup</item>\n  <!-- two -->\n  <item>saucer</item>\n</order>", "pre");
  assert.match(await page.evaluate(() => location.hash), /contains=%3Corder/);
});

test("a message that somebody has is made visible, and one is deleted", async () => {
  const before = await counts("orders");
  await visit(page, server.admin, `${at("orders", "messages")}?state=in-flight`);
  await until(page, "5 shown");
  await page.click("td.preview button");
  await press(page, "Visibility…", ".detail");
  await press(page, "Change", "dialog");
  await until(page, "4 shown");
  assert.deepEqual(await counts("orders"), [before[0] + 1, before[1] - 1, before[2]]);
  await press(page, "Choose all here");
  await until(page, "4 chosen");
  await press(page, "Choose none");
  for (const box of (await page.$$("tbody input[type=checkbox]")).slice(0, 2)) await box.click();
  await press(page, "Delete those chosen");
  await until(page, "These 2 are lost", "dialog");
  await press(page, "Delete", "dialog");
  await until(page, "2 shown");
  assert.deepEqual(await counts("orders"), [before[0] + 1, before[1] - 3, before[2]]);
});

test("a template is kept, used, and forgotten; copies are filled in", async () => {
  await sqs("CreateQueue", { QueueName: "templated" });
  await visit(page, server.admin, at("templated", "send"));
  await write(page, "Body", "{\"n\":{{n}},\"id\":\"{{uuid}}\"}");
  await press(page, "Keep as template…");
  await write(page, "Name", "numbered", "dialog");
  await press(page, "Keep", "dialog");
  await until(page, "The template numbered is kept.");
  await page.reload();
  await until(page, "Send a message");
  await page.select("select[aria-label=Template]", "numbered");
  await write(page, "How many", "3");
  await page.click("form input[name=fills]");
  await press(page, "Send");
  await until(page, "3 messages are sent.");
  const { messages } = await admin("GET", "/queues/templated/messages");
  const bodies = messages.map((one) => JSON.parse(one.body));
  assert.deepEqual(bodies.map((one) => one.n), [1, 2, 3]);
  assert.equal(new Set(bodies.map((one) => one.id)).size, 3);
  await page.select("select[aria-label=Template]", "numbered");
  await press(page, "Forget the template");
  await until(page, "No template yet", "select");
});

test("messages of a file are sent, with what was refused", async () => {
  const file = join(tmpdir(), `lclq-console-${process.pid}.jsonl`);
  writeFileSync(file, `${Array.from({ length: 30 }, (_, n) => JSON.stringify(n % 2 ? { order: n } : { MessageBody: `body ${n}`, DelaySeconds: 0 })).join("\n")}\n${JSON.stringify({ MessageBody: "late", DelaySeconds: 901 })}\n`);
  await sqs("PurgeQueue", { QueueUrl: url("templated") });
  await visit(page, server.admin, at("templated", "send"));
  await press(page, "Send the file's messages");
  await until(page, "Choose a file first.");
  await (await page.$("input[type=file]")).uploadFile(file);
  await press(page, "Send the file's messages");
  await until(page, "30 are sent, 1 were refused.");
  await until(page, "Message 31: ");
  assert.equal((await counts("templated"))[0], 30);
  const { messages } = await admin("GET", "/queues/templated/messages");
  assert.ok(messages.some((one) => one.body === "body 0") && messages.some((one) => one.body === "{\"order\":1}"));
  rmSync(file);
});

test("in-flight messages say until when, and who has them", async () => {
  await sqs("ReceiveMessage", { QueueUrl: url("templated"), MaxNumberOfMessages: 1, VisibilityTimeout: 900 });
  await visit(page, server.admin, at("templated", "messages?state=in-flight"));
  await until(page, "1 shown");
  await page.waitForFunction(() => /node, 127\.0\.0\.1/.test(document.querySelector("tbody tr")?.textContent ?? ""));
  await page.click("td.preview button");
  await until(page, "In flight until");
  const { messages: [one] } = await admin("GET", "/queues/templated/messages?state=in-flight");
  assert.ok(Math.abs(one.dueAt - Date.now() - 900_000) < 60_000, `${one.dueAt}`);
});

test("groups of a FIFO queue show their head, and which are locked", async () => {
  await visit(page, server.admin, at("invoices.fifo", "groups"));
  await until(page, "customer-1");
  const rows = () => page.$$eval("tbody tr", (all) => all.map((row) => [...row.querySelectorAll("th, td")].map((cell) => cell.textContent)));
  const [[group, state, , visible, inFlight], [other, free]] = await rows();
  assert.deepEqual([group, state, visible, inFlight], ["customer-0", "locked", "2", "1"]);
  assert.deepEqual([other, free], ["customer-1", "free"]);
  await write(page, "Group contains", "-1");
  await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
});

test("the policy says what it would do, before it is saved", async () => {
  await visit(page, server.admin, at("orders", "settings"));
  await until(page, "What the policy says");
  const policy = { Version: "2012-10-17", Statement: [{ Sid: "Topics", Effect: "Allow", Principal: { Service: "sns.amazonaws.com" }, Action: "sqs:SendMessage", Resource: "*", Condition: { ArnLike: { "aws:SourceArn": "arn:aws:sns:*:*:news" } } }] };
  await page.$eval("textarea[name=Policy]", (area, text) => { area.value = text; area.dispatchEvent(new Event("input")); }, JSON.stringify(policy));
  await write(page, "Who asks", "sns.amazonaws.com");
  await press(page, "Ask the policy");
  await until(page, "not allowed", ".note");
  await press(page, "Add to Conditions' keys");
  await write(page, "Conditions' keys: name", "aws:SourceArn");
  await write(page, "Conditions' keys: value", "arn:aws:sns:us-east-1:000000000000:news");
  await press(page, "Ask the policy");
  await page.waitForFunction(() => document.querySelector(".note .tag")?.textContent === "allowed");
  await until(page, "applies", "td");
  assert.equal((await admin("GET", "/queues/orders")).attributes.Policy, undefined, "nothing was saved");
});

test("one dead letter goes back, and then the others, and one sees how far", async () => {
  const [visible] = await counts("orders-dead");
  await visit(page, server.admin, at("orders-dead", "messages"));
  await until(page, `${visible} shown`);
  await page.click("td.preview button");
  await press(page, "Move…", ".detail");
  const field = await page.waitForSelector("dialog input");
  assert.equal(await field.evaluate((one) => one.value), "orders");
  await press(page, "Move", "dialog");
  await until(page, "1 moved to orders");
  assert.equal((await counts("orders-dead"))[0], visible - 1);
  await visit(page, server.admin, at("orders-dead", "dead-letters"));
  await until(page, "orders", ".wiring");
  await press(page, "Move them back");
  await until(page, "completed");
  await until(page, `${visible - 1} of ${visible - 1}`);
  assert.equal((await counts("orders-dead"))[0], 0);
});

test("a move that takes its time shows how far it is, and is stopped", async () => {
  await sqs("CreateQueue", { QueueName: "elsewhere" });
  for (let n = 0; n < 20; n += 1) await sqs("SendMessage", { QueueUrl: url("orders-dead"), MessageBody: `${n}` });
  await visit(page, server.admin, at("orders-dead", "dead-letters"));
  await write(page, "To", "elsewhere");
  await write(page, "Messages per second", "501");
  await until(page, "A whole number from 1 to 500.", ".wrong");
  await write(page, "Messages per second", "2");
  await press(page, "Move them back");
  await until(page, "running");
  await page.waitForFunction(() => { const bar = document.querySelector("progress"); return bar && bar.value > 0 && bar.value < bar.max; });
  await press(page, "Stop this move");
  await until(page, "cancelled");
  const [left] = await counts("orders-dead");
  assert.ok(left > 0 && left < 20, `${left}`);
});

test("purging and deleting ask once, and say what is lost", async () => {
  await sqs("SendMessage", { QueueUrl: url("made"), MessageBody: "one" });
  await visit(page, server.admin, at("made"));
  await press(page, "Purge", ".head");
  await until(page, "2 visible, 0 in flight and 0 delayed", "dialog");
  await press(page, "Cancel", "dialog");
  assert.equal((await counts("made"))[0], 2);
  await press(page, "Purge", ".head");
  await press(page, "Purge", "dialog");
  await until(page, "made is empty.");
  assert.equal((await counts("made"))[0], 0);
  await press(page, "Delete", ".head");
  await press(page, "Delete", "dialog");
  await until(page, "made is gone.");
  assert.equal(await page.evaluate(() => location.hash), "#/queues");
  await assert.rejects(admin("GET", "/queues/made"));
});

test("tables sort, page and filter by the server, and the address has it all", async () => {
  await Promise.all(Array.from({ length: MAKERS }, async (_, maker) => {
    for (let n = maker; n < MANY; n += MAKERS) await sqs("CreateQueue", { QueueName: `many-${String(n).padStart(4, "0")}` });
  }));
  for (const n of [7, 700]) await sqs("SendMessage", { QueueUrl: url(`many-0${n === 7 ? "00" : ""}${n}`), MessageBody: "x" });
  await visit(page, server.admin, "#/queues?contains=many-&limit=25");
  await until(page, "1–25, and more");
  await press(page, "Next page");
  await until(page, "26–50, and more");
  await press(page, "Page before");
  await until(page, "1–25, and more");
  // Who presses twice goes no further than to the page that was shown as the next.
  const letGo = await hold(page);
  await press(page, "Next page");
  await press(page, "Next page");
  await letGo();
  await until(page, "26–50, and more");
  assert.match(await page.$eval("tbody tr", (row) => /** @type {HTMLElement} */ (row).innerText), /many-0025/);
  await press(page, "Page before");
  await until(page, "1–25, and more");
  await press(page, "Visible");
  await page.waitForFunction(() => /many-0(007|700)/.test(document.querySelector("tbody tr")?.textContent ?? ""));
  assert.match(await page.evaluate(() => location.hash), /sort=visible&descending=true|descending=true&sort=visible/);
  await page.reload();
  await page.waitForFunction(() => /many-0(007|700)/.test(document.querySelector("tbody tr")?.textContent ?? ""));
  await write(page, "Name contains", "many-07");
  await page.waitForFunction(() => [...document.querySelectorAll("tbody tr")].every((row) => row.textContent?.includes("many-07")));
  // Who goes on at once isn't brought back by what was typed last.
  await page.$eval("input[type=search]", (input) => {
    /** @type {HTMLInputElement} */ (input).value = "many-08";
    input.dispatchEvent(new Event("input"));
    location.hash = "#/queue/us-east-1/000000000000/many-0700";
  });
  await until(page, "Receive from it");
  await new Promise((resolve) => { setTimeout(resolve, 600); });
  assert.equal(await page.evaluate(() => location.hash), "#/queue/us-east-1/000000000000/many-0700");
});

// How quick they are says `run.sh load`, on a machine that does nothing else.
test("a thousand rows are shown", async (told) => {
  const began = Date.now();
  await visit(page, server.admin, "#/queues?contains=many-&limit=1000");
  await until(page, "1–1,000", "[aria-label=Pages]");
  told.diagnostic(`${Date.now() - began} ms`);
  assert.equal(await page.evaluate(() => document.querySelectorAll("tbody tr").length), 1000);
});

test("nothing was complained of", () => assert.deepEqual(opened.complaints, []));
