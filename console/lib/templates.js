// Messages that somebody wants to send again, kept by the browser.

const KEY = "lclq-templates";
const TEMPLATES_MAX = 50;

/** @typedef {{name: string, kind: "sqs" | "pubsub", message: any}} Template */

/** @returns {Template[]} */
function all() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter((one) => one && typeof one.name === "string" && one.message && typeof one.message === "object") : [];
  } catch {
    return [];
  }
}

/** @param {Template[]} templates */
function keep(templates) {
  try {
    localStorage.setItem(KEY, JSON.stringify(templates));
  } catch {
    throw new Error("This browser keeps nothing more for this page.");
  }
}

/** @param {"sqs" | "pubsub"} kind */
export const templatesOf = (kind) => all().filter((one) => one.kind === kind);

/** One of that name takes the place of another. @param {Template} template */
export function keepTemplate(template) {
  const others = all().filter((one) => one.kind !== template.kind || one.name !== template.name);
  if (others.length >= TEMPLATES_MAX) throw new Error(`There are ${TEMPLATES_MAX} templates: forget one first.`);
  keep([...others, template].toSorted((one, other) => one.name.localeCompare(other.name)));
}

/** @param {"sqs" | "pubsub"} kind @param {string} name */
export const forgetTemplate = (kind, name) => keep(all().filter((one) => one.kind !== kind || one.name !== name));

/** What changes from copy to copy: {{n}}, {{uuid}} and {{now}}. @param {string} text @param {number} n */
export function filled(text, n) {
  return text.replaceAll(/\{\{(n|uuid|now)\}\}/g, (_, word) => ({ n: String(n), uuid: uuid(), now: new Date().toISOString() })[/** @type {"n"} */ (word)]);
}

/** Pages that came by clear text from another machine have no randomUUID. */
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
