// A FIFO queue: order within each group, and what is sent twice comes once.
import assert from "node:assert/strict";
import { SQS } from "@aws-sdk/client-sqs";

const steps = ["created", "paid", "shipped"];
const sqs = new SQS();
const { QueueUrl } = await sqs.createQueue({ QueueName: "orders.fifo", Attributes: { FifoQueue: "true" } });

const send = (customer, step) =>
  sqs.sendMessage({
    QueueUrl, MessageBody: step, MessageGroupId: customer, MessageDeduplicationId: `${customer}-${step}`,
  });

let sent;
for (const step of steps) {
  for (const customer of ["customer-1", "customer-2"]) sent = await send(customer, step);
}
// The answer got lost, say, and the producer sends again.
const again = await send("customer-2", "shipped");
assert.equal(again.MessageId, sent.MessageId);

const seen = { "customer-1": [], "customer-2": [] };
for (;;) {
  const { Messages } = await sqs.receiveMessage({
    QueueUrl, MaxNumberOfMessages: 10, MessageSystemAttributeNames: ["MessageGroupId"],
  });
  if (!Messages) break;
  for (const { Body, Attributes, ReceiptHandle } of Messages) {
    seen[Attributes.MessageGroupId].push(Body);
    // The group's next messages come once this one is deleted.
    await sqs.deleteMessage({ QueueUrl, ReceiptHandle });
  }
}

for (const [customer, got] of Object.entries(seen)) {
  assert.deepEqual(got, steps);
  console.log(`${customer}: ${got.join(", ")}`);
}
console.log("sent 7 times, received 6: one was a repetition");
await sqs.deleteQueue({ QueueUrl });
