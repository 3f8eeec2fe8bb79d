// lclq/setup has started one server for all files; types are checked as well.

import { SQS } from "@aws-sdk/client-sqs";
import { connect, type FaultRule, type Sandbox } from "lclq";
import { expect, test } from "vitest";

test("a global setup's server is there", async () => {
  const server = connect();
  const sandbox: Sandbox = server.sandbox();
  const sqs = new SQS({ ...sandbox.aws, maxAttempts: 1 });
  const { QueueUrl } = await sqs.createQueue({ QueueName: "orders" });
  await sqs.sendMessage({ QueueUrl, MessageBody: "hello" });
  const { Messages } = await sqs.receiveMessage({ QueueUrl });
  expect(Messages?.map(({ Body }) => Body)).toEqual(["hello"]);
  const rule: FaultRule = { dialect: "sqs", action: "SendMessage", resource: "none", effect: "throttle" };
  const name: string = await server.faults.set(rule);
  await server.faults.remove(name);
  await sandbox.reset();
});
