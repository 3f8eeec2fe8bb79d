// Dialogs: the browser's own, which keep the keyboard inside and end with Escape.

import { fresh, h } from "../lib/dom.js";
import { button } from "./buttons.js";

/** @param {string} title @param {any[]} content @returns {HTMLDialogElement} */
export function open(title, ...content) {
  const id = fresh("dialog");
  const dialog = h("dialog", { "aria-labelledby": id }, h("h2", { id }, title), content);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/**
 * Asks once, and says what will be lost.
 * @param {string} title @param {any} what @param {string} confirm what the button says
 * @returns {Promise<boolean>}
 */
export function ask(title, what, confirm) {
  return new Promise((resolve) => {
    let answer = false;
    const dialog = open(
      title,
      h("p", null, what),
      h("div", { class: "actions" },
        button("Cancel", () => dialog.close()),
        button(confirm, () => { answer = true; dialog.close(); }, { kind: "bad main" })),
    );
    dialog.addEventListener("close", () => resolve(answer));
  });
}
