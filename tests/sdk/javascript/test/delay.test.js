// Delayed messages: by the message, by the queue.
import { test } from "node:test";
import { assert, bodies, createFifo, createQueue, receive, rejectsWithCode, send } from "./helpers.js";

test("a message's own delay", async (t) => {
  const { url } = await createQueue(t);
  await send(url, "later", { DelaySeconds: 2 });
  await send(url, "now");
  assert.deepEqual(bodies(await receive(url)), ["now"]);
  assert.deepEqual(bodies(await receive(url, { WaitTimeSeconds: 5 })), ["later"]);
});

test("the queue's delay, which a message may override with 0", async (t) => {
  const { url } = await createQueue(t, { Attributes: { DelaySeconds: "2" } });
  await send(url, "by the queue");
  await send(url, "at once", { DelaySeconds: 0 });
  assert.deepEqual(bodies(await receive(url)), ["at once"]);
  assert.deepEqual(bodies(await receive(url, { WaitTimeSeconds: 5 })), ["by the queue"]);
});

test("at most 900 seconds", async (t) => {
  const { url } = await createQueue(t);
  await rejectsWithCode("InvalidParameterValue", send(url, "too late", { DelaySeconds: 901 }));
  await rejectsWithCode("InvalidParameterValue", send(url, "too early", { DelaySeconds: -1 }));
});

test("a FIFO queue has no delay by message, only by queue", async (t) => {
  const { url } = await createFifo(t, { ContentBasedDeduplication: "true", DelaySeconds: "2" });
  await rejectsWithCode(
    "InvalidParameterValue",
    send(url, "own delay", { MessageGroupId: "g", DelaySeconds: 2 }),
    /not valid for this queue type/,
  );
  await send(url, "falls back", { MessageGroupId: "g", DelaySeconds: 0 });
  assert.deepEqual(await receive(url), []);
  assert.deepEqual(bodies(await receive(url, { WaitTimeSeconds: 5 })), ["falls back"]);
});
