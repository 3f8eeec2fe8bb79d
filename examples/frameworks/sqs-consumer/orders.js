// sqs-consumer: a handler for messages, and what becomes of those that it fails with.
import assert from "node:assert/strict";
import { once } from "node:events";
import { SQS } from "@aws-sdk/client-sqs";
import { Consumer } from "sqs-consumer";

const orders = ["order-1", "order-2", "order-3"];
const sqs = new SQS(); // the endpoint is in AWS_ENDPOINT_URL_SQS
const { QueueUrl } = await sqs.createQueue({ QueueName: "orders" });

const handled = [];
let failures = 0;
const consumer = Consumer.create({
  queueUrl: QueueUrl,
  sqs,
  terminateVisibilityTimeout: true, // what fails comes again at once
  async handleMessage(message) {
    if (message.Body === "order-2" && failures === 0) {
      failures += 1;
      throw new Error("the first try fails");
    }
    handled.push(message.Body);
    return message; // which has it deleted
  },
});
consumer.on("error", (error) => { throw error; });
consumer.on("processing_error", (error) => console.log(`failed: ${error.message}`));

const all = new Promise((resolve) => {
  let count = 0;
  consumer.on("message_processed", () => {
    count += 1;
    if (count === orders.length) resolve();
  });
});

consumer.start();
for (const MessageBody of orders) await sqs.sendMessage({ QueueUrl, MessageBody });
await all; // handled and deleted
const stopped = once(consumer, "stopped");
consumer.stop();
await stopped;

assert.deepEqual(handled.sort(), orders);
console.log(`handled ${handled.join(", ")}`);
await sqs.deleteQueue({ QueueUrl });
