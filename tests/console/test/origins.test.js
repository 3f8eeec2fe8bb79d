// What a page of another origin can do with a developer's server: nothing. A real browser opens one.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { launch, until } from "../lib/browser.js";
import { furnish, restClient } from "../lib/clients.js";
import { start } from "../lib/server.js";

/** Names that are this machine in the browser of the test, as a stranger's name can be by DNS. */
const STRANGER = "evil.example";

let server, browser, stranger, page, admin, address;
before(async () => {
  server = await start();
  await furnish(server);
  admin = restClient(`${server.admin}/api/v1`);
  stranger = createServer((_, answer) => {
    answer.setHeader("content-type", "text/html");
    answer.end("<!doctype html><title>A stranger's page</title><body><p>hello</p><iframe name=sink></iframe></body>");
  });
  await new Promise((resolve) => stranger.listen(0, "127.0.0.1", resolve));
  address = `http://${STRANGER}:${stranger.address().port}/`;
  browser = await launch(`--host-resolver-rules=MAP ${STRANGER} 127.0.0.1`);
  page = await browser.newPage();
  await page.goto(address);
});
after(async () => {
  await browser?.close();
  stranger?.close();
  await server?.stop();
});

const messages = async () => {
  const { visible, in_flight, delayed } = await admin("GET", "/queues/orders");
  return visible + in_flight + delayed;
};

test("it is another origin, and reads its own", async () => {
  assert.equal(await page.evaluate(() => location.hostname), STRANGER);
  assert.equal(await page.evaluate(() => fetch(location.href).then((answer) => answer.status)), 200);
});

test("no fetch reads anything of SQS, of Pub/Sub or of the admin API", async () => {
  const asks = [
    [`${server.sqs}/?Action=ListQueues`, {}],
    [`${server.sqs}/`, { method: "POST", body: "Action=ListQueues", headers: { "content-type": "application/x-www-form-urlencoded" } }],
    [`${server.sqs}/`, { method: "POST", body: "{}", headers: { "content-type": "application/x-amz-json-1.0", "x-amz-target": "AmazonSQS.ListQueues" } }],
    [`${server.sqs}/_lclq/sqs/messages?QueueUrl=/000000000000/orders`, {}],
    [`${server.pubsub}/v1/projects/local/topics`, {}],
    [`${server.pubsub}/v1/projects/local/subscriptions/worker:pull`, { method: "POST", body: "{\"maxMessages\":1}" }],
    [`${server.admin}/`, {}],
    [`${server.admin}/api/v1/queues`, {}],
    [`${server.admin}/api/v1/queues`, { credentials: "include" }],
    [`${server.admin}/api/v1/export`, {}],
    [`${server.admin}/metrics`, {}],
    [`${server.admin}/v1/projects/local/topics`, {}],
    [`${server.admin}/api/v1/queues/orders`, { method: "DELETE" }],
    [`${server.admin}/api/v1/queues/orders/purge`, { method: "POST", body: "" }],
  ];
  const before = await messages();
  for (const [url, settings] of asks) {
    const got = await page.evaluate(async (to, how) => {
      try {
        const answer = await fetch(to, how);
        return `${answer.status} ${await answer.text()}`;
      } catch (error) {
        return String(error);
      }
    }, url, settings);
    assert.match(got, /^TypeError/, `${url}: ${got}`);
    const blind = await page.evaluate(async (to, how) => {
      try {
        const answer = await fetch(to, { ...how, mode: "no-cors" });
        return `${answer.type} ${(await answer.text()).length}`;
      } catch (error) {
        return String(error);
      }
    }, url, { ...settings, ...(settings.method === "DELETE" ? { method: "POST" } : {}) });
    assert.match(blind, /^(opaque 0|TypeError)/, `${url}: ${blind}`);
  }
  assert.equal(await messages(), before);
  const events = await page.evaluate((url) => new Promise((resolve) => {
    const source = new EventSource(url);
    source.onopen = () => resolve("open");
    source.onerror = () => { source.close(); resolve("refused"); };
  }), `${server.admin}/api/v1/events`);
  assert.equal(events, "refused");
});

