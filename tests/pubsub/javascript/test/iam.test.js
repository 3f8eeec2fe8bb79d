// Access policies, which are kept but not enforced.
import { describe, test } from "node:test";
import { NOT_FOUND, assert, library, named, newPair, newTopic, pubsub, rejects, together, unique } from "./helpers.js";

describe("policies", together, () => {
  test("of every kind of resource", async (t) => {
    const { topic, subscription } = await newPair(t);
    const [snapshot] = await subscription.createSnapshot(unique("snap"));
    t.after(() => snapshot.delete());
    const schema = await pubsub.createSchema(unique("schema"), library.SchemaTypes.ProtocolBuffer,
      'syntax = "proto3"; message M { string s = 1; }');
    t.after(() => schema.delete());
    const others = [snapshot.name, named("schemas", schema.id)].map((name) => new library.IAM(pubsub, name));
    for (const iam of [topic.iam, subscription.iam, ...others]) {
      assert.deepEqual((await iam.getPolicy())[0].bindings, [], iam.id);
      const bindings = [
        { role: "roles/pubsub.viewer", members: ["user:ada@example.com", "allUsers"] },
        { role: "roles/pubsub.editor", members: ["group:staff@example.com"] },
      ];
      await iam.setPolicy({ bindings });
      const [policy] = await iam.getPolicy();
      assert.deepEqual(policy.bindings.map(({ role, members }) => ({ role, members })), bindings);
      assert.ok(policy.etag.length > 0);
      const permissions = ["pubsub.topics.publish", "pubsub.subscriptions.consume"];
      const [allowed] = await iam.testPermissions(permissions);
      assert.deepEqual(allowed, Object.fromEntries(permissions.map((permission) => [permission, true])));
    }
  });

  test("of nothing, and of what was deleted", async (t) => {
    await rejects(pubsub.topic(unique("topic")).iam.getPolicy(), NOT_FOUND);
    await rejects(pubsub.topic(unique("topic")).iam.setPolicy({ bindings: [] }), NOT_FOUND);
    const topic = await newTopic(t);
    await topic.iam.setPolicy({ bindings: [{ role: "roles/owner", members: ["allUsers"] }] });
    await topic.delete();
    await topic.create();
    assert.deepEqual((await topic.iam.getPolicy())[0].bindings, []);
  });
});
