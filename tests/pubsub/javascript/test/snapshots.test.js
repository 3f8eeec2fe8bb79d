// Snapshots, and seeking to them and to a time.
import { describe, test } from "node:test";
import {
  FAILED_PRECONDITION, ack, alreadyExists, assert, invalid, isEmpty, leaf, library, listen, named, newPair, newTopic,
  notFound, publish, pubsub, pullExactly, pullOne, rejects, seconds, sleep, subscribe, subscriber, texts, together, unique,
} from "./helpers.js";

const DAY = 86_400;
const secondsFromNow = (time) => seconds(time) - Date.now() / 1000;

/** A time some seconds away. The library can only seek to whole seconds. */
const away = (moreSeconds) => new Date((Math.floor(Date.now() / 1000) + moreSeconds) * 1000);

async function snapshotOf(t, subscription) {
  const [snapshot] = await subscription.createSnapshot(unique("snap"));
  t.after(() => snapshot.delete().catch(() => {}));
  return snapshot;
}

describe("snapshots", together, () => {
  test("a snapshot is made, read, changed and deleted", async (t) => {
    const { topic, subscription } = await newPair(t);
    const snapshot = await snapshotOf(t, subscription);
    const id = leaf(snapshot.name);
    assert.equal(snapshot.metadata.topic, topic.name);
    const left = secondsFromNow(snapshot.metadata.expireTime);
    assert.ok(left > 7 * DAY - 3600 && left <= 7 * DAY + 60, `${left} s`);
    const [found] = await subscriber.getSnapshot({ snapshot: snapshot.name });
    assert.equal(found.topic, topic.name);
    const [changed] = await subscriber.updateSnapshot({
      snapshot: { name: snapshot.name, labels: { a: "b" } },
      updateMask: { paths: ["labels"] },
    });
    assert.deepEqual(changed.labels, { a: "b" });
    assert.deepEqual(changed.expireTime, found.expireTime);
    await invalid(subscriber.updateSnapshot({ snapshot: { name: snapshot.name } }),
      "The update_mask in the UpdateSnapshotRequest must be set");
    await alreadyExists(subscription.createSnapshot(id), id);
    await snapshot.delete();
    await notFound(snapshot.delete(), id);
    await notFound(subscription.seek(id), id);
    const missing = unique("sub");
    await notFound(pubsub.subscription(missing).createSnapshot(unique("snap")), missing);
  });

  test("a list", async () => {
    const own = new library.PubSub({ projectId: unique("list") });
    const [topic] = await own.createTopic("topic");
    const [subscription] = await topic.createSubscription("sub");
    const want = [];
    for (let i = 0; i < 3; i++) want.push((await subscription.createSnapshot(`snap-${i}`))[0].name);
    const names = (snapshots) => snapshots.map(({ name }) => name).sort();
    assert.deepEqual(names((await own.getSnapshots())[0]), want);
    const [page, next] = await own.getSnapshots({ pageSize: 2, autoPaginate: false });
    const [rest] = await own.getSnapshots({ ...next, autoPaginate: false });
    assert.deepEqual(names([...page, ...rest]), want);
    await own.close();
  });

  test("edge case 20: seeking to a snapshot", async (t) => {
    const { topic, subscription } = await newPair(t);
    await publish(topic, "acked before", "open", "open, acked later");
    const held = Object.fromEntries((await pullExactly(subscription, 3)).map((m) => [m.message.data.toString(), m]));
    await ack(subscription, held["acked before"]);
    const snapshot = await snapshotOf(t, subscription);
    await ack(subscription, held["open, acked later"]);
    await publish(topic, "after");
    await ack(subscription, await pullOne(subscription));
    await snapshot.seek();
    const want = ["after", "open", "open, acked later"];
    assert.deepEqual(texts(await pullExactly(subscription, 3)).sort(), want);
    await isEmpty(subscription, "nothing else");
    const other = await subscribe(t, topic);
    await other.seek(leaf(snapshot.name));
    assert.deepEqual((await listen(other).take(3)).sort(), want, "on another subscription of the topic");
  });

  test("edge case 19: seeking to a time", async (t) => {
    const { topic, subscription } = await newPair(t, { retainAckedMessages: true });
    const forgetful = await subscribe(t, topic);
    await publish(topic, "old");
    await sleep(2100); // So that a whole second lies between the two.
    const middle = away(0);
    await publish(topic, "new");
    await ack(subscription, ...(await pullExactly(subscription, 2)));
    await ack(forgetful, ...(await pullExactly(forgetful, 2)));

    await subscription.seek(middle);
    assert.deepEqual(texts(await pullExactly(subscription, 1)), ["new"]);
    await isEmpty(subscription, "only what came later");
    await subscription.seek(away(-3600));
    assert.deepEqual(texts(await pullExactly(subscription, 2)).sort(), ["new", "old"]);
    await subscription.seek(away(3600));
    await isEmpty(subscription, "a seek to the future purges");
    await publish(topic, "after the purge");
    assert.deepEqual(texts(await pullExactly(subscription, 1)), ["after the purge"]);

    await ack(forgetful, await pullOne(forgetful));
    await forgetful.seek(away(-3600));
    await isEmpty(forgetful, "without retention, what is acked is gone");
  });

  test("the topic's retention revives for every subscription", async (t) => {
    const topic = await newTopic(t, { messageRetentionDuration: { seconds: 3600 } });
    await publish(topic, "before anyone subscribed");
    const subscription = await subscribe(t, topic);
    await isEmpty(subscription, "edge case 4");
    await subscription.seek(away(-1800));
    assert.deepEqual(await listen(subscription).take(1), ["before anyone subscribed"]);
  });

  test("a seek wakes a stream", async (t) => {
    const { topic, subscription } = await newPair(t, { retainAckedMessages: true });
    const stream = listen(subscription);
    await publish(topic, "replayed");
    await stream.take(1);
    await sleep(1000); // The library sends its acks a little later.
    await subscription.seek(away(-60));
    assert.deepEqual(await stream.take(1), ["replayed"]);
  });

  test("refused seeks", async (t) => {
    const { subscription } = await newPair(t);
    const other = await newPair(t);
    const foreign = await snapshotOf(t, other.subscription);
    await assert.rejects(subscription.seek(leaf(foreign.name)), /./, "a snapshot of another topic");
    const id = unique("sub");
    await notFound(pubsub.subscription(id).seek(new Date()), id);
    await invalid(subscriber.seek({ subscription: subscription.name }));
    await pubsub.detachSubscription(subscription.name);
    await rejects(subscription.seek(new Date()), FAILED_PRECONDITION);
    await invalid(subscriber.createSnapshot({ name: named("snapshots", "1x"), subscription: other.subscription.name }),
      `Invalid resource name given (name=${named("snapshots", "1x")}).`);
  });
});