test("no image and no form purges or deletes anything", async () => {
  const before = await messages();
  const url = `${server.sqs}/000000000000/orders`;
  const image = (src) => page.evaluate((from) => new Promise((resolve) => {
    const one = new Image();
    one.onload = () => resolve("loaded");
    one.onerror = () => resolve("failed");
    one.src = from;
    document.body.append(one);
  }), src);
  for (const src of [
    `${server.sqs}/?Action=PurgeQueue&QueueUrl=${encodeURIComponent(url)}`, `${url}?Action=PurgeQueue`, `${url}?Action=DeleteQueue`,
  ]) assert.equal(await image(src), "failed");
  const submit = async (action, fields, enctype = "application/x-www-form-urlencoded") => {
    const answered = page.waitForResponse((answer) => answer.url().startsWith(action.split("?")[0]) && answer.request().method() === "POST");
    await page.evaluate((to, values, kind) => {
      const form = document.createElement("form");
      Object.assign(form, { method: "post", action: to, target: "sink", enctype: kind });
      for (const [name, value] of Object.entries(values)) {
        const input = document.createElement("input");
        Object.assign(input, { type: "hidden", name, value });
        form.append(input);
      }
      document.body.append(form);
      form.submit();
    }, action, fields, enctype);
    return (await answered).status();
  };
  for (const [action, fields, enctype] of [
    [`${server.sqs}/`, { Action: "PurgeQueue", QueueUrl: url }], [url, { Action: "DeleteQueue" }],
    [`${server.admin}/api/v1/queues/orders/purge`, {}], [`${server.admin}/api/v1/queues/orders/purge`, { "{}": "" }, "text/plain"],
    [`${server.admin}/api/v1/test/reset`, {}], [`${server.pubsub}/v1/projects/local/subscriptions/worker:detach`, {}],
  ]) assert.equal(await submit(action, fields, enctype), 403, action);
  assert.equal(await messages(), before);
  assert.ok(before > 100, `${before}`);
});

test("the console is not shown within its page", async () => {
  const shown = await page.evaluate((src) => new Promise((resolve) => {
    const frame = document.createElement("iframe");
    frame.onload = () => {
      try {
        resolve(frame.contentDocument ? frame.contentDocument.title : "closed");
      } catch {
        resolve("closed");
      }
    };
    frame.src = src;
    document.body.append(frame);
  }), server.admin);
  assert.equal(shown, "closed");
  // The browser tells of it after the page has heard.
  await page.waitForFrame((one) => one.url().startsWith("chrome-error://")).catch(() => assert.fail("its policy forbids that"));
  assert.equal(page.frames().find((one) => one.url().startsWith(server.admin)), undefined);
});

test("a stranger's name that is made to mean this machine answers nothing", async () => {
  const other = await browser.newPage();
  for (const from of [server.admin, server.sqs, server.pubsub]) {
    const answer = await other.goto(`http://${STRANGER}:${new URL(from).port}/`);
    assert.equal(answer.status(), 403, from);
    assert.doesNotMatch(await answer.text(), /orders|doctype/);
  }
  await other.close();
});

test("a link on it leads to the console, which the page can't look into", async () => {
  const opened = browser.waitForTarget((target) => target.type() === "page" && target.url().startsWith(server.admin));
  await page.evaluate((url) => { globalThis.other = window.open(url); }, `${server.admin}/`);
  const tab = await (await opened).page();
  await until(tab, "Operations since the start");
  const seen = await page.evaluate(() => { try { return String(globalThis.other?.document?.title); } catch (error) { return error.name; } });
  assert.ok(["SecurityError", "undefined"].includes(seen), seen);
});
