// Publish, Pull and Acknowledge over Pub/Sub's REST. URL: the Pub/Sub endpoint.

import encoding from "k6/encoding";
import http from "k6/http";
import { check } from "k6";
import { BODY, LATENCY, RATE, arrivals, options as build, summary } from "./common.js";

const BASE = `${__ENV.URL}/v1/projects/k6`;
const TOPIC = "projects/k6/topics/rest";
const DATA = encoding.b64encode(BODY);
// Each takes ten messages, so that the backlog stays short.
const PULLS_PER_PUBLISH = 1 / 5;

export const options = build(
  { publish: arrivals("publish", RATE), pull: arrivals("pull", RATE * PULLS_PER_PUBLISH) },
  {
    "http_req_duration{scenario:publish}": LATENCY,
    "http_req_duration{scenario:pull}": LATENCY,
    http_req_failed: ["rate==0"],
  },
);

const PARAMETERS = { headers: { "Content-Type": "application/json" } };

function post(path, body) {
  return http.post(`${BASE}${path}`, JSON.stringify(body), PARAMETERS);
}

export function setup() {
  const made = [
    http.put(`${BASE}/topics/rest`, "{}", PARAMETERS),
    http.put(`${BASE}/subscriptions/rest`, JSON.stringify({ topic: TOPIC }), PARAMETERS),
  ];
  made.forEach((answer) => {
    if (answer.status !== 200) {
      throw new Error(`${answer.url}: ${answer.status} ${answer.body}`);
    }
  });
}

export function publish() {
  const answer = post("/topics/rest:publish", { messages: [{ data: DATA }] });
  check(answer, {
    published: (answer) => answer.status === 200 && answer.json("messageIds").length === 1,
  });
}

export function pull() {
  const answer = post("/subscriptions/rest:pull", { maxMessages: 10, returnImmediately: true });
  check(answer, { pulled: (answer) => answer.status === 200 });
  const received = answer.json("receivedMessages") || [];
  if (received.length === 0) {
    return;
  }
  check(received, {
    whole: (received) => received.every((one) => one.message.data === DATA),
  });
  const ackIds = received.map((one) => one.ackId);
  const acknowledged = post("/subscriptions/rest:acknowledge", { ackIds });
  check(acknowledged, { acknowledged: (answer) => answer.status === 200 });
}

export function handleSummary(data) {
  return summary(data, "http_req_duration{scenario:publish}");
}
