// Ctrl-K: goes anywhere and does anything by a few letters.

import { fill, fresh, h } from "../lib/dom.js";
import { get } from "../lib/api.js";
import { go, toQueue, toResource } from "../lib/router.js";

const SHOWN_MAX = 12;
const WAIT_MS = 150;

/** @typedef {{label: string, kind: string, act: () => void}} Command */

/** @param {string} text @param {AbortSignal} signal @returns {Promise<Command[]>} */
async function found(text, signal) {
  if (!text) return [];
  const query = { contains: text, limit: 6 };
  const [queues, topics, subscriptions] = await Promise.all([
    get("/queues", query, signal), get("/topics", query, signal), get("/subscriptions", query, signal),
  ]);
  return [
    ...queues.queues.map((/** @type {any} */ queue) => ({ label: queue.name, kind: "queue", act: () => go(toQueue(queue)) })),
    ...topics.resources.map((/** @type {any} */ one) => ({ label: one.name, kind: "topic", act: () => go(toResource(one.full_name)) })),
    ...subscriptions.resources.map((/** @type {any} */ one) => ({ label: one.name, kind: "subscription", act: () => go(toResource(one.full_name)) })),
  ];
}

/** @param {Command[]} commands */
export function openPalette(commands) {
  if (document.querySelector("dialog[open]")) return;
  const listId = fresh("choices");
  const list = h("ul", { role: "listbox", id: listId, "aria-label": "Places and actions" });
  const input = h("input", {
    role: "combobox", "aria-expanded": "true", "aria-controls": listId, "aria-autocomplete": "list",
    "aria-label": "Go to or do", placeholder: "A queue, a topic, a view, an action…", autocomplete: "off",
  });
  const dialog = h("dialog", { class: "palette", "aria-label": "Commands" }, input, list);
  /** @type {Command[]} */
  let shown = [];
  let chosen = 0;
  let timer = 0;
  let asking = new AbortController();
  const draw = () => {
    fill(list, shown.map((command, at) => h("li", {
      role: "option", id: `${listId}-${at}`, "aria-selected": String(at === chosen), on: { click: () => run(command) },
    }, command.label, h("span", { class: "quiet small" }, command.kind))));
    if (shown.length === 0) fill(list, h("li", { role: "option", "aria-disabled": "true", "aria-selected": "false" }, "Nothing by that name."));
    input.setAttribute("aria-activedescendant", shown.length ? `${listId}-${chosen}` : "");
    list.children[chosen]?.scrollIntoView({ block: "nearest" });
  };
  /** @param {Command} command */
  const run = (command) => {
    dialog.close();
    command.act();
  };
  const fitting = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    return commands.filter((command) => words.every((/** @type {string} */ word) => command.label.toLowerCase().includes(word)));
  };
  const search = () => {
    shown = fitting().slice(0, SHOWN_MAX);
    chosen = 0;
    draw();
    clearTimeout(timer);
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    timer = setTimeout(async () => {
      try {
        const more = await found(input.value.trim(), signal);
        if (signal.aborted) return;
        shown = [...more, ...fitting()].slice(0, SHOWN_MAX);
        draw();
      } catch {
        // The frame says when the server doesn't answer.
      }
    }, WAIT_MS);
  };
  input.addEventListener("input", search);
  input.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && shown.length) {
      event.preventDefault();
      chosen = (chosen + step + shown.length) % shown.length;
      draw();
    } else if (event.key === "Enter" && shown[chosen]) {
      event.preventDefault();
      run(shown[chosen]);
    }
  });
  dialog.addEventListener("close", () => { asking.abort(); dialog.remove(); });
  document.body.append(dialog);
  dialog.showModal();
  input.focus();
  search();
}
