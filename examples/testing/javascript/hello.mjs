import { SQS } from "@aws-sdk/client-sqs";

const lclq = process.env.LCLQ_URL ?? "http://127.0.0.1:9000";

async function control(method, path, body) {
  const answer = await fetch(`${lclq}/api/v1/test/${path}`, { method, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

const sqs = new SQS({
  endpoint: process.env.AWS_ENDPOINT_URL ?? "http://127.0.0.1:9324",
  region: "us-east-1",
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
});
await control("POST", "reset");
const Attributes = { VisibilityTimeout: "3600" };
const { QueueUrl } = await sqs.createQueue({ QueueName: "jobs", Attributes });

// The first try fails, and the SDK tries again.
const effect = { error: { code: "InternalFailure" } };
await control("POST", "faults", { dialect: "sqs", action: "SendMessage", times: 1, effect });
await sqs.sendMessage({ QueueUrl, MessageBody: "job" });
const failures = (await control("GET", "faults")).faults[0].fired;
await control("DELETE", "faults");

// An hour in which nobody deletes the message.
const receive = async () => (await sqs.receiveMessage({ QueueUrl })).Messages ?? [];
await control("POST", "clock/stop");
await receive();
const atOnce = await receive();
await control("POST", "clock/advance", { ms: 3_600_000 });
const later = await receive();
await control("POST", "clock/resume");

console.log(`${failures} failure, ${atOnce.length} at once, ${later.length} an hour later`);
