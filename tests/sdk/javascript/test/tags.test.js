// Tags of a queue.
import { test } from "node:test";
import { QueueDoesNotExist } from "@aws-sdk/client-sqs";
import { assert, createQueue, rejectsWith, sqs, unique } from "./helpers.js";

const tagsOf = async (url) => (await sqs.listQueueTags({ QueueUrl: url })).Tags;

test("a queue without tags has no Tags", async (t) => {
  const { url } = await createQueue(t);
  assert.equal(await tagsOf(url), undefined);
});

test("tags are given at creation, added, replaced and removed", async (t) => {
  const { url } = await createQueue(t, { tags: { team: "blue", stage: "test" } });
  assert.deepEqual(await tagsOf(url), { team: "blue", stage: "test" });
  await sqs.tagQueue({ QueueUrl: url, Tags: { team: "red", owner: "Zoë & co", empty: "" } });
  assert.deepEqual(await tagsOf(url), { team: "red", stage: "test", owner: "Zoë & co", empty: "" });
  await sqs.untagQueue({ QueueUrl: url, TagKeys: ["stage", "empty", "never-there"] });
  assert.deepEqual(await tagsOf(url), { team: "red", owner: "Zoë & co" });
  await sqs.untagQueue({ QueueUrl: url, TagKeys: ["team", "owner"] });
  assert.equal(await tagsOf(url), undefined);
});

test("tags of a missing queue", async () => {
  const QueueUrl = unique();
  await rejectsWith(QueueDoesNotExist, sqs.tagQueue({ QueueUrl, Tags: { a: "b" } }));
  await rejectsWith(QueueDoesNotExist, sqs.untagQueue({ QueueUrl, TagKeys: ["a"] }));
  await rejectsWith(QueueDoesNotExist, sqs.listQueueTags({ QueueUrl }));
});
