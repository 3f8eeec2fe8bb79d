// A publisher has its answer before a subscriber has the message: programs match the two by the
// message's id, and Google's own system tests for this library do.
import { describe, test } from "node:test";
import { assert, newPair, pubsub, together } from "./helpers.js";

const ROUNDS = 50;

describe("Publishers' answers come first", together, () => {
  test("before the message event", async (t) => {
    const { topic, subscription } = await newPair(t);
    const answered = new Set();
    const early = [];
    let received = () => {};
    subscription.on("message", (message) => {
      if (!answered.has(message.id)) early.push(message.id);
      message.ack();
      received();
    });
    const publishing = pubsub.topic(topic.name, { batching: { maxMessages: 1 } });
    for (let round = 0; round < ROUNDS; round++) {
      const arrival = new Promise((resolve) => (received = resolve));
      answered.add(await publishing.publishMessage({ data: Buffer.from(`${round}`) }));
      await arrival;
    }
    assert.deepEqual(early, [], `${early.length} of ${ROUNDS} messages overtook their answers`);
  });
});
