// What every example here does: a topic with subscriptions that goes when the example ends, and receiving.
import { once } from "node:events";
import { PubSub } from "@google-cloud/pubsub";

// Goes to PUBSUB_EMULATOR_HOST, where that is set, with the project that GOOGLE_CLOUD_PROJECT names.
export const pubsub = new PubSub();

/** Runs `work` with a new topic, which is deleted afterwards with its subscriptions. */
export async function withTopic(settings, work) {
  const [topic] = await pubsub.createTopic(settings);
  try {
    await work(topic);
  } finally {
    const [subscriptions] = await topic.getSubscriptions();
    for (const subscription of subscriptions) await subscription.delete();
    await topic.delete();
  }
}

export async function subscribe(topic, name, options = {}) {
  const [subscription] = await topic.createSubscription(name, options);
  return subscription;
}

/** Publishes messages, and waits until the service has them all. */
export const publish = (topic, texts, attributes = {}) =>
  Promise.all(texts.map((text) => topic.publishMessage({ data: Buffer.from(text), attributes })));

/** Receives so many messages by a stream. */
export async function receive(subscription, count, ack = (message) => message.ack()) {
  const messages = [];
  const signal = AbortSignal.timeout(20_000);
  const acked = [];
  subscription.on("message", (message) => {
    messages.push(message);
    acked.push(ack(message));
    if (messages.length === count) subscription.emit("all");
  });
  await once(subscription, "all", { signal });
  await Promise.all(acked);
  subscription.removeAllListeners("message");
  await subscription.close();
  return messages;
}

export const texts = (messages) => messages.map((message) => message.data.toString());
