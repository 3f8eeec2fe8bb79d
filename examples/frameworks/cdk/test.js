// Makes the queues of the stack, as its template describes them, where AWS_ENDPOINT_URL_SQS says.
import assert from "node:assert/strict";
import { SQS } from "@aws-sdk/client-sqs";
import { App } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { Shop } from "./stack.js";

const template = Template.fromStack(new Shop(new App(), "Shop"));
const sqs = new SQS();
const arns = {};

// What others refer to comes first.
const queues = Object.entries(template.findResources("AWS::SQS::Queue"));
queues.sort(([, a], [, b]) => Number("RedrivePolicy" in a.Properties) - Number("RedrivePolicy" in b.Properties));
for (const [id, { Properties: { QueueName, ...properties } }] of queues) {
  const Attributes = Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [name, text(value)]),
  );
  const { QueueUrl } = await sqs.createQueue({ QueueName, Attributes });
  const made = await sqs.getQueueAttributes({ QueueUrl, AttributeNames: ["All"] });
  arns[id] = made.Attributes.QueueArn;
  for (const [name, value] of Object.entries(Attributes)) same(made.Attributes[name], value);
  console.log(`${QueueName}: ${Object.keys(Attributes).sort().join(", ")}`);
}

/** An attribute's value as SQS takes it, with references replaced. */
function text(value) {
  if (typeof value !== "object") return String(value);
  return JSON.stringify(value, (_, part) => (part?.["Fn::GetAtt"] ? arns[part["Fn::GetAtt"][0]] : part));
}

/** The service writes a policy its own way. */
function same(made, wanted) {
  if (wanted.startsWith("{")) assert.deepEqual(JSON.parse(made), JSON.parse(wanted));
  else assert.equal(made, wanted);
}
