// Schemas: definitions, revisions, validation, and topics that hold their messages to them.
import { describe, test } from "node:test";
import {
  NOT_FOUND, alreadyExists, assert, invalid, isEmpty, leaf, library, listen, named, newTopic, notFound, project, publish,
  pubsub, rejects, schemas, subscribe, together, unique,
} from "./helpers.js";

const { Encodings, Schema, SchemaTypes, SchemaViews } = library;
const parent = `projects/${project}`;

const avro = JSON.stringify({
  type: "record",
  name: "Person",
  fields: [{ name: "name", type: "string" }, { name: "age", type: "int" }],
});
const avroWider = JSON.stringify({
  type: "record",
  name: "Person",
  fields: [{ name: "name", type: "string" }, { name: "age", type: "int" }, { name: "email", type: "string" }],
});
const protobuf = 'syntax = "proto3"; message Person { string name = 1; int32 age = 2; }';
const json = Buffer.from('{"name":"Ada","age":36}');

// Ada, 36 years old, in each encoding; and what doesn't fit.
const encodings = [
  { type: SchemaTypes.Avro, definition: avro, encoding: Encodings.Json, good: json, bad: Buffer.from('{"name":"Ada"}') },
  { type: SchemaTypes.Avro, definition: avro, encoding: Encodings.Binary, good: Buffer.from("\x06Ada\x48", "latin1"), bad: Buffer.from("\x7fAda") },
  { type: SchemaTypes.ProtocolBuffer, definition: protobuf, encoding: Encodings.Json, good: json, bad: Buffer.from('{"name":3}') },
  { type: SchemaTypes.ProtocolBuffer, definition: protobuf, encoding: Encodings.Binary, good: Buffer.from("\x0a\x03Ada\x10\x24"), bad: Buffer.from("\x0a\x7fAda") },
];

async function makeSchema(t, type, definition) {
  const schema = await pubsub.createSchema(unique("schema"), type, definition);
  t.after(() => schema.delete().catch(() => {}));
  return schema;
}

const commit = (name, type, definition) => schemas.commitSchema({ name, schema: { name, type, definition } });

