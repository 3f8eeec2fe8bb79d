// Batches: whole, partly failed, and refused.
import { test } from "node:test";
import {
  BatchEntryIdsNotDistinct, BatchRequestTooLong, EmptyBatchRequest, InvalidBatchEntryId, QueueDoesNotExist,
  TooManyEntriesInBatchRequest,
} from "@aws-sdk/client-sqs";
import {
  assert, bodies, createFifo, createQueue, md5, md5OfAttributes, receive, receiveExactly, rejectsWith, rejectsWithCode, sqs,
  unique,
} from "./helpers.js";

const sendBatch = (url, Entries) => sqs.sendMessageBatch({ QueueUrl: url, Entries });
const deleteBatch = (url, Entries) => sqs.deleteMessageBatch({ QueueUrl: url, Entries });
const hideBatch = (url, Entries) => sqs.changeMessageVisibilityBatch({ QueueUrl: url, Entries });

const numbered = (count) => Array.from({ length: count }, (_, i) => ({ Id: `id-${i}`, MessageBody: `body ${i}` }));
const ids = (entries) => entries.map((entry) => entry.Id).sort();
const byId = (entries, id) => entries.find((entry) => entry.Id === id);

test("ten messages are sent, received, hidden, returned and deleted", async (t) => {
  const { url } = await createQueue(t);
  const entries = numbered(10);
  const sent = await sendBatch(url, entries);
  assert.deepEqual(ids(sent.Successful), ids(entries));
  assert.equal(sent.Failed?.length ?? 0, 0);
  for (const { Id, MessageBody } of entries) {
    assert.equal(byId(sent.Successful, Id).MD5OfMessageBody, md5(MessageBody));
    assert.equal(byId(sent.Successful, Id).MD5OfMessageAttributes, undefined);
  }

  const messages = await receiveExactly(url, 10);
  assert.deepEqual(bodies(messages).sort(), bodies(messages.map((_, i) => ({ Body: `body ${i}` }))));
  const handles = messages.map(({ ReceiptHandle }, i) => ({ Id: `${i}`, ReceiptHandle }));

  const hidden = await hideBatch(url, handles.map((handle) => ({ ...handle, VisibilityTimeout: 0 })));
  assert.deepEqual(ids(hidden.Successful), ids(handles));
  const again = await receiveExactly(url, 10);

  const deleted = await deleteBatch(url, again.map(({ ReceiptHandle }, i) => ({ Id: `${i}`, ReceiptHandle })));
  assert.deepEqual(ids(deleted.Successful), ids(handles));
  assert.deepEqual(await receive(url), []);
});

test("each entry has its own attributes and delay", async (t) => {
  const { url } = await createQueue(t);
  const MessageAttributes = { n: { DataType: "Number", StringValue: "1" } };
  const trace = { DataType: "String", StringValue: "Root=1-5759e988-bd862e3fe1be46a994272793" };
  const { Successful } = await sendBatch(url, [
    { Id: "attributes", MessageBody: "a", MessageAttributes, MessageSystemAttributes: { AWSTraceHeader: trace } },
    { Id: "delay", MessageBody: "b", DelaySeconds: 60 },
  ]);
  const attributes = byId(Successful, "attributes");
  assert.equal(attributes.MD5OfMessageAttributes, md5OfAttributes(MessageAttributes));
  assert.equal(attributes.MD5OfMessageSystemAttributes, md5OfAttributes({ AWSTraceHeader: trace }));
  const [message] = await receiveExactly(url, 1);
  assert.deepEqual(message.MessageAttributes, MessageAttributes);
  assert.deepEqual(await receive(url), []);
});

test("an illegal character fails only its own entry", async (t) => {
  const { url } = await createQueue(t);
  const { Successful, Failed } = await sendBatch(url, [
    { Id: "good", MessageBody: "good" },
    { Id: "bad", MessageBody: "bad \u0001" },
  ]);
  assert.deepEqual(ids(Successful), ["good"]);
  assert.deepEqual(ids(Failed), ["bad"]);
  assert.equal(Failed[0].Code, "InvalidMessageContents");
  assert.equal(Failed[0].SenderFault, true);
  assert.deepEqual(bodies(await receiveExactly(url, 1)), ["good"]);
});

test("a body over MaximumMessageSize fails only its own entry", async (t) => {
  const { url } = await createQueue(t, { Attributes: { MaximumMessageSize: "1024" } });
  const { Successful, Failed } = await sendBatch(url, [
    { Id: "long", MessageBody: "x".repeat(1025) },
    { Id: "short", MessageBody: "x".repeat(1024) },
  ]);
  assert.deepEqual(ids(Successful), ["short"]);
  assert.deepEqual(ids(Failed), ["long"]);
  assert.equal(Failed[0].Code, "InvalidParameterValue");
  assert.equal(Failed[0].SenderFault, true);
  assert.match(Failed[0].Message, /Message must be shorter than 1024 bytes/);
});

