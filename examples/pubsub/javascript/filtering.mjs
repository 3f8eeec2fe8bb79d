// A subscription with a filter gets only the messages whose attributes match it.
import assert from "node:assert/strict";
import { publish, pubsub, receive, subscribe, texts, withTopic } from "./support.mjs";

await withTopic("events", async (topic) => {
  const everything = await subscribe(topic, "events-all");
  const orders = await subscribe(topic, "events-orders", { filter: 'attributes.kind = "order"' });
  await publish(topic, ["visit-1", "visit-2"], { kind: "visit" });
  await publish(topic, ["order-1", "order-2"], { kind: "order" });

  let got = texts(await receive(everything, 4)).sort();
  assert.deepEqual(got, ["order-1", "order-2", "visit-1", "visit-2"]);
  console.log(`all: ${got.join(", ")}`);
  got = texts(await receive(orders, 2)).sort();
  assert.deepEqual(got, ["order-1", "order-2"]);
  console.log(`orders: ${got.join(", ")}`);
});
await pubsub.close();
