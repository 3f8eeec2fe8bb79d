// Subscriptions: creating, reading, updating, listing and deleting, and what is refused.
import { describe, test } from "node:test";
import {
  INVALID_ARGUMENT, alreadyExists, assert, invalid, isEmpty, leaf, library, listen, named, newPair, newTopic, notFound,
  publish, pubsub, pull, pullOne, rejects, seconds, subscribe, subscriber, together, unique,
} from "./helpers.js";

const DAY = 86_400;

describe("subscriptions", together, () => {
  test("edge case 25: defaults read back", async (t) => {
    const { topic, subscription } = await newPair(t);
    const [metadata] = await subscription.getMetadata();
    assert.equal(metadata.topic, topic.name);
    assert.equal(metadata.ackDeadlineSeconds, 10);
    assert.equal(seconds(metadata.messageRetentionDuration), 7 * DAY);
    assert.equal(seconds(metadata.expirationPolicy.ttl), 31 * DAY);
    assert.equal(metadata.state, "ACTIVE");
    assert.equal(metadata.pushConfig.pushEndpoint, "");
    for (const flag of ["retainAckedMessages", "enableMessageOrdering", "enableExactlyOnceDelivery", "detached"]) {
      assert.equal(metadata[flag], false, flag);
    }
    assert.equal(metadata.deadLetterPolicy, null);
    assert.equal(metadata.retryPolicy, null);
  });

  test("every setting reads back", async (t) => {
    const dead = await newTopic(t);
    const topic = await newTopic(t, { messageRetentionDuration: { seconds: 2 * DAY } });
    const subscription = await subscribe(t, topic, {
      ackDeadlineSeconds: 42,
      retainAckedMessages: true,
      messageRetentionDuration: DAY,
      labels: { team: "mail" },
      enableMessageOrdering: true,
      expirationPolicy: { ttl: { seconds: 3 * DAY } },
      filter: 'attributes.kind = "a"',
      deadLetterPolicy: { deadLetterTopic: dead.name, maxDeliveryAttempts: 7 },
      retryPolicy: { minimumBackoff: { seconds: 2 }, maximumBackoff: { seconds: 30 } },
      enableExactlyOnceDelivery: true,
    });
    const [metadata] = await subscription.getMetadata();
    assert.equal(metadata.ackDeadlineSeconds, 42);
    assert.equal(metadata.retainAckedMessages, true);
    assert.equal(seconds(metadata.messageRetentionDuration), DAY);
    assert.deepEqual(metadata.labels, { team: "mail" });
    assert.equal(metadata.enableMessageOrdering, true);
    assert.equal(seconds(metadata.expirationPolicy.ttl), 3 * DAY);
    assert.equal(metadata.filter, 'attributes.kind = "a"');
    assert.equal(metadata.deadLetterPolicy.deadLetterTopic, dead.name);
    assert.equal(metadata.deadLetterPolicy.maxDeliveryAttempts, 7);
    assert.equal(seconds(metadata.retryPolicy.minimumBackoff), 2);
    assert.equal(seconds(metadata.retryPolicy.maximumBackoff), 30);
    assert.equal(metadata.enableExactlyOnceDelivery, true);
    assert.equal(seconds(metadata.topicMessageRetentionDuration), 2 * DAY);
  });

  test("defaults inside policies, and edge case 26", async (t) => {
    const dead = await newTopic(t);
    const { subscription } = await newPair(t, {
      deadLetterPolicy: { deadLetterTopic: dead.name },
      retryPolicy: {},
      expirationPolicy: {},
    });
    const [metadata] = await subscription.getMetadata();
    assert.equal(metadata.deadLetterPolicy.maxDeliveryAttempts, 5);
    assert.equal(seconds(metadata.retryPolicy.minimumBackoff), 10);
    assert.equal(seconds(metadata.retryPolicy.maximumBackoff), 600);
    assert.equal(metadata.expirationPolicy.ttl, null, "never");
  });

  test("a subscription exists once", async (t) => {
    const { topic, subscription } = await newPair(t);
    const id = leaf(subscription.name);
    assert.deepEqual(await subscription.exists(), [true]);
    await alreadyExists(topic.createSubscription(id), id);
    await subscription.delete();
    assert.deepEqual(await subscription.exists(), [false]);
    await notFound(subscription.delete(), id);
    await notFound(subscription.getMetadata(), id);
    await notFound(pull(subscription), id);
    const failure = await listen(pubsub.subscription(id)).failure();
    assert.equal(failure.code, 5, failure.message);
    await publish(topic, "before");
    const [again] = await pubsub.subscription(id, { topic }).get({ autoCreate: true });
    await isEmpty(again, "nothing from before it was made");
    const missing = unique("topic");
    await notFound(pubsub.createSubscription(missing, unique("sub")), missing);
  });

  test("refused settings", async (t) => {
    const topic = await newTopic(t);
    const refused = (settings, ...parts) => invalid(topic.createSubscription(unique("sub"), settings), ...parts);
    await refused({ ackDeadlineSeconds: 9 },
      "Invalid ack deadline given (ack_deadline=9). The ack deadline must be between 10 and 600 seconds.");
    await refused({ ackDeadlineSeconds: 601 }, "(ack_deadline=601)");
    await refused({ messageRetentionDuration: 599 },
      "is out of bounds. You passed 9m59s in the request, but the value must be between 10m and 744h.");
    await refused({ messageRetentionDuration: 32 * DAY });
    await refused({ expirationPolicy: { ttl: { seconds: DAY - 1 } } });
    await refused({ deadLetterPolicy: { deadLetterTopic: topic.name, maxDeliveryAttempts: 4 } });
    await refused({ deadLetterPolicy: { deadLetterTopic: topic.name, maxDeliveryAttempts: 101 } });
    await refused({ retryPolicy: { maximumBackoff: { seconds: 601 } } });
    await refused({ retryPolicy: { minimumBackoff: { seconds: 20 }, maximumBackoff: { seconds: 15 } } },
      "The specified maximum_backoff", "cannot be smaller than minimum_backoff");
    await refused({ labels: { Capital: "x" } });
    await refused({ filter: "attributes:a AND attributes:b OR attributes:c" });
    await invalid(topic.createSubscription("1x"), `Invalid resource name given (name=${named("subscriptions", "1x")}).`);
    assert.deepEqual((await topic.getSubscriptions())[0], [], "none was made");
  });

  test("settings change by setMetadata", async (t) => {
    const dead = await newTopic(t);
    const { subscription } = await newPair(t, { labels: { old: "1" } });
    await subscription.setMetadata({
      ackDeadlineSeconds: 33,
      retainAckedMessages: true,
      messageRetentionDuration: 3600,
      deadLetterPolicy: { deadLetterTopic: dead.name, maxDeliveryAttempts: 9 },
      retryPolicy: { minimumBackoff: { seconds: 1 }, maximumBackoff: { seconds: 9 } },
      enableExactlyOnceDelivery: true,
    });
    const [metadata] = await subscription.getMetadata();
    assert.equal(metadata.ackDeadlineSeconds, 33);
    assert.equal(metadata.retainAckedMessages, true);
    assert.equal(seconds(metadata.messageRetentionDuration), 3600);
    assert.equal(metadata.deadLetterPolicy.maxDeliveryAttempts, 9);
    assert.equal(seconds(metadata.retryPolicy.maximumBackoff), 9);
    assert.equal(metadata.enableExactlyOnceDelivery, true);
    assert.deepEqual(metadata.labels, { old: "1" }, "what the mask does not name stays");
    const [reset] = await subscription.setMetadata({ deadLetterPolicy: null, retryPolicy: null, labels: {} });
    assert.equal(reset.deadLetterPolicy, null);
    assert.equal(reset.retryPolicy, null);
    assert.deepEqual(reset.labels, {});
  });

  test("refused updates", async (t) => {
    const { subscription } = await newPair(t, { filter: "attributes:a" });
    const [before] = await subscription.getMetadata();
    await invalid(subscriber.updateSubscription({ subscription: { name: subscription.name } }),
      "The update_mask in the UpdateSubscriptionRequest must be set, and must contain a non-empty paths list.");
    await invalid(subscription.setMetadata({ enableMessageOrdering: true }),
      "the 'enable_message_ordering' field in the Subscription is not mutable.");
    await invalid(subscription.setMetadata({ filter: before.filter }));
    await invalid(subscription.setMetadata({ ackDeadlineSeconds: 20, messageRetentionDuration: 1 }));
    assert.deepEqual((await subscription.getMetadata())[0], before);
  });

  test("lists, all at once, by pages and as a stream", async () => {
    const own = new library.PubSub({ projectId: unique("list") });
    const [topic] = await own.createTopic("topic");
    assert.deepEqual((await own.getSubscriptions())[0], []);
    const want = [];
    for (let i = 0; i < 5; i++) want.push((await topic.createSubscription(`sub-${i}`))[0].name);
    const names = (subscriptions) => subscriptions.map(({ name }) => name).sort();
    assert.deepEqual(names((await own.getSubscriptions())[0]), want);
    assert.deepEqual(names((await topic.getSubscriptions())[0]), want);
    const [page, next] = await own.getSubscriptions({ pageSize: 3, autoPaginate: false });
    assert.equal(page.length, 3);
    const [rest] = await own.getSubscriptions({ ...next, autoPaginate: false });
    assert.deepEqual(names([...page, ...rest]), want);
    const streamed = [];
    for await (const subscription of own.getSubscriptionsStream()) streamed.push(subscription);
    assert.deepEqual(names(streamed), want);
    await own.close();
  });

  test("edge cases 3 and 4: each subscription gets each message since its birth", async (t) => {
    const { topic, subscription } = await newPair(t);
    await publish(topic, "early");
    const second = await subscribe(t, topic);
    await publish(topic, "late");
    assert.deepEqual((await listen(subscription).take(2)).sort(), ["early", "late"]);
    assert.equal((await pullOne(second)).message.data.toString(), "late");
    await isEmpty(second, "nothing from before its birth");
  });

  test("a subscription needs a topic's name", async () => {
    await rejects(subscriber.createSubscription({ name: named("subscriptions", unique("sub")) }), INVALID_ARGUMENT);
  });
});
