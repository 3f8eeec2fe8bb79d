// A dead-letter topic for what subscribers refuse again and again.
import assert from "node:assert/strict";
import { publish, pubsub, receive, subscribe, texts, withTopic } from "./support.mjs";

const attempts = 5; // the fewest that may be asked for

await withTopic("payments-failed", async (failed) => {
  const letters = await subscribe(failed, "payments-failed");
  await withTopic("payments", async (topic) => {
    const subscription = await subscribe(topic, "payments", {
      deadLetterPolicy: { deadLetterTopic: failed.name, maxDeliveryAttempts: attempts },
      retryPolicy: { minimumBackoff: { nanos: 100_000_000 }, maximumBackoff: { nanos: 100_000_000 } },
    });
    await publish(topic, ["payment-1"]);

    const refused = await receive(subscription, attempts, (message) => message.nack());
    assert.deepEqual(refused.map((message) => message.deliveryAttempt), [1, 2, 3, 4, 5]);
    console.log(`refused ${refused.length} times`);

    const [letter] = await receive(letters, 1);
    assert.deepEqual(texts([letter]), ["payment-1"]);
    assert.equal(letter.attributes.CloudPubSubDeadLetterSourceSubscription, "payments");
    console.log(`in the dead-letter topic: ${letter.data}`);
  });
});
await pubsub.close();
