// Buttons, which know what they take, and lines to copy.

import { h, say } from "../lib/dom.js";
import { may } from "../lib/session.js";
import { tell } from "./notice.js";

const SAID_MS = 1500;

/**
 * @param {string} label
 * @param {() => void} act
 * @param {{kind?: string, needs?: "read" | "operate" | "admin", name?: string, id?: string}} [more] `name` is what screen readers say.
 */
export function button(label, act, more = {}) {
  const needs = more.needs ?? "read";
  const allowed = may(needs);
  return h("button", {
    type: "button",
    class: more.kind ?? "",
    id: more.id,
    "aria-label": more.name,
    disabled: !allowed,
    title: allowed ? null : `This takes a token with the scope ${needs}.`,
    on: { click: act },
  }, label);
}

/** @param {string} label @param {() => string} text @param {string} [name] */
export function copyButton(label, text, name) {
  const control = h("button", { type: "button", "aria-label": name }, label);
  control.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text());
      say(control, "Copied");
      setTimeout(() => say(control, label), SAID_MS);
    } catch {
      // Pages that came by clear text from another machine may not.
      tell("This browser does not let the page copy: select the line instead.", true);
    }
  });
  return control;
}

/** The form that was copied last. */
let copiedAs = "";

/** Something to copy in one of several forms. @param {[string, () => string][]} forms name and text */
export function copyAs(forms) {
  const choice = h("select", { "aria-label": "Form of the copy", class: "small" }, forms.map(([name]) => h("option", { value: name }, name)));
  choice.value = forms.some(([name]) => name === copiedAs) ? copiedAs : forms[0][0];
  choice.style.width = "auto";
  const text = () => {
    copiedAs = choice.value;
    return forms.find(([name]) => name === choice.value)?.[1]() ?? "";
  };
  return h("span", { class: "row", role: "group", "aria-label": "Copy as a command or program" }, copyButton("Copy as", text), choice);
}

/** A line to paste. @param {string} text */
export function pasteLine(text) {
  return h("div", null, h("pre", { tabindex: "0" }, text), h("p", { class: "row" }, copyButton("Copy", () => text, "Copy the command")));
}

/** What stands where there is nothing yet. @param {string} what @param {string[]} lines */
export function nothingYet(what, ...lines) {
  return h("div", { class: "empty" }, h("p", null, what), lines.map(pasteLine));
}

/** A download that needs no other page. @param {string} name @param {string} text */
export function download(name, text) {
  const link = h("a", { href: URL.createObjectURL(new Blob([text])), download: name });
  link.click();
  URL.revokeObjectURL(link.href);
}
