// FIFO queues: order, groups, sequence numbers, receive attempts.
import { test } from "node:test";
import {
  assert, bodies, createFifo, hide, receive, receiveExactly, receiveOne, rejectsWithCode, remove, send, sqs,
} from "./helpers.js";

const fifo = async (t, more) => (await createFifo(t, { ContentBasedDeduplication: "true", ...more })).url;
const sendAll = async (url, group, ...texts) => {
  const answers = [];
  for (const text of texts) answers.push(await send(url, text, { MessageGroupId: group }));
  return answers;
};

test("one receive returns a group's messages in order", async (t) => {
  const url = await fifo(t);
  const texts = Array.from({ length: 10 }, (_, i) => `message ${i}`);
  await sendAll(url, "g", ...texts);
  assert.deepEqual(bodies(await receive(url)), texts);
});

test("sequence numbers have 20 digits, grow, and come back on receive", async (t) => {
  const url = await fifo(t);
  const sent = (await sendAll(url, "g", "a", "b", "c")).map((answer) => answer.SequenceNumber);
  for (const number of sent) assert.match(number, /^\d{20}$/);
  assert.ok(sent[0] < sent[1] && sent[1] < sent[2], sent.join());
  assert.deepEqual((await receive(url)).map((message) => message.Attributes.SequenceNumber), sent);
});

test("a batch keeps its order and numbers its entries", async (t) => {
  const url = await fifo(t);
  const Entries = Array.from({ length: 10 }, (_, i) => ({ Id: `${i}`, MessageBody: `${i}`, MessageGroupId: "g" }));
  const { Successful } = await sqs.sendMessageBatch({ QueueUrl: url, Entries });
  const numbers = Entries.map(({ Id }) => Successful.find((entry) => entry.Id === Id).SequenceNumber);
  assert.deepEqual(numbers, numbers.toSorted());
  const messages = await receive(url);
  assert.deepEqual(bodies(messages), Entries.map((entry) => entry.MessageBody));
  assert.deepEqual(messages.map((message) => message.Attributes.SequenceNumber), numbers);
});

test("group and deduplication id come back as attributes", async (t) => {
  const { url } = await createFifo(t);
  await send(url, "named", { MessageGroupId: "group-1", MessageDeduplicationId: "dedup-1" });
  const { Attributes } = await receiveOne(url);
  assert.equal(Attributes.MessageGroupId, "group-1");
  assert.equal(Attributes.MessageDeduplicationId, "dedup-1");
});

test("a group is locked while one of its messages is in flight; others aren't", async (t) => {
  const url = await fifo(t);
  await sendAll(url, "a", "a1", "a2", "a3");
  await sendAll(url, "b", "b1");
  const [a1] = await receive(url, { MaxNumberOfMessages: 1 });
  assert.equal(a1.Body, "a1");
  const [b1, ...rest] = await receive(url);
  assert.deepEqual([b1.Body, rest.length], ["b1", 0]);
  assert.deepEqual(await receive(url), []);
  await remove(url, a1);
  assert.deepEqual(bodies(await receive(url)), ["a2", "a3"]);
});

test("a partial delete keeps the group locked", async (t) => {
  const url = await fifo(t);
  await sendAll(url, "g", "1", "2", "3");
  const [first, second] = await receive(url, { MaxNumberOfMessages: 2 });
  await remove(url, first);
  assert.deepEqual(await receive(url), []);
  await remove(url, second);
  assert.deepEqual(bodies(await receive(url)), ["3"]);
});

test("a message given back comes first again", async (t) => {
  const url = await fifo(t);
  await sendAll(url, "g", "1", "2");
  await hide(url, await receiveOne(url), 0);
  assert.deepEqual(bodies(await receiveExactly(url, 2)), ["1", "2"]);
});

test("order holds within each of many groups", async (t) => {
  const url = await fifo(t);
  const groups = ["a", "b", "c", "d"];
  for (let i = 0; i < 10; i++) for (const group of groups) await sendAll(url, group, `${group}${i}`);
  const got = { a: [], b: [], c: [], d: [] };
  for (let received = 0; received < 40; ) {
    const messages = await receive(url, { WaitTimeSeconds: 1 });
    assert.notEqual(messages.length, 0, `stalled after ${received}`);
    received += messages.length;
    for (const message of messages) {
      got[message.Attributes.MessageGroupId].push(message.Body);
      await remove(url, message);
    }
  }
  for (const group of groups) assert.deepEqual(got[group], Array.from({ length: 10 }, (_, i) => `${group}${i}`));
});

test("the same ReceiveRequestAttemptId answers the same messages", async (t) => {
  const url = await fifo(t);
  await sendAll(url, "g", "1", "2", "3");
  const attempt = { ReceiveRequestAttemptId: "attempt-1", MaxNumberOfMessages: 2 };
  const first = await receive(url, attempt);
  assert.deepEqual(bodies(first), ["1", "2"]);
  assert.deepEqual(await receive(url), [], "locked for everyone else");
  assert.deepEqual(await receive(url, { ...attempt, ReceiveRequestAttemptId: "attempt-2" }), []);
  const retried = await receive(url, attempt);
  assert.deepEqual(retried.map((message) => message.MessageId), first.map((message) => message.MessageId));
  for (const message of retried) await remove(url, message);
  assert.deepEqual(bodies(await receive(url)), ["3"]);
});

test("a message needs a group", async (t) => {
  const url = await fifo(t);
  await rejectsWithCode("MissingParameter", send(url, "no group"), /MessageGroupId/);
  for (const MessageGroupId of ["with space", "g".repeat(129), "grüße"]) {
    await rejectsWithCode("InvalidParameterValue", send(url, "bad group", { MessageGroupId }));
  }
});
