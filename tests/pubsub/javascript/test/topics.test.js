// Topics: creating, reading, updating, listing and deleting.
import { describe, test } from "node:test";
import {
  FAILED_PRECONDITION, NOT_FOUND, alreadyExists, assert, ack, invalid, isEmpty, library, leaf, listen, named, newPair,
  newTopic, notFound, project, publish, publisher, pubsub, pull, pullOne, rejects, seconds, subscribe, texts, together,
  unique,
} from "./helpers.js";

describe("topics", together, () => {
  test("a topic is made, read and deleted", async (t) => {
    const id = unique("topic");
    const topic = pubsub.topic(id);
    assert.deepEqual(await topic.exists(), [false]);
    await notFound(topic.get(), id);
    const [made, metadata] = await pubsub.createTopic({ name: named("topics", id), labels: { team: "mail" } });
    t.after(() => made.delete().catch(() => {}));
    assert.equal(made.name, named("topics", id));
    assert.deepEqual(metadata.labels, { team: "mail" });
    assert.deepEqual(await topic.exists(), [true]);
    assert.deepEqual((await topic.getMetadata())[0].labels, { team: "mail" });
    await alreadyExists(topic.create(), id);

    await topic.delete();
    assert.deepEqual(await topic.exists(), [false]);
    await notFound(topic.delete(), id);
    await notFound(topic.publishMessage({ data: Buffer.from("lost") }), id);
  });

  test("get makes a topic where it is asked to", async (t) => {
    const topic = pubsub.topic(unique("topic"));
    const [made] = await topic.get({ autoCreate: true });
    t.after(() => made.delete());
    assert.deepEqual(await topic.exists(), [true]);
  });

  test("settings change by setMetadata, and nothing else does", async (t) => {
    const topic = await newTopic(t, { labels: { old: "1" } });
    const [changed] = await topic.setMetadata({ messageRetentionDuration: { seconds: 1200 } });
    assert.equal(seconds(changed.messageRetentionDuration), 1200);
    assert.deepEqual(changed.labels, { old: "1" });
    await topic.setMetadata({ labels: { new: "2" } });
    const [metadata] = await topic.getMetadata();
    assert.deepEqual(metadata.labels, { new: "2" });
    assert.equal(seconds(metadata.messageRetentionDuration), 1200);
  });

  test("refused updates", async (t) => {
    const topic = await newTopic(t);
    await invalid(topic.setMetadata({ messageRetentionDuration: { seconds: 599 } }),
      "is out of bounds. You passed 9m59s in the request, but the value must be between 10m and 744h.");
    await invalid(topic.setMetadata({ labels: { Capital: "x" } }));
    await invalid(publisher.updateTopic({ topic: { name: topic.name } }),
      "The update_mask in the UpdateTopicRequest must be set, and must contain a non-empty paths list.");
    await invalid(publisher.updateTopic({ topic: { name: topic.name }, updateMask: { paths: ["nonsense"] } }));
    const id = unique("topic");
    await notFound(pubsub.topic(id).setMetadata({ labels: {} }), id);
  });

  test("names", async () => {
    for (const id of ["ab", "1abc", "goog-topic", "sp ace", "x".repeat(256)]) {
      await invalid(pubsub.createTopic(id), `Invalid resource name given (name=${named("topics", id)}).`,
        "Refer to https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names for more information.");
    }
    const id = `a-Z_0.9~+%-${unique()}`;
    const [topic] = await pubsub.createTopic(id);
    await topic.delete();
  });

  test("lists, all at once, by pages and as a stream", async () => {
    const own = new library.PubSub({ projectId: unique("list") });
    assert.deepEqual((await own.getTopics())[0], []);
    const want = [];
    for (let i = 0; i < 5; i++) want.push((await own.createTopic(`topic-${i}`))[0].name);
    const names = (topics) => topics.map(({ name }) => name).sort();
    assert.deepEqual(names((await own.getTopics())[0]), want);

    const paged = [];
    for (let query = { pageSize: 2, autoPaginate: false }; query; ) {
      const [topics, next] = await own.getTopics(query);
      assert.ok(topics.length <= 2);
      paged.push(...topics);
      query = next?.pageToken ? { ...next, autoPaginate: false } : null;
    }
    assert.deepEqual(names(paged), want);

    const streamed = [];
    for await (const topic of own.getTopicsStream()) streamed.push(topic);
    assert.deepEqual(names(streamed), want);
    await invalid(own.getTopics({ pageToken: "nonsense" }), "Invalid page token given (token=nonsense).");
    await own.close();
  });

  test("subscriptions and snapshots of a topic", async (t) => {
    const topic = await newTopic(t);
    const subscriptions = [await subscribe(t, topic), await subscribe(t, topic)];
    const [found] = await topic.getSubscriptions();
    assert.deepEqual(found.map(({ name }) => name).sort(), subscriptions.map(({ name }) => name).sort());
    const [snapshot] = await subscriptions[0].createSnapshot(unique("snap"));
    t.after(() => snapshot.delete());
    const [snapshots] = await publisher.listTopicSnapshots({ topic: topic.name });
    assert.deepEqual(snapshots, [snapshot.name]);
    const id = unique("topic");
    await notFound(publisher.listTopicSnapshots({ topic: named("topics", id) }), id);
    await notFound(pubsub.topic(id).getSubscriptions(), id);
  });

  test("edge case 24: a deleted topic keeps its subscriptions", async (t) => {
    const { topic, subscription } = await newPair(t);
    await publish(topic, "kept");
    await topic.delete();
    assert.equal((await subscription.getMetadata())[0].topic, "_deleted-topic_");
    const message = await pullOne(subscription);
    assert.deepEqual(texts([message]), ["kept"]);
    await ack(subscription, message);
    await topic.create();
    await publish(topic, "for nobody");
    await isEmpty(subscription, "a new topic of the same name is another topic");
  });

  test("detaching", async (t) => {
    const { topic, subscription } = await newPair(t);
    assert.deepEqual(await subscription.detached(), [false]);
    const stream = listen(subscription);
    await publish(topic, "before");
    await stream.take(1);
    await pubsub.detachSubscription(subscription.name);
    assert.deepEqual(await subscription.detached(), [true]);
    const failure = await stream.failure();
    assert.equal(failure.code, FAILED_PRECONDITION, failure.message);
    await rejects(pull(subscription), FAILED_PRECONDITION);
    assert.deepEqual((await topic.getSubscriptions())[0], []);
    const id = unique("sub");
    await notFound(pubsub.detachSubscription(id), id);
  });

  test("a client without a project of its own reaches others by full names", async (t) => {
    const topic = await newTopic(t);
    const other = new library.PubSub({ projectId: unique("other") });
    assert.deepEqual(await other.topic(topic.name).exists(), [true]);
    await rejects(other.topic(leaf(topic.name)).get(), NOT_FOUND);
    assert.equal(topic.name.split("/")[1], project);
    await other.close();
  });
});
