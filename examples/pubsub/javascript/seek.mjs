// Going back to a snapshot: messages that were acknowledged since come again.
import assert from "node:assert/strict";
import { publish, pubsub, receive, subscribe, texts, withTopic } from "./support.mjs";

const orders = ["order-1", "order-2", "order-3"];

await withTopic("replayed-orders", async (topic) => {
  const subscription = await subscribe(topic, "replayed-orders");
  await publish(topic, orders);
  const [snapshot] = await subscription.createSnapshot("before-the-release");

  assert.deepEqual(texts(await receive(subscription, orders.length)).sort(), orders);
  console.log(`handled ${orders.length}, by a release with a fault`);

  await snapshot.seek();
  const again = texts(await receive(subscription, orders.length)).sort();
  assert.deepEqual(again, orders);
  console.log(`again, from the snapshot: ${again.join(", ")}`);
  await snapshot.delete();
});
await pubsub.close();
