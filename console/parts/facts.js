// Figures and facts.

import { h, say } from "../lib/dom.js";

/** Tiles with a figure each, which change in place. @param {string[]} labels */
export function tiles(labels) {
  const values = labels.map(() => h("dd", null, "–"));
  const element = h("div", { class: "tiles" }, labels.map((label, at) => h("dl", { class: "tile" }, h("dt", null, label), values[at])));
  /** @param {string[]} texts */
  const show = (texts) => texts.forEach((text, at) => say(values[at], text));
  return { element, show };
}

/** @param {[string, any][]} facts */
export function facts(facts) {
  const shown = facts.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return h("dl", { class: "facts" }, shown.flatMap(([name, value]) => [h("dt", null, name), h("dd", null, value)]));
}

const KINDS = /** @type {Record<string, string>} */ ({
  visible: "good", available: "good", "in-flight": "warn", outstanding: "warn", delayed: "", acknowledged: "",
});

/** A text as it is, of that kind; or a state of the server's, in words. @param {string} text @param {string} [kind] */
export const tag = (text, kind) => h("span", { class: `tag ${kind ?? KINDS[text] ?? ""}` }, kind === undefined ? text.replaceAll("-", " ").replaceAll("_", " ") : text);

/** Tabs are links, each to an address of its own. @param {string} name @param {[string, string][]} links label and address @param {string} current */
export function tabs(name, links, current) {
  return h("nav", { class: "tabs", "aria-label": name },
    links.map(([label, address]) => h("a", { href: address, "aria-current": label === current ? "page" : null }, label)));
}

/** The head of a view. @param {string} title @param {any} actions @param {any} [crumb] */
export function head(title, actions, crumb) {
  return h("div", { class: "head" }, crumb && h("p", { class: "crumb" }, crumb), h("h1", { tabindex: "-1" }, title), h("span", { class: "grow" }), actions);
}
