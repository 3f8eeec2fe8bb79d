// Two consumers of orders, one of which charges an order whenever its message comes.
import { SQS } from "@aws-sdk/client-sqs";

const lclq = process.env.LCLQ_URL ?? "http://127.0.0.1:9000";
const ORDERS = 100;

async function control(method, path, body) {
  const answer = await fetch(`${lclq}/api/v1/test/${path}`, { method, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

const sqs = new SQS({
  endpoint: process.env.AWS_ENDPOINT_URL ?? "http://127.0.0.1:9324",
  region: "us-east-1",
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
});

// How many orders were not charged exactly once.
async function chargedWrongly(isCareful) {
  const { QueueUrl } = await sqs.createQueue({ QueueName: "orders" });
  for (let first = 0; first < ORDERS; first += 10) {
    const Entries = Array.from({ length: 10 }, (_, n) => ({ Id: `${n}`, MessageBody: `order ${first + n}` }));
    await sqs.sendMessageBatch({ QueueUrl, Entries });
  }
  const charges = new Map();
  const done = new Set();
  for (let empty = 0; empty < 2; ) {
    const asked = { QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 };
    const { Messages = [] } = await sqs.receiveMessage(asked);
    empty = Messages.length ? 0 : empty + 1;
    for (const { MessageId, Body, ReceiptHandle } of Messages) {
      if (!isCareful || !done.has(MessageId)) {
        charges.set(Body, (charges.get(Body) ?? 0) + 1);
        done.add(MessageId);
      }
      await sqs.deleteMessage({ QueueUrl, ReceiptHandle });
    }
  }
  return ORDERS - [...charges.values()].filter((times) => times === 1).length;
}

await control("POST", "reset");
const often = { duplicated: 0.1, back_after_delete: 0.1, again_ms_max: 0 };
await control("PUT", "profile", { seed: 1, sqs: often });
const careful = await chargedWrongly(true);
const careless = await chargedWrongly(false);
await control("DELETE", "profile");
console.log(`careful: ${careful} wrong charges, careless: ${careless ? "caught" : "not caught"}`);
