// AddPermission and RemovePermission write the queue's policy.
import { test } from "node:test";
import { QueueDoesNotExist } from "@aws-sdk/client-sqs";
import { assert, attributesOf, createQueue, rejectsWith, rejectsWithCode, sqs, unique } from "./helpers.js";

const add = (url, Label, AWSAccountIds, Actions) => sqs.addPermission({ QueueUrl: url, Label, AWSAccountIds, Actions });
const policyOf = async (url) => {
  const attributes = await attributesOf(url, ["Policy"]);
  return attributes?.Policy && JSON.parse(attributes.Policy);
};

test("a permission becomes a statement of the policy", async (t) => {
  const { url, arn } = await createQueue(t);
  await add(url, "one", ["111122223333"], ["SendMessage"]);
  assert.deepEqual(await policyOf(url), {
    Version: "2008-10-17",
    Id: `${arn}/SQSDefaultPolicy`,
    Statement: [
      {
        Sid: "one",
        Effect: "Allow",
        Principal: { AWS: "arn:aws:iam::111122223333:root" },
        Action: "SQS:SendMessage",
        Resource: arn,
      },
    ],
  });
});

test("several accounts and actions become lists", async (t) => {
  const { url } = await createQueue(t);
  await add(url, "many", ["111122223333", "444455556666"], ["SendMessage", "ReceiveMessage"]);
  const [{ Principal, Action }] = (await policyOf(url)).Statement;
  assert.deepEqual(Principal.AWS.toSorted(), ["arn:aws:iam::111122223333:root", "arn:aws:iam::444455556666:root"]);
  assert.deepEqual(Action.toSorted(), ["SQS:ReceiveMessage", "SQS:SendMessage"]);
});

test("a label is there once; removing the last one drops the policy", async (t) => {
  const { url } = await createQueue(t);
  await add(url, "first", ["111122223333"], ["SendMessage"]);
  await add(url, "second", ["111122223333"], ["*"]);
  await rejectsWithCode("InvalidParameterValue", add(url, "first", ["111122223333"], ["*"]), /Already exists/);
  assert.deepEqual((await policyOf(url)).Statement.map((statement) => statement.Sid), ["first", "second"]);

  await sqs.removePermission({ QueueUrl: url, Label: "first" });
  assert.deepEqual((await policyOf(url)).Statement.map((statement) => statement.Sid), ["second"]);
  await rejectsWithCode("InvalidParameterValue", sqs.removePermission({ QueueUrl: url, Label: "first" }));
  await sqs.removePermission({ QueueUrl: url, Label: "second" });
  assert.equal(await policyOf(url), undefined);
});

test("permissions of a missing queue", async () => {
  const url = unique();
  await rejectsWith(QueueDoesNotExist, add(url, "one", ["111122223333"], ["*"]));
  await rejectsWith(QueueDoesNotExist, sqs.removePermission({ QueueUrl: url, Label: "one" }));
});
