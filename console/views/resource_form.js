// Making what Pub/Sub has, with the fields that most need, and anything else as JSON.

import { api } from "../lib/api.js";
import * as limits from "../lib/limits.js";
import { go, toResource } from "../lib/router.js";
import { field, formDialog, pairs } from "../parts/form.js";
import { tell } from "../parts/notice.js";

const ONE = { topics: "topic", subscriptions: "subscription", snapshots: "snapshot", schemas: "schema" };

/** @param {string} text a duration as `3600` or `3600s` */
const seconds = (text) => `${text.replace(/s$/, "")}s`;

/** A full name of what is given by its id or in full. @param {string} text @param {string} project @param {string} kind */
const full = (text, project, kind) => (text.startsWith("projects/") ? text : `projects/${project}/${kind}/${text}`);

/** @param {string} [topic] */
function subscriptionFields(topic = "") {
  return [
    field("topic", "Topic", { value: topic, needed: true, hint: "Its id, or its full name" }),
    field("ackDeadlineSeconds", "Ack deadline, s", { type: "number", hint: "10 to 600; 10 where nothing is said", check: limits.whole(10, 600, "s") }),
    field("messageRetentionDuration", "Kept for, s", { type: "number", hint: "600 to 2678400; seven days where nothing is said", check: limits.whole(600, 2_678_400, "s") }),
    field("filter", "Filter", { hint: 'Such as attributes.kind = "order"; it stays for good' }),
    field("pushEndpoint", "Push to", { hint: "An URL; nothing for a subscription that is pulled from", check: (text) => (!text || /^https?:\/\/\S+$/.test(text) ? "" : "An URL that begins with http.") }),
    field("deadLetterTopic", "Dead letters to the topic", {}),
    field("maxDeliveryAttempts", "After how many deliveries", { type: "number", hint: "5 to 100", check: limits.whole(5, 100, "") }),
    field("retainAckedMessages", "Keep acknowledged messages, for seeking", { type: "check" }),
    field("enableMessageOrdering", "Keep the order of each ordering key", { type: "check" }),
    field("enableExactlyOnceDelivery", "Exactly-once delivery", { type: "check" }),
  ];
}

/** @param {Record<string, any>} values */
function subscription(values) {
  /** @type {Record<string, any>} */
  const definition = { topic: full(values.topic, values.project, "topics") };
  if (values.ackDeadlineSeconds) definition.ackDeadlineSeconds = Number(values.ackDeadlineSeconds);
  if (values.messageRetentionDuration) definition.messageRetentionDuration = seconds(values.messageRetentionDuration);
  if (values.filter) definition.filter = values.filter;
  if (values.pushEndpoint) definition.pushConfig = { pushEndpoint: values.pushEndpoint };
  if (values.deadLetterTopic) {
    definition.deadLetterPolicy = { deadLetterTopic: full(values.deadLetterTopic, values.project, "topics"), maxDeliveryAttempts: Number(values.maxDeliveryAttempts || 5) };
  }
  for (const name of ["retainAckedMessages", "enableMessageOrdering", "enableExactlyOnceDelivery"]) if (values[name]) definition[name] = true;
  return definition;
}

/**
 * @param {import("./resource_list.js").Kind} kind
 * @param {{project?: string, topic?: string, subscription?: string}} [given]
 */
export function createResourceDialog(kind, given = {}) {
  const name = field("name", "Id", { needed: true, hint: "3 to 255 characters, a letter first", check: limits.resourceId });
  const project = field("project", "Project", { value: given.project ?? "local", needed: true });
  const own = {
    topics: () => [
      field("schema", "Schema", { hint: "Its id; nothing for none" }),
      field("encoding", "Encoding of messages", { type: "select", value: "JSON", options: [["JSON", "JSON"], ["BINARY", "binary"]] }),
      field("messageRetentionDuration", "Kept for, s", { type: "number", hint: "600 to 2678400; nothing keeps none that is acknowledged", check: limits.whole(600, 2_678_400, "s") }),
    ],
    subscriptions: () => subscriptionFields(given.topic),
    snapshots: () => [field("subscription", "Subscription", { value: given.subscription ?? "", needed: true, hint: "Its id, or its full name" })],
    schemas: () => [
      field("type", "Type", { type: "select", value: "AVRO", options: [["AVRO", "Avro"], ["PROTOCOL_BUFFER", "Protocol buffers"]] }),
      field("definition", "Definition", { type: "area", needed: true, check: limits.definition, more: { rows: 10 } }),
    ],
  }[kind]();
  const labels = kind === "schemas" ? [] : [pairs("labels", "Labels", {})];
  const more = kind === "schemas" ? [] : [field("more", "Anything else", { type: "area", hint: "More fields as Pub/Sub's REST API has them, as JSON", check: limits.object, more: { rows: 3 } })];
  formDialog(`Create a ${ONE[kind]}`, [name, project, ...own, ...labels, ...more], "Create", async (values) => {
    /** @type {Record<string, any>} */
    let definition = {};
    if (kind === "subscriptions") definition = subscription(values);
    if (kind === "topics") {
      if (values.schema) definition.schemaSettings = { schema: full(values.schema, values.project, "schemas"), encoding: values.encoding };
      if (values.messageRetentionDuration) definition.messageRetentionDuration = seconds(values.messageRetentionDuration);
    }
    if (kind === "snapshots") definition.subscription = full(values.subscription, values.project, "subscriptions");
    if (kind === "schemas") definition = { type: values.type, definition: values.definition };
    if (values.labels?.length) definition.labels = Object.fromEntries(values.labels);
    if (values.more?.trim()) definition = { ...definition, ...JSON.parse(values.more) };
    const made = await api("POST", `/${kind}`, { query: { project: values.project }, body: { name: values.name, definition } });
    tell(`The ${ONE[kind]} ${made.name} is there.`);
    go(toResource(made.full_name));
  });
}
