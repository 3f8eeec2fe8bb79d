// Fair queues: a standard queue whose messages name their tenant, so that a busy one delays nobody else.
import assert from "node:assert/strict";
import { SQS } from "@aws-sdk/client-sqs";

const sqs = new SQS();
const { QueueUrl } = await sqs.createQueue({ QueueName: "tenants" });

async function send(tenant, count) {
  for (let i = 0; i < count; i++) {
    await sqs.sendMessage({ QueueUrl, MessageBody: "work", MessageGroupId: tenant });
  }
}

await send("busy", 30);
await send("quiet", 3);
console.log("the busy tenant has sent 30 messages, the quiet one 3 after them");

// Nothing is deleted meanwhile, as if the work took long.
const first = [];
while (first.length < 10) {
  const { Messages } = await sqs.receiveMessage({
    QueueUrl,
    MaxNumberOfMessages: 10 - first.length,
    WaitTimeSeconds: 10,
    MessageSystemAttributeNames: ["MessageGroupId"],
  });
  assert(Messages, "nothing came for 10 s");
  first.push(...Messages.map(({ Attributes }) => Attributes.MessageGroupId));
}
const quiet = first.filter((tenant) => tenant === "quiet").length;
assert.equal(quiet, 3);
console.log(`of the first ${first.length} received, ${quiet} are the quiet one's`);
await sqs.deleteQueue({ QueueUrl });
