// Going through pages, of which each answer says where the next begins.

import { button } from "./buttons.js";

/** @param {() => void} refresh asks for the page that is to be shown now */
export function pages(refresh) {
  /** Where the pages before this one began. @type {string[]} */
  const before = [];
  let after = "";
  // Of the page that is shown, so nothing while another is asked for: who presses twice doesn't go there twice.
  let next = "";
  const back = button("← Before", () => {
    after = before.pop() ?? "";
    next = "";
    refresh();
  }, { name: "Page before" });
  const forth = button("Next →", () => {
    if (!next) return;
    before.push(after);
    after = next;
    next = "";
    refresh();
  }, { name: "Next page" });
  /** @param {string | null | undefined} told where the page after the one that is shown begins */
  const shown = (told) => {
    next = told ?? "";
    back.disabled = !after;
    forth.disabled = !next;
  };
  shown("");
  return {
    buttons: [back, forth],
    shown,
    /** Where the page begins that is to be shown. */
    after: () => after,
    /** How many pages are before it. */
    passed: () => before.length,
    /** To the first one. */
    restart: () => {
      after = "";
      before.length = 0;
      next = "";
    },
  };
}
