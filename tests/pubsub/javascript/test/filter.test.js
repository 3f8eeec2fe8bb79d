// Filters.
import { describe, test } from "node:test";
import {
  ack, assert, invalid, isEmpty, listen, newPair, newTopic, publish, pullExactly, texts, together, unique,
} from "./helpers.js";

const messages = [
  { text: "none" },
  { text: "en", attributes: { lang: "en" } },
  { text: "en-GB", attributes: { lang: "en-GB", "a b": "1" } },
  { text: "de", attributes: { lang: "de", draft: "" } },
];

// Edge case 21 is the fourth of these.
const good = {
  "": ["de", "en", "en-GB", "none"],
  "attributes:lang": ["de", "en", "en-GB"],
  'attributes.lang = "en"': ["en"],
  'attributes.lang != "en"': ["de", "en-GB", "none"],
  'hasPrefix(attributes.lang, "en")': ["en", "en-GB"],
  'NOT hasPrefix(attributes.lang,"en")': ["de", "none"],
  "-attributes:lang": ["none"],
  'attributes:"a b"': ["en-GB"],
  'attributes:lang AND NOT attributes.lang = "en"': ["de", "en-GB"],
  'attributes.lang = "en" OR attributes:draft': ["de", "en"],
  'attributes:lang AND (attributes.lang = "de" OR attributes:"a b")': ["de", "en-GB"],
};

// Edge case 22 is the first of these.
const bad = [
  "attributes:a AND attributes:b OR attributes:c",
  "attributes:a and attributes:b",
  "attributes.a = en",
  "attributes.a",
  "attributes:a AND",
  "(attributes:a",
  'data = "x"',
  'hasprefix(attributes.a, "x")',
  'attributes.a = "unclosed',
  `attributes.a = "${"x".repeat(256)}"`,
];

describe("filters", together, () => {
  for (const [filter, want] of Object.entries(good)) {
    test(filter || "none at all", async (t) => {
      const { topic, subscription } = await newPair(t, { filter });
      assert.equal((await subscription.getMetadata())[0].filter, filter);
      await publish(topic, ...messages);
      const got = await pullExactly(subscription, want.length);
      assert.deepEqual(texts(got).sort(), want);
      await ack(subscription, ...got);
      await isEmpty(subscription, "the rest is gone");
    });
  }

  test("bad filters", async (t) => {
    const topic = await newTopic(t);
    for (const filter of bad) await invalid(topic.createSubscription(unique("sub"), { filter }));
  });

  test("on a stream", async (t) => {
    const { topic, subscription } = await newPair(t, { filter: "attributes:draft" });
    const stream = listen(subscription);
    await publish(topic, ...messages, ...messages);
    assert.deepEqual(await stream.take(2), ["de", "de"]);
  });
});
