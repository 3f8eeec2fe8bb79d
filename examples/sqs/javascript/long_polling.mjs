// Long polling: a receive that waits for messages instead of asking again and again.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { SQS } from "@aws-sdk/client-sqs";

const sqs = new SQS();
// What a queue says counts for receives that say nothing.
const { QueueUrl } = await sqs.createQueue({
  QueueName: "news", Attributes: { ReceiveMessageWaitTimeSeconds: "10" },
});

let began = performance.now();
const nothing = await sqs.receiveMessage({ QueueUrl, WaitTimeSeconds: 1 });
let waited = performance.now() - began;
assert.equal(nothing.Messages, undefined);
assert(waited > 900 && waited < 5_000, `waited ${waited} ms`);
console.log("an empty queue answered after 1 s");

began = performance.now();
const receiving = sqs.receiveMessage({ QueueUrl });
await sleep(500);
await sqs.sendMessage({ QueueUrl, MessageBody: "news" });
const { Messages } = await receiving;
waited = performance.now() - began;
assert(waited > 400 && waited < 9_000, `waited ${waited} ms`);
console.log(`${Messages[0].Body} came while the receiver waited`);
await sqs.deleteQueue({ QueueUrl });
