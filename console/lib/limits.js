// The services' limits, checked as somebody types. Each answers what is wrong, or nothing. What the server
// says counts; this only says it sooner.

const NAME_CHARS_MAX = 80;
const GROUP_CHARS_MAX = 128;
const ATTRIBUTES_MAX = 10;
const TAGS_MAX = 50;
const TAG_KEY_CHARS_MAX = 128;
const TAG_VALUE_CHARS_MAX = 256;
const ATTRIBUTE_NAME_CHARS_MAX = 256;
const PUBSUB_ATTRIBUTES_MAX = 100;
const PUBSUB_KEY_BYTES_MAX = 256;
const PUBSUB_VALUE_BYTES_MAX = 1024;
const PUBSUB_DATA_BYTES_MAX = 10_000_000;
const DEFINITION_BYTES_MAX = 300_000;

/** @param {string} text */
const bytes = (text) => new TextEncoder().encode(text).length;

/** @param {number} least @param {number} most @param {string} unit @returns {(text: string) => string} */
export function whole(least, most, unit) {
  return (text) => {
    if (text.trim() === "") return "";
    const value = Number(text);
    const fits = Number.isInteger(value) && value >= least && value <= most;
    return fits ? "" : `A whole number from ${least} to ${most}${unit ? ` ${unit}` : ""}.`;
  };
}

export const queueNumbers = {
  VisibilityTimeout: { label: "Visibility timeout, s", least: 0, most: 43_200, usual: 30 },
  MessageRetentionPeriod: { label: "Messages are kept for, s", least: 60, most: 1_209_600, usual: 345_600 },
  DelaySeconds: { label: "Delay of new messages, s", least: 0, most: 900, usual: 0 },
  ReceiveMessageWaitTimeSeconds: { label: "Receives wait for, s", least: 0, most: 20, usual: 0 },
  MaximumMessageSize: { label: "Largest message, bytes", least: 1024, most: 1_048_576, usual: 1_048_576 },
};

/** @param {string} name */
export function queueName(name) {
  const base = name.replace(/\.fifo$/, "");
  if (!name) return "A queue has a name.";
  if (name.length > NAME_CHARS_MAX) return `${NAME_CHARS_MAX} characters at most; these are ${name.length}.`;
  if (!/^[A-Za-z0-9_-]+$/.test(base)) return "Letters, digits, - and _ only, and .fifo at the end of a FIFO queue's.";
  return "";
}

/** @param {string} text @param {number} most bytes */
export function messageBody(text, most) {
  if (!text) return "A message has a body of one character at least.";
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(text)) return "SQS takes no control characters but tab and line breaks.";
  const has = bytes(text);
  return has > most ? `${most} bytes at most; these are ${has}.` : "";
}

/** @param {string} text */
export function groupId(text) {
  if (!text) return "";
  if (text.length > GROUP_CHARS_MAX) return `${GROUP_CHARS_MAX} characters at most.`;
  return /^[\x21-\x7e]+$/.test(text) ? "" : "Letters, digits and punctuation without spaces.";
}

/** @param {{name: string, type: string, value: string}[]} attributes */
export function messageAttributes(attributes) {
  if (attributes.length > ATTRIBUTES_MAX) return `${ATTRIBUTES_MAX} attributes at most.`;
  const names = new Set();
  for (const { name, type, value } of attributes) {
    if (!/^[A-Za-z0-9_.-]+$/.test(name) || name.length > ATTRIBUTE_NAME_CHARS_MAX) return `“${name}”: letters, digits, -, _ and . only.`;
    if (/^\.|\.$|\.\./.test(name)) return `“${name}”: no . at either end, and not two in a row.`;
    if (/^(aws|amazon)\./i.test(name)) return `“${name}”: names that begin with AWS. or Amazon. are the service's own.`;
    if (names.has(name)) return `“${name}” is there twice.`;
    names.add(name);
    if (!value) return `“${name}” has no value.`;
    if (type === "Number" && !Number.isFinite(Number(value))) return `“${name}”: ${value} is no number.`;
    if (type === "Binary" && !/^[A-Za-z0-9+/]*={0,2}$/.test(value)) return `“${name}”: binary values are given in base64.`;
  }
  return "";
}

/** @param {[string, string][]} tags */
export function tags(tags) {
  if (tags.length > TAGS_MAX) return `${TAGS_MAX} tags at most.`;
  for (const [key, value] of tags) {
    if (!key || key.length > TAG_KEY_CHARS_MAX) return `A tag's key has 1 to ${TAG_KEY_CHARS_MAX} characters.`;
    if (value.length > TAG_VALUE_CHARS_MAX) return `“${key}”: ${TAG_VALUE_CHARS_MAX} characters at most.`;
    if (/^aws:/i.test(key)) return `“${key}”: keys that begin with aws: are the service's own.`;
  }
  return "";
}

/** An id in Pub/Sub. @param {string} id */
export function resourceId(id) {
  if (id.length < 3 || id.length > 255) return "3 to 255 characters.";
  if (!/^[A-Za-z]/.test(id)) return "It begins with a letter.";
  if (!/^[A-Za-z0-9\-_.~+%]+$/.test(id)) return "Letters, digits and - _ . ~ + % only.";
  return /^goog/i.test(id) ? "It does not begin with goog." : "";
}

/** @param {string} text */
export function object(text) {
  if (!text.trim()) return "";
  try {
    const value = JSON.parse(text);
    return value && typeof value === "object" && !Array.isArray(value) ? "" : "A JSON object, in braces.";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** @param {string} text */
export function definition(text) {
  if (!text.trim()) return "A schema has a definition.";
  return bytes(text) > DEFINITION_BYTES_MAX ? `${DEFINITION_BYTES_MAX} bytes at most.` : "";
}

/** @param {string} text @param {[string, string][]} attributes */
export function publishing(text, attributes) {
  if (!text && attributes.length === 0) return "A message has data or an attribute.";
  if (bytes(text) > PUBSUB_DATA_BYTES_MAX) return `${PUBSUB_DATA_BYTES_MAX} bytes at most.`;
  if (attributes.length > PUBSUB_ATTRIBUTES_MAX) return `${PUBSUB_ATTRIBUTES_MAX} attributes at most.`;
  for (const [key, value] of attributes) {
    if (!key || bytes(key) > PUBSUB_KEY_BYTES_MAX) return `An attribute's name has 1 to ${PUBSUB_KEY_BYTES_MAX} bytes.`;
    if (bytes(value) > PUBSUB_VALUE_BYTES_MAX) return `“${key}”: ${PUBSUB_VALUE_BYTES_MAX} bytes at most.`;
    if (/^goog/i.test(key)) return `“${key}”: names that begin with goog are the service's own.`;
  }
  return "";
}
