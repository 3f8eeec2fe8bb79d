// Clients of both dialects and of the admin API, as small as they can be.

/** @param {string} endpoint @param {string} [region] */
export function sqsClient(endpoint, region = "us-east-1") {
  const authorization = `AWS4-HMAC-SHA256 Credential=test/20260101/${region}/sqs/aws4_request, SignedHeaders=host, Signature=0`;
  /** @param {string} action @param {any} body */
  return async (action, body) => {
    const answer = await fetch(endpoint, {
      method: "POST", body: JSON.stringify(body),
      headers: { "content-type": "application/x-amz-json-1.0", "x-amz-target": `AmazonSQS.${action}`, authorization },
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${action}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : {};
  };
}

/** @param {string} endpoint */
export function restClient(endpoint) {
  /** @param {string} method @param {string} path @param {any} [body] */
  return async (method, path, body) => {
    const answer = await fetch(`${endpoint}${path}`, {
      method, body: body === undefined ? undefined : JSON.stringify(body), headers: { "content-type": "application/json" },
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : {};
  };
}

/** Something of each kind that the console shows. @param {{sqs: string, pubsub: string, admin: string}} server */
export async function furnish(server) {
  const sqs = sqsClient(server.sqs);
  const rest = restClient(server.pubsub);
  const url = (/** @type {string} */ name) => `${server.sqs}/000000000000/${name}`;
  await sqs("CreateQueue", { QueueName: "orders-dead", Attributes: { MessageRetentionPeriod: "1209600" } });
  const redrive = { deadLetterTargetArn: "arn:aws:sqs:us-east-1:000000000000:orders-dead", maxReceiveCount: 1 };
  await sqs("CreateQueue", { QueueName: "orders", Attributes: { VisibilityTimeout: "60", RedrivePolicy: JSON.stringify(redrive) }, tags: { team: "shop", stage: "test" } });
  await sqs("CreateQueue", { QueueName: "invoices.fifo", Attributes: { FifoQueue: "true", ContentBasedDeduplication: "true" } });
  await sqs("CreateQueue", { QueueName: "empty" });
  for (let n = 0; n < 4; n += 1) await sqs("SendMessage", { QueueUrl: url("orders"), MessageBody: `{"dead":${n},"why":"the parser fails"}` });
  const received = await sqs("ReceiveMessage", { QueueUrl: url("orders"), MaxNumberOfMessages: 10, VisibilityTimeout: 0 });
  if (received.Messages.length !== 4) throw new Error(`${received.Messages.length} were received`);
  // The second receive of each sends it to the dead letters.
  await sqs("ReceiveMessage", { QueueUrl: url("orders"), MaxNumberOfMessages: 10 });
  for (let n = 0; n < 120; n += 1) {
    await sqs("SendMessage", {
      QueueUrl: url("orders"), MessageBody: JSON.stringify({ order: n, customer: { name: `customer-${n % 7}`, vip: n % 7 === 0 }, items: ["cup", "saucer"] }),
      MessageAttributes: { kind: { DataType: "String", StringValue: "order" }, weight: { DataType: "Number", StringValue: String(n / 4) } },
      ...(n % 10 === 0 ? { DelaySeconds: 600 } : {}),
    });
  }
  await sqs("SendMessage", { QueueUrl: url("orders"), MessageBody: "<order id=\"7\"><item>cup</item><!-- two --><item>saucer</item></order>" });
  await sqs("ReceiveMessage", { QueueUrl: url("orders"), MaxNumberOfMessages: 5 });
  for (let n = 0; n < 6; n += 1) await sqs("SendMessage", { QueueUrl: url("invoices.fifo"), MessageBody: `invoice ${n}`, MessageGroupId: `customer-${n % 2}` });
  const schema = { type: "record", name: "Event", fields: [{ name: "id", type: "string" }] };
  await rest("POST", "/v1/projects/local/schemas?schemaId=event", { type: "AVRO", definition: JSON.stringify(schema) });
  await rest("PUT", "/v1/projects/local/topics/events", { labels: { team: "shop" } });
  await rest("PUT", "/v1/projects/local/topics/events-dead", {});
  await rest("PUT", "/v1/projects/local/topics/checked", { schemaSettings: { schema: "projects/local/schemas/event", encoding: "JSON" } });
  await rest("PUT", "/v1/projects/local/subscriptions/worker", {
    topic: "projects/local/topics/events", retainAckedMessages: true,
    deadLetterPolicy: { deadLetterTopic: "projects/local/topics/events-dead", maxDeliveryAttempts: 5 },
  });
  await rest("PUT", "/v1/projects/local/subscriptions/pushed", { topic: "projects/local/topics/events", pushConfig: { pushEndpoint: "http://127.0.0.1:9/push" } });
  const messages = Array.from({ length: 30 }, (_, n) => ({ data: Buffer.from(JSON.stringify({ event: n })).toString("base64"), attributes: { kind: "event" }, orderingKey: "" }));
  await rest("POST", "/v1/projects/local/topics/events:publish", { messages });
  await rest("PUT", "/v1/projects/local/topics/packed", { schemaSettings: { schema: "projects/local/schemas/event", encoding: "BINARY" } });
  await rest("PUT", "/v1/projects/local/subscriptions/unpacker", { topic: "projects/local/topics/packed" });
  // Avro's binary form of {"id": "seven"}.
  await rest("POST", "/v1/projects/local/topics/packed:publish", { messages: [{ data: Buffer.from("\x0aseven").toString("base64") }] });
  await sqs("ReceiveMessage", { QueueUrl: url("invoices.fifo"), MaxNumberOfMessages: 1, VisibilityTimeout: 3600 });
  await rest("PUT", "/v1/projects/local/snapshots/before", { subscription: "projects/local/subscriptions/worker" });
  return { sqs, rest, url };
}

/** Traffic until it is stopped. @param {Awaited<ReturnType<typeof furnish>>} of @param {string} [topic] */
export function traffic({ sqs, rest, url }, topic = "events") {
  let goes = true;
  let turn = 0;
  const running = (async () => {
    if (topic !== "events") await rest("PUT", `/v1/projects/local/topics/${topic}`, {});
    while (goes) {
      turn += 1;
      await sqs("SendMessage", { QueueUrl: url("empty"), MessageBody: `hello ${turn}` });
      const { Messages = [] } = await sqs("ReceiveMessage", { QueueUrl: url("empty"), MaxNumberOfMessages: 10 });
      for (const message of Messages) await sqs("DeleteMessage", { QueueUrl: url("empty"), ReceiptHandle: message.ReceiptHandle });
      if (turn % 10 === 0) {
        await rest("POST", `/v1/projects/local/topics/${topic}:publish`, { messages: [{ data: "e30=" }] });
        await sqs("SendMessage", { QueueUrl: url("nowhere"), MessageBody: "lost" }).catch(() => {});
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })();
  return async () => {
    goes = false;
    await running;
  };
}
