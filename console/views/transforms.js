// Message transforms: what they would make of a message, before they are saved.

import { api } from "../lib/api.js";
import { bytesOf, fromBase64 } from "../lib/body.js";
import { fill, h } from "../lib/dom.js";
import * as limits from "../lib/limits.js";
import { content } from "../parts/content.js";
import { facts, tag } from "../parts/facts.js";
import { field, form, pairs } from "../parts/form.js";

const EXAMPLE = [{
  javascriptUdf: {
    functionName: "keep",
    code: "function keep(message, metadata) {\n  const data = JSON.parse(message.data);\n  if (data.test) return null;\n  message.attributes.kind = data.kind ?? 'none';\n  return message;\n}",
  },
}];
const KINDS = /** @type {Record<string, string>} */ ({ changed: "good", filtered: "warn", failed: "bad" });

/** @param {string} text */
function list(text) {
  try {
    return Array.isArray(JSON.parse(text)) ? "" : "A JSON array of transforms.";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** @param {any[] | undefined} own transforms that the topic or subscription has */
export function transformTester(own) {
  const place = h("div", { "aria-live": "polite" });
  const fields = [
    field("transforms", "Transforms, as messageTransforms has them", { type: "area", value: JSON.stringify(own?.length ? own : EXAMPLE, null, 2), needed: true, check: list, more: { rows: 12 } }),
    field("text", "Data of a message", { type: "area", value: "{\"kind\": \"order\"}", more: { rows: 4 } }),
    pairs("attributes", "Attributes", { check: (rows) => limits.publishing("-", rows) }),
  ];
  const element = form(fields, "Try them", async (values) => {
    fill(place);
    const told = await api("POST", "/transforms/test", {
      body: { transforms: JSON.parse(values.transforms), messages: [{ text: values.text, attributes: Object.fromEntries(values.attributes) }] },
    });
    const [one] = told.outcomes;
    const text = one.data === undefined ? one.text ?? "" : null;
    const attributes = Object.entries(one.attributes ?? {});
    fill(place,
      h("p", null, tag(one.outcome, KINDS[one.outcome]), one.outcome === "filtered" ? " Nobody gets it." : one.reason ? ` ${one.reason}` : ""),
      one.outcome === "changed" && [
        content("What comes out", text === null ? fromBase64(one.data) : bytesOf(text), text),
        attributes.length ? facts(attributes.map(([name, value]) => [name, h("code", null, String(value))])) : h("p", { class: "quiet" }, "It has no attributes."),
      ]);
  });
  return h("section", { class: "card" }, h("h2", null, "Try transforms"),
    h("p", { class: "quiet small" }, "Nothing is published. Transforms that do what they should go into messageTransforms above."), element, place);
}
