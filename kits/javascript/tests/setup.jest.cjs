// The same for jest, which wants CommonJS and has its setup and its teardown in two modules.

const { SQS } = require("@aws-sdk/client-sqs");
const { connect } = require("lclq");

test("a global setup's server is there", async () => {
  const sqs = new SQS(connect().sandbox().aws);
  const { QueueUrl } = await sqs.createQueue({ QueueName: "orders" });
  await sqs.sendMessage({ QueueUrl, MessageBody: "hello" });
  const { Messages } = await sqs.receiveMessage({ QueueUrl });
  expect(Messages.map(({ Body }) => Body)).toEqual(["hello"]);
});
