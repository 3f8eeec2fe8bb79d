// What is told in passing, and to screen readers too.

import { fill, h } from "../lib/dom.js";

const SHOWN_MS = 6000;
const NOTICES_MAX = 4;

const region = h("div", { class: "toasts", role: "status", "aria-live": "polite" });
export const notices = region;

/** @param {string} text @param {boolean} [bad] */
export function tell(text, bad = false) {
  const toast = h("div", { class: bad ? "toast bad" : "toast" }, text);
  region.append(toast);
  while (region.children.length > NOTICES_MAX) region.firstElementChild?.remove();
  setTimeout(() => toast.remove(), SHOWN_MS);
}

/** What an error says. @param {unknown} error */
export const textOf = (error) => (error instanceof Error ? error.message : String(error));

/** Does something and says what came of it. @template T @param {() => Promise<T>} act @param {string | ((done: T) => string)} done */
export async function doing(act, done) {
  try {
    const result = await act();
    tell(typeof done === "string" ? done : done(result));
    return result;
  } catch (error) {
    tell(textOf(error), true);
    return undefined;
  }
}

/** An error in the place of what it kept from being shown. @param {Element} place @param {unknown} error @param {string} what */
export function showError(place, error, what) {
  fill(place, h("div", { class: "note bad", role: "alert" }, h("strong", null, `${what} `), textOf(error)));
}
