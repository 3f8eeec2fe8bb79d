// Publish, Pull and Acknowledge over Pub/Sub's gRPC, one call at a time. ADDRESS: host and port.

import encoding from "k6/encoding";
import grpc from "k6/net/grpc";
import { check } from "k6";
import { BODY, LATENCY, RATE, arrivals, options as build, summary } from "./common.js";

const TOPIC = "projects/k6/topics/grpc";
const SUBSCRIPTION = "projects/k6/subscriptions/grpc";
const DATA = encoding.b64encode(BODY);
// Each takes ten messages, so that the backlog stays short.
const PULLS_PER_PUBLISH = 1 / 5;

export const options = build(
  { publish: arrivals("publish", RATE), pull: arrivals("pull", RATE * PULLS_PER_PUBLISH) },
  {
    "grpc_req_duration{scenario:publish}": LATENCY,
    "grpc_req_duration{scenario:pull}": LATENCY,
  },
);

const client = new grpc.Client();
client.load([import.meta.resolve("../../proto")], "google/pubsub/v1/pubsub.proto");
let connected = false;

function call(method, request) {
  // One connection for each virtual user.
  if (!connected) {
    client.connect(__ENV.ADDRESS, { plaintext: true });
    connected = true;
  }
  return client.invoke(`google.pubsub.v1.${method}`, request);
}

export function setup() {
  const made = [
    call("Publisher/CreateTopic", { name: TOPIC }),
    call("Subscriber/CreateSubscription", { name: SUBSCRIPTION, topic: TOPIC }),
  ];
  client.close();
  connected = false;
  made.forEach((answer) => {
    if (answer.status !== grpc.StatusOK) {
      throw new Error(JSON.stringify(answer));
    }
  });
}

export function publish() {
  const answer = call("Publisher/Publish", { topic: TOPIC, messages: [{ data: DATA }] });
  check(answer, {
    published: (answer) =>
      answer.status === grpc.StatusOK && answer.message.messageIds.length === 1,
  });
}

export function pull() {
  const answer = call("Subscriber/Pull", {
    subscription: SUBSCRIPTION,
    maxMessages: 10,
    returnImmediately: true,
  });
  check(answer, { pulled: (answer) => answer.status === grpc.StatusOK });
  const received = answer.message.receivedMessages || [];
  if (received.length === 0) {
    return;
  }
  check(received, {
    whole: (received) => received.every((one) => one.message.data === DATA),
  });
  const ackIds = received.map((one) => one.ackId);
  const acknowledged = call("Subscriber/Acknowledge", { subscription: SUBSCRIPTION, ackIds });
  check(acknowledged, { acknowledged: (answer) => answer.status === grpc.StatusOK });
}

export function handleSummary(data) {
  return summary(data, "grpc_req_duration{scenario:publish}");
}
