// Messages with an ordering key come in the order in which they were published.
import assert from "node:assert/strict";
import { pubsub, receive, subscribe, texts, withTopic } from "./support.mjs";

const steps = ["created", "paid", "shipped"];
const customers = ["customer-1", "customer-2"];

await withTopic("order-steps", async ({ name }) => {
  const topic = pubsub.topic(name, { messageOrdering: true });
  const subscription = await subscribe(topic, "order-steps", { enableMessageOrdering: true });
  const published = steps.flatMap((step) =>
    customers.map((orderingKey) => topic.publishMessage({ data: Buffer.from(step), orderingKey })),
  );
  await Promise.all(published);

  const messages = await receive(subscription, published.length);
  for (const customer of customers) {
    const got = texts(messages.filter((message) => message.orderingKey === customer));
    assert.deepEqual(got, steps);
    console.log(`${customer}: ${got.join(", ")}`);
  }
});
await pubsub.close();
