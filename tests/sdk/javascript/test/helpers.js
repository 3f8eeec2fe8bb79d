// What every test file here shares: a client, queues that clean up after themselves,
// and a few ways to wait for messages and to expect errors.
import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { SQS, SQSServiceException } from "@aws-sdk/client-sqs";

export { assert, sleep };

export const endpoint = process.env.LCLQ_ENDPOINT;
if (!endpoint) throw new Error("LCLQ_ENDPOINT must name a running server, e.g. http://127.0.0.1:9324");

export const credentials = { accessKeyId: "test", secretAccessKey: "test" };

/** A client of the server under test; options override the defaults. */
export const client = (options = {}) =>
  new SQS({ endpoint, region: "us-east-1", credentials, maxAttempts: 1, ...options });

export const sqs = client();

export const unique = (prefix = "js") => `${prefix}-${randomUUID()}`;

/** Creates a queue that is deleted when test `t` ends. */
export async function createQueue(t, { Attributes, tags, suffix = "", name = unique() + suffix, by = sqs } = {}) {
  const { QueueUrl: url } = await by.createQueue({ QueueName: name, Attributes, tags });
  t.after(() => by.deleteQueue({ QueueUrl: url }).catch(() => {}));
  return { url, name, arn: await arnOf(url, by) };
}

export const createFifo = (t, Attributes = {}) =>
  createQueue(t, { suffix: ".fifo", Attributes: { FifoQueue: "true", ...Attributes } });

export const attributesOf = async (url, names = ["All"], by = sqs) =>
  (await by.getQueueAttributes({ QueueUrl: url, AttributeNames: names })).Attributes;

export const arnOf = async (url, by = sqs) => (await attributesOf(url, ["QueueArn"], by)).QueueArn;

export const send = (url, body, more = {}) => sqs.sendMessage({ QueueUrl: url, MessageBody: body, ...more });

/** One receive of up to ten messages with everything that comes with them. */
export async function receive(url, more = {}) {
  const { Messages = [] } = await sqs.receiveMessage({
    QueueUrl: url,
    MaxNumberOfMessages: 10,
    MessageAttributeNames: ["All"],
    MessageSystemAttributeNames: ["All"],
    ...more,
  });
  return Messages;
}

/** Receives until `count` messages have come. */
export async function receiveExactly(url, count, more = {}) {
  const got = [];
  const giveUp = Date.now() + 10_000;
  while (got.length < count && Date.now() < giveUp) {
    got.push(...(await receive(url, { WaitTimeSeconds: 1, ...more })));
  }
  assert.equal(got.length, count, "number of messages received");
  return got;
}

export async function receiveOne(url, more = {}) {
  return (await receiveExactly(url, 1, { MaxNumberOfMessages: 1, ...more }))[0];
}

export const remove = (url, message) => sqs.deleteMessage({ QueueUrl: url, ReceiptHandle: message.ReceiptHandle });

export const hide = (url, message, seconds) =>
  sqs.changeMessageVisibility({ QueueUrl: url, ReceiptHandle: message.ReceiptHandle, VisibilityTimeout: seconds });

export const bodies = (messages) => messages.map((message) => message.Body);

/** Expects a rejection with an exception class that the SDK models. */
export async function rejectsWith(exceptionClass, call, message, status = 400) {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof exceptionClass, `${error.name} (${error.message}) is not a ${exceptionClass.name}`);
    assert.equal(error.name, exceptionClass.name);
    assert.equal(error.$metadata.httpStatusCode, status);
    if (message) assert.match(error.message, message);
    return true;
  });
}

/** Expects a rejection with an error code that the SDK has no class for. */
export async function rejectsWithCode(code, call, message) {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof SQSServiceException, `${error.name}: ${error.message}`);
    assert.equal(error.Error?.Code, code, `${error.name}: ${error.message}`);
    assert.equal(error.$metadata.httpStatusCode, 400);
    if (message) assert.match(error.message, message);
    return true;
  });
}

/** Polls `probe` until it answers something true. */
export async function eventually(probe, what) {
  const giveUp = Date.now() + 10_000;
  for (;;) {
    const answer = await probe();
    if (answer) return answer;
    if (Date.now() > giveUp) assert.fail(`never came true: ${what}`);
    await sleep(50);
  }
}

export const md5 = (data) => createHash("md5").update(data).digest("hex");

/** The MD5 of message attributes as the service documents it. */
export function md5OfAttributes(attributes) {
  const hash = createHash("md5");
  const field = (data) => {
    const bytes = Buffer.from(data);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hash.update(length).update(bytes);
  };
  for (const name of Object.keys(attributes).sort()) {
    const { DataType, StringValue, BinaryValue } = attributes[name];
    field(name);
    field(DataType);
    hash.update(Buffer.of(DataType.startsWith("Binary") ? 2 : 1));
    field(DataType.startsWith("Binary") ? BinaryValue : StringValue);
  }
  return hash.digest("hex");
}
