// Exactly-once delivery.
import { describe, test } from "node:test";
import {
  INVALID_ARGUMENT, ack, assert, isEmpty, library, listen, modify, nack, newPair, newTopic, numbered, publish,
  pullExactly, pullOne, subscribe, together,
} from "./helpers.js";

const { AckError, AckResponses } = library;
const exactlyOnce = { enableExactlyOnceDelivery: true };
const INVALID = "PERMANENT_FAILURE_INVALID_ACK_ID";

/** Expects that exactly these messages' ack ids are refused. */
const refuses = (call, ...messages) =>
  assert.rejects(call, (error) => {
    const want = Object.fromEntries(messages.map(({ ackId }) => [ackId, INVALID]));
    assert.equal(error.code, INVALID_ARGUMENT);
    assert.deepEqual({ ...error.errorInfoMetadata }, want, error.message);
    return true;
  });

describe("exactly-once", together, () => {
  test("ackWithResponse", async (t) => {
    const { topic, subscription } = await newPair(t, exactlyOnce);
    const stream = listen(subscription);
    await publish(topic, ...numbered(20));
    for (let i = 0; i < 20; i++) {
      const message = await stream.next();
      assert.equal(message.isExactlyOnceDelivery, true, "the stream says exactly-once");
      assert.equal(await message.ackWithResponse(), AckResponses.Success);
    }
    await subscription.close();
    await isEmpty(subscription, "acked for good");
  });

  test("nackWithResponse", async (t) => {
    const { topic, subscription } = await newPair(t, exactlyOnce);
    const stream = listen(subscription);
    await publish(topic, "again");
    const first = await stream.next();
    assert.equal(await first.nackWithResponse(), AckResponses.Success);
    const second = await stream.next();
    assert.equal(second.id, first.id);
    assert.equal(await second.ackWithResponse(), AckResponses.Success);
  });

  test("an ack of an old delivery is refused", async (t) => {
    const { topic, subscription } = await newPair(t, exactlyOnce);
    const stream = listen(subscription);
    await publish(topic, "moved on");
    const first = await stream.next();
    assert.equal(await first.modAckWithResponse(0), AckResponses.Success);
    const second = await stream.next();
    assert.equal(second.id, first.id);
    await assert.rejects(first.ackWithResponse(), (error) => {
      assert.ok(error instanceof AckError, String(error));
      assert.equal(error.errorCode, AckResponses.Invalid);
      return true;
    });
    assert.equal(await second.ackWithResponse(), AckResponses.Success);
    await subscription.close();
    await isEmpty(subscription, "acked");
  });

  test("edge case 9: only the newest ack id counts, and the good ones of a request apply", async (t) => {
    const { topic, subscription } = await newPair(t, exactlyOnce);
    await publish(topic, "a", "b");
    const old = await pullExactly(subscription, 2);
    await nack(subscription, ...old);
    const fresh = await pullExactly(subscription, 2);
    await refuses(ack(subscription, old[0], fresh[0]), old[0]);
    await refuses(modify(subscription, 20, old[1], fresh[1]), old[1]);
    await refuses(nack(subscription, fresh[0]), fresh[0]);
    await ack(subscription, fresh[1]);
    await isEmpty(subscription, "both acked");
  });

  test("no redelivery before the lease ends", async (t) => {
    const { topic, subscription } = await newPair(t, exactlyOnce);
    await publish(topic, "leased");
    const first = await pullOne(subscription);
    await modify(subscription, 3, first);
    const began = Date.now();
    const second = await pullOne(subscription);
    assert.ok(Date.now() - began > 2000, "not before the lease ended");
    await refuses(ack(subscription, first), first);
    await ack(subscription, second);
  });

  test("with order", async (t) => {
    const topic = await newTopic(t);
    const subscription = await subscribe(t, topic, { ...exactlyOnce, enableMessageOrdering: true });
    await publish(topic, ...numbered(10).map((text) => ({ text, orderingKey: "k" })));
    const stream = listen(subscription);
    for (const text of numbered(10)) {
      const message = await stream.next();
      assert.equal(message.data.toString(), text);
      assert.equal(await message.ackWithResponse(), AckResponses.Success);
    }
  });

  test("without it every ack succeeds", async (t) => {
    const { topic, subscription } = await newPair(t);
    await publish(topic, "plain");
    const message = await listen(subscription).next();
    assert.equal(message.isExactlyOnceDelivery, false);
    assert.equal(await message.ackWithResponse(), AckResponses.Success);
  });
});
