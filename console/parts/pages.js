// Going through pages, of which each answer says where the next begins.

import { get } from "../lib/api.js";
import { button } from "./buttons.js";

/**
 * @param {string} path of the API
 * @param {() => Record<string, any>} question what is wanted now, but for where its page begins
 * @param {() => void} refresh has `look` called
 */
export function pages(path, question, refresh) {
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
  const wanted = () => ({ ...question(), after });
  back.disabled = forth.disabled = true;
  return {
    buttons: [back, forth],
    /** The page that is to be shown, or null where another is wanted by the time of the answer. @param {AbortSignal} signal */
    look: async (signal) => {
      const asked = wanted();
      const told = await get(path, asked, signal);
      if (JSON.stringify(asked) !== JSON.stringify(wanted())) return null;
      next = told.next ?? "";
      back.disabled = !after;
      forth.disabled = !next;
      return told;
    },
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
