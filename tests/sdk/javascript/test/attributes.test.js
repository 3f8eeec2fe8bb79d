// Queue attributes: defaults, changes, and values that are refused.
import { test } from "node:test";
import { InvalidAttributeName, InvalidAttributeValue, QueueDoesNotExist } from "@aws-sdk/client-sqs";
import {
  assert, attributesOf, createFifo, createQueue, receiveOne, rejectsWith, rejectsWithCode, send, sqs, unique,
} from "./helpers.js";

const set = (url, Attributes) => sqs.setQueueAttributes({ QueueUrl: url, Attributes });

test("the defaults of a new queue", async (t) => {
  const { url } = await createQueue(t);
  const attributes = await attributesOf(url);
  for (const [name, value] of Object.entries({
    VisibilityTimeout: "30",
    MaximumMessageSize: "1048576",
    MessageRetentionPeriod: "345600",
    DelaySeconds: "0",
    ReceiveMessageWaitTimeSeconds: "0",
    SqsManagedSseEnabled: "true",
    ApproximateNumberOfMessages: "0",
    ApproximateNumberOfMessagesNotVisible: "0",
    ApproximateNumberOfMessagesDelayed: "0",
  })) {
    assert.equal(attributes[name], value, name);
  }
  for (const name of ["FifoQueue", "Policy", "RedrivePolicy", "KmsMasterKeyId"]) {
    assert.ok(!(name in attributes), `${name} is absent`);
  }
  const age = Date.now() / 1000 - Number(attributes.CreatedTimestamp);
  assert.ok(age > -5 && age < 60, "CreatedTimestamp is in seconds");
});

test("the defaults of a new FIFO queue", async (t) => {
  const { url } = await createFifo(t);
  const attributes = await attributesOf(url);
  assert.equal(attributes.FifoQueue, "true");
  assert.equal(attributes.ContentBasedDeduplication, "false");
  assert.equal(attributes.DeduplicationScope, "queue");
  assert.equal(attributes.FifoThroughputLimit, "perQueue");
});

test("only the attributes asked for, none without names", async (t) => {
  const { url } = await createQueue(t);
  assert.deepEqual(await attributesOf(url, ["DelaySeconds"]), { DelaySeconds: "0" });
  assert.equal((await sqs.getQueueAttributes({ QueueUrl: url })).Attributes, undefined);
});

test("SetQueueAttributes changes what it names", async (t) => {
  const { url } = await createQueue(t, { Attributes: { DelaySeconds: "3" } });
  const changed = {
    VisibilityTimeout: "43200",
    MaximumMessageSize: "1024",
    MessageRetentionPeriod: "1209600",
    ReceiveMessageWaitTimeSeconds: "20",
  };
  await set(url, changed);
  assert.deepEqual(await attributesOf(url, [...Object.keys(changed), "DelaySeconds"]), { ...changed, DelaySeconds: "3" });
});

test("values out of range are InvalidAttributeValue", async (t) => {
  const { url } = await createQueue(t);
  for (const [name, value] of Object.entries({
    VisibilityTimeout: "43201",
    MaximumMessageSize: "1023",
    MessageRetentionPeriod: "59",
    DelaySeconds: "901",
    ReceiveMessageWaitTimeSeconds: "21",
  })) {
    await rejectsWith(InvalidAttributeValue, set(url, { [name]: value }));
  }
});

test("unknown attribute names are InvalidAttributeName", async (t) => {
  const { url } = await createQueue(t);
  await rejectsWith(InvalidAttributeName, set(url, { Foobar: "1" }));
  await rejectsWith(InvalidAttributeName, attributesOf(url, ["Foobar"]), /Unknown Attribute Foobar/);
  await rejectsWith(InvalidAttributeName, sqs.createQueue({ QueueName: unique(), Attributes: { Foobar: "1" } }));
});

test("a queue's type can't change", async (t) => {
  const { url } = await createQueue(t);
  await rejectsWith(InvalidAttributeName, set(url, { FifoQueue: "true" }), /Unknown Attribute FifoQueue/);
  const { url: fifo } = await createFifo(t);
  await rejectsWith(InvalidAttributeValue, set(fifo, { FifoQueue: "false" }), /Modifying queue type is not supported/);
});

test("the .fifo suffix and FifoQueue must agree", async () => {
  await rejectsWithCode("InvalidParameterValue", sqs.createQueue({ QueueName: `${unique()}.fifo` }));
  await rejectsWithCode(
    "InvalidParameterValue",
    sqs.createQueue({ QueueName: unique(), Attributes: { FifoQueue: "true" } }),
  );
});

test("an empty RedrivePolicy or Policy removes it", async (t) => {
  const { arn } = await createQueue(t);
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: arn, maxReceiveCount: "3" });
  const { url } = await createQueue(t, { Attributes: { RedrivePolicy } });
  const Policy = JSON.stringify({ Version: "2012-10-17", Statement: [] });
  await set(url, { Policy });

  const before = await attributesOf(url);
  assert.equal(JSON.parse(before.RedrivePolicy).deadLetterTargetArn, arn);
  assert.equal(Number(JSON.parse(before.RedrivePolicy).maxReceiveCount), 3);
  assert.deepEqual(JSON.parse(before.Policy), JSON.parse(Policy));

  await set(url, { RedrivePolicy: "", Policy: "" });
  const after = await attributesOf(url);
  assert.ok(!("RedrivePolicy" in after) && !("Policy" in after));
});

test("a KMS key turns managed encryption off", async (t) => {
  const { url } = await createQueue(t);
  await set(url, { KmsMasterKeyId: "alias/mine" });
  const attributes = await attributesOf(url);
  assert.equal(attributes.KmsMasterKeyId, "alias/mine");
  assert.equal(attributes.KmsDataKeyReusePeriodSeconds, "300");
  assert.equal(attributes.SqsManagedSseEnabled, "false");
  await set(url, { KmsMasterKeyId: "" });
  assert.equal((await attributesOf(url)).SqsManagedSseEnabled, "false", "stays off");
});

test("the counts follow the messages", async (t) => {
  const { url } = await createQueue(t);
  for (const body of ["a", "b", "c"]) await send(url, body);
  await send(url, "later", { DelaySeconds: 60 });
  await receiveOne(url);
  const attributes = await attributesOf(url);
  assert.equal(attributes.ApproximateNumberOfMessages, "2");
  assert.equal(attributes.ApproximateNumberOfMessagesNotVisible, "1");
  assert.equal(attributes.ApproximateNumberOfMessagesDelayed, "1");
});

test("attributes of a missing queue", async () => {
  await rejectsWith(QueueDoesNotExist, sqs.getQueueAttributes({ QueueUrl: unique(), AttributeNames: ["All"] }));
});
