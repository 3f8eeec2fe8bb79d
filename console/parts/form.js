// Forms whose fields are checked as somebody types.

import { fill, fresh, h, say } from "../lib/dom.js";
import { open } from "./dialog.js";
import { button } from "./buttons.js";
import { textOf } from "./notice.js";

/** @typedef {{element: any, name: string, value: () => any, set: (value: any) => void, problem: () => string, show: () => void, focus: () => void}} Field */

/**
 * @typedef {object} FieldSettings
 * @property {string} [type] text, number, area, select, check or datetime-local
 * @property {any} [value]
 * @property {string} [hint]
 * @property {boolean} [wide]
 * @property {boolean} [needed]
 * @property {[string, string][]} [options] of a select: value and label
 * @property {string[]} [suggestions]
 * @property {(text: string) => string} [check]
 * @property {Record<string, any>} [more] attributes
 */

/** @param {string} name @param {string} label @param {FieldSettings} [settings] @returns {Field} */
export function field(name, label, settings = {}) {
  const id = fresh(name.replace(/\W/g, ""));
  const { type = "text", value = "", hint, check, needed } = settings;
  const hintId = `${id}-hint`;
  const wrongId = `${id}-wrong`;
  /** @type {any} */
  let control;
  const shared = { id, name, "aria-describedby": `${hint ? `${hintId} ` : ""}${wrongId}`, autocomplete: "off", ...settings.more };
  if (type === "check") {
    control = h("input", { ...shared, type: "checkbox", checked: Boolean(value) });
  } else if (type === "select") {
    control = h("select", shared, (settings.options ?? []).map(([key, text]) => h("option", { value: key }, text)));
    control.value = value;
  } else if (type === "area") {
    control = h("textarea", { ...shared, spellcheck: "false", value });
  } else {
    control = h("input", { ...shared, type: type === "number" ? "text" : type, inputmode: type === "number" ? "numeric" : null, spellcheck: "false", value });
  }
  if (needed) control.setAttribute("aria-required", "true");
  const wrong = h("p", { class: "wrong", id: wrongId, "aria-live": "polite" });
  let touched = false;
  const problem = () => {
    if (type === "check") return "";
    if (needed && !control.value) return check?.("") || "This is needed.";
    return check?.(control.value) ?? "";
  };
  const show = () => {
    const text = touched ? problem() : "";
    say(wrong, text);
    if (text) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
  };
  control.addEventListener("input", () => { touched = true; show(); });
  control.addEventListener("change", () => { touched = true; show(); });
  const labelled = h("label", type === "check" ? { class: "check" } : { for: id }, type === "check" ? [control, label] : label);
  let list = null;
  if (settings.suggestions) {
    list = h("datalist", { id: `${id}-list` }, settings.suggestions.map((text) => h("option", { value: text })));
    control.setAttribute("list", `${id}-list`);
  }
  const element = h("div", { class: settings.wide || type === "area" ? "field wide" : "field" },
    labelled, type === "check" ? null : control, list, hint && h("p", { class: "hint", id: hintId }, hint), wrong);
  return {
    element,
    name,
    value: () => (type === "check" ? control.checked : control.value),
    set: (to) => {
      if (type === "check") control.checked = Boolean(to);
      else control.value = to ?? "";
      show();
    },
    problem,
    show: () => { touched = true; show(); },
    focus: () => control.focus(),
  };
}

/**
 * Names and values, as many as somebody wants.
 * @param {string} name @param {string} label
 * @param {{value?: string[][], types?: string[], check?: (rows: any[]) => string, hint?: string}} [settings]
 * @returns {Field}
 */
export function pairs(name, label, settings = {}) {
  const types = settings.types;
  const rows = h("div");
  const wrong = h("p", { class: "wrong", "aria-live": "polite" });
  const read = () => [...rows.children].map((row) => [...row.querySelectorAll("input, select")].map((control) => /** @type {any} */ (control).value))
    .filter((row) => row.some((text, at) => text && !(types && at === 1)))
    .map((row) => (types ? { name: row[0], type: row[1], value: row[2] } : row));
  const problem = () => settings.check?.(read()) ?? "";
  const show = () => say(wrong, problem());
  /** @param {string[]} [value] */
  const add = (value = []) => {
    const row = h("div", { class: types ? "pairs three" : "pairs" },
      h("input", { "aria-label": `${label}: name`, placeholder: "name", autocomplete: "off", value: value[0] ?? "" }),
      types && h("select", { "aria-label": `${label}: type` }, types.map((type) => h("option", { value: type }, type))),
      h("input", { "aria-label": `${label}: value`, placeholder: "value", autocomplete: "off", value: (types ? value[2] : value[1]) ?? "" }),
      button("Remove", () => { row.remove(); show(); more.focus(); }, { name: `Remove this one of ${label}` }));
    if (types && value[1]) row.querySelector("select").value = value[1];
    row.addEventListener("input", show);
    rows.append(row);
    return row;
  };
  for (const value of settings.value ?? []) add(value);
  const more = button("Add", () => add().querySelector("input").focus(), { name: `Add to ${label}` });
  const element = h("fieldset", { class: "wide" }, h("legend", null, label), settings.hint && h("p", { class: "hint" }, settings.hint), rows, more, wrong);
  /** @param {any[]} values as `value` gives them */
  const set = (values) => {
    fill(rows);
    for (const one of values ?? []) add(types ? [one.name, one.type, one.value] : one);
    show();
  };
  return { element, name, value: read, set, problem, show, focus: () => more.focus() };
}

/**
 * @param {Field[]} fields
 * @param {string} label what the button says
 * @param {(values: Record<string, any>) => Promise<void>} submit
 * @param {{needs?: "read" | "operate" | "admin", more?: any[], cancel?: () => void, kind?: string}} [settings]
 */
export function form(fields, label, submit, settings = {}) {
  const wrong = h("p", { class: "wrong", role: "alert" });
  const send = h("button", { type: "submit", class: `main ${settings.kind ?? ""}` }, label);
  const probe = button("", () => {}, { needs: settings.needs ?? "operate" });
  if (probe.disabled) {
    send.disabled = true;
    send.title = probe.title;
  }
  const element = h("form", { novalidate: true },
    h("div", { class: "fields" }, fields.map((one) => one.element)), wrong,
    h("div", { class: "actions row" }, settings.cancel && button("Cancel", settings.cancel), settings.more, send));
  element.addEventListener("submit", async (/** @type {Event} */ event) => {
    event.preventDefault();
    say(wrong, "");
    for (const one of fields) one.show();
    const first = fields.find((one) => one.problem());
    if (first) {
      first.focus();
      return;
    }
    send.disabled = true;
    try {
      await submit(Object.fromEntries(fields.map((one) => [one.name, one.value()])));
    } catch (error) {
      say(wrong, textOf(error));
    }
    send.disabled = false;
  });
  return element;
}

/** A form in a dialog, which closes once it is done. @param {string} title @param {Field[]} fields @param {string} label @param {(values: Record<string, any>) => Promise<void>} submit @param {{needs?: "read" | "operate" | "admin"}} [settings] */
export function formDialog(title, fields, label, submit, settings = {}) {
  /** @type {HTMLDialogElement} */
  let dialog;
  const element = form(fields, label, async (values) => {
    await submit(values);
    dialog.close();
  }, { ...settings, cancel: () => dialog.close() });
  dialog = open(title, element);
  fields[0]?.focus();
  return dialog;
}
