// Message transforms written in JavaScript.
import { describe, test } from "node:test";
import { assert, invalid, listen, named, newPair, newTopic, publish, pubsub, subscribe, together, unique } from "./helpers.js";

const script = (functionName, code) => [{ javascriptUdf: { functionName, code } }];

const shout = `function shout(message, metadata) {
  message.data = message.data.toUpperCase();
  message.attributes.shouted = "yes";
  return message;
}`;
const drop = "function drop(message, metadata) { return message.attributes.drop ? null : message; }";

describe("transforms", together, () => {
  test("of a topic", async (t) => {
    const topic = await newTopic(t, { messageTransforms: script("shout", shout) });
    assert.equal((await topic.getMetadata())[0].messageTransforms[0].javascriptUdf.code, shout);
    const subscription = await subscribe(t, topic);
    await publish(topic, { text: "hello", attributes: { a: "b" } });
    const message = await listen(subscription).next();
    assert.equal(message.data.toString(), "HELLO");
    assert.deepEqual(message.attributes, { a: "b", shouted: "yes" });
    message.ack();
  });

  test("of a subscription", async (t) => {
    const { topic, subscription: plain } = await newPair(t);
    const strict = await subscribe(t, topic, { messageTransforms: script("drop", drop) });
    await publish(topic, { text: "dropped", attributes: { drop: "1" } }, "kept");
    assert.deepEqual(await listen(strict).take(1), ["kept"]);
    assert.deepEqual((await listen(plain).take(2)).sort(), ["dropped", "kept"]);
  });

  test("refused scripts", async () => {
    for (const transforms of [script("f", "function f( {"), script("missing", drop), script("", drop)]) {
      await invalid(pubsub.createTopic({ name: named("topics", unique("topic")), messageTransforms: transforms }));
    }
  });
});
