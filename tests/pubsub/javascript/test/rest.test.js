// The generated clients' REST transport.
import { describe, test } from "node:test";
import { GoogleAuth, PassThroughClient } from "google-auth-library";
import { assert, host, library, port, together, unique } from "./helpers.js";

const { v1 } = library;

// An emulator asks for no credentials, so none are sent.
const auth = new GoogleAuth({ authClient: new PassThroughClient() });
const overREST = { fallback: true, protocol: "http", servicePath: host, port: Number(port), auth };

describe("REST", together, () => {
  test("messages and resources", async (t) => {
    const publisher = new v1.PublisherClient(overREST);
    const subscriber = new v1.SubscriberClient(overREST);
    t.after(() => Promise.all([publisher.close(), subscriber.close()]));
    const project = `projects/${unique("rest")}`;
    const topic = `${project}/topics/topic`;
    const subscription = `${project}/subscriptions/sub`;
    const [made] = await publisher.createTopic({ name: topic, labels: { a: "b" } });
    assert.equal(made.name, topic);
    assert.deepEqual(made.labels, { a: "b" });
    await assert.rejects(publisher.createTopic({ name: topic }), (error) => {
      assert.match(error.message, /Resource already exists in the project \(resource=topic\)\./);
      return true;
    });
    const [{ ackDeadlineSeconds }] = await subscriber.createSubscription({ name: subscription, topic });
    assert.equal(ackDeadlineSeconds, 10);
    const data = Buffer.from([0, 255, 254]);
    const [{ messageIds }] = await publisher.publish({ topic, messages: [{ data, attributes: { k: "ü" } }] });
    const [{ receivedMessages }] = await subscriber.pull({ subscription, maxMessages: 10 });
    assert.equal(receivedMessages.length, 1);
    const [{ ackId, message }] = receivedMessages;
    assert.deepEqual(Buffer.from(message.data), data);
    assert.equal(message.messageId, messageIds[0]);
    assert.deepEqual(message.attributes, { k: "ü" });
    await subscriber.modifyAckDeadline({ subscription, ackIds: [ackId], ackDeadlineSeconds: 60 });
    await subscriber.acknowledge({ subscription, ackIds: [ackId] });
    const [empty] = await subscriber.pull({ subscription, maxMessages: 1, returnImmediately: true });
    assert.equal(empty.receivedMessages.length, 0);
    await subscriber.updateSubscription({
      subscription: { name: subscription, ackDeadlineSeconds: 20 },
      updateMask: { paths: ["ack_deadline_seconds"] },
    });
    assert.equal((await subscriber.getSubscription({ subscription }))[0].ackDeadlineSeconds, 20);
    const [topics] = await publisher.listTopics({ project });
    assert.deepEqual(topics.map(({ name }) => name), [topic]);
    await subscriber.deleteSubscription({ subscription });
    await publisher.deleteTopic({ topic });
    await assert.rejects(publisher.getTopic({ topic }), /Resource not found \(resource=topic\)\./);
  });
});
