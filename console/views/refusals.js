// Who was refused because of who they are.

import { get } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { number, time } from "../lib/format.js";
import { head, tag } from "../parts/facts.js";
import { table } from "../parts/table.js";

const LOOK_MS = 3000;

/** @param {import("../lib/every.js").Life} life */
export function refusalsView(life) {
  const counts = table("Refusals by sort", [
    { label: "Of", head: true, cell: (one) => one.dialect },
    { label: "For", cell: (one) => one.about },
    { label: "What was done", cell: (one) => (one.enforced ? "refused" : "carried out, and told of") },
    { label: "Since the start", number: true, cell: (one) => number(one.count) },
  ], (one) => `${one.dialect} ${one.about} ${one.enforced}`, { none: "None." });
  const latest = table("The latest refusals", [
    { label: "When", head: true, cell: (one) => time(Date.parse(one.time)) },
    { label: "Of", cell: (one) => one.dialect },
    { label: "For", same: (one) => `${one.about} ${one.enforced}`, cell: (one) => [tag(one.about, one.enforced ? "bad" : "warn"), !one.enforced && " only told of"] },
    { label: "Who", cell: (one) => one.who ?? "" },
    { label: "From", cell: (one) => one.peer ?? "" },
    { label: "Asked for", cell: (one) => one.operation ?? "" },
    { label: "With", cell: (one) => one.resource ?? "" },
    { label: "Why", kind: "wrap", cell: (one) => one.reason },
  ], (one) => one.key);
  const empty = h("div");
  life.every(LOOK_MS, async (signal) => {
    const told = await get("/refusals", {}, signal);
    counts.show(told.counts);
    /** @type {Map<string, number>} */
    const times = new Map();
    latest.show(told.latest.map((/** @type {any} */ one) => {
      const text = JSON.stringify(one);
      times.set(text, (times.get(text) ?? 0) + 1);
      return { ...one, key: `${text} ${times.get(text)}` };
    }));
    if (told.latest.length) fill(empty);
    else if (!empty.firstChild) fill(empty, h("p", { class: "empty" }, "Nobody was refused. Whom --sqs-auth, --pubsub-auth and --limit-* refuse, or would refuse where they only report, is shown here."));
  });
  return h("div", null, head("Refusals", null),
    h("section", { class: "card" }, h("h2", null, "How many"), counts.element),
    h("section", { class: "card" }, h("h2", null, "The latest"), latest.element, empty));
}
