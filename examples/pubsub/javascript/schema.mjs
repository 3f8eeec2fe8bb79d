// A topic with a schema takes only messages that fit it.
import assert from "node:assert/strict";
import { Encodings, SchemaTypes } from "@google-cloud/pubsub";
import { publish, pubsub, receive, subscribe, withTopic } from "./support.mjs";

const order = {
  type: "record",
  name: "Order",
  fields: [{ name: "id", type: "string" }, { name: "amount", type: "int" }],
};
const schema = await pubsub.createSchema("order", SchemaTypes.Avro, JSON.stringify(order));
const settings = { schema: await schema.getName(), encoding: Encodings.Json };

await withTopic({ name: "checked-orders", schemaSettings: settings }, async (topic) => {
  const subscription = await subscribe(topic, "checked-orders");
  await publish(topic, [JSON.stringify({ id: "order-1", amount: 3 })]);
  const INVALID_ARGUMENT = 3;
  await assert.rejects(publish(topic, [JSON.stringify({ id: "order-2" })]), { code: INVALID_ARGUMENT });
  console.log("refused an order without an amount");

  const [message] = await receive(subscription, 1);
  assert.deepEqual(JSON.parse(message.data), { id: "order-1", amount: 3 });
  assert.equal(message.attributes.googclient_schemaencoding, "JSON");
  console.log("received order-1 with its amount");
});
await schema.delete();
await pubsub.close();
