// Dead-letter queues: what goes there, when, and who points at them.
import { test } from "node:test";
import { QueueDoesNotExist, paginateListDeadLetterSourceQueues } from "@aws-sdk/client-sqs";
import {
  assert, attributesOf, bodies, createFifo, createQueue, receive, receiveOne, rejectsWith, send, sqs, unique,
} from "./helpers.js";

const pointingAt = (dead, maxReceiveCount = 1) => ({
  RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount }),
});

test("a message received too often moves, and stays the same message", async (t) => {
  const dead = await createQueue(t);
  const source = await createQueue(t, { Attributes: pointingAt(dead, 2) });
  const MessageAttributes = { kind: { DataType: "String", StringValue: "poison" } };
  const { MessageId } = await send(source.url, "poison", { MessageAttributes });
  const first = await receiveOne(source.url, { VisibilityTimeout: 0 });
  await receiveOne(source.url, { VisibilityTimeout: 0 });
  assert.deepEqual(await receive(dead.url), [], "not yet");
  assert.deepEqual(await receive(source.url), [], "the third receive moves it");

  const moved = await receiveOne(dead.url, { WaitTimeSeconds: 5 });
  assert.equal(moved.MessageId, MessageId);
  assert.equal(moved.Body, "poison");
  assert.deepEqual(moved.MessageAttributes, MessageAttributes);
  assert.equal(moved.Attributes.SentTimestamp, first.Attributes.SentTimestamp);
  assert.equal(moved.Attributes.DeadLetterQueueSourceArn, source.arn);
  assert.ok(Number(moved.Attributes.ApproximateReceiveCount) > 2, "the count continues");
});

test("maxReceiveCount may be a string", async (t) => {
  const dead = await createQueue(t);
  const source = await createQueue(t, { Attributes: pointingAt(dead, "1") });
  await send(source.url, "counted");
  await receiveOne(source.url, { VisibilityTimeout: 0 });
  assert.deepEqual(await receive(source.url), []);
  assert.equal((await receiveOne(dead.url, { WaitTimeSeconds: 5 })).Body, "counted");
});

test("a FIFO group stays usable after one of its messages moved", async (t) => {
  const dead = await createFifo(t);
  const source = await createFifo(t, { ContentBasedDeduplication: "true", ...pointingAt(dead) });
  await send(source.url, "poison", { MessageGroupId: "g" });
  await send(source.url, "next", { MessageGroupId: "g" });
  await receive(source.url, { MaxNumberOfMessages: 1, VisibilityTimeout: 0 });
  assert.equal((await receiveOne(source.url)).Body, "next");
  const moved = await receiveOne(dead.url, { WaitTimeSeconds: 5 });
  assert.equal(moved.Body, "poison");
  assert.equal(moved.Attributes.MessageGroupId, "g");
});

test("ListDeadLetterSourceQueues, all at once and by pages", async (t) => {
  const dead = await createQueue(t);
  assert.deepEqual((await sqs.listDeadLetterSourceQueues({ QueueUrl: dead.url })).queueUrls, []);
  const urls = [];
  for (let i = 0; i < 3; i++) urls.push((await createQueue(t, { Attributes: pointingAt(dead) })).url);
  urls.sort();

  const { queueUrls } = await sqs.listDeadLetterSourceQueues({ QueueUrl: dead.url });
  assert.deepEqual(queueUrls.sort(), urls);

  const paged = [];
  for await (const page of paginateListDeadLetterSourceQueues({ client: sqs, pageSize: 2 }, { QueueUrl: dead.url })) {
    assert.ok(page.queueUrls.length <= 2);
    paged.push(...page.queueUrls);
  }
  assert.deepEqual(paged.sort(), urls);
  await rejectsWith(QueueDoesNotExist, sqs.listDeadLetterSourceQueues({ QueueUrl: unique() }));
});

test("without its policy a queue keeps its messages", async (t) => {
  const dead = await createQueue(t);
  const source = await createQueue(t, { Attributes: pointingAt(dead) });
  await sqs.setQueueAttributes({ QueueUrl: source.url, Attributes: { RedrivePolicy: "" } });
  assert.deepEqual((await sqs.listDeadLetterSourceQueues({ QueueUrl: dead.url })).queueUrls, []);
  await send(source.url, "stays");
  for (let i = 0; i < 3; i++) assert.deepEqual(bodies(await receive(source.url, { VisibilityTimeout: 0 })), ["stays"]);
});

test("RedriveAllowPolicy is kept", async (t) => {
  const { url } = await createQueue(t, { Attributes: { RedriveAllowPolicy: '{"redrivePermission":"denyAll"}' } });
  const { RedriveAllowPolicy } = await attributesOf(url);
  assert.deepEqual(JSON.parse(RedriveAllowPolicy), { redrivePermission: "denyAll" });
});
