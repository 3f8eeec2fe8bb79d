// Making, finding, listing and deleting queues.
import { test } from "node:test";
import { QueueDoesNotExist, QueueNameExists, paginateListQueues } from "@aws-sdk/client-sqs";
import { arnOf, assert, createQueue, endpoint, receiveOne, rejectsWith, rejectsWithCode, send, sqs, unique } from "./helpers.js";

test("a queue's URL is the endpoint, an account and the name", async (t) => {
  const { url, name } = await createQueue(t);
  const { origin, pathname } = new URL(url);
  assert.equal(origin, new URL(endpoint).origin);
  assert.match(pathname, new RegExp(`^/\\d{12}/${name}$`));
});

test("GetQueueUrl answers the same URL, which works as it is", async (t) => {
  const { url, name } = await createQueue(t);
  const { QueueUrl } = await sqs.getQueueUrl({ QueueName: name });
  assert.equal(QueueUrl, url);
  await send(QueueUrl, "through the looked-up URL");
  assert.equal((await receiveOne(url)).Body, "through the looked-up URL");
});

test("the ARN names region, account and queue", async (t) => {
  const { url, name } = await createQueue(t);
  const account = new URL(url).pathname.split("/")[1];
  assert.equal(await arnOf(url), `arn:aws:sqs:us-east-1:${account}:${name}`);
});

test("creating again with equal attributes or a subset answers the same URL", async (t) => {
  const Attributes = { VisibilityTimeout: "41", DelaySeconds: "2" };
  const { url, name } = await createQueue(t, { Attributes });
  for (const again of [Attributes, { DelaySeconds: "2" }, undefined]) {
    assert.equal((await sqs.createQueue({ QueueName: name, Attributes: again })).QueueUrl, url);
  }
});

test("creating again with another value is QueueNameExists", async (t) => {
  const { name } = await createQueue(t, { Attributes: { VisibilityTimeout: "41" } });
  await rejectsWith(
    QueueNameExists,
    sqs.createQueue({ QueueName: name, Attributes: { VisibilityTimeout: "42" } }),
    /already exists with the same name and a different value for attribute VisibilityTimeout/,
  );
});

test("names that no queue can have", async () => {
  for (const name of ["with space", "x".repeat(81), "dot.inside", "exclaim!"]) {
    await rejectsWithCode("InvalidParameterValue", sqs.createQueue({ QueueName: name }));
  }
});

test("the longest name that a queue can have", async (t) => {
  const name = unique().padEnd(80, "_");
  const { url } = await createQueue(t, { name });
  assert.ok(url.endsWith(`/${name}`));
});

test("a deleted queue is gone", async (t) => {
  const { url, name } = await createQueue(t);
  await sqs.deleteQueue({ QueueUrl: url });
  await rejectsWith(QueueDoesNotExist, sqs.getQueueUrl({ QueueName: name }), /The specified queue does not exist/);
  await rejectsWith(QueueDoesNotExist, send(url, "too late"));
  await rejectsWith(QueueDoesNotExist, sqs.receiveMessage({ QueueUrl: url }));
});

test("ListQueues by prefix, all at once and by pages", async (t) => {
  const prefix = unique("js-list");
  const urls = [];
  for (let i = 0; i < 5; i++) urls.push((await createQueue(t, { name: `${prefix}-${i}` })).url);

  const all = await sqs.listQueues({ QueueNamePrefix: prefix });
  assert.deepEqual(all.QueueUrls.toSorted(), urls);
  assert.equal(all.NextToken, undefined, "no token without MaxResults");

  const pages = [];
  for await (const page of paginateListQueues({ client: sqs, pageSize: 2 }, { QueueNamePrefix: prefix })) {
    pages.push(page.QueueUrls ?? []);
  }
  assert.deepEqual(pages.flat().toSorted(), urls);
  assert.ok(pages.length >= 3 && pages.every((page) => page.length <= 2), "pages of at most two");
});

test("ListQueues that finds nothing has no QueueUrls", async () => {
  assert.equal((await sqs.listQueues({ QueueNamePrefix: unique("js-none") })).QueueUrls, undefined);
});

test("PurgeQueue removes visible, delayed and in-flight messages", async (t) => {
  const { url } = await createQueue(t, { Attributes: { VisibilityTimeout: "1" } });
  await send(url, "in flight");
  await receiveOne(url);
  await send(url, "visible");
  await send(url, "delayed", { DelaySeconds: 1 });
  await sqs.purgeQueue({ QueueUrl: url });
  assert.deepEqual((await sqs.receiveMessage({ QueueUrl: url, WaitTimeSeconds: 2 })).Messages, undefined);
});