describe("schemas", together, () => {
  for (const [type, definition] of [[SchemaTypes.Avro, avro], [SchemaTypes.ProtocolBuffer, protobuf]]) {
    test(`a schema is made, read and deleted: ${type}`, async (t) => {
      const schema = await makeSchema(t, type, definition);
      const found = await schema.get();
      assert.equal(found.name, named("schemas", schema.id));
      assert.equal(found.type, type);
      assert.equal(found.definition, definition);
      assert.match(found.revisionId, /^[0-9a-f]{8}$/);
      assert.ok(Number(found.revisionCreateTime.seconds) > 1_600_000_000);
      assert.equal((await schema.get(SchemaViews.Basic)).definition, "");
      await alreadyExists(pubsub.createSchema(schema.id, type, definition), schema.id);
      await schema.delete();
      await notFound(schema.get(), schema.id);
      await notFound(schema.delete(), schema.id);
    });
  }

  test("a list", async () => {
    const own = new library.PubSub({ projectId: unique("list") });
    for (const id of ["schema-1", "schema-2"]) await own.createSchema(id, SchemaTypes.Avro, avro);
    const list = async (view) => {
      const found = [];
      for await (const schema of own.listSchemas(view)) found.push(schema);
      return found;
    };
    assert.deepEqual((await list()).map(({ name }) => leaf(name)).sort(), ["schema-1", "schema-2"]);
    assert.equal((await list(SchemaViews.Basic))[0].definition, "");
    assert.equal((await list(SchemaViews.Full))[0].definition, avro);
    await own.close();
  });

  test("revisions", async (t) => {
    const schema = await makeSchema(t, SchemaTypes.Avro, avro);
    const name = named("schemas", schema.id);
    const first = await schema.get();
    const [second] = await commit(name, "AVRO", avroWider);
    assert.notEqual(second.revisionId, first.revisionId);
    assert.equal((await schema.get()).definition, avroWider);
    const [old] = await schemas.getSchema({ name: `${name}@${first.revisionId}`, view: "FULL" });
    assert.equal(old.definition, avro);
    const revisions = async () => (await schemas.listSchemaRevisions({ name }))[0].map(({ revisionId }) => revisionId).sort();
    assert.deepEqual(await revisions(), [first.revisionId, second.revisionId].sort());

    const [third] = await schemas.rollbackSchema({ name, revisionId: first.revisionId });
    assert.ok(![first.revisionId, second.revisionId].includes(third.revisionId), "a rollback is a new revision");
    assert.equal((await schema.get()).definition, avro);
    await schemas.deleteSchemaRevision({ name: `${name}@${second.revisionId}` });
    assert.deepEqual(await revisions(), [first.revisionId, third.revisionId].sort());
    await rejects(schemas.getSchema({ name: `${name}@${second.revisionId}` }), NOT_FOUND);
    await invalid(commit(name, "PROTOCOL_BUFFER", protobuf));
    const id = unique("schema");
    await notFound(commit(named("schemas", id), "AVRO", avro), id);
  });

  test("validation of definitions", async () => {
    await pubsub.validateSchema({ type: SchemaTypes.Avro, definition: avroWider });
    await pubsub.validateSchema({ type: SchemaTypes.ProtocolBuffer, definition: protobuf });
    for (const [type, definition] of [
      [SchemaTypes.Avro, ""],
      [SchemaTypes.Avro, protobuf],
      [SchemaTypes.Avro, '{"type":"record","name":"X","fields":[{"name":"y","type":"unknown"}]}'],
      [SchemaTypes.ProtocolBuffer, avro],
      [SchemaTypes.ProtocolBuffer, 'syntax = "proto3"; message X { missing.Type y = 1; }'],
    ]) {
      await invalid(pubsub.validateSchema({ type, definition }));
      await invalid(pubsub.createSchema(unique("schema"), type, definition));
    }
    await invalid(pubsub.createSchema("1x", SchemaTypes.Avro, avro), "Invalid resource name given (name=");
  });

  for (const { type, definition, encoding, good, bad } of encodings) {
    test(`validation of messages: ${type} ${encoding}`, async (t) => {
      const schema = await makeSchema(t, type, definition);
      await schema.validateMessage(good, encoding);
      await invalid(schema.validateMessage(bad, encoding));
      await schemas.validateMessage({ parent, schema: { type, definition }, message: good, encoding });
      await invalid(schemas.validateMessage({ parent, schema: { type, definition }, message: bad, encoding }));
    });

    test(`a topic holds messages to its schema: ${type} ${encoding}`, async (t) => {
      const schema = await makeSchema(t, type, definition);
      const name = named("schemas", schema.id);
      const topic = await newTopic(t, { schemaSettings: { schema: name, encoding } });
      const subscription = await subscribe(t, topic);
      await invalid(publish(topic, { data: bad }));
      await publish(topic, { data: good, attributes: { own: "1" } });
      const message = await listen(subscription).next();
      assert.deepEqual(message.data, good);
      assert.equal(message.attributes.own, "1");
      const { revisionId } = await schema.get();
      assert.deepEqual(Schema.metadataFromMessage(message.attributes), { name, encoding, revision: revisionId });
      message.ack();
      await isEmpty(subscription, "the bad one was never published");
    });
  }

  test("a topic takes the revisions that it names", async (t) => {
    const schema = await makeSchema(t, SchemaTypes.Avro, avro);
    const name = named("schemas", schema.id);
    const first = await schema.get();
    const [second] = await commit(name, "AVRO", avroWider);
    const wide = Buffer.from('{"name":"Ada","age":36,"email":"ada@example.com"}');
    const both = await newTopic(t, {
      schemaSettings: { schema: name, encoding: "JSON", firstRevisionId: first.revisionId, lastRevisionId: second.revisionId },
    });
    await publish(both, { data: wide }, { data: json });
    const onlyFirst = await newTopic(t, {
      schemaSettings: { schema: name, encoding: "JSON", lastRevisionId: first.revisionId },
    });
    await publish(onlyFirst, { data: json });
    await invalid(publish(onlyFirst, { data: wide }));
    await schema.delete();
    assert.equal((await both.getMetadata())[0].schemaSettings.schema, "_deleted-schema_");
  });

  test("a schema of nobody", async () => {
    const id = unique("schema");
    await notFound(pubsub.schema(id).validateMessage(json, Encodings.Json), id);
    await notFound(pubsub.createTopic({ name: named("topics", unique("topic")), schemaSettings: { schema: named("schemas", id), encoding: "JSON" } }), id);
  });
});
