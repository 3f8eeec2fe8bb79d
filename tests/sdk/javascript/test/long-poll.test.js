// Long polls wait, and wake as soon as there is something.
import { test } from "node:test";
import { assert, bodies, client, createFifo, createQueue, hide, receive, receiveOne, remove, send, sleep, sqs } from "./helpers.js";

/** Answers what the poll got and how many seconds after `trigger` it came. */
async function wake(url, trigger, more = {}) {
  const polling = receive(url, { WaitTimeSeconds: 10, ...more });
  await sleep(200);
  await trigger();
  const from = performance.now();
  const messages = await polling;
  return { messages, seconds: (performance.now() - from) / 1000 };
}

test("a send wakes a waiting poll at once", async (t) => {
  const { url } = await createQueue(t);
  const delays = [];
  for (let round = 0; round < 5; round++) {
    const { messages, seconds } = await wake(url, () => send(url, `round ${round}`));
    assert.deepEqual(bodies(messages), [`round ${round}`]);
    await remove(url, messages[0]);
    delays.push(seconds);
  }
  delays.sort((a, b) => a - b);
  assert.ok(delays[2] < 0.3, `median wake-up ${delays[2]} s`);
  assert.ok(delays[4] < 5, `slowest wake-up ${delays[4]} s`);
});

test("a send wakes a poll that waits by the queue's own ReceiveMessageWaitTimeSeconds", async (t) => {
  const { url } = await createQueue(t, { Attributes: { ReceiveMessageWaitTimeSeconds: "10" } });
  const { messages, seconds } = await wake(url, () => send(url, "default wait"), { WaitTimeSeconds: undefined });
  assert.deepEqual(bodies(messages), ["default wait"]);
  assert.ok(seconds < 3, `${seconds} s`);
});

test("a FIFO send wakes a waiting poll", async (t) => {
  const { url } = await createFifo(t, { ContentBasedDeduplication: "true" });
  const { messages, seconds } = await wake(url, () => send(url, "fifo", { MessageGroupId: "g" }));
  assert.deepEqual(bodies(messages), ["fifo"]);
  assert.ok(seconds < 3, `${seconds} s`);
});

test("a FIFO delete wakes a poll that waits for the group", async (t) => {
  const { url } = await createFifo(t, { ContentBasedDeduplication: "true" });
  await send(url, "first", { MessageGroupId: "g" });
  await send(url, "second", { MessageGroupId: "g" });
  const first = await receiveOne(url);
  const { messages, seconds } = await wake(url, () => remove(url, first));
  assert.deepEqual(bodies(messages), ["second"]);
  assert.ok(seconds < 3, `${seconds} s`);
});

test("giving a message back wakes a waiting poll", async (t) => {
  const { url } = await createQueue(t);
  await send(url, "given back");
  const message = await receiveOne(url);
  const { messages, seconds } = await wake(url, () => hide(url, message, 0));
  assert.deepEqual(bodies(messages), ["given back"]);
  assert.ok(seconds < 3, `${seconds} s`);
});

test("the end of a delay wakes a waiting poll", async (t) => {
  const { url } = await createQueue(t);
  await send(url, "delayed", { DelaySeconds: 1 });
  const { messages, seconds } = await wake(url, () => {});
  assert.deepEqual(bodies(messages), ["delayed"]);
  assert.ok(seconds < 4, `${seconds} s`);
});

test("the end of a visibility timeout wakes a waiting poll", async (t) => {
  const { url } = await createQueue(t);
  await send(url, "expired");
  await receiveOne(url, { VisibilityTimeout: 1 });
  const { messages, seconds } = await wake(url, () => {});
  assert.deepEqual(bodies(messages), ["expired"]);
  assert.ok(seconds < 4, `${seconds} s`);
});

test("a poll answers with what there is, not waiting for ten", async (t) => {
  const { url } = await createQueue(t);
  await send(url, "only one");
  const from = performance.now();
  assert.deepEqual(bodies(await receive(url, { WaitTimeSeconds: 10 })), ["only one"]);
  assert.ok(performance.now() - from < 5000);
});

test("an empty poll waits its time, and 0 overrides the queue's wait", async (t) => {
  const { url } = await createQueue(t, { Attributes: { ReceiveMessageWaitTimeSeconds: "3" } });
  let from = performance.now();
  assert.deepEqual(await receive(url), []);
  const waited = performance.now() - from;
  assert.ok(waited > 2900 && waited < 7000, `${waited} ms`);
  from = performance.now();
  assert.deepEqual(await receive(url, { WaitTimeSeconds: 0 }), []);
  assert.ok(performance.now() - from < 2500);
});

test("ten waiting polls share ten messages, one each", async (t) => {
  const { url } = await createQueue(t);
  const polls = Array.from({ length: 10 }, () => receive(url, { WaitTimeSeconds: 10, MaxNumberOfMessages: 1 }));
  await sleep(300);
  const Entries = Array.from({ length: 10 }, (_, i) => ({ Id: `${i}`, MessageBody: `${i}` }));
  await sqs.sendMessageBatch({ QueueUrl: url, Entries });
  const got = (await Promise.all(polls)).flat();
  assert.deepEqual(bodies(got).sort(), Entries.map((entry) => entry.MessageBody));
});

test("an abandoned poll doesn't swallow a message", async (t) => {
  const { url } = await createQueue(t);
  const other = client();
  const abort = new AbortController();
  const poll = other.receiveMessage({ QueueUrl: url, WaitTimeSeconds: 10 }, { abortSignal: abort.signal });
  await sleep(200);
  abort.abort();
  await assert.rejects(poll, { name: "AbortError" });
  other.destroy();
  await sleep(200);
  await send(url, "not lost");
  assert.deepEqual(bodies(await receive(url, { WaitTimeSeconds: 5 })), ["not lost"]);
});
