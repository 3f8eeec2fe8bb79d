// Message groups: which there are, what each begins with, and what keeps it.

import { get } from "../lib/api.js";
import { fill, fresh, h, say } from "../lib/dom.js";
import { duration, number, time } from "../lib/format.js";
import { remember, toQueue } from "../lib/router.js";
import { tag } from "../parts/facts.js";
import { table } from "../parts/table.js";
import { queuePath } from "./queue_form.js";

const LOOK_MS = 3000;
const SHOWN_MAX = 100;

/** @param {import("./queue.js").Name} queue @param {import("../lib/every.js").Life} life @param {import("../lib/router.js").Route} route */
export function queueGroups(queue, life, route) {
  const state = { contains: route.query.contains ?? "" };
  const empty = h("div");
  const count = h("p", { class: "quiet small", role: "status" });
  const list = table("Groups", [
    { label: "Group", head: true, same: (one) => one.group, cell: (one) => h("a", { href: toQueue(queue, "messages", { contains: one.group }), class: "name" }, one.group) },
    { label: "State", same: (one) => String(one.locked), cell: (one) => tag(one.locked ? "locked" : "free", one.locked ? "warn" : "good") },
    { label: "Locked for", number: true, cell: (one) => (one.locked_until ? duration(Math.max(0, one.locked_until - Date.now())) : "") },
    { label: "Visible", number: true, cell: (one) => number(one.visible) },
    { label: "In flight", number: true, cell: (one) => number(one.in_flight) },
    { label: "Delayed", number: true, cell: (one) => number(one.delayed) },
    { label: "Head", same: (one) => one.head.message_id, cell: (one) => h("a", { href: toQueue(queue, "messages", { contains: one.head.message_id, message: one.head.message_id }) }, h("code", null, one.head.message_id.slice(0, 8))) },
    { label: "Its state", same: (one) => one.head.state, cell: (one) => tag(one.head.state) },
    { label: "Receives", number: true, cell: (one) => number(one.head.receive_count) },
    { label: "Sent", cell: (one) => time(one.head.sent_at) },
  ], (one) => one.group, { tall: true });
  const refresh = life.every(LOOK_MS, async (signal) => {
    const told = await get(`${queuePath(queue)}/groups`, { region: queue.region, account: queue.account, max: SHOWN_MAX, contains: state.contains }, signal);
    list.show(told.groups);
    const more = told.found > told.groups.length ? ` of ${number(told.found)}` : "";
    say(count, `${number(told.groups.length)}${more} shown${told.has_more ? `, of the oldest ${number(told.looked)} messages` : ""}`);
    if (told.groups.length) fill(empty);
    else if (!empty.firstChild) {
      fill(empty, h("p", { class: "empty" }, state.contains
        ? "No group fits."
        : queue.name.endsWith(".fifo") ? "No message is here, so there is no group. Send one in the tab Send." : "No message here has a group. Standard queues are fair among groups where messages have them."));
    }
  });
  const id = fresh("group");
  const search = h("input", { id, type: "search", autocomplete: "off", spellcheck: "false", value: state.contains });
  search.addEventListener("input", life.typed(() => {
    state.contains = search.value;
    fill(empty);
    remember(toQueue(queue, "groups", state));
    refresh();
  }));
  return h("section", { class: "card" },
    h("p", { class: "quiet small" }, queue.name.endsWith(".fifo")
      ? "A group is locked while one of its messages is in flight: the next are given out once that is deleted or visible again."
      : "Of a standard queue, groups only see to it that none is served before the others."),
    h("div", { class: "filter", role: "search" }, h("div", { class: "field" }, h("label", { for: id }, "Group contains"), search)),
    list.element, empty, count);
}
