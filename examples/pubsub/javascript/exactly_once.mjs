// Exactly-once delivery: an acknowledgement has an answer, and what it confirmed never comes again.
import assert from "node:assert/strict";
import { AckResponses } from "@google-cloud/pubsub";
import { publish, pubsub, receive, subscribe, texts, withTopic } from "./support.mjs";

const orders = ["order-1", "order-2", "order-3"];
const ack = async (message) => assert.equal(await message.ackWithResponse(), AckResponses.Success);

await withTopic("single-orders", async (topic) => {
  const subscription = await subscribe(topic, "single-orders", { enableExactlyOnceDelivery: true });
  await publish(topic, orders);
  const first = await receive(subscription, orders.length, ack);
  console.log(`${first.length} acknowledgements confirmed`);

  // What comes now is only what is new.
  await publish(topic, ["order-4"]);
  assert.deepEqual(texts(await receive(subscription, 1, ack)), ["order-4"]);
  console.log("none came again");
});
await pubsub.close();
