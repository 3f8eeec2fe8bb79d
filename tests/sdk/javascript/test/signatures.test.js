// What a server that enforces signatures makes of the SDK's signer: right keys and wrong ones,
// sessions, clocks that are off, and URLs signed beforehand. LCLQ_SIGNED_ENDPOINT names that server.
import { test } from "node:test";
import { SQSServiceException } from "@aws-sdk/client-sqs";
import { assert, bodies, client, createQueue, sleep } from "./helpers.js";

const given = (name) => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} must be set, of a server that was started with --sqs-auth enforce`);
  return value;
};

const signedEndpoint = given("LCLQ_SIGNED_ENDPOINT");
const key = { accessKeyId: given("LCLQ_SIGNED_ID"), secretAccessKey: given("LCLQ_SIGNED_SECRET") };
const session = {
  accessKeyId: given("LCLQ_SESSION_ID"),
  secretAccessKey: given("LCLQ_SESSION_SECRET"),
  sessionToken: given("LCLQ_SESSION_TOKEN"),
};

const signedBy = (credentials, options = {}) => client({ endpoint: signedEndpoint, credentials, ...options });

const MINUTE = 60_000;

/** Does with a queue of its own what clients do. */
async function worksBy(t, by) {
  const { url: QueueUrl } = await createQueue(t, { by });
  assert.match(QueueUrl, /\/111122223333\//);
  const body = "signed: ü & = + %20";
  await by.sendMessage({ QueueUrl, MessageBody: body });
  const { Messages } = await by.receiveMessage({ QueueUrl, WaitTimeSeconds: 5 });
  assert.deepEqual(bodies(Messages), [body]);
  await by.deleteMessage({ QueueUrl, ReceiptHandle: Messages[0].ReceiptHandle });
  const { Successful, Failed } = await by.sendMessageBatch({
    QueueUrl,
    Entries: ["a", "b"].map((Id) => ({ Id, MessageBody: Id })),
  });
  assert.equal(Failed, undefined);
  assert.deepEqual(Successful.map(({ Id }) => Id), ["a", "b"]);
  await by.deleteQueue({ QueueUrl });
}

/** Expects that a client may not even list queues. */
const refusesToList = (by, code, message) =>
  assert.rejects(by.listQueues({}), (error) => {
    assert.ok(error instanceof SQSServiceException, `${error.name}: ${error.message}`);
    // The SDK has no class for these, so it names them by their query codes.
    assert.equal(error.name, code, error.message);
    assert.equal(error.Error.Code, code);
    assert.equal(error.Error.Type, "Sender");
    assert.equal(error.$metadata.httpStatusCode, 403);
    assert.match(error.message, message);
    return true;
  });

const refusesSignature = (by, message) => refusesToList(by, "SignatureDoesNotMatch", message);

const refusesKey = (by) =>
  refusesToList(by, "InvalidClientTokenId", /^The security token included in the request is invalid\.$/);

test("the right key works for its account", (t) => worksBy(t, signedBy(key)));

test("a wrong secret is refused", async () => {
  const wrong = { ...key, secretAccessKey: "not-the-secret-of-this-key" };
  await refusesSignature(signedBy(wrong), /^The request signature we calculated does not match/);
});

test("an unknown key is refused", async () => {
  await refusesKey(signedBy({ ...key, accessKeyId: "AKIAIOSFODNN7EXAMPLE" }));
});

test("a session works with its token alone", async (t) => {
  await worksBy(t, signedBy(session));
  await refusesKey(signedBy({ ...session, sessionToken: undefined }));
  await refusesKey(signedBy({ ...session, sessionToken: "another session's token" }));
});

for (const [what, minutes, message] of [
  ["20 minutes slow", -20, /^Signature expired: /],
  ["20 minutes fast", 20, /^Signature not yet current: /],
]) {
  test(`a clock that is ${what} is refused`, async () => {
    await refusesSignature(signedBy(key, { systemClockOffset: minutes * MINUTE }), message);
  });

  // The SDK compares the answer's date with the process's clock, so that has to be off as well.
  test(`a clock that is ${what} is corrected by the date of the refusal`, async (t) => {
    t.mock.timers.enable({ apis: ["Date"], now: Date.now() + minutes * MINUTE });
    const once = signedBy(key);
    await refusesSignature(once, message);
    assert.equal((await once.listQueues({})).$metadata.httpStatusCode, 200, "the next call knows better");
    const { $metadata } = await signedBy(key, { maxAttempts: 3 }).listQueues({});
    assert.equal($metadata.attempts, 2);
  });
}

/** A URL that lists queues for some seconds, by the client's own signer. */
async function presigned(credentials, expiresIn) {
  const { protocol, host, hostname, port } = new URL(signedEndpoint);
  const signer = await signedBy(credentials).config.signer();
  const { query } = await signer.presign(
    {
      method: "GET",
      protocol,
      hostname,
      port,
      path: "/",
      query: { Action: "ListQueues", Version: "2012-11-05" },
      headers: { host },
    },
    { expiresIn },
  );
  return `${signedEndpoint}/?${new URLSearchParams(query)}`;
}

async function fetched(url) {
  const response = await fetch(url);
  assert.equal(response.headers.get("content-type"), "text/xml");
  return [response.status, await response.text()];
}

async function listsByUrl(url) {
  const [status, body] = await fetched(url);
  assert.equal(status, 200, body);
  assert.match(body, /<ListQueuesResponse/);
}

async function refusesUrl(url, message) {
  const [status, body] = await fetched(url);
  assert.equal(status, 403, body);
  assert.match(body, /<Code>SignatureDoesNotMatch<\/Code>/);
  assert.match(body, message);
}

// A second is the least that dates tell, so a URL of a single second may be over at once.
test("a presigned URL works until it expires", async () => {
  const url = await presigned(key, 2);
  await listsByUrl(url);
  await sleep(2200);
  await refusesUrl(url, /<Message>Signature expired: /);
});

test("a presigned URL of a session", async () => {
  const url = await presigned(session, 60);
  assert.match(url, /X-Amz-Security-Token=/);
  await listsByUrl(url);
});

test("a changed presigned URL is refused", async () => {
  const url = await presigned(key, 60);
  for (const [from, to] of [
    ["2012-11-05", "2012-11-06"],
    ["X-Amz-Expires=60", "X-Amz-Expires=90"],
  ]) {
    const changed = url.replace(from, to);
    assert.notEqual(changed, url);
    await refusesUrl(changed, /<Message>The request signature we calculated does not match/);
  }
});
