// SendMessage, ReceiveMessage and DeleteMessageBatch in SQS's query protocol. URL: the SQS endpoint.

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

// An object is sent as a form.
function call(action, parameters) {
  return http.post(URL, Object.assign({ Action: action, Version: "2012-11-05" }, parameters));
}

function texts(xml, name) {
  const found = xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, "g"));
  return Array.from(found, (match) => match[1]);
}

export function setup() {
  const made = call("CreateQueue", { QueueName: "k6-query" });
  if (made.status !== 200) {
    throw new Error(`CreateQueue: ${made.status} ${made.body}`);
  }
  return texts(made.body, "QueueUrl")[0];
}

export function send(queue) {
  const answer = call("SendMessage", { QueueUrl: queue, MessageBody: BODY });
  check(answer, {
    sent: (answer) => answer.status === 200 && texts(answer.body, "MessageId").length === 1,
  });
}

export function receive(queue) {
  const answer = call("ReceiveMessage", { QueueUrl: queue, MaxNumberOfMessages: "10" });
  check(answer, { received: (answer) => answer.status === 200 });
  const handles = texts(answer.body, "ReceiptHandle");
  if (handles.length === 0) {
    return;
  }
  check(answer, {
    whole: (answer) => texts(answer.body, "Body").every((body) => body === BODY),
  });
  const entries = { QueueUrl: queue };
  handles.forEach((handle, at) => {
    const entry = `DeleteMessageBatchRequestEntry.${at + 1}`;
    entries[`${entry}.Id`] = String(at);
    entries[`${entry}.ReceiptHandle`] = handle;
  });
  const deleted = call("DeleteMessageBatch", entries);
  check(deleted, {
    deleted: (deleted) =>
      deleted.status === 200 && texts(deleted.body, "Id").length === handles.length,
  });
}

export function handleSummary(data) {
  return summary(data, "http_req_duration{scenario:send}");
}
