// The streaming subscriber: delivery, leases, flow control, closing.
import { describe, test } from "node:test";
import {
  FAILED_PRECONDITION, assert, eventually, isEmpty, library, listen, newPair, numbered, project, publish, pubsub,
  pullExactly, pullNow, sleep, subscribe, texts, together, unique,
} from "./helpers.js";

const { Duration, SubscriptionCloseBehaviors } = library;

describe("streaming subscriber", together, () => {
  test("many messages, each once", async (t) => {
    const { topic, subscription } = await newPair(t);
    const stream = listen(subscription);
    for (let i = 0; i < 10; i++) await publish(topic, ...numbered(300));
    const seen = new Set();
    for (let i = 0; i < 3000; i++) {
      const message = await stream.next();
      assert.ok(!seen.has(message.id), "delivered twice");
      seen.add(message.id);
      message.ack();
    }
    await sleep(1000); // The library sends its acks a little later.
    await subscription.close();
    await isEmpty(subscription, "all acked");
  });

  test("each publish wakes it", async (t) => {
    const { topic, subscription } = await newPair(t);
    const stream = listen(subscription);
    for (const text of numbered(50)) {
      await publish(topic, text);
      assert.deepEqual(await stream.take(1), [text]);
    }
  });

  test("a nack comes again at once", async (t) => {
    const { topic, subscription } = await newPair(t);
    const stream = listen(subscription);
    await publish(topic, "again");
    const first = await stream.next();
    first.nack();
    const second = await stream.next();
    assert.equal(second.id, first.id);
    assert.notEqual(second.ackId, first.ackId);
    second.ack();
  });

  test("leases are kept while the message is held", async (t) => {
    const { topic, subscription } = await newPair(t);
    const stream = listen(subscription);
    await publish(topic, "slow work");
    const message = await stream.next();
    await sleep(13_000);
    assert.equal(stream.waiting.length, 0, "not delivered again");
    message.ack();
    await subscription.close();
    await isEmpty(subscription, "acked");
  });

  test("a subscriber holds at most what it asked for", async (t) => {
    const { topic, subscription } = await newPair(t);
    await publish(topic, ...numbered(30));
    const limited = pubsub.subscription(subscription.name, { flowControl: { maxMessages: 5 }, streamingOptions: { maxStreams: 1 } });
    t.after(() => limited.close());
    const stream = listen(limited);
    await eventually(() => stream.waiting.length === 5, "five messages");
    await sleep(500);
    assert.equal(stream.waiting.length, 5, "no sixth while five are held");
    const rest = await pullExactly(subscription, 25);
    assert.equal(new Set(texts(rest)).size, 25, "the rest is free for others");
    assert.equal((await stream.take(5)).length, 5);
  });

  test("flow control lets the next one in", async (t) => {
    const { topic, subscription } = await newPair(t);
    await publish(topic, ...numbered(40));
    const limited = pubsub.subscription(subscription.name, { flowControl: { maxMessages: 2, allowExcessMessages: false } });
    t.after(() => limited.close());
    assert.deepEqual((await listen(limited).take(40)).sort(), numbered(40));
  });

  test("closing gives back what is held, or waits for it", async (t) => {
    const { topic, subscription } = await newPair(t);
    await publish(topic, "given back");
    await listen(subscription).next();
    await subscription.close();
    assert.deepEqual(texts(await pullNow(subscription)), ["given back"]);

    const second = await newPair(t);
    const patient = pubsub.subscription(second.subscription.name, {
      closeOptions: { behavior: SubscriptionCloseBehaviors.WaitForProcessing, timeout: Duration.from({ seconds: 30 }) },
    });
    await publish(second.topic, "finished");
    const message = await listen(patient).next();
    const closed = patient.close();
    setTimeout(() => message.ack(), 500);
    await closed;
    await isEmpty(second.subscription, "acked before it closed");
  });

  test("a closed subscriber opens again", async (t) => {
    const { topic, subscription } = await newPair(t);
    const stream = listen(subscription);
    await publish(topic, "first");
    assert.deepEqual(await stream.take(1), ["first"]);
    await subscription.close();
    await publish(topic, "second");
    subscription.open();
    assert.deepEqual(await stream.take(1), ["second"]);
  });

  test("two subscribers share a subscription", async (t) => {
    const { topic, subscription } = await newPair(t);
    const other = new library.PubSub({ projectId: project });
    const twin = other.subscription(subscription.name);
    t.after(() => other.close());
    t.after(() => twin.close());
    const streams = [listen(subscription), listen(twin)];
    const seen = new Set();
    let rounds = 0;
    while (streams.some(({ waiting }) => waiting.length === 0)) {
      assert.ok(rounds++ < 200, "one of two subscribers gets nothing");
      await publish(topic, ...numbered(20));
      await sleep(20);
    }
    await eventually(() => streams.reduce((sum, { waiting }) => sum + waiting.length, 0) === 20 * rounds, "all messages");
    for (const message of streams.flatMap(({ waiting }) => waiting)) {
      assert.ok(!seen.has(message.id), "delivered twice");
      seen.add(message.id);
      message.ack();
    }
  });

  test("a subscription that is missing, or deleted meanwhile", async (t) => {
    const id = unique("sub");
    const failure = await listen(pubsub.subscription(id)).failure();
    assert.equal(failure.code, 5);
    assert.ok(failure instanceof library.StatusError);
    assert.ok(failure.message.includes(`Resource not found (resource=${id}).`), failure.message);

    const { topic, subscription } = await newPair(t);
    const stream = listen(pubsub.subscription(subscription.name));
    await publish(topic, "to see it run");
    await stream.take(1);
    await subscription.delete();
    assert.equal((await stream.failure()).code, 5);
  });

  test("a push subscription has no stream", async (t) => {
    const { topic } = await newPair(t);
    const pushed = await subscribe(t, topic, { pushEndpoint: "http://127.0.0.1:9/" });
    const failure = await listen(pushed).failure();
    assert.equal(failure.code, FAILED_PRECONDITION, failure.message);
  });
});
