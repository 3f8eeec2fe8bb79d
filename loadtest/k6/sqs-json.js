// SendMessage, ReceiveMessage and DeleteMessageBatch in SQS's JSON protocol. URL: the SQS endpoint.

import http from "k6/http";
import { check } from "k6";
import { BODY, LATENCY, RATE, arrivals, options as build, summary } from "./common.js";

const URL = __ENV.URL;
// Each takes ten messages, so that the queue stays short.
const RECEIVES_PER_SEND = 1 / 5;

export const options = build(
  { send: arrivals("send", RATE), receive: arrivals("receive", RATE * RECEIVES_PER_SEND) },
  {
    "http_req_duration{scenario:send}": LATENCY,
    "http_req_duration{scenario:receive}": LATENCY,
    http_req_failed: ["rate==0"],
  },
);

function call(action, body) {
  return http.post(URL, JSON.stringify(body), {
    headers: {
      "Content-Type": "application/x-amz-json-1.0",
      "X-Amz-Target": `AmazonSQS.${action}`,
    },
  });
}

export function setup() {
  const made = call("CreateQueue", { QueueName: "k6-json" });
  if (made.status !== 200) {
    throw new Error(`CreateQueue: ${made.status} ${made.body}`);
  }
  return made.json("QueueUrl");
}

export function send(queue) {
  const answer = call("SendMessage", { QueueUrl: queue, MessageBody: BODY });
  check(answer, { sent: (answer) => answer.status === 200 && answer.json("MessageId") });
}

export function receive(queue) {
  const answer = call("ReceiveMessage", { QueueUrl: queue, MaxNumberOfMessages: 10 });
  check(answer, { received: (answer) => answer.status === 200 });
  const messages = answer.json("Messages") || [];
  if (messages.length === 0) {
    return;
  }
  check(messages, { whole: (messages) => messages.every((message) => message.Body === BODY) });
  const entries = messages.map((message, at) => ({
    Id: String(at),
    ReceiptHandle: message.ReceiptHandle,
  }));
  const deleted = call("DeleteMessageBatch", { QueueUrl: queue, Entries: entries });
  check(deleted, {
    deleted: (deleted) =>
      deleted.status === 200 && deleted.json("Successful").length === entries.length,
  });
}

export function handleSummary(data) {
  return summary(data, "http_req_duration{scenario:send}");
}
