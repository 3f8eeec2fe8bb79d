// A subscription's messages as they stand, looked at without being taken.

import { get } from "../lib/api.js";
import { bytesOf, fromBase64 } from "../lib/body.js";
import * as commands from "../lib/commands.js";
import { fill, fresh, h } from "../lib/dom.js";
import { number, size, time } from "../lib/format.js";
import { remember, to } from "../lib/router.js";
import { button, copyAs } from "../parts/buttons.js";
import { content } from "../parts/content.js";
import { facts, tag } from "../parts/facts.js";
import { showError } from "../parts/notice.js";
import { pages } from "../parts/pages.js";
import { table } from "../parts/table.js";
import { journey } from "./journey.js";

const LOOK_MS = 3000;
const PAGE_MESSAGES = 50;
const PREVIEW_CHARS_MAX = 120;

/** @param {import("./resource.js").Resource} one @param {import("../lib/every.js").Life} life @param {import("../lib/router.js").Route} route */
export function subscriptionMessages(one, life, route) {
  /** @type {Record<string, string>} */
  const state = { state: route.query.state ?? "", contains: route.query.contains ?? "", filter: route.query.filter ?? "", message: route.query.message ?? "" };
  /** @type {any[]} */
  let rows = [];
  let shownAs = "";
  const detail = h("section", { class: "card detail", tabindex: "0", "aria-label": "The chosen message" },
    h("h2", { tabindex: "-1" }, "Message"), h("p", { class: "quiet" }, "Choose a message in the list to look into it. Looking does not take it."));
  const problem = h("div");
  const empty = h("div");
  const count = h("span", { class: "quiet small", role: "status" });
  const address = () => remember(to(["subscription", one.project, one.name, "messages"], state));
  const bytes = (/** @type {any} */ row) => (row.data ? fromBase64(row.data) : bytesOf(row.text ?? ""));
  const list = table("Messages", [
    {
      label: "Message", kind: "preview", same: (row) => `${row.message_id} ${row.message_id === state.message}`,
      cell: (row) => h("button", { type: "button", "aria-pressed": String(row.message_id === state.message), on: { click: () => look(row, true) } }, (row.decoded === undefined ? row.text ?? row.data ?? "" : JSON.stringify(row.decoded)).slice(0, PREVIEW_CHARS_MAX) || "(no data)"),
    },
    { label: "State", same: (row) => row.state, cell: (row) => tag(row.state) },
    { label: "Published", cell: (row) => time(row.published_at) },
    { label: "Deliveries", number: true, cell: (row) => number(row.deliveries) },
    { label: "Ordering key", cell: (row) => row.ordering_key },
    { label: "Size", number: true, cell: (row) => size(bytes(row).length) },
  ], (row) => row.message_id, { tall: true });
  /** What binary data says, by the schema that it was checked against. @param {any} row */
  const decoded = (row) => {
    if (row.not_decoded) return h("p", { class: "note warn" }, `Its data can't be shown by its schema: ${row.not_decoded}`);
    if (row.decoded === undefined) return null;
    const text = JSON.stringify(row.decoded);
    return content("Data by its schema", bytesOf(text), text);
  };
  /** @param {any} row @param {boolean} byHand */
  const look = (row, byHand) => {
    if (byHand) {
      state.message = row.message_id;
      address();
      list.show(rows);
    }
    const text = JSON.stringify(row);
    if (text !== shownAs) {
      shownAs = text;
      const trip = h("div");
      const topic = h("span");
      fill(detail,
        h("h2", { tabindex: "-1" }, "Message ", h("code", null, row.message_id)),
        h("div", { class: "row field" },
          copyAs(commands.publishForms(one.project, () => topicName, () => row)),
          button("Journey", () => journey(trip, row.message_id)), topic),
        trip, decoded(row), content("Data", bytes(row), row.text ?? null),
        h("h3", null, "Attributes"),
        Object.keys(row.attributes).length ? facts(Object.entries(row.attributes).map(([name, value]) => [name, h("code", null, String(value))])) : h("p", { class: "quiet" }, "None."),
        h("h3", null, "From the service"),
        facts([["State", tag(row.state)], ["Published", time(row.published_at)], ["Deliveries", number(row.deliveries)], ["Ordering key", row.ordering_key]]));
    }
    if (byHand) {
      detail.querySelector("h2")?.focus();
      detail.scrollIntoView({ block: "nearest" });
    }
  };
  let topicName = "TOPIC";
  get(one.path, one.of, life.signal).then((now) => { topicName = now.topic?.split("/")[3] ?? topicName; }).catch(() => {});
  const paged = pages(`${one.path}/messages`, () => ({ ...one.of, max: PAGE_MESSAGES, state: state.state, contains: state.contains, filter: state.filter }), () => refresh());
  const refresh = life.every(LOOK_MS, async (signal) => {
    let told;
    try {
      told = await paged.look(signal);
    } catch (error) {
      if (!signal.aborted) showError(problem, error, "The messages can't be shown.");
      return;
    }
    if (!told) return;
    fill(problem);
    rows = told.messages;
    list.show(rows);
    count.textContent = `${number(rows.length)} shown${told.next ? ", and more" : ""}`;
    if (rows.length || paged.passed()) fill(empty);
    else if (!empty.firstChild) fill(empty, h("p", { class: "empty" }, state.state || state.contains || state.filter ? "No message fits." : "Nothing waits here. Publish to its topic, and it shows."));
    const looked = rows.find((row) => row.message_id === state.message);
    if (looked) look(looked, false);
  });
  const anew = () => {
    paged.restart();
    fill(empty);
    address();
    refresh();
  };
  const stateId = fresh("state");
  const wanted = h("select", { id: stateId }, [["", "any"], ["available", "available"], ["outstanding", "outstanding"], ["delayed", "delayed"], ["acknowledged", "acknowledged"]].map(([value, label]) => h("option", { value }, label)));
  wanted.value = state.state;
  wanted.addEventListener("change", () => { state.state = wanted.value; anew(); });
  const searchId = fresh("search");
  const search = h("input", { id: searchId, type: "search", autocomplete: "off", spellcheck: "false", value: state.contains });
  search.addEventListener("input", life.typed(() => { state.contains = search.value; anew(); }));
  const filterId = fresh("filter");
  const filter = h("input", { id: filterId, type: "search", autocomplete: "off", spellcheck: "false", value: state.filter, placeholder: 'attributes.kind = "order"' });
  filter.addEventListener("input", life.typed(() => { state.filter = filter.value.trim(); anew(); }));
  return h("div", { class: "split" },
    h("section", { class: "card" },
      h("div", { class: "filter", role: "search" },
        h("div", { class: "field" }, h("label", { for: searchId }, "Find in data, attributes, keys, ids"), search),
        h("div", { class: "field narrow" }, h("label", { for: stateId }, "State"), wanted),
        h("div", { class: "field" }, h("label", { for: filterId }, "Filter, to try"), filter)),
      problem, list.element, empty, h("div", { class: "row" }, paged.buttons, count)),
    detail);
}
