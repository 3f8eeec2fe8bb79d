// Which address a request goes to, and which queue a URL means there.
import { test } from "node:test";
import { QueueDoesNotExist } from "@aws-sdk/client-sqs";
import { assert, client, createQueue, endpoint, receiveOne, rejectsWith, send, unique } from "./helpers.js";

const host = new URL(endpoint).host;
const elsewhere = "http://sqs.us-east-1.invalid:1";
const sendBy = (by, url, body) => by.sendMessage({ QueueUrl: url, MessageBody: body });

/** A client configured by the environment alone, as the SDK reads it on the first call. */
async function withEnvironmentEndpoint(t, value, options) {
  const before = process.env.AWS_ENDPOINT_URL_SQS;
  process.env.AWS_ENDPOINT_URL_SQS = value;
  t.after(() => {
    if (before === undefined) delete process.env.AWS_ENDPOINT_URL_SQS;
    else process.env.AWS_ENDPOINT_URL_SQS = before;
  });
  return client({ endpoint: undefined, ...options });
}

test("useQueueUrlAsEndpoint: the queue's URL alone finds the server", async (t) => {
  const { url } = await createQueue(t);
  const warnings = [];
  const logger = { warn: (text) => warnings.push(text), debug() {}, info() {}, error() {}, trace() {} };
  const byUrl = client({ endpoint: undefined, useQueueUrlAsEndpoint: true, logger });
  await sendBy(byUrl, url, "by queue URL");
  assert.equal((await receiveOne(url)).Body, "by queue URL");
  assert.match(String(warnings[0]), /using QueueUrl host as endpoint/);
});

test("useQueueUrlAsEndpoint off: the configured endpoint, whatever host the URL has", async (t) => {
  const { url } = await createQueue(t);
  const foreign = elsewhere + new URL(url).pathname;
  const byEndpoint = await withEnvironmentEndpoint(t, endpoint, { useQueueUrlAsEndpoint: false });
  await sendBy(byEndpoint, foreign, "by endpoint");
  assert.equal((await receiveOne(url)).Body, "by endpoint");
});

test("an explicit endpoint goes before the queue's URL", async (t) => {
  const { url } = await createQueue(t);
  await sendBy(client(), elsewhere + new URL(url).pathname, "explicit");
  assert.equal((await receiveOne(url)).Body, "explicit");
});

test("a queue is understood by every form of its URL", async (t) => {
  const { url, name } = await createQueue(t);
  const path = new URL(url).pathname;
  const account = path.split("/")[1];
  for (const form of [
    name,
    `http://${host}${path}`,
    `http://sqs.us-east-1.${host}${path}`,
    `http://us-east-1.queue.${host}${path}`,
    `http://queue.${host}${path}`,
    `http://${host}/queue/us-east-1/${account}/${name}`,
    `https://sqs.us-east-1.amazonaws.com${path}`,
  ]) {
    await send(form, form);
    assert.equal((await receiveOne(url)).Body, form);
  }
});

test("queue URLs carry the host that the request came by", async (t) => {
  const { name, url } = await createQueue(t);
  const named = new URL(endpoint);
  named.hostname = named.hostname === "localhost" ? "127.0.0.1" : "localhost";
  const byOther = client({ endpoint: named.origin });
  const { QueueUrl } = await byOther.getQueueUrl({ QueueName: name });
  assert.equal(new URL(QueueUrl).origin, named.origin);
  const { QueueUrls } = await byOther.listQueues({ QueueNamePrefix: name });
  assert.deepEqual(QueueUrls, [QueueUrl]);
  await sendBy(byOther, QueueUrl, "same queue");
  assert.equal((await receiveOne(url)).Body, "same queue");
});

test("regions don't see each other's queues", async (t) => {
  const { name } = await createQueue(t);
  const far = client({ region: "eu-west-1" });
  await rejectsWith(QueueDoesNotExist, far.getQueueUrl({ QueueName: name }));
  const { arn } = await createQueue(t, { name, by: far });
  assert.match(arn, /^arn:aws:sqs:eu-west-1:/);
});

test("a 12-digit access key is an account of its own", async (t) => {
  const { name } = await createQueue(t);
  const other = client({ credentials: { accessKeyId: "123456789012", secretAccessKey: "test" } });
  await rejectsWith(QueueDoesNotExist, other.getQueueUrl({ QueueName: name }));
  const { url, arn } = await createQueue(t, { name: unique(), by: other });
  assert.match(new URL(url).pathname, /^\/123456789012\//);
  assert.match(arn, /^arn:aws:sqs:us-east-1:123456789012:/);
});
