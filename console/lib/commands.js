// The same as lines for a shell.

import { endpoint, place } from "./session.js";

/** @param {string} text */
export function quoted(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** @param {(string | false | undefined)[]} words */
const line = (words) => words.filter((word) => word !== false && word !== undefined).join(" ");

/** @typedef {{region: string, account: string, name: string}} QueueName */

/** @param {QueueName} queue */
export const queueUrl = (queue) => `${endpoint("sqs")}/${queue.account}/${queue.name}`;

/** @param {string} region */
const aws = (region) => `aws --endpoint-url ${endpoint("sqs")} --region ${region} sqs`;

export const createQueue = (name = "orders") => `${aws(place.region)} create-queue --queue-name ${quoted(name)}`;

/** @param {QueueName} queue */
export const receive = (queue) => `${aws(queue.region)} receive-message --queue-url ${queueUrl(queue)} --wait-time-seconds 10 --attribute-names All --message-attribute-names All`;

/**
 * @param {QueueName} queue
 * @param {{MessageBody: string, DelaySeconds?: number, MessageGroupId?: string, MessageDeduplicationId?: string, MessageAttributes?: Record<string, any>}} message
 */
export function send(queue, message) {
  const attributes = Object.keys(message.MessageAttributes ?? {}).length > 0;
  return line([
    aws(queue.region),
    "send-message",
    `--queue-url ${queueUrl(queue)}`,
    `--message-body ${quoted(message.MessageBody)}`,
    message.DelaySeconds !== undefined && `--delay-seconds ${message.DelaySeconds}`,
    message.MessageGroupId !== undefined && `--message-group-id ${quoted(message.MessageGroupId)}`,
    message.MessageDeduplicationId !== undefined && `--message-deduplication-id ${quoted(message.MessageDeduplicationId)}`,
    attributes && `--message-attributes ${quoted(JSON.stringify(message.MessageAttributes))}`,
  ]);
}

const gcloud = (/** @type {string} */ project) => `CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB=${endpoint("pubsub")}/ gcloud --project=${quoted(project)} pubsub`;

export const createTopic = (project = "local", name = "events") => `${gcloud(project)} topics create ${quoted(name)}`;
/** @param {string} project @param {string} name @param {string} topic */
export const createSubscription = (project, name, topic) => `${gcloud(project)} subscriptions create ${quoted(name)} --topic=${quoted(topic)}`;
/** @param {string} project @param {string} name */
export const pull = (project, name) => `${gcloud(project)} subscriptions pull ${quoted(name)} --limit=10 --auto-ack`;

/** @param {string} project @param {string} topic @param {{text: string, attributes?: Record<string, string>, ordering_key?: string}} message */
export function publish(project, topic, message) {
  const attributes = Object.entries(message.attributes ?? {}).map(([name, value]) => `${name}=${value}`);
  return line([
    gcloud(project),
    `topics publish ${quoted(topic)}`,
    `--message=${quoted(message.text)}`,
    attributes.length > 0 && `--attribute=${quoted(attributes.join(","))}`,
    message.ordering_key && `--ordering-key=${quoted(message.ordering_key)}`,
  ]);
}

// The same as programs. What JSON says of texts and of maps of texts, Python and JavaScript read alike.

/** @param {any} value */
const literal = (value) => JSON.stringify(value);

/** A map as a program writes it, one entry on a line. @param {[string, string | undefined | false][]} entries names and code @param {string} between @param {string} indent */
const entriesOf = (entries, between, indent) => entries.filter(([, code]) => code).map(([name, code]) => `${indent}${name}${between}${code},\n`).join("");

/** @param {Record<string, any>} attributes @param {(base64: string) => string} bytes code for bytes */
function attributesCode(attributes, bytes) {
  const all = Object.entries(attributes).map(([name, one]) => {
    const value = one.BinaryValue === undefined ? `"StringValue": ${literal(one.StringValue)}` : `"BinaryValue": ${bytes(one.BinaryValue)}`;
    return `${literal(name)}: {"DataType": ${literal(one.DataType)}, ${value}}`;
  });
  return all.length ? `{${all.join(", ")}}` : "";
}

/** @param {QueueName} queue @param {any} message @param {(base64: string) => string} bytes @returns {[string, string][]} */
function sendEntries(queue, message, bytes) {
  return [
    ["QueueUrl", literal(queueUrl(queue))], ["MessageBody", literal(message.MessageBody)],
    ["DelaySeconds", message.DelaySeconds === undefined ? "" : String(message.DelaySeconds)],
    ["MessageGroupId", message.MessageGroupId === undefined ? "" : literal(message.MessageGroupId)],
    ["MessageDeduplicationId", message.MessageDeduplicationId === undefined ? "" : literal(message.MessageDeduplicationId)],
    ["MessageAttributes", attributesCode(message.MessageAttributes ?? {}, bytes)],
  ];
}

/** @param {QueueName} queue @param {any} message as `send` takes it */
export function sendByPython(queue, message) {
  const entries = entriesOf(sendEntries(queue, message, (base64) => `base64.b64decode(${literal(base64)})`), "=", "    ");
  return `${entries.includes("base64.") ? "import base64\n" : ""}import boto3

sqs = boto3.client(
    "sqs",
    endpoint_url=${literal(endpoint("sqs"))},
    region_name=${literal(queue.region)},
    aws_access_key_id="test",
    aws_secret_access_key="test",
)
sent = sqs.send_message(
${entries})
print(sent["MessageId"])
`;
}

/** @param {QueueName} queue @param {any} message as `send` takes it */
export function sendByJavaScript(queue, message) {
  const entries = entriesOf(sendEntries(queue, message, (base64) => `Buffer.from(${literal(base64)}, "base64")`), ": ", "  ");
  return `import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";

const sqs = new SQSClient({
  endpoint: ${literal(endpoint("sqs"))},
  region: ${literal(queue.region)},
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
});
const sent = await sqs.send(new SendMessageCommand({
${entries}}));
console.log(sent.MessageId);
`;
}

/** @typedef {{text?: string, data?: string, attributes?: Record<string, string>, ordering_key?: string}} Published `data` is base64, where it isn't text */

const emulator = () => literal(endpoint("pubsub").replace(/^https?:\/\//, ""));

/** @param {string} project @param {string} topic @param {Published} message */
export function publishByPython(project, topic, message) {
  const data = message.data ? `base64.b64decode(${literal(message.data)})` : `${literal(message.text ?? "")}.encode()`;
  const key = message.ordering_key;
  const attributes = Object.keys(message.attributes ?? {}).length ? `**${literal(message.attributes)}` : "";
  return `${message.data ? "import base64\n" : ""}import os

os.environ["PUBSUB_EMULATOR_HOST"] = ${emulator()}

from google.cloud import pubsub_v1

publisher = pubsub_v1.PublisherClient(${key ? "publisher_options=pubsub_v1.types.PublisherOptions(enable_message_ordering=True)" : ""})
future = publisher.publish(
    publisher.topic_path(${literal(project)}, ${literal(topic)}),
    ${data},
${key ? `    ordering_key=${literal(key)},\n` : ""}${attributes ? `    ${attributes},\n` : ""})
print(future.result())
`;
}

/** @param {string} project @param {string} topic @param {Published} message */
export function publishByJavaScript(project, topic, message) {
  const key = message.ordering_key;
  const entries = entriesOf([
    ["data", message.data ? `Buffer.from(${literal(message.data)}, "base64")` : `Buffer.from(${literal(message.text ?? "")})`],
    ["attributes", Object.keys(message.attributes ?? {}).length > 0 && literal(message.attributes)], ["orderingKey", key && literal(key)],
  ], ": ", "  ");
  return `import { PubSub } from "@google-cloud/pubsub";

process.env.PUBSUB_EMULATOR_HOST = ${emulator()};
const pubsub = new PubSub({ projectId: ${literal(project)} });
const topic = pubsub.topic(${literal(topic)}${key ? ", { messageOrdering: true }" : ""});
console.log(await topic.publishMessage({
${entries}}));
`;
}

/** Ways to say the same. @param {QueueName} queue @param {() => any} message @returns {[string, () => string][]} */
export const sendForms = (queue, message) => [
  ["aws", () => send(queue, message())], ["Python", () => sendByPython(queue, message())], ["JavaScript", () => sendByJavaScript(queue, message())],
];
/** @param {string} project @param {() => string} topic @param {() => Published} message @returns {[string, () => string][]} */
export function publishForms(project, topic, message) {
  // A shell has no words for bytes that are no text.
  /** @type {[string, () => string][]} */
  const shell = message().data ? [] : [["gcloud", () => publish(project, topic(), { text: "", ...message() })]];
  return [...shell, ["Python", () => publishByPython(project, topic(), message())], ["JavaScript", () => publishByJavaScript(project, topic(), message())]];
}
