import { SQSClient, CreateQueueCommand, ReceiveMessageCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import { connect, start } from "lclq";
import { expect, test } from "vitest";

test("orders are queued", async () => {
  const sandbox = connect().sandbox(); // an account and a project of this test's own
  const sqs = new SQSClient(sandbox.aws);
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: "orders" }));
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "order 7" }));
  const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl }));
  expect(Messages?.map(({ Body }) => Body)).toEqual(["order 7"]);
});

test("a message comes back after its visibility timeout", async () => {
  const server = await start(); // a server of this test's own, since it moves the clock
  const sqs = new SQSClient(server.sandbox().aws);
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: "orders" }));
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "order 8" }));
  const receive = async () => (await sqs.send(new ReceiveMessageCommand({ QueueUrl }))).Messages?.length ?? 0;
  expect(await receive()).toBe(1);
  expect(await receive()).toBe(0);
  await server.clock.advance(30_000);
  expect(await receive()).toBe(1);
  await server.stop();
});
