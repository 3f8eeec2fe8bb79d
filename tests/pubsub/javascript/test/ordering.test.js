// Ordering keys.
import { describe, test } from "node:test";
import {
  ack, assert, isEmpty, listen, modify, nack, newPair, numbered, publish, pullExactly, pullOne, texts, together,
} from "./helpers.js";

const ordered = { enableMessageOrdering: true };
const keyed = (orderingKey, ...bodies) => bodies.map((text) => ({ text, orderingKey }));

describe("ordering", together, () => {
  test("each key keeps its order", async (t) => {
    const { topic, subscription } = await newPair(t, ordered);
    topic.setPublishOptions({ messageOrdering: true });
    const want = {};
    const results = [];
    for (let i = 0; i < 400; i++) {
      const key = `key-${i % 8}`;
      (want[key] ??= []).push(String(i));
      results.push(topic.publishMessage({ data: Buffer.from(String(i)), orderingKey: key }));
    }
    await Promise.all(results);
    const stream = listen(subscription);
    const got = {};
    for (let i = 0; i < 400; i++) {
      const message = await stream.next();
      (got[message.orderingKey] ??= []).push(message.data.toString());
      message.ack();
    }
    assert.deepEqual(got, want);
  });

  test("edge case 16: a nack replays the rest of the key, in order", async (t) => {
    const { topic, subscription } = await newPair(t, ordered);
    await publish(topic, ...keyed("k", "1", "2", "3", "4"));
    const got = await pullExactly(subscription, 4);
    assert.deepEqual(texts(got), ["1", "2", "3", "4"]);
    await ack(subscription, got[0]);
    await nack(subscription, got[1]);
    const again = await pullExactly(subscription, 3);
    assert.deepEqual(texts(again), ["2", "3", "4"]);
    await ack(subscription, ...again);
    await isEmpty(subscription, "all acked");
  });

  test("an expiry does as well", async (t) => {
    const { topic, subscription } = await newPair(t, ordered);
    await publish(topic, ...keyed("k", "1", "2"));
    const [first] = await pullExactly(subscription, 2);
    await modify(subscription, 1, first);
    assert.deepEqual(texts(await pullExactly(subscription, 2)), ["1", "2"]);
  });

  test("edge case 17: other keys, and messages without one, are not held up", async (t) => {
    const { topic, subscription } = await newPair(t, ordered);
    await publish(topic, ...keyed("stuck", "s1"));
    await modify(subscription, 600, await pullOne(subscription));
    await publish(topic, ...keyed("free", "f1", "f2"), "plain");
    const got = texts(await pullExactly(subscription, 3));
    assert.deepEqual(got.toSorted(), ["f1", "f2", "plain"]);
    assert.ok(got.indexOf("f1") < got.indexOf("f2"));
  });

  test("edge case 18: a key on an unordered subscription is only there to read", async (t) => {
    const { topic, subscription } = await newPair(t);
    await publish(topic, ...keyed("k", "1", "2"));
    const got = await pullExactly(subscription, 2);
    assert.deepEqual(got.map(({ message }) => message.orderingKey), ["k", "k"]);
    await nack(subscription, got[0]);
    assert.deepEqual(texts(await pullExactly(subscription, 1)), texts([got[0]]));
    await isEmpty(subscription, "the other is not replayed");
  });

  test("a nack on the stream replays in order", async (t) => {
    const { topic, subscription } = await newPair(t, ordered);
    const stream = listen(subscription);
    await publish(topic, ...keyed("k", ...numbered(20)));
    const first = [];
    for (let i = 0; i < 20; i++) first.push(await stream.next());
    assert.deepEqual(texts(first), numbered(20));
    first[5].nack();
    const again = [];
    for (let i = 5; i < 20; i++) again.push(await stream.next());
    assert.deepEqual(texts(again), numbered(20).slice(5));
    for (const message of [...first, ...again]) message.ack();
  });
});
