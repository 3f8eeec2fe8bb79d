// What a message has in it, in the form that somebody wants.

import { h, say } from "../lib/dom.js";
import { kindOf, shown } from "../lib/body.js";
import { size } from "../lib/format.js";
import { copyButton, download } from "./buttons.js";

/** @type {[import("../lib/body.js").Form, string][]} */
const FORMS = [["pretty", "Pretty"], ["text", "Text"], ["hex", "Hex"], ["base64", "Base64"]];
/** @type {import("../lib/body.js").Form} */
let preferred = "pretty";

/** @param {string} title @param {Uint8Array} bytes @param {string | null} text */
export function content(title, bytes, text) {
  const pre = h("pre", { tabindex: "0", "aria-label": title });
  const draw = () => {
    pre.className = preferred === "hex" ? "hex" : "";
    say(pre, shown(bytes, text, preferred));
  };
  const choice = h("select", { "aria-label": `How to show the ${title.toLowerCase()}`, class: "small" },
    FORMS.map(([form, label]) => h("option", { value: form }, label)));
  choice.value = preferred;
  choice.style.width = "auto";
  choice.addEventListener("change", () => { preferred = choice.value; draw(); });
  draw();
  const kind = text === null ? "binary" : kindOf(text);
  return h("div", { class: "field" },
    h("div", { class: "spread" },
      h("h3", null, title, " ", h("span", { class: "quiet small" }, `${kind}, ${size(bytes.length)}`)),
      h("div", { class: "row" }, choice,
        copyButton("Copy", () => pre.textContent ?? "", `Copy the ${title.toLowerCase()}`),
        h("button", { type: "button", on: { click: () => download("message.txt", text ?? pre.textContent ?? "") } }, "Save"))),
    pre);
}
