// What every test file here shares: clients, topics and subscriptions that clean up after
// themselves, and a few ways to wait for messages and to expect errors.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import pubsubLibrary from "@google-cloud/pubsub";

const { PubSub, v1 } = pubsubLibrary;
export { assert, pubsubLibrary as library, sleep };

if (!process.env.LCLQ_PUBSUB) throw new Error("LCLQ_PUBSUB must name a running server, e.g. 127.0.0.1:8085");
process.env.PUBSUB_EMULATOR_HOST = process.env.LCLQ_PUBSUB;
export const [host, port] = process.env.LCLQ_PUBSUB.split(":");

/** Bounds each wait for something that the server should do soon. */
export const PATIENCE_MS = 60_000;

export const unique = (prefix = "js") => `${prefix}-${randomUUID()}`;

/** Each test file is a process, and has a project of its own. */
export const project = unique("js");
export const pubsub = new PubSub({ projectId: project });

/** The generated clients, for what the library doesn't offer by itself. */
const config = await pubsub.getClientConfig();
export const publisher = new v1.PublisherClient(config);
export const subscriber = new v1.SubscriberClient(config);
export const schemas = new v1.SchemaServiceClient(config);

after(() => Promise.all([pubsub.close(), publisher.close(), subscriber.close(), schemas.close()]));

export const named = (kind, id) => `projects/${project}/${kind}/${id}`;
export const leaf = (name) => name.split("/").pop();
export const NOT_FOUND = 5;
export const ALREADY_EXISTS = 6;
export const INVALID_ARGUMENT = 3;
export const FAILED_PRECONDITION = 9;

/** Creates a topic that is deleted when test `t` ends. */
export async function newTopic(t, settings = {}, by = pubsub) {
  const [topic] = await by.createTopic({ name: `projects/${by.projectId}/topics/${unique("topic")}`, ...settings });
  t.after(() => topic.delete().catch(() => {}));
  return topic;
}

/** Creates a subscription that is closed and deleted when test `t` ends. */
export async function subscribe(t, topic, settings = {}) {
  const [subscription] = await topic.createSubscription(unique("sub"), settings);
  t.after(async () => {
    await subscription.close().catch(() => {});
    await subscription.delete().catch(() => {});
  });
  return subscription;
}

export async function newPair(t, settings = {}) {
  const topic = await newTopic(t);
  return { topic, subscription: await subscribe(t, topic, settings) };
}

/** Publishes messages (or texts) in one request and answers their ids. */
export async function publish(topic, ...messages) {
  const [{ messageIds }] = await publisher.publish({
    topic: topic.name,
    messages: messages.map((message) =>
      typeof message === "string" ? { data: Buffer.from(message) } : message.text ? keyed(message) : message,
    ),
  });
  assert.equal(messageIds.length, messages.length);
  return messageIds;
}

const keyed = ({ text, ...more }) => ({ data: Buffer.from(text), ...more });

/** One unary Pull. */
export async function pull(subscription, maxMessages = 100, more = {}, options = {}) {
  const [{ receivedMessages = [] }] = await subscriber.pull(
    { subscription: subscription.name, maxMessages, ...more },
    options,
  );
  return receivedMessages;
}

/** What there is now, without waiting. */
export const pullNow = (subscription, maxMessages = 100) =>
  pull(subscription, maxMessages, { returnImmediately: true });

export const isEmpty = async (subscription, why) => assert.deepEqual(texts(await pullNow(subscription)), [], why);

/** Pulls until `count` messages have come. */
export async function pullExactly(subscription, count) {
  const got = [];
  const giveUp = Date.now() + PATIENCE_MS;
  while (got.length < count) {
    assert.ok(Date.now() < giveUp, `${got.length} of ${count} messages came`);
    got.push(...(await pull(subscription, count - got.length)));
  }
  return got;
}

export const pullOne = async (subscription) => (await pullExactly(subscription, 1))[0];

export const ack = (subscription, ...messages) =>
  subscriber.acknowledge({ subscription: subscription.name, ackIds: messages.map(({ ackId }) => ackId) });

export const modify = (subscription, ackDeadlineSeconds, ...messages) =>
  subscriber.modifyAckDeadline({
    subscription: subscription.name,
    ackDeadlineSeconds,
    ackIds: messages.map(({ ackId }) => ackId),
  });

export const nack = (subscription, ...messages) => modify(subscription, 0, ...messages);

/** The texts of messages, pulled or streamed. */
export const texts = (messages) => messages.map((message) => (message.message ?? message).data.toString());

/** Distinct texts in order. */
export const numbered = (count) => Array.from({ length: count }, (_, i) => `message ${String(i).padStart(4, "0")}`);

/** Starts a streaming subscriber; messages must be acked by the test. */
export function listen(subscription) {
  const queue = mailbox();
  const errors = mailbox();
  subscription.on("error", errors.put).on("message", queue.put);
  return {
    waiting: queue.items,
    next: (what = "a message") => queue.next(what),
    failure: () => errors.next("an error of the stream"),
    /** Takes and acks `count` messages and answers their texts. */
    async take(count) {
      const got = [];
      for (let i = 0; i < count; i++) {
        const message = await queue.next(`message ${i + 1} of ${count}`);
        message.ack();
        got.push(message.data.toString());
      }
      return got;
    },
  };
}

/** Items that are put here can be waited for, one by one. */
export function mailbox() {
  const items = [];
  let wake = () => {};
  return {
    items,
    put: (item) => {
      items.push(item);
      wake();
    },
    async next(what) {
      const giveUp = Date.now() + PATIENCE_MS;
      while (items.length === 0) {
        const left = giveUp - Date.now();
        assert.ok(left > 0, `never came: ${what}`);
        const timer = new AbortController();
        await Promise.race([
          new Promise((resolve) => (wake = resolve)),
          sleep(left, undefined, { signal: timer.signal }).catch(() => {}),
        ]);
        timer.abort();
      }
      return items.shift();
    },
  };
}

/** Expects a rejection with a gRPC code and with each of the texts in its message. */
export async function rejects(call, code, ...parts) {
  await assert.rejects(call, (error) => {
    assert.equal(error.code, code, `${error.code}: ${error.message}`);
    for (const part of parts) assert.ok(error.message.includes(part), `"${error.message}" lacks "${part}"`);
    return true;
  });
}

export const notFound = (call, id) => rejects(call, NOT_FOUND, `Resource not found (resource=${id}).`);

export const alreadyExists = (call, id) =>
  rejects(call, ALREADY_EXISTS, `Resource already exists in the project (resource=${id}).`);

export const invalid = (call, ...parts) => rejects(call, INVALID_ARGUMENT, ...parts);

/** Polls `probe` until it answers something true. */
export async function eventually(probe, what) {
  const giveUp = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await probe();
    if (answer) return answer;
    if (Date.now() > giveUp) assert.fail(`never came true: ${what}`);
    await sleep(50);
  }
}

/** A duration or time of the API in seconds. */
export const seconds = (value) => value && Number(value.seconds) + value.nanos / 1e9;

/** Options for a describe() whose tests mostly wait, and so run at once. */
export const together = { concurrency: 12, timeout: 150_000 };
