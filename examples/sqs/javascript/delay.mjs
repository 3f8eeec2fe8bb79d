// Messages that come later: a delay of one message's own, and one that the queue gives to all.
import assert from "node:assert/strict";
import { SQS } from "@aws-sdk/client-sqs";

const sqs = new SQS();
const { QueueUrl } = await sqs.createQueue({ QueueName: "reminders", Attributes: { DelaySeconds: "2" } });

const began = performance.now();
await sqs.sendMessage({ QueueUrl, MessageBody: "by the queue's delay" });
await sqs.sendMessage({ QueueUrl, MessageBody: "by its own delay", DelaySeconds: 1 });
const early = await sqs.receiveMessage({ QueueUrl, WaitTimeSeconds: 0 });
assert.equal(early.Messages, undefined);
console.log("nothing at once");

for (const [expected, seconds] of [["by its own delay", 1], ["by the queue's delay", 2]]) {
  const { Messages } = await sqs.receiveMessage({ QueueUrl, WaitTimeSeconds: 10 });
  const [{ Body, ReceiptHandle }] = Messages;
  await sqs.deleteMessage({ QueueUrl, ReceiptHandle });
  assert.equal(Body, expected);
  // The service counts from when it took the message, to the second.
  assert(performance.now() - began > seconds * 1000 - 500, "it came too early");
  console.log(`after ${seconds} s: ${Body}`);
}
await sqs.deleteQueue({ QueueUrl });
