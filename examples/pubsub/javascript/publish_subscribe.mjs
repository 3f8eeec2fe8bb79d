// A topic with two subscriptions, each of which gets every message.
import assert from "node:assert/strict";
import { publish, pubsub, receive, subscribe, texts, withTopic } from "./support.mjs";

const orders = ["order-1", "order-2", "order-3"];

await withTopic("orders", async (topic) => {
  const names = ["billing", "shipping"];
  const subscriptions = await Promise.all(names.map((name) => subscribe(topic, `orders-${name}`)));
  await publish(topic, orders, { currency: "EUR" });
  for (const [i, name] of names.entries()) {
    const messages = await receive(subscriptions[i], orders.length);
    for (const { attributes } of messages) assert.equal(attributes.currency, "EUR");
    const got = texts(messages).sort();
    assert.deepEqual(got, orders);
    console.log(`${name}: ${got.join(", ")}`);
  }
});
await pubsub.close();
