// Unary pulling, acknowledging and lease changes, by the generated client.
import { describe, test } from "node:test";
import {
  ack, assert, invalid, isEmpty, leaf, modify, nack, named, newPair, notFound, numbered, publish, pull, pullExactly,
  pullNow, pullOne, sleep, subscriber, texts, together, unique,
} from "./helpers.js";

const DEADLINE_EXCEEDED = 4;

describe("pulling", together, () => {
  test("pull, ack, nack", async (t) => {
    const { topic, subscription } = await newPair(t);
    await isEmpty(subscription, "nothing published");
    await publish(topic, "a", "b", "c");
    const two = await pullExactly(subscription, 2);
    const one = await pullOne(subscription);
    assert.deepEqual(texts([...two, one]).sort(), ["a", "b", "c"]);
    await isEmpty(subscription, "all are leased");
    await ack(subscription, ...two);
    await nack(subscription, one);
    const again = await pullOne(subscription);
    assert.equal(again.message.messageId, one.message.messageId);
    assert.notEqual(again.ackId, one.ackId, "edge case 7");
    await ack(subscription, again);
    await isEmpty(subscription, "all acked");
  });

  test("edge case 28: a pull waits, and a cancelled one leases nothing", async (t) => {
    const { topic, subscription } = await newPair(t);
    const waiting = pull(subscription, 10);
    await sleep(300);
    await publish(topic, "wakes it");
    assert.deepEqual(texts(await waiting), ["wakes it"]);
    const impatient = pull(subscription, 10, {}, { timeout: 300, retry: null });
    await assert.rejects(impatient, { code: DEADLINE_EXCEEDED });
    await publish(topic, "for who still listens");
    assert.deepEqual(texts(await pullNow(subscription)), ["for who still listens"]);
  });

  test("max_messages", async (t) => {
    const { topic, subscription } = await newPair(t);
    await publish(topic, ...numbered(20));
    const got = await pullNow(subscription, 7);
    assert.ok(got.length >= 1 && got.length <= 7);
    for (const max of [0, -1]) {
      await invalid(pull(subscription, max),
        "You have passed an invalid argument to the service (argument=max_messages).");
    }
  });

  test("a lease ends, or is extended", async (t) => {
    const { topic, subscription } = await newPair(t);
    await publish(topic, "short", "long");
    const leased = Object.fromEntries((await pullExactly(subscription, 2)).map((m) => [m.message.data.toString(), m]));
    await modify(subscription, 1, leased.short);
    await modify(subscription, 600, leased.long);
    const again = await pullOne(subscription);
    assert.deepEqual(texts([again]), ["short"]);
    // Edge case 5: an old id, and one that is acked already.
    await ack(subscription, leased.short, again, leased.long);
    await ack(subscription, again);
    await isEmpty(subscription, "both acked");
  });

  test("edge case 8: a late extension does not take a nack back", async (t) => {
    const { topic, subscription } = await newPair(t);
    await publish(topic, "nacked");
    const first = await pullOne(subscription);
    await nack(subscription, first);
    await modify(subscription, 600, first);
    assert.deepEqual(texts([await pullOne(subscription)]), ["nacked"]);
  });

  test("edge case 6: bad ack ids", async (t) => {
    const { topic, subscription } = await newPair(t);
    await publish(topic, "held");
    const held = await pullOne(subscription);
    const bad = { ackId: "no-such-id" };
    const text = "You have passed an invalid ack ID to the service (ack_id=no-such-id).";
    await invalid(ack(subscription, bad), text);
    await invalid(ack(subscription, held, bad), text);
    await invalid(modify(subscription, 10, bad), text);
    await invalid(ack(subscription), "You have not specified an ack ID in the request.");
    await invalid(modify(subscription, 10), "You have not specified an ack ID in the request.");
    await invalid(modify(subscription, 601, held),
      "Invalid ack deadline given (ack_deadline=601). The ack deadline must be between 0 and 600 seconds.");
    await nack(subscription, held);
    assert.deepEqual(texts([await pullOne(subscription)]), ["held"], "not acked by any of them");
  });

  test("answers above 4 MB", async (t) => {
    const { topic, subscription } = await newPair(t);
    for (let i = 0; i < 6; i++) await publish(topic, { data: Buffer.alloc(1_500_000, i) });
    const got = await pullExactly(subscription, 6);
    assert.equal(got.reduce((bytes, { message }) => bytes + message.data.length, 0), 9_000_000);
  });

  test("nothing to pull from", async () => {
    const name = named("subscriptions", unique("sub"));
    await notFound(subscriber.pull({ subscription: name, maxMessages: 1 }), leaf(name));
    await invalid(subscriber.pull({ subscription: "nonsense", maxMessages: 1 }));
  });
});
