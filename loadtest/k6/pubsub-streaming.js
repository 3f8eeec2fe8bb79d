// Publish over gRPC at a constant rate, and two streams that take and acknowledge what comes.
// ADDRESS: host and port. Counted is the time from before a publish to the message's arrival.

import encoding from "k6/encoding";
import grpc from "k6/net/grpc";
import { check } from "k6";
import { Counter, Trend } from "k6/metrics";
import { BODY, LATENCY, RATE, SECONDS, arrivals, options as build, summary } from "./common.js";

const TOPIC = "projects/k6/topics/streaming";
const SUBSCRIPTION = "projects/k6/subscriptions/streaming";
const DATA = encoding.b64encode(BODY);
const STREAMS = 2;
// The streams listen this much longer than messages are published.
const LISTEN_LONGER_SECONDS = 1;

const delivery = new Trend("delivery", true);
const delivered = new Counter("delivered");

const scenarios = {
  publish: arrivals("publish", RATE),
  listen: {
    executor: "per-vu-iterations",
    exec: "listen",
    vus: STREAMS,
    iterations: 1,
    maxDuration: `${SECONDS + LISTEN_LONGER_SECONDS + 5}s`,
  },
};
export const options = build(scenarios, {
  "grpc_req_duration{scenario:publish}": LATENCY,
  delivery: ["med<10", "p(99)<100"],
  delivered: [`count>=${Math.floor(RATE * SECONDS * 0.98)}`],
});

const client = new grpc.Client();
client.load([import.meta.resolve("../../proto")], "google/pubsub/v1/pubsub.proto");
let connected = false;

function connect() {
  // One connection for each virtual user.
  if (!connected) {
    client.connect(__ENV.ADDRESS, { plaintext: true });
    connected = true;
  }
}

function call(method, request) {
  connect();
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
  const messages = [{ data: DATA, attributes: { at: String(Date.now()) } }];
  const answer = call("Publisher/Publish", { topic: TOPIC, messages });
  check(answer, { published: (answer) => answer.status === grpc.StatusOK });
}

export function listen() {
  connect();
  const stream = new grpc.Stream(client, "google.pubsub.v1.Subscriber/StreamingPull");
  let ending = false;
  stream.on("data", (response) => {
    const received = response.receivedMessages || [];
    const now = Date.now();
    received.forEach((one) => {
      delivery.add(now - Number(one.message.attributes.at));
    });
    delivered.add(received.length);
    check(received, {
      whole: (received) => received.every((one) => one.message.data === DATA),
    });
    if (received.length > 0 && !ending) {
      stream.write({ ackIds: received.map((one) => one.ackId) });
    }
  });
  stream.on("error", (error) => {
    check(error, { "stream sound": () => ending });
  });
  stream.write({ subscription: SUBSCRIPTION, streamAckDeadlineSeconds: 60 });
  setTimeout(
    () => {
      ending = true;
      stream.end();
    },
    (SECONDS + LISTEN_LONGER_SECONDS) * 1000,
  );
}

export function handleSummary(data) {
  return summary(data, "delivery");
}
