// Push delivery to a local HTTP server.
import { createServer } from "node:http";
import { describe, test } from "node:test";
import {
  FAILED_PRECONDITION, assert, eventually, invalid, mailbox, newPair, newTopic, notFound, numbered, publish, pubsub, pull,
  pullOne, rejects, sleep, subscribe, texts, together, unique,
} from "./helpers.js";

/** A server that receives pushes and answers with the status of the moment. */
async function endpoint(t, status = 204) {
  const deliveries = mailbox();
  const state = { status };
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    deliveries.put({ headers: request.headers, body: Buffer.concat(parts).toString() });
    response.writeHead(state.status).end();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return {
    url: `http://127.0.0.1:${server.address().port}/push?token=1`,
    answer: (next) => (state.status = next),
    waiting: deliveries.items,
    next: () => deliveries.next("a push"),
    async open() {
      const wrapped = JSON.parse((await deliveries.next("a push")).body);
      return { ...wrapped, text: Buffer.from(wrapped.message.data ?? "", "base64").toString() };
    },
  };
}

describe("push", together, () => {
  test("a wrapped message", async (t) => {
    const server = await endpoint(t);
    const { topic, subscription } = await newPair(t, { pushEndpoint: server.url, enableMessageOrdering: true });
    const [id] = await publish(topic, { text: "pushed", attributes: { a: "b" }, orderingKey: "key" });
    const { headers, body } = await server.next();
    assert.match(headers["content-type"], /^application\/json/);
    const wrapped = JSON.parse(body);
    const { publishTime, publish_time, ...message } = wrapped.message;
    assert.deepEqual(message, {
      data: Buffer.from("pushed").toString("base64"),
      attributes: { a: "b" },
      messageId: id,
      message_id: id,
      orderingKey: "key",
    });
    assert.equal(publish_time, publishTime);
    assert.ok(Math.abs(Date.parse(publishTime) - Date.now()) < 60_000);
    assert.equal(wrapped.subscription, subscription.name);
    assert.ok(!("deliveryAttempt" in wrapped), "no attempt without a dead-letter policy");
  });

  test("each message once", async (t) => {
    const server = await endpoint(t, 200);
    const { topic } = await newPair(t, { pushEndpoint: server.url });
    await publish(topic, ...numbered(100));
    const got = [];
    for (let i = 0; i < 100; i++) got.push((await server.open()).text);
    assert.deepEqual(got.sort(), numbered(100));
    await sleep(500);
    assert.equal(server.waiting.length, 0, "no second time");
  });

  test("statuses that ack, and others", async (t) => {
    for (const status of [200, 201, 202, 204]) {
      const server = await endpoint(t, status);
      const { topic } = await newPair(t, { pushEndpoint: server.url });
      await publish(topic, "acked");
      await server.next();
      await sleep(400);
      assert.equal(server.waiting.length, 0, `pushed again after ${status}`);
    }
    for (const status of [302, 400, 404, 500]) {
      const server = await endpoint(t, status);
      const { topic } = await newPair(t, { pushEndpoint: server.url });
      await publish(topic, "nacked");
      await server.next();
      await server.next();
      server.answer(200);
    }
  });

  test("attempts count up to the dead-letter topic", async (t) => {
    const server = await endpoint(t, 500);
    const dead = await newPair(t);
    const { topic } = await newPair(t, {
      pushEndpoint: server.url,
      deadLetterPolicy: { deadLetterTopic: dead.topic.name, maxDeliveryAttempts: 5 },
    });
    await publish(topic, "unwanted");
    for (let attempt = 1; attempt <= 5; attempt++) {
      const { deliveryAttempt, text } = await server.open();
      assert.equal(text, "unwanted");
      assert.equal(deliveryAttempt, attempt);
    }
    assert.deepEqual(texts([await pullOne(dead.subscription)]), ["unwanted"]);
  });

  test("without a wrapper", async (t) => {
    for (const writeMetadata of [false, true]) {
      const server = await endpoint(t);
      const { topic, subscription } = await newPair(t, {
        pushConfig: { pushEndpoint: server.url, noWrapper: { writeMetadata } },
      });
      const [id] = await publish(topic, { text: '{"raw":true}', attributes: { "X-Kind": "test" } });
      const { headers, body } = await server.next();
      assert.equal(body, '{"raw":true}');
      assert.equal(headers["x-goog-pubsub-message-id"], writeMetadata ? id : undefined);
      assert.equal(headers["x-goog-pubsub-subscription-name"], writeMetadata ? subscription.name : undefined);
      assert.equal(headers["x-kind"], writeMetadata ? "test" : undefined);
      if (writeMetadata) assert.ok(Date.parse(headers["x-goog-pubsub-publish-time"]) > 1_600_000_000_000);
    }
  });

  test("a token", async (t) => {
    for (const audience of ["", "me"]) {
      const server = await endpoint(t);
      const { topic } = await newPair(t, {
        pushEndpoint: server.url,
        oidcToken: { serviceAccountEmail: "pusher@example.iam.gserviceaccount.com", audience },
      });
      await publish(topic, "with a token");
      const { headers } = await server.next();
      const [scheme, token] = headers.authorization.split(" ");
      assert.equal(scheme, "Bearer");
      const [head, claims] = token.split(".").slice(0, 2).map((part) => JSON.parse(Buffer.from(part, "base64url")));
      assert.equal(head.alg, "RS256");
      assert.equal(claims.aud, audience || server.url);
      assert.equal(claims.email, "pusher@example.iam.gserviceaccount.com");
      assert.ok(claims.exp > Date.now() / 1000);
    }
  });

  test("settings read back, and pulling is refused", async (t) => {
    const server = await endpoint(t);
    const { subscription } = await newPair(t, { pushEndpoint: server.url });
    const [{ pushConfig }] = await subscription.getMetadata();
    assert.equal(pushConfig.pushEndpoint, server.url);
    assert.deepEqual(pushConfig.attributes, { "x-goog-version": "v1" });
    await rejects(pull(subscription), FAILED_PRECONDITION, "This method is not supported for this subscription type.");
    await invalid(subscription.modifyPushConfig({ pushEndpoint: "not a url" }));
    const id = unique("sub");
    await notFound(pubsub.subscription(id).modifyPushConfig({ pushEndpoint: server.url }), id);
  });

  test("edge case 27: from push to pull and back, the backlog stays", async (t) => {
    const server = await endpoint(t, 500);
    const { topic, subscription } = await newPair(t, { pushEndpoint: server.url });
    await publish(topic, "refused at first");
    await server.next();
    await subscription.modifyPushConfig({});
    const message = await pullOne(subscription);
    assert.deepEqual(texts([message]), ["refused at first"]);
    server.answer(200);
    server.waiting.length = 0;
    await subscription.modifyPushConfig({ pushEndpoint: server.url });
    await eventually(() => server.waiting.length > 0, "pushed when its lease ended");
  });

  test("in order", async (t) => {
    const server = await endpoint(t);
    const topic = await newTopic(t);
    await subscribe(t, topic, { pushEndpoint: server.url, enableMessageOrdering: true });
    await publish(topic, ...numbered(20).map((text) => ({ text, orderingKey: "k" })));
    for (const text of numbered(20)) assert.equal((await server.open()).text, text);
  });
});
