// One message's way: what comes back from a send, a receive and a delete.
import { test } from "node:test";
import {
  assert, createQueue, md5, md5OfAttributes, receive, receiveOne, rejectsWithCode, remove, send, sqs,
} from "./helpers.js";

const attributes = {
  text: { DataType: "String", StringValue: "grüße, 世界 🚀" },
  number: { DataType: "Number", StringValue: "-12.50" },
  bytes: { DataType: "Binary", BinaryValue: Uint8Array.of(0, 1, 127, 128, 255) },
  "custom.text": { DataType: "String.json", StringValue: "{}" },
  "custom.number": { DataType: "Number.int", StringValue: "42" },
  "custom.bytes": { DataType: "Binary.png", BinaryValue: Uint8Array.of(137, 80, 78, 71) },
};
const trace = { DataType: "String", StringValue: "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1" };

test("send, receive and delete", async (t) => {
  const { url } = await createQueue(t);
  const sent = await send(url, "hello");
  assert.match(sent.MessageId, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.equal(sent.MD5OfMessageBody, md5("hello"));
  for (const absent of ["MD5OfMessageAttributes", "MD5OfMessageSystemAttributes", "SequenceNumber"]) {
    assert.equal(sent[absent], undefined, absent);
  }

  const message = await receiveOne(url);
  assert.equal(message.MessageId, sent.MessageId);
  assert.equal(message.Body, "hello");
  assert.equal(message.MD5OfBody, md5("hello"));
  assert.equal(message.MessageAttributes, undefined);
  assert.equal(message.MD5OfMessageAttributes, undefined);

  await remove(url, message);
  assert.deepEqual(await receive(url), []);
});

test("an empty receive has no Messages", async (t) => {
  const { url } = await createQueue(t);
  assert.equal((await sqs.receiveMessage({ QueueUrl: url })).Messages, undefined);
});

test("String, Number and Binary attributes come back with their MD5", async (t) => {
  const { url } = await createQueue(t);
  const sent = await send(url, "attributes", { MessageAttributes: attributes });
  assert.equal(sent.MD5OfMessageAttributes, md5OfAttributes(attributes));
  const message = await receiveOne(url);
  assert.deepEqual(message.MessageAttributes, attributes);
  assert.equal(message.MD5OfMessageAttributes, md5OfAttributes(attributes));
});

test("AWSTraceHeader is sent as a system attribute with an MD5 of its own", async (t) => {
  const { url } = await createQueue(t);
  const sent = await send(url, "traced", { MessageSystemAttributes: { AWSTraceHeader: trace } });
  assert.equal(sent.MD5OfMessageSystemAttributes, "5ae4d5d7636402d80f4eb6d213245a88");
  assert.equal(sent.MD5OfMessageSystemAttributes, md5OfAttributes({ AWSTraceHeader: trace }));
  assert.equal(sent.MD5OfMessageAttributes, undefined);
  const message = await receiveOne(url);
  assert.equal(message.Attributes.AWSTraceHeader, trace.StringValue);
});

test("a receive returns the attributes asked for, with the MD5 of those", async (t) => {
  const { url } = await createQueue(t, { Attributes: { VisibilityTimeout: "0" } });
  await send(url, "some", { MessageAttributes: attributes });
  for (const [asked, wanted] of [
    [["text"], ["text"]],
    [["custom.*"], ["custom.bytes", "custom.number", "custom.text"]],
    [["number", "custom.text", "missing"], ["custom.text", "number"]],
    [[".*"], Object.keys(attributes).sort()],
  ]) {
    const message = await receiveOne(url, { MessageAttributeNames: asked });
    assert.deepEqual(Object.keys(message.MessageAttributes).sort(), wanted);
    const subset = Object.fromEntries(wanted.map((name) => [name, attributes[name]]));
    assert.equal(message.MD5OfMessageAttributes, md5OfAttributes(subset), `MD5 of ${asked}`);
  }
  const none = await receiveOne(url, { MessageAttributeNames: undefined });
  assert.equal(none.MessageAttributes, undefined);
  assert.equal(none.MD5OfMessageAttributes, undefined);
});

test("the system attributes of a message", async (t) => {
  const { url } = await createQueue(t, { Attributes: { VisibilityTimeout: "0" } });
  const before = Date.now();
  await send(url, "system");
  const first = (await receiveOne(url)).Attributes;
  assert.equal(first.ApproximateReceiveCount, "1");
  assert.ok(first.SenderId.length > 0);
  for (const name of ["SentTimestamp", "ApproximateFirstReceiveTimestamp"]) {
    assert.ok(Math.abs(Number(first[name]) - before) < 10_000, `${name} is in milliseconds`);
  }
  assert.equal(first.SequenceNumber, undefined);

  const second = (await receiveOne(url)).Attributes;
  assert.equal(second.ApproximateReceiveCount, "2");
  assert.equal(second.SentTimestamp, first.SentTimestamp);
  assert.equal(second.ApproximateFirstReceiveTimestamp, first.ApproximateFirstReceiveTimestamp);
});

test("system attributes are asked for by the old name, the new one, or not at all", async (t) => {
  const { url } = await createQueue(t, { Attributes: { VisibilityTimeout: "0" } });
  await send(url, "which");
  const asking = async (names) => (await receiveOne(url, { MessageSystemAttributeNames: undefined, ...names })).Attributes;
  assert.deepEqual(Object.keys(await asking({ AttributeNames: ["SentTimestamp"] })), ["SentTimestamp"]);
  assert.deepEqual(Object.keys(await asking({ MessageSystemAttributeNames: ["SenderId"] })), ["SenderId"]);
  assert.equal(await asking({}), undefined);
});

test("a repeated delete succeeds", async (t) => {
  const { url } = await createQueue(t);
  await send(url, "once");
  const message = await receiveOne(url);
  await remove(url, message);
  const again = await remove(url, message);
  assert.equal(again.$metadata.httpStatusCode, 200);
});

test("attributes that no message can have", async (t) => {
  const { url } = await createQueue(t);
  const refused = (MessageAttributes, message) =>
    rejectsWithCode("InvalidParameterValue", send(url, "refused", { MessageAttributes }), message);
  const text = { DataType: "String", StringValue: "v" };
  await refused(Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`name${i}`, text])));
  await refused({ "AWS.name": text });
  await refused({ "amazon.name": text });
  await refused({ ["n".repeat(257)]: text });
  await refused({ number: { DataType: "Number", StringValue: "twelve" } });
  await refused({ kind: { DataType: "Bool", StringValue: "true" } });
  await refused(
    { X: { DataType: "String", StringValue: "" } },
    /Message \(user\) attribute 'X' must contain a non-empty value of type 'String'/,
  );
  assert.deepEqual(await receive(url), []);
});

test("MaxNumberOfMessages and WaitTimeSeconds out of range", async (t) => {
  const { url } = await createQueue(t);
  const asking = (more) => sqs.receiveMessage({ QueueUrl: url, ...more });
  for (const MaxNumberOfMessages of [0, 11]) {
    await rejectsWithCode("InvalidParameterValue", asking({ MaxNumberOfMessages }), /Must be between 1 and 10, if provided/);
  }
  for (const WaitTimeSeconds of [-1, 21]) {
    await rejectsWithCode("InvalidParameterValue", asking({ WaitTimeSeconds }), /Must be >= 0 and <= 20, if provided/);
  }
});

test("a message group on a standard queue comes back, without a sequence number", async (t) => {
  const { url } = await createQueue(t);
  const sent = await send(url, "fair", { MessageGroupId: "tenant-1" });
  assert.equal(sent.SequenceNumber, undefined);
  const { Attributes } = await receiveOne(url);
  assert.equal(Attributes.MessageGroupId, "tenant-1");
  assert.equal(Attributes.SequenceNumber, undefined);
  await rejectsWithCode("InvalidParameterValue", send(url, "bad group", { MessageGroupId: "not a group" }));
});
