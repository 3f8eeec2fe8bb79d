// FIFO deduplication: by id, by content, by group.
import { test } from "node:test";
import { assert, bodies, createFifo, receive, receiveOne, rejectsWithCode, remove, send, sqs } from "./helpers.js";

test("a duplicate answers the original's id and sequence number", async (t) => {
  const { url } = await createFifo(t);
  const ids = { MessageGroupId: "g", MessageDeduplicationId: "same" };
  const original = await send(url, "original", ids);
  const duplicate = await send(url, "another body", ids);
  assert.equal(duplicate.MessageId, original.MessageId);
  assert.equal(duplicate.SequenceNumber, original.SequenceNumber);
  assert.deepEqual(bodies(await receive(url)), ["original"]);
});

test("by content: equal bodies are one message", async (t) => {
  const { url } = await createFifo(t, { ContentBasedDeduplication: "true" });
  for (const body of ["a", "a", "b"]) await send(url, body, { MessageGroupId: "g" });
  assert.deepEqual(bodies(await receive(url)), ["a", "b"]);
});

test("by content: an explicit id goes before the content", async (t) => {
  const { url } = await createFifo(t, { ContentBasedDeduplication: "true" });
  await send(url, "equal", { MessageGroupId: "g", MessageDeduplicationId: "1" });
  await send(url, "equal", { MessageGroupId: "g", MessageDeduplicationId: "2" });
  assert.deepEqual(bodies(await receive(url)), ["equal", "equal"]);
});

test("without content deduplication an id is needed", async (t) => {
  const { url } = await createFifo(t);
  await rejectsWithCode("InvalidParameterValue", send(url, "no id", { MessageGroupId: "g" }));
});

test("it outlives the message", async (t) => {
  const { url } = await createFifo(t, { ContentBasedDeduplication: "true" });
  await send(url, "once", { MessageGroupId: "g" });
  await remove(url, await receiveOne(url));
  await send(url, "once", { MessageGroupId: "g" });
  assert.deepEqual(await receive(url), []);
});

test("a purge clears it", async (t) => {
  const { url } = await createFifo(t, { ContentBasedDeduplication: "true" });
  await send(url, "again", { MessageGroupId: "g" });
  await sqs.purgeQueue({ QueueUrl: url });
  await send(url, "again", { MessageGroupId: "g" });
  assert.deepEqual(bodies(await receive(url)), ["again"]);
});

test("the scope is the queue, or each group", async (t) => {
  const sendToBoth = async (url) => {
    for (const MessageGroupId of ["a", "b"]) await send(url, MessageGroupId, { MessageGroupId, MessageDeduplicationId: "same" });
    return bodies(await receive(url)).sort();
  };
  assert.deepEqual(await sendToBoth((await createFifo(t)).url), ["a"]);
  assert.deepEqual(await sendToBoth((await createFifo(t, { DeduplicationScope: "messageGroup" })).url), ["a", "b"]);
});

test("a batch deduplicates within itself", async (t) => {
  const { url } = await createFifo(t, { ContentBasedDeduplication: "true" });
  const Entries = ["1", "2"].map((Id) => ({ Id, MessageBody: "equal", MessageGroupId: "g" }));
  const { Successful } = await sqs.sendMessageBatch({ QueueUrl: url, Entries });
  assert.equal(Successful.length, 2);
  assert.equal(Successful[0].MessageId, Successful[1].MessageId);
  assert.deepEqual(bodies(await receive(url)), ["equal"]);
});
