import { SQS } from "@aws-sdk/client-sqs";

const sqs = new SQS({
  endpoint: process.env.AWS_ENDPOINT_URL ?? "http://127.0.0.1:9324",
  region: "us-east-1",
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
});

const { QueueUrl } = await sqs.createQueue({ QueueName: "hello" });
await sqs.sendMessage({ QueueUrl, MessageBody: "Hello from JavaScript" });

const { Messages = [] } = await sqs.receiveMessage({ QueueUrl, WaitTimeSeconds: 10 });
for (const { Body, ReceiptHandle } of Messages) {
  console.log(Body);
  await sqs.deleteMessage({ QueueUrl, ReceiptHandle });
}
