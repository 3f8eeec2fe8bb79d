// Message move tasks: out of a dead-letter queue again.
import { test } from "node:test";
import { ResourceNotFoundException } from "@aws-sdk/client-sqs";
import {
  assert, attributesOf, bodies, createQueue, eventually, receive, receiveExactly, receiveOne, rejectsWith, rejectsWithCode, send, sqs,
} from "./helpers.js";

async function deadLetterPair(t) {
  const dead = await createQueue(t);
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 1 });
  return { dead, source: await createQueue(t, { Attributes: { RedrivePolicy } }) };
}

const start = (SourceArn, more = {}) => sqs.startMessageMoveTask({ SourceArn, ...more });
const tasks = async (SourceArn, MaxResults) => (await sqs.listMessageMoveTasks({ SourceArn, MaxResults })).Results ?? [];

const latestWithStatus = (arn, status) =>
  eventually(async () => {
    const [task] = await tasks(arn);
    return task?.Status === status && task;
  }, `task ${status}`);

async function sendThirty(url) {
  const Entries = Array.from({ length: 10 }, (_, i) => ({ Id: `${i}`, MessageBody: `${i}` }));
  for (let i = 0; i < 3; i++) await sqs.sendMessageBatch({ QueueUrl: url, Entries });
}

test("messages go back to where they came from", async (t) => {
  const { dead, source } = await deadLetterPair(t);
  for (const body of ["a", "b", "c"]) await send(source.url, body);
  await receiveExactly(source.url, 3, { VisibilityTimeout: 0 });
  assert.deepEqual(await receive(source.url), []);
  await eventually(async () => (await attributesOf(dead.url)).ApproximateNumberOfMessages === "3", "three dead letters");

  const { TaskHandle } = await start(dead.arn);
  const handle = JSON.parse(Buffer.from(TaskHandle, "base64").toString());
  assert.equal(handle.sourceArn, dead.arn);
  assert.ok(handle.taskId);

  assert.deepEqual(bodies(await receiveExactly(source.url, 3)).sort(), ["a", "b", "c"]);
  const task = await latestWithStatus(dead.arn, "COMPLETED");
  assert.equal(task.SourceArn, dead.arn);
  assert.equal(task.ApproximateNumberOfMessagesMoved, 3);
  assert.equal(task.TaskHandle, undefined, "only a running task has a handle");
  assert.ok(Math.abs(task.StartedTimestamp - Date.now()) < 60_000, "started in milliseconds");
  assert.deepEqual(await receive(dead.url), []);
});

test("messages go to a destination", async (t) => {
  const { dead } = await deadLetterPair(t);
  const target = await createQueue(t);
  await send(dead.url, "elsewhere");
  await start(dead.arn, { DestinationArn: target.arn, MaxNumberOfMessagesPerSecond: 100 });
  assert.equal((await receiveOne(target.url, { WaitTimeSeconds: 5 })).Body, "elsewhere");
  const task = await latestWithStatus(dead.arn, "COMPLETED");
  assert.equal(task.DestinationArn, target.arn);
  assert.equal(task.MaxNumberOfMessagesPerSecond, 100);
});

test("one task at a time, which can be cancelled", async (t) => {
  const { dead } = await deadLetterPair(t);
  const target = await createQueue(t);
  await sendThirty(dead.url);

  const slowly = { DestinationArn: target.arn, MaxNumberOfMessagesPerSecond: 1 };
  const { TaskHandle } = await start(dead.arn, slowly);
  const [running] = await tasks(dead.arn);
  assert.equal(running.Status, "RUNNING");
  assert.equal(running.TaskHandle, TaskHandle);
  assert.equal(running.ApproximateNumberOfMessagesToMove, 30);
  await assert.rejects(start(dead.arn, slowly), /There is already a task running/);

  const { ApproximateNumberOfMessagesMoved: moved } = await sqs.cancelMessageMoveTask({ TaskHandle });
  assert.ok(moved < 30, `${moved} moved`);
  const cancelled = await latestWithStatus(dead.arn, "CANCELLED");
  assert.equal(cancelled.TaskHandle, undefined);
  assert.ok(cancelled.ApproximateNumberOfMessagesMoved < 30);
});

test("a task fails when its destination is deleted", async (t) => {
  const { dead } = await deadLetterPair(t);
  const target = await createQueue(t);
  await sendThirty(dead.url);
  await start(dead.arn, { DestinationArn: target.arn, MaxNumberOfMessagesPerSecond: 1 });
  await sqs.deleteQueue({ QueueUrl: target.url });
  const task = await latestWithStatus(dead.arn, "FAILED");
  assert.match(task.FailureReason, /NonExistentQueue/);
});

test("tasks are listed newest first, one by default, ten at most", async (t) => {
  const { dead } = await deadLetterPair(t);
  for (let i = 0; i < 3; i++) {
    await start(dead.arn);
    await latestWithStatus(dead.arn, "COMPLETED");
  }
  assert.equal((await tasks(dead.arn)).length, 1);
  const started = (await tasks(dead.arn, 10)).map((task) => task.StartedTimestamp);
  assert.equal(started.length, 3);
  assert.deepEqual(started, started.toSorted((a, b) => b - a));
  await rejectsWithCode("InvalidParameterValue", tasks(dead.arn, 11));
});

test("only a dead-letter queue can be a source", async (t) => {
  const { arn } = await createQueue(t);
  await rejectsWithCode("InvalidParameterValue", start(arn), /Source queue must be configured as a Dead Letter Queue/);
});

test("missing queues and tasks are ResourceNotFoundException", async (t) => {
  const { dead } = await deadLetterPair(t);
  const missing = `${dead.arn}-missing`;
  const neverStarted = "00000000-0000-4000-8000-000000000000";
  await rejectsWith(ResourceNotFoundException, start(missing), /SourceArn/, 404);
  await rejectsWith(ResourceNotFoundException, start(dead.arn, { DestinationArn: missing }), /DestinationArn/, 404);
  const handle = Buffer.from(JSON.stringify({ taskId: neverStarted, sourceArn: dead.arn })).toString("base64");
  await rejectsWith(ResourceNotFoundException, sqs.cancelMessageMoveTask({ TaskHandle: handle }), /Task does not exist/, 404);
});
