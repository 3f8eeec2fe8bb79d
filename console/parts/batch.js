// Sending many messages of a file, with progress and a way to stop.

import { messagesOf } from "../lib/batch.js";
import { fill, fresh, h, say } from "../lib/dom.js";
import { number } from "../lib/format.js";
import { button } from "./buttons.js";
import { textOf, tell } from "./notice.js";

const AT_ONCE = 4;
const REASONS_MAX = 5;

/**
 * @param {(one: any, n: number) => any} prepare makes a message of what the file has
 * @param {number} size how many go in a request
 * @param {(messages: any[], signal: AbortSignal) => Promise<any>} send
 * @param {string} hint
 * @param {import("../lib/every.js").Life} life
 */
export function batchSender(prepare, size, send, hint, life) {
  const id = fresh("file");
  const input = h("input", { id, type: "file", accept: ".json,.jsonl,.ndjson,.txt,text/plain,application/json", "aria-describedby": `${id}-hint` });
  const place = h("div");
  const start = button("Send the file's messages", async () => {
    const file = input.files?.[0];
    if (!file) {
      fill(place, h("p", { class: "wrong", role: "alert" }, "Choose a file first."));
      input.focus();
      return;
    }
    try {
      await run((await messagesOf(file)).map(prepare));
    } catch (error) {
      fill(place, h("p", { class: "wrong", role: "alert" }, textOf(error)));
    }
    start.disabled = false;
  }, { needs: "operate" });
  /** @param {any[]} messages */
  const run = async (messages) => {
    start.disabled = true;
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, life.signal]);
    const bar = h("progress", { max: messages.length, "aria-label": "Messages that are sent" });
    bar.value = 0;
    const count = h("p", { role: "status" });
    const reasons = h("ul", { class: "wrong" });
    fill(place, bar, h("div", { class: "spread" }, count, button("Stop", () => stop.abort(), { name: "Stop sending" })), reasons);
    let [next, sent, failed] = [0, 0, 0];
    const progress = () => {
      bar.value = sent + failed;
      say(count, `${number(sent)} of ${number(messages.length)} sent${failed ? `, ${number(failed)} refused` : ""}`);
    };
    progress();
    // One at a time keeps the file's order, which FIFO queues and ordering keys are about.
    const isOrdered = messages.some((one) => one?.MessageGroupId || one?.ordering_key || one?.orderingKey);
    await Promise.all(Array.from({ length: isOrdered ? 1 : AT_ONCE }, async () => {
      while (next < messages.length && !signal.aborted) {
        const [from, to] = [next, Math.min(next + size, messages.length)];
        next = to;
        try {
          await send(messages.slice(from, to), signal);
          sent += to - from;
        } catch (error) {
          if (signal.aborted) break;
          failed += to - from;
          if (reasons.children.length < REASONS_MAX) reasons.append(h("li", null, `${to - from === 1 ? `Message ${from + 1}` : `Messages ${from + 1} to ${to}`}: ${textOf(error)}`));
        }
        progress();
      }
    }));
    place.querySelector("button")?.remove();
    if (!life.signal.aborted) tell(stop.signal.aborted ? `Stopped: ${number(sent)} are sent.` : `${number(sent)} are sent${failed ? `, ${number(failed)} were refused` : ""}.`, failed > 0);
  };
  return h("section", { class: "card" },
    h("h2", null, "Send many of a file"),
    h("div", { class: "field" }, h("label", { for: id }, "File"), input, h("p", { class: "hint", id: `${id}-hint` }, hint)),
    h("div", { class: "row" }, start), place);
}