test("a bad handle fails only its own entry", async (t) => {
  const { url } = await createQueue(t);
  await sendBatch(url, numbered(1));
  const [{ ReceiptHandle }] = await receiveExactly(url, 1);
  const entries = [{ Id: "good", ReceiptHandle }, { Id: "bad", ReceiptHandle: "garbage" }];
  for (const batch of [
    () => hideBatch(url, entries.map((entry) => ({ ...entry, VisibilityTimeout: 60 }))),
    () => deleteBatch(url, entries),
  ]) {
    const { Successful, Failed } = await batch();
    assert.deepEqual(ids(Successful), ["good"]);
    assert.deepEqual(ids(Failed), ["bad"]);
    assert.equal(Failed[0].Code, "ReceiptHandleIsInvalid");
    assert.equal(Failed[0].SenderFault, true);
  }
});

test("a timeout out of range fails only its own entry", async (t) => {
  const { url } = await createQueue(t);
  await sendBatch(url, numbered(2));
  const [one, two] = await receiveExactly(url, 2);
  const { Successful, Failed } = await hideBatch(url, [
    { Id: "good", ReceiptHandle: one.ReceiptHandle, VisibilityTimeout: 60 },
    { Id: "bad", ReceiptHandle: two.ReceiptHandle, VisibilityTimeout: 43201 },
  ]);
  assert.deepEqual(ids(Successful), ["good"]);
  assert.deepEqual(ids(Failed), ["bad"]);
  assert.equal(Failed[0].Code, "InvalidParameterValue");
});

test("an empty batch is EmptyBatchRequest", async (t) => {
  const { url } = await createQueue(t);
  for (const batch of [sendBatch, deleteBatch, hideBatch]) await rejectsWith(EmptyBatchRequest, batch(url, []));
});

test("eleven entries are TooManyEntriesInBatchRequest", async (t) => {
  const { url } = await createQueue(t);
  const handles = numbered(11).map(({ Id }) => ({ Id, ReceiptHandle: "any", VisibilityTimeout: 1 }));
  const text = /Maximum number of entries per request are 10\. You have sent 11/;
  await rejectsWith(TooManyEntriesInBatchRequest, sendBatch(url, numbered(11)), text);
  await rejectsWith(TooManyEntriesInBatchRequest, deleteBatch(url, handles), text);
  await rejectsWith(TooManyEntriesInBatchRequest, hideBatch(url, handles), text);
});

test("equal ids are BatchEntryIdsNotDistinct", async (t) => {
  const { url } = await createQueue(t);
  const twice = (entry) => [entry, entry];
  await rejectsWith(BatchEntryIdsNotDistinct, sendBatch(url, twice({ Id: "same", MessageBody: "x" })));
  await rejectsWith(BatchEntryIdsNotDistinct, deleteBatch(url, twice({ Id: "same", ReceiptHandle: "any" })));
  await rejectsWith(
    BatchEntryIdsNotDistinct,
    hideBatch(url, twice({ Id: "same", ReceiptHandle: "any", VisibilityTimeout: 1 })),
  );
  assert.deepEqual(await receive(url), []);
});

test("an id of other characters, or too long, is InvalidBatchEntryId", async (t) => {
  const { url } = await createQueue(t);
  const text = /A batch entry id can only contain alphanumeric characters, hyphens and underscores/;
  for (const Id of ["with space", "dot.", "i".repeat(81)]) {
    await rejectsWith(InvalidBatchEntryId, sendBatch(url, [{ Id, MessageBody: "x" }]), text);
    await rejectsWith(InvalidBatchEntryId, deleteBatch(url, [{ Id, ReceiptHandle: "any" }]), text);
  }
});

test("a batch of 1 MiB passes, one byte more is BatchRequestTooLong", async (t) => {
  const { url } = await createQueue(t);
  const half = "x".repeat(512 * 1024);
  const { Successful } = await sendBatch(url, [{ Id: "a", MessageBody: half }, { Id: "b", MessageBody: half }]);
  assert.deepEqual(ids(Successful), ["a", "b"]);
  await rejectsWith(
    BatchRequestTooLong,
    sendBatch(url, [{ Id: "a", MessageBody: half }, { Id: "b", MessageBody: `${half}x` }]),
    /Batch requests cannot be longer than 1048576 bytes\. You have sent 1048577 bytes/,
  );
});

test("a FIFO batch with a missing group or deduplication id fails as a whole", async (t) => {
  const { url } = await createFifo(t);
  const good = { Id: "good", MessageBody: "good", MessageGroupId: "g", MessageDeduplicationId: "1" };
  await rejectsWithCode("InvalidParameterValue", sendBatch(url, [good, { ...good, Id: "bad", MessageDeduplicationId: undefined }]));
  await assert.rejects(sendBatch(url, [good, { ...good, Id: "bad", MessageGroupId: undefined }]));
  assert.deepEqual(await receive(url), []);
});

test("batches to a missing queue", async () => {
  const url = unique();
  await rejectsWith(QueueDoesNotExist, sendBatch(url, numbered(1)));
  await rejectsWith(QueueDoesNotExist, deleteBatch(url, [{ Id: "a", ReceiptHandle: "any" }]));
});
