// Batches: up to ten messages per request, each with an outcome of its own.
import assert from "node:assert/strict";
import { SQS } from "@aws-sdk/client-sqs";

const sqs = new SQS();
const { QueueUrl } = await sqs.createQueue({ QueueName: "bulk" });

const entries = Array.from({ length: 10 }, (_, i) => ({ Id: `entry-${i + 1}`, MessageBody: `order-${i + 1}` }));
entries[9].DelaySeconds = 901; // one too many, so this one is refused
const { Successful, Failed } = await sqs.sendMessageBatch({ QueueUrl, Entries: entries });
assert.equal(Successful.length, 9);
assert.equal(Failed.length, 1);
assert(Failed[0].SenderFault);
console.log(`sent ${Successful.length}, refused ${Failed[0].Id}: ${Failed[0].Code}`);

const deleted = new Set();
for (;;) {
  const { Messages } = await sqs.receiveMessage({ QueueUrl, MaxNumberOfMessages: 10 });
  if (!Messages) break;
  const Entries = Messages.map(({ MessageId, ReceiptHandle }) => ({ Id: MessageId, ReceiptHandle }));
  const { Failed = [] } = await sqs.deleteMessageBatch({ QueueUrl, Entries });
  assert.deepEqual(Failed, []);
  for (const { Body } of Messages) deleted.add(Body);
}
assert.deepEqual([...deleted].sort(), entries.slice(0, 9).map((entry) => entry.MessageBody));
console.log(`received and deleted ${deleted.size}`);
await sqs.deleteQueue({ QueueUrl });
