// Fifty tests at once that all use the same names, each in a sandbox of its own.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { SQS } from "@aws-sdk/client-sqs";
import { PubSub } from "@google-cloud/pubsub";
import { ControlError, start } from "lclq";

const QUEUE_TESTS = 40;
const TOPIC_TESTS = 7;
const MESSAGES = 5;

async function enqueue(sqs, body, more) {
  const { QueueUrl } = await sqs.createQueue({ QueueName: "orders" });
  await sqs.sendMessage({ QueueUrl, MessageBody: body, ...more });
}

async function dequeue(sqs) {
  const { QueueUrl } = await sqs.createQueue({ QueueName: "orders" });
  const { Messages = [] } = await sqs.receiveMessage({ QueueUrl, MaxNumberOfMessages: 10 });
  for (const { ReceiptHandle } of Messages) await sqs.deleteMessage({ QueueUrl, ReceiptHandle });
  return Messages.map(({ Body }) => Body).sort();
}

describe("fifty at once", { concurrency: 50 }, () => {
  let server;

  before(async () => {
    server = await start();
  });
  after(() => server.stop());

  for (let number = 0; number < QUEUE_TESTS; number++) {
    test(`queue ${number} has what its test has sent`, async () => {
      const sandbox = server.sandbox();
      const sqs = new SQS(sandbox.aws);
      assert.deepEqual(await dequeue(sqs), []);
      const sent = Array.from({ length: MESSAGES }, (_, n) => `${number}/${n}`);
      for (const body of sent) await enqueue(sqs, body);
      assert.deepEqual(await dequeue(sqs), sent);
      await sandbox.reset();
      await assert.rejects(sqs.getQueueUrl({ QueueName: "orders" }), { name: "QueueDoesNotExist" });
    });
  }

  for (let number = 0; number < TOPIC_TESTS; number++) {
    test(`topic ${number} has what its test has published`, async () => {
      const pubsub = new PubSub(server.sandbox().google);
      const [topic] = await pubsub.createTopic("events");
      const [subscription] = await topic.createSubscription("events");
      const received = new Promise((resolve) => subscription.on("message", resolve));
      await topic.publishMessage({ data: Buffer.from(String(number)) });
      const message = await received;
      message.ack();
      assert.equal(message.data.toString(), String(number));
      await subscription.close();
      await pubsub.close();
    });
  }

  test("an hour passes at once", async () => {
    const own = await start();
    const sqs = new SQS(own.sandbox().aws);
    await enqueue(sqs, "later", { DelaySeconds: 900 });
    assert.deepEqual(await dequeue(sqs), []);
    await own.clock.advance(3_600_000);
    assert.deepEqual(await dequeue(sqs), ["later"]);
    await own.stop();
  });

  test("the SDK tries again", async () => {
    const own = await start();
    const sqs = new SQS(own.sandbox().aws);
    const effect = { error: { code: "InternalFailure" } };
    const name = await own.faults.set({ dialect: "sqs", action: "SendMessage", times: 1, effect });
    await enqueue(sqs, "twice");
    const [rule] = await own.faults.list();
    assert.deepEqual([rule.name, rule.fired], [name, 1]);
    await own.faults.remove(name);
    assert.deepEqual(await own.faults.list(), []);
    await own.stop();
  });

  test("without controls the clock is refused", async () => {
    const own = await start({ testControls: false });
    await assert.rejects(own.clock.advance(1), ControlError);
    await own.stop();
    await own.stop();
    assert.match(own.log, /stopped/);
  });
});
