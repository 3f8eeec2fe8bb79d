// Messages in a file: a JSON array, JSON lines, or a body on each line.

const FILE_BYTES_MAX = 16 << 20;
const MESSAGES_MAX = 10_000;

/** @param {File} file @returns {Promise<any[]>} texts, and whatever else JSON says */
export async function messagesOf(file) {
  if (file.size > FILE_BYTES_MAX) throw new Error(`The file has ${file.size} bytes; ${FILE_BYTES_MAX} at most.`);
  const found = read(new TextDecoder().decode(await file.arrayBuffer()));
  if (!found.length) throw new Error("There is no message in the file.");
  if (found.length > MESSAGES_MAX) throw new Error(`There are ${found.length} messages in the file; ${MESSAGES_MAX} at most.`);
  return found;
}

/** @param {string} text @returns {any[]} */
export function read(text) {
  if (text.trimStart().startsWith("[")) {
    try {
      const all = JSON.parse(text);
      if (Array.isArray(all)) return all;
    } catch {
      // Lines, of which the first begins so.
    }
  }
  const lines = text.split(/\r?\n/).filter((line) => line.trim());
  try {
    const parsed = lines.map((line) => JSON.parse(line));
    // Lines of bare texts and numbers are bodies as they stand.
    if (parsed.every((one) => one && typeof one === "object")) return parsed;
  } catch {
    // No JSON: a body on each line.
  }
  return lines;
}

/** A message for SQS of what a file has: SendMessage's own members, or a body. @param {any} one */
export function asSqs(one) {
  if (one && typeof one === "object" && typeof one.MessageBody === "string") return one;
  return { MessageBody: typeof one === "string" ? one : JSON.stringify(one) };
}

/** A message for Pub/Sub: text or data with attributes, or data. @param {any} one */
export function asPubsub(one) {
  if (one && typeof one === "object" && (typeof one.text === "string" || typeof one.data === "string")) {
    const { text, data, attributes, ordering_key: snake, orderingKey = snake } = one;
    return { ...(text === undefined ? { data } : { text }), attributes: attributes ?? {}, ...(orderingKey ? { ordering_key: orderingKey } : {}) };
  }
  return { text: typeof one === "string" ? one : JSON.stringify(one), attributes: {} };
}
