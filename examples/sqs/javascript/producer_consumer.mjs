// A producer and a consumer, side by side.
import assert from "node:assert/strict";
import { SQS } from "@aws-sdk/client-sqs";

const orders = ["order-1", "order-2", "order-3", "order-4", "order-5"];
const sqs = new SQS();
const { QueueUrl } = await sqs.createQueue({ QueueName: "orders" });

async function produce() {
  for (const MessageBody of orders) {
    const MessageAttributes = { currency: { DataType: "String", StringValue: "EUR" } };
    await sqs.sendMessage({ QueueUrl, MessageBody, MessageAttributes });
  }
}

async function consume() {
  const handled = new Set();
  while (handled.size < orders.length) {
    const { Messages } = await sqs.receiveMessage({
      QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 10, MessageAttributeNames: ["All"],
    });
    assert(Messages, "nothing came for 10 s");
    for (const { Body, MessageAttributes, ReceiptHandle } of Messages) {
      assert.equal(MessageAttributes.currency.StringValue, "EUR");
      handled.add(Body);
      // What isn't deleted comes again when its visibility timeout has passed.
      await sqs.deleteMessage({ QueueUrl, ReceiptHandle });
    }
  }
  return handled;
}

const [handled] = await Promise.all([consume(), produce()]);
assert.deepEqual([...handled].sort(), orders);
const { Attributes } = await sqs.getQueueAttributes({ QueueUrl, AttributeNames: ["All"] });
const left = Number(Attributes.ApproximateNumberOfMessages) + Number(Attributes.ApproximateNumberOfMessagesNotVisible);
assert.equal(left, 0);
console.log(`handled ${handled.size} orders, ${left} left`);
await sqs.deleteQueue({ QueueUrl });
