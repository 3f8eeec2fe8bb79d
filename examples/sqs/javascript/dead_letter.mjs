// A dead-letter queue for what fails again and again, and its redrive.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { SQS } from "@aws-sdk/client-sqs";

const sqs = new SQS();

async function arn(QueueUrl) {
  const { Attributes } = await sqs.getQueueAttributes({ QueueUrl, AttributeNames: ["QueueArn"] });
  return Attributes.QueueArn;
}

const { QueueUrl: failed } = await sqs.createQueue({ QueueName: "payments-failed" });
const SourceArn = await arn(failed);
const { QueueUrl: payments } = await sqs.createQueue({
  QueueName: "payments",
  Attributes: { RedrivePolicy: JSON.stringify({ deadLetterTargetArn: SourceArn, maxReceiveCount: 2 }) },
});
await sqs.sendMessage({ QueueUrl: payments, MessageBody: "payment-1" });

// A consumer that fails gives the message back at once, rather than have it wait for its time-out.
let failures = 0;
for (;;) {
  const { Messages } = await sqs.receiveMessage({ QueueUrl: payments });
  if (!Messages) break;
  failures += 1;
  const [{ ReceiptHandle }] = Messages;
  await sqs.changeMessageVisibility({ QueueUrl: payments, ReceiptHandle, VisibilityTimeout: 0 });
}
assert.equal(failures, 2);
console.log(`failed ${failures} times`);

const dead = await sqs.receiveMessage({ QueueUrl: failed, WaitTimeSeconds: 10, VisibilityTimeout: 0 });
console.log(`in the dead-letter queue: ${dead.Messages[0].Body}`);

// The cause is mended: everything goes back to where it came from.
await sqs.startMessageMoveTask({ SourceArn });
let task;
for (let look = 0; look < 100; look++) {
  [task] = (await sqs.listMessageMoveTasks({ SourceArn, MaxResults: 1 })).Results;
  if (task.Status !== "RUNNING") break;
  await sleep(100);
}
assert.equal(task.Status, "COMPLETED");
assert.equal(task.ApproximateNumberOfMessagesMoved, 1);

const { Messages } = await sqs.receiveMessage({ QueueUrl: payments, WaitTimeSeconds: 10 });
const [{ Body, ReceiptHandle }] = Messages;
await sqs.deleteMessage({ QueueUrl: payments, ReceiptHandle });
assert.equal(Body, "payment-1");
console.log(`moved back and handled: ${Body}`);
await sqs.deleteQueue({ QueueUrl: payments });
await sqs.deleteQueue({ QueueUrl: failed });
