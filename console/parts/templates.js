// Choosing among templates, keeping one, forgetting one.

import { fill, h } from "../lib/dom.js";
import { forgetTemplate, keepTemplate, templatesOf } from "../lib/templates.js";
import { button } from "./buttons.js";
import { field, formDialog } from "./form.js";
import { tell } from "./notice.js";

/**
 * @param {"sqs" | "pubsub"} kind
 * @param {() => any} message what the form has now
 * @param {(message: any) => void} take puts one into the form
 */
export function templates(kind, message, take) {
  const choice = h("select", { "aria-label": "Template", class: "small" });
  choice.style.width = "auto";
  const forget = button("Forget", () => {
    forgetTemplate(kind, choice.value);
    tell(`The template ${choice.value} is forgotten.`);
    draw("");
  }, { name: "Forget the template" });
  /** @param {string} chosen */
  const draw = (chosen) => {
    const names = templatesOf(kind).map((one) => one.name);
    fill(choice, h("option", { value: "" }, names.length ? "Template…" : "No template yet"), names.map((name) => h("option", { value: name }, name)));
    choice.value = chosen;
    forget.disabled = !choice.value;
  };
  choice.addEventListener("change", () => {
    forget.disabled = !choice.value;
    const found = templatesOf(kind).find((one) => one.name === choice.value);
    if (found) take(found.message);
  });
  const keep = button("Keep as template…", () => {
    const name = field("name", "Name", { value: choice.value, needed: true, hint: "One of that name is replaced. This browser keeps it.", wide: true });
    formDialog("Keep as template", [name], "Keep", async (values) => {
      keepTemplate({ kind, name: values.name, message: message() });
      draw(values.name);
      tell(`The template ${values.name} is kept.`);
    }, { needs: "read" });
  });
  draw("");
  return h("div", { class: "row", role: "group", "aria-label": "Templates" }, choice, keep, forget);
}
