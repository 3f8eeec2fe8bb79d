// Publishing: batches, flow control, compression, sizes; what is refused.
import { describe, test } from "node:test";
import {
  assert, invalid, isEmpty, library, listen, newPair, newTopic, notFound, numbered, project, publish, publisher, pubsub,
  pullExactly, texts, together, unique,
} from "./helpers.js";

describe("publishing", together, () => {
  test("a message arrives whole", async (t) => {
    const { topic, subscription } = await newPair(t);
    const data = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    const attributes = { plain: "x", empty: "", ünïcode: "→ 🦀", ["k".repeat(256)]: "v".repeat(1024) };
    const before = Date.now();
    const id = await topic.publishMessage({ data, attributes });
    const after = Date.now();
    const message = await listen(subscription).next();
    assert.equal(message.id, id);
    assert.deepEqual(message.data, data);
    assert.deepEqual(message.attributes, attributes);
    assert.equal(message.orderingKey, "");
    assert.equal(message.deliveryAttempt, 0);
    assert.equal(message.length, 256);
    const at = message.publishTime.getTime();
    assert.ok(at >= before && at <= after, `${at} is not from ${before} to ${after}`);
    message.ack();
  });

  test("JSON, and a message of attributes alone", async (t) => {
    const { topic, subscription } = await newPair(t);
    await topic.publishMessage({ json: { a: [1, null, "ü"] } });
    const stream = listen(subscription);
    const message = await stream.next();
    assert.deepEqual(JSON.parse(message.data), { a: [1, null, "ü"] });
    message.ack();
    const hundred = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`key-${i}`, "value"]));
    await publish(topic, { attributes: hundred });
    const second = await stream.next();
    assert.equal(second.data.length, 0);
    assert.deepEqual(second.attributes, hundred);
    second.ack();
  });

  test("ids are unique and in the order of the request", async (t) => {
    const { topic, subscription } = await newPair(t);
    const want = numbered(300);
    const ids = await publish(topic, ...want);
    assert.equal(new Set(ids).size, 300);
    for (const { message } of await pullExactly(subscription, 300)) {
      assert.equal(message.data.toString(), want[ids.indexOf(message.messageId)]);
    }
  });

  test("the library's batches", async (t) => {
    const { topic, subscription } = await newPair(t);
    topic.setPublishOptions({ batching: { maxMessages: 50, maxMilliseconds: 60_000 } });
    const results = numbered(120).map((text) => topic.publishMessage({ data: Buffer.from(text) }));
    await Promise.all(results.slice(0, 100));
    let early = false;
    results[119].then(() => (early = true));
    await pullExactly(subscription, 100);
    await isEmpty(subscription, "the last twenty are not published yet");
    assert.equal(early, false, "the last batch waits");
    await topic.flush();
    const ids = await Promise.all(results);
    assert.equal(new Set(ids).size, 120);
    await pullExactly(subscription, 20);
  });

  test("the library's flow control", async (t) => {
    const { topic, subscription } = await newPair(t);
    topic.setPublishOptions({ flowControlOptions: { maxOutstandingMessages: 2 } });
    const limited = topic.flowControlled();
    for (const text of numbered(7)) {
      const wait = limited.publish({ data: Buffer.from(text) });
      if (wait) await wait;
    }
    const ids = await limited.all();
    assert.equal(new Set(ids).size, 7);
    assert.deepEqual(texts(await pullExactly(subscription, 7)).sort(), numbered(7));
  });

  test("gzip both ways", async (t) => {
    const { subscription, topic } = await newPair(t);
    const zipped = new library.PubSub({ projectId: project, "grpc.default_compression_algorithm": 2 });
    t.after(() => zipped.close());
    const large = Buffer.alloc(3_000_000, "compressible ");
    await zipped.topic(topic.name).publishMessage({ data: large });
    const other = zipped.subscription(subscription.name);
    t.after(() => other.close());
    const message = await listen(other).next();
    assert.ok(message.data.equals(large));
    message.ack();
  });

  test("10 MB pass, more is refused", async (t) => {
    const { topic, subscription } = await newPair(t);
    const largest = Buffer.alloc(10_000_000 - 200, "x");
    await topic.publishMessage({ data: largest });
    const message = await listen(subscription).next();
    assert.ok(message.data.equals(largest));
    message.ack();
    await invalid(publish(topic, { data: Buffer.alloc(10_000_001) }), "The value for request_size is too large");
    await invalid(publish(topic, { data: Buffer.alloc(10_485_761) }),
      "Request payload size exceeds the limit: 10485760 bytes.");
  });

  test("refused messages", async (t) => {
    const { topic, subscription } = await newPair(t);
    const data = Buffer.from("x");
    const hundredAndOne = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`key-${i}`, ""]));
    for (const bad of [
      {},
      { orderingKey: "k" },
      { data, attributes: hundredAndOne },
      { data, attributes: { "": "x" } },
      { data, attributes: { ["k".repeat(257)]: "x" } },
      { data, attributes: { k: "v".repeat(1025) } },
      { data, attributes: { googly: "x" } },
      { data, orderingKey: "k".repeat(1025) },
    ]) {
      await invalid(publish(topic, "good", bad));
    }
    await invalid(publisher.publish({ topic: topic.name, messages: [] }));
    await invalid(publish(topic, ...numbered(1001)),
      "The value for message_count is too large. You passed 1001 in the request, but the maximum value is 1000.");
    await isEmpty(subscription, "a refused request publishes nothing");
    await publish(topic, ...numbered(1000));
    await pullExactly(subscription, 1000);
    const id = unique("topic");
    await notFound(pubsub.topic(id).publishMessage({ data }), id);
  });

  test("an ordering key goes on after an error", async (t) => {
    const topic = await newTopic(t);
    const [subscription] = await topic.createSubscription(unique("sub"), { enableMessageOrdering: true });
    t.after(() => subscription.delete());
    topic.setPublishOptions({ messageOrdering: true });
    const say = (text, attributes) => topic.publishMessage({ data: Buffer.from(text), orderingKey: "k", attributes });
    await say("1");
    await invalid(say("bad", { googly: "x" }));
    topic.resumePublishing("k");
    await say("2");
    assert.deepEqual(texts(await pullExactly(subscription, 2)), ["1", "2"]);
  });
});
