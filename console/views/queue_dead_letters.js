// A dead-letter queue's messages go back to where they came from, and one sees how far that is.

import { api, get } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { number, time } from "../lib/format.js";
import { ofArn, toQueue } from "../lib/router.js";
import { field, form } from "../parts/form.js";
import { button } from "../parts/buttons.js";
import { doing, tell } from "../parts/notice.js";
import { tag } from "../parts/facts.js";
import * as limits from "../lib/limits.js";
import { queuePath } from "./queue_form.js";
import { wiring } from "./queue_wiring.js";

const LOOK_MS = 1000;

/** @param {import("./queue.js").Name} queue @param {import("../lib/every.js").Life} life */
export function queueDeadLetters(queue, life) {
  const of = { region: queue.region, account: queue.account };
  const path = `${queuePath(queue)}/redrive`;
  const tasks = h("div", { "aria-live": "polite" });
  const destination = field("destination", "To", { hint: "A queue's name; nothing sends each message back to where it came from", check: (text) => (text ? limits.queueName(text) : "") });
  const speed = field("rate", "Messages per second", { type: "number", hint: "1 to 500; as fast as goes where nothing is said", check: limits.whole(1, 500, "") });
  const start = form([destination, speed], "Move them back", async (values) => {
    await api("POST", path, {
      query: of,
      body: { ...(values.destination ? { destination: values.destination } : {}), ...(values.rate ? { rate: Number(values.rate) } : {}) },
    });
    tell("They are on their way.");
    refresh();
  });
  /** @param {string} handle */
  const cancel = async (handle) => {
    await doing(() => api("POST", `${path}/cancel`, { query: of, body: { TaskHandle: handle } }), (done) => `It ends; ${number(done.ApproximateNumberOfMessagesMoved)} are moved and stay there.`);
    refresh();
  };
  let shown = "";
  const refresh = life.every(LOOK_MS, async (signal) => {
    const told = await get(path, of, signal);
    const text = JSON.stringify(told);
    if (text === shown) return;
    shown = text;
    fill(tasks, told.tasks.length
      ? told.tasks.map((/** @type {any} */ task) => {
        const moved = task.ApproximateNumberOfMessagesMoved ?? 0;
        const all = Math.max(task.ApproximateNumberOfMessagesToMove ?? moved, moved);
        return h("div", { class: "field" },
          h("div", { class: "spread" },
            h("span", null, tag(task.Status.toLowerCase(), { RUNNING: "warn", COMPLETED: "good", FAILED: "bad" }[/** @type {"RUNNING"} */ (task.Status)] ?? ""),
              ` ${number(moved)} of ${number(all)} to `,
              task.DestinationArn ? h("a", { href: toQueue(ofArn(task.DestinationArn)) }, ofArn(task.DestinationArn).name) : "where they came from"),
            h("span", { class: "quiet small" }, time(task.StartedTimestamp))),
          task.TaskHandle && task.Status === "RUNNING" && button("Stop it", () => cancel(task.TaskHandle), { needs: "operate", name: "Stop this move" }),
          h("progress", { max: Math.max(all, 1), value: all ? moved : 1, "aria-label": `Moved ${number(moved)} of ${number(all)}` }),
          task.FailureReason && h("p", { class: "wrong" }, task.FailureReason));
      })
      : h("p", { class: "quiet" }, "Nothing has been moved back yet."));
  });
  return h("div", { class: "two" },
    h("section", { class: "card" },
      h("h2", null, "Move all its messages back"),
      h("p", { class: "quiet small" }, "For a queue that others send their dead letters to. Single messages are moved in ", h("a", { href: toQueue(queue, "messages") }, "Messages"), "."),
      start, h("h3", null, "Moves"), tasks),
    wiring(queue, life));
}
