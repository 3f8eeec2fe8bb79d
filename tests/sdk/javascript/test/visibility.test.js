// In-flight messages: hidden, extended, given back, expired.
import { test } from "node:test";
import { ReceiptHandleIsInvalid } from "@aws-sdk/client-sqs";
import {
  assert, bodies, createFifo, createQueue, hide, receive, receiveOne, rejectsWith, rejectsWithCode, remove, send, sleep,
} from "./helpers.js";

test("a received message is hidden until its timeout", async (t) => {
  const { url } = await createQueue(t, { Attributes: { VisibilityTimeout: "2" } });
  await send(url, "hidden");
  const first = await receiveOne(url);
  assert.deepEqual(await receive(url), []);
  const second = await receiveOne(url, { WaitTimeSeconds: 5 });
  assert.equal(second.MessageId, first.MessageId);
  assert.notEqual(second.ReceiptHandle, first.ReceiptHandle);
  assert.equal(second.Attributes.ApproximateReceiveCount, "2");
});

test("the receive's own timeout overrides the queue's", async (t) => {
  const { url } = await createQueue(t);
  await send(url, "briefly");
  await receiveOne(url, { VisibilityTimeout: 2 });
  assert.deepEqual(await receive(url), []);
  assert.deepEqual(bodies(await receive(url, { WaitTimeSeconds: 5 })), ["briefly"]);
});

test("a receive with timeout 0 leaves the message visible, under a fresh handle", async (t) => {
  const { url } = await createQueue(t);
  await send(url, "peek");
  const handles = new Set();
  for (let i = 0; i < 3; i++) handles.add((await receiveOne(url, { VisibilityTimeout: 0 })).ReceiptHandle);
  assert.equal(handles.size, 3);
});

test("timeout 0 gives a message back at once", async (t) => {
  const { url } = await createQueue(t);
  await send(url, "returned");
  await hide(url, await receiveOne(url), 0);
  assert.deepEqual(bodies(await receive(url)), ["returned"]);
});

test("a longer timeout keeps a message hidden", async (t) => {
  const { url } = await createQueue(t, { Attributes: { VisibilityTimeout: "1" } });
  await send(url, "kept");
  await hide(url, await receiveOne(url), 60);
  await sleep(1500);
  assert.deepEqual(await receive(url), []);
});

test("a change counts for the current receive only, and the earlier handle still works", async (t) => {
  const { url } = await createQueue(t, { Attributes: { VisibilityTimeout: "1" } });
  await send(url, "again");
  const first = await receiveOne(url);
  await hide(url, first, 0);
  const second = await receiveOne(url);
  assert.equal(second.MessageId, first.MessageId);
  const third = await receiveOne(url, { WaitTimeSeconds: 5 });
  assert.equal(third.MessageId, first.MessageId, "the queue's own timeout is back");
  await hide(url, first, 60);
  await sleep(1500);
  assert.deepEqual(await receive(url), []);
});

test("a standard queue deletes and changes after expiry", async (t) => {
  const { url } = await createQueue(t);
  await send(url, "late");
  const message = await receiveOne(url, { VisibilityTimeout: 1 });
  await sleep(1300);
  await hide(url, message, 60);
  assert.deepEqual(await receive(url), [], "hidden again");
  await hide(url, message, 0);
  await remove(url, message);
  assert.deepEqual(await receive(url), [], "deleted");
});

test("a FIFO queue refuses a delete after expiry", async (t) => {
  const { url } = await createFifo(t, { ContentBasedDeduplication: "true" });
  await send(url, "late", { MessageGroupId: "g" });
  const message = await receiveOne(url, { VisibilityTimeout: 1 });
  await sleep(1300);
  await rejectsWithCode("InvalidParameterValue", remove(url, message), /The receipt handle has expired/);
});

test("a deleted message's visibility can't change", async (t) => {
  const { url } = await createQueue(t);
  await send(url, "deleted");
  const message = await receiveOne(url);
  await remove(url, message);
  await rejectsWithCode(
    "InvalidParameterValue",
    hide(url, message, 10),
    /Message does not exist or is not available for visibility timeout change/,
  );
});

test("at most 12 hours", async (t) => {
  const { url } = await createQueue(t);
  await send(url, "half a day");
  const message = await receiveOne(url);
  await hide(url, message, 43100);
  await rejectsWithCode("InvalidParameterValue", hide(url, message, 43201));
  await rejectsWithCode("InvalidParameterValue", receiveOne(url, { VisibilityTimeout: 43201 }));
});

test("a handle that never was is ReceiptHandleIsInvalid", async (t) => {
  const { url } = await createQueue(t);
  const message = { ReceiptHandle: "garbage" };
  const text = /The input receipt handle "garbage" is not a valid receipt handle/;
  await rejectsWith(ReceiptHandleIsInvalid, remove(url, message), text, 404);
  await rejectsWith(ReceiptHandleIsInvalid, hide(url, message, 1), text, 404);
});
