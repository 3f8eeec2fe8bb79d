// The StreamingPull call itself, by the generated client.
import { describe, test } from "node:test";
import {
  FAILED_PRECONDITION, INVALID_ARGUMENT, assert, isEmpty, mailbox, modify, named, newPair, numbered, publish, pubsub,
  pullExactly, subscriber, texts, together, unique,
} from "./helpers.js";

/** An open stream whose responses can be waited for. */
function open(t, subscription, first = {}) {
  const call = subscriber.streamingPull();
  const responses = mailbox();
  const ends = mailbox();
  call.on("data", responses.put).on("error", ends.put).on("end", () => ends.put(null));
  call.write({ subscription: subscription.name, streamAckDeadlineSeconds: 60, protocolVersion: 1, ...first });
  t.after(() => call.cancel());
  const next = async () => {
    const response = await responses.next("a response");
    assert.ok(response.subscriptionProperties, "edge case 2: each response tells the properties");
    return response;
  };
  return {
    call,
    next,
    send: (request) => call.write(request),
    end: () => ends.next("the end of the stream"),
    async ping() {
      call.write({});
      return next();
    },
    async take(count) {
      const got = [];
      while (got.length < count) got.push(...(await next()).receivedMessages);
      assert.equal(got.length, count);
      return got;
    },
  };
}

const ids = (messages) => messages.map(({ ackId }) => ackId);

describe("StreamingPull", together, () => {
  test("edge case 1: a ping is answered at once, with the properties alone", async (t) => {
    const { subscription } = await newPair(t, { enableMessageOrdering: true });
    const stream = open(t, subscription);
    for (let i = 0; i < 3; i++) {
      const pong = await stream.ping();
      assert.deepEqual(pong.receivedMessages, []);
      assert.equal(pong.acknowledgeConfirmation, null);
      assert.equal(pong.modifyAckDeadlineConfirmation, null);
      assert.equal(pong.subscriptionProperties.messageOrderingEnabled, true);
      assert.equal(pong.subscriptionProperties.exactlyOnceDeliveryEnabled, false);
    }
  });

  test("acks and lease changes on the stream", async (t) => {
    const { topic, subscription } = await newPair(t);
    const stream = open(t, subscription);
    await publish(topic, "acked", "nacked");
    const got = await stream.take(2);
    const [acked, nacked] = ["acked", "nacked"].map((text) => got.find((m) => m.message.data.toString() === text));
    stream.send({ ackIds: [acked.ackId], modifyDeadlineAckIds: [nacked.ackId], modifyDeadlineSeconds: [0] });
    const again = await stream.take(1);
    assert.deepEqual(texts(again), ["nacked"]);
    stream.send({ ackIds: ids(again) });
    stream.call.end();
    assert.equal(await stream.end(), null, "a stream that the client closes ends well");
    await isEmpty(subscription, "all acked");
  });

  test("edge case 29: limits count until ack, nack or expiry", async (t) => {
    const { topic, subscription } = await newPair(t);
    const stream = open(t, subscription, { maxOutstandingMessages: 2 });
    await publish(topic, ...numbered(4));
    const held = await stream.take(2);
    assert.deepEqual((await stream.ping()).receivedMessages, [], "two are held");
    stream.send({ ackIds: [held[0].ackId] });
    const [third] = await stream.take(1);
    await modify(subscription, 0, held[1]);
    const [fourth] = await stream.take(1);
    await modify(subscription, 1, fourth);
    await stream.take(1);
    assert.ok(third.ackId);
  });

  test("the end of a stream returns its messages", async (t) => {
    const { topic, subscription } = await newPair(t);
    const stream = open(t, subscription);
    await publish(topic, ...numbered(10));
    await stream.take(10);
    stream.call.cancel();
    assert.deepEqual(texts(await pullExactly(subscription, 10)).sort(), numbered(10));
  });

  test("refused requests", async (t) => {
    const { topic, subscription } = await newPair(t);
    const fails = async (target, code, first, later) => {
      const stream = open(t, target, first);
      if (later) stream.send(later);
      const error = await stream.end();
      assert.equal(error?.code, code, error?.message);
      return error;
    };
    const id = unique("sub");
    const missing = await fails({ name: named("subscriptions", id) }, 5);
    assert.ok(missing.message.includes(`Resource not found (resource=${id}).`), missing.message);
    await fails({ name: "nonsense" }, INVALID_ARGUMENT);
    await fails(subscription, INVALID_ARGUMENT, { streamAckDeadlineSeconds: 9 });
    for (const later of [
      { maxOutstandingMessages: 5 },
      { protocolVersion: 1 },
      { modifyDeadlineAckIds: ["x"], modifyDeadlineSeconds: [] },
      { modifyDeadlineAckIds: ["x"], modifyDeadlineSeconds: [-1] },
    ]) {
      await fails(subscription, INVALID_ARGUMENT, {}, later);
    }
    const [detached] = await topic.createSubscription(unique("sub"));
    await pubsub.detachSubscription(detached.name);
    await fails(detached, FAILED_PRECONDITION);
    await detached.delete();
  });
});
