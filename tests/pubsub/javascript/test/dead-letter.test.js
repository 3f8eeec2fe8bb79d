// Dead-letter topics and retry policies.
import { describe, test } from "node:test";
import {
  assert, isEmpty, leaf, listen, modify, nack, newPair, newTopic, project, publish, pullExactly, pullNow, pullOne,
  subscribe, texts, together,
} from "./helpers.js";

/** A subscription with a dead-letter topic, and what reads that. */
async function withGrave(t, settings = {}) {
  const dead = await newPair(t);
  const topic = await newTopic(t);
  const deadLetterPolicy = { deadLetterTopic: dead.topic.name, maxDeliveryAttempts: 5 };
  return { topic, subscription: await subscribe(t, topic, { deadLetterPolicy, ...settings }), grave: dead.subscription };
}

describe("dead letters", together, () => {
  test("edge cases 13 to 15: nacked too often, a message moves", async (t) => {
    const { topic, subscription, grave } = await withGrave(t);
    const [id] = await publish(topic, { text: "poison", attributes: { kind: "bad" }, orderingKey: "key" });
    for (let attempt = 1; attempt <= 5; attempt++) {
      const message = await pullOne(subscription);
      assert.equal(message.deliveryAttempt, attempt);
      await modify(subscription, attempt === 3 ? 1 : 0, message); // An expiry counts like a nack.
    }
    const { message, deliveryAttempt } = await pullOne(grave);
    assert.equal(message.data.toString(), "poison");
    assert.equal(message.orderingKey, "key");
    assert.equal(deliveryAttempt, 0);
    assert.notEqual(message.messageId, id);
    const { CloudPubSubDeadLetterSourceTopicPublishTime: time, ...attributes } = message.attributes;
    assert.deepEqual(attributes, {
      kind: "bad",
      CloudPubSubDeadLetterSourceSubscription: leaf(subscription.name),
      CloudPubSubDeadLetterSourceSubscriptionProject: project,
      CloudPubSubDeadLetterSourceDeliveryCount: "5",
    });
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00$/);
    assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000);
    await isEmpty(subscription, "moved away");
  });

  test("delivery attempts of the streaming subscriber", async (t) => {
    const { topic, subscription, grave } = await withGrave(t);
    const stream = listen(subscription);
    await publish(topic, "poison", "fine");
    const attempts = { poison: [], fine: [] };
    while (attempts.poison.length < 5 || attempts.fine.length < 1) {
      const message = await stream.next();
      const text = message.data.toString();
      attempts[text].push(message.deliveryAttempt);
      if (text === "fine") message.ack();
      else message.nack();
    }
    assert.deepEqual(attempts, { poison: [1, 2, 3, 4, 5], fine: [1] });
    assert.deepEqual(texts([await pullOne(grave)]), ["poison"]);
  });

  test("an ordered key goes on after a dead letter", async (t) => {
    const { topic, subscription, grave } = await withGrave(t, { enableMessageOrdering: true });
    await publish(topic, { text: "poison", orderingKey: "k" }, { text: "next", orderingKey: "k" });
    for (let i = 0; i < 5; i++) {
      const got = await pullExactly(subscription, 2);
      assert.deepEqual(texts(got), ["poison", "next"]);
      await nack(subscription, got[0]);
    }
    assert.deepEqual(texts([await pullOne(grave)]), ["poison"]);
    assert.deepEqual(texts([await pullOne(subscription)]), ["next"]);
  });

  test("without a policy there are no attempts and no end", async (t) => {
    const { topic, subscription } = await newPair(t);
    await publish(topic, "again and again");
    for (let i = 0; i < 8; i++) {
      const message = await pullOne(subscription);
      assert.equal(message.deliveryAttempt, 0);
      await nack(subscription, message);
    }
    assert.deepEqual(texts([await pullOne(subscription)]), ["again and again"]);
  });
});

describe("retry policies", together, () => {
  const policy = (minimum, maximum) => ({
    retryPolicy: { minimumBackoff: { seconds: minimum }, maximumBackoff: { seconds: maximum } },
  });

  test("edge cases 10 and 12: the backoff grows up to its maximum", async (t) => {
    const { topic, subscription } = await newPair(t, policy(1, 3));
    await publish(topic, "failing");
    let message = await pullOne(subscription);
    for (const least of [1, 2, 3, 3]) {
      const began = Date.now();
      await nack(subscription, message);
      await isEmpty(subscription, "it waits");
      message = await pullOne(subscription);
      const took = (Date.now() - began) / 1000;
      assert.ok(took >= least - 0.1 && took < least + 20, `${took} s rather than ${least}`);
    }
  });

  test("edge case 11: without a policy there is no backoff", async (t) => {
    const { topic, subscription } = await newPair(t);
    await publish(topic, "failing");
    let message = await pullOne(subscription);
    for (let i = 0; i < 5; i++) {
      await nack(subscription, message);
      const got = await pullNow(subscription);
      assert.deepEqual(texts(got), ["failing"]);
      [message] = got;
    }
  });

  test("others pass a message that waits", async (t) => {
    const { topic, subscription } = await newPair(t, policy(600, 600));
    const stream = listen(subscription);
    await publish(topic, "failing");
    (await stream.next()).nack();
    await publish(topic, "fine");
    assert.deepEqual(await stream.take(1), ["fine"]);
  });
});
