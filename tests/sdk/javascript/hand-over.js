// Consumes queues by the AWS SDK while nodes of a cluster hand over. tests/sdk/hand_over/run.py says what it is given.
import { appendFileSync } from "node:fs";
import { SQS } from "@aws-sdk/client-sqs";

const { LCLQ_ENDPOINT, LCLQ_QUEUE_URLS, LCLQ_REPORT } = process.env;
const sqs = new SQS({
  endpoint: LCLQ_ENDPOINT,
  region: "us-east-1",
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
  maxAttempts: 1,
});
const report = (line) => appendFileSync(LCLQ_REPORT, `${line}\n`);

async function consume(QueueUrl) {
  for (;;) {
    const { Messages = [] } = await sqs.receiveMessage({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 20 });
    for (const { Body, ReceiptHandle } of Messages) {
      await sqs.deleteMessage({ QueueUrl, ReceiptHandle });
      if (Body === "end") return;
      report(Body);
    }
  }
}

try {
  await Promise.all(LCLQ_QUEUE_URLS.split(" ").map(consume));
} catch (error) {
  report(`error ${error}`);
  process.exit(1);
}
