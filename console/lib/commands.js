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
