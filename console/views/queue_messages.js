// A queue's messages as they stand, looked at without being received.

import { api, get } from "../lib/api.js";
import { bytesOf } from "../lib/body.js";
import * as commands from "../lib/commands.js";
import { fill, fresh, h } from "../lib/dom.js";
import { number, size, time, timeOfDay } from "../lib/format.js";
import { ofArn, remember, toQueue } from "../lib/router.js";
import { button, copyAs, nothingYet } from "../parts/buttons.js";
import { content } from "../parts/content.js";
import { ask } from "../parts/dialog.js";
import { facts, tag } from "../parts/facts.js";
import { field, formDialog } from "../parts/form.js";
import { doing, showError, tell } from "../parts/notice.js";
import { pages } from "../parts/pages.js";
import { table } from "../parts/table.js";
import * as limits from "../lib/limits.js";
import { journey } from "./journey.js";
import { queuePath } from "./queue_form.js";

const LOOK_MS = 3000;
const PAGE_MESSAGES = 50;
const PREVIEW_CHARS_MAX = 120;
const CHOSEN_MAX = 100;

/** @param {import("./queue.js").Name} queue @param {import("../lib/every.js").Life} life @param {import("../lib/router.js").Route} route */
export function queueMessages(queue, life, route) {
  const of = { region: queue.region, account: queue.account };
  const path = queuePath(queue);
  /** @type {Record<string, string>} */
  const state = { state: route.query.state ?? "", contains: route.query.contains ?? "", message: route.query.message ?? "" };
  /** @type {any[]} */
  let rows = [];
  /** @type {Set<string>} */
  const chosen = new Set();
  const detail = h("section", { class: "card detail", tabindex: "0", "aria-label": "The chosen message", id: "message" });
  const problem = h("div");
  const empty = h("div");
  const count = h("span", { class: "quiet small", role: "status" });

  const list = table("Messages", [
    {
      label: "Choose", same: (row) => `${row.messageId} ${chosen.has(row.messageId)}`, cell: (row) => {
        const box = h("input", { type: "checkbox", "aria-label": `Choose ${row.messageId}`, checked: chosen.has(row.messageId) });
        box.addEventListener("change", () => {
          if (box.checked) chosen.add(row.messageId);
          else chosen.delete(row.messageId);
          showChosen();
        });
        return box;
      },
    },
    {
      label: "Message", kind: "preview", same: (row) => `${row.messageId} ${row.messageId === state.message}`,
      cell: (row) => h("button", { type: "button", "aria-pressed": String(row.messageId === state.message), "data-message": row.messageId, on: { click: () => look(row, true) } }, row.body.slice(0, PREVIEW_CHARS_MAX)),
    },
    {
      label: "State", same: (row) => `${row.state} ${row.dueAt}`,
      cell: (row) => [tag(row.state), row.dueAt && [" ", h("span", { class: "quiet small", title: time(row.dueAt) }, `until ${timeOfDay(row.dueAt)}`)]],
    },
    { label: "Sent", cell: (row) => time(Number(row.attributes.SentTimestamp)) },
    { label: "Receives", number: true, cell: (row) => number(Number(row.attributes.ApproximateReceiveCount)) },
    { label: "Held by", cell: (row) => heldBy(row) },
    { label: "Group", cell: (row) => row.attributes.MessageGroupId ?? "" },
    { label: "Size", number: true, cell: (row) => size(bytesOf(row.body).length) },
  ], (row) => row.messageId, { tall: true });

  const address = () => remember(toQueue(queue, "messages", state));
  const anew = () => {
    paged.restart();
    address();
    refresh();
  };

  const paged = pages(`${path}/messages`, () => ({ ...of, max: PAGE_MESSAGES, state: state.state, contains: state.contains }), () => refresh());
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
    const isFiltered = state.state || state.contains;
    if (rows.length || paged.passed()) fill(empty);
    else if (!empty.firstChild || empty.dataset.filtered !== String(Boolean(isFiltered))) {
      empty.dataset.filtered = String(Boolean(isFiltered));
      fill(empty, isFiltered ? h("p", { class: "empty" }, "No message fits.") : nothingYet("The queue is empty. Send a message in the tab before, or by:", commands.send(queue, { MessageBody: "hello", ...(queue.name.endsWith(".fifo") ? { MessageGroupId: "g", MessageDeduplicationId: "1" } : {}) })));
    }
    const looked = rows.find((row) => row.messageId === state.message);
    if (looked) look(looked, false);
  });

  let shownAs = "";
  /** @param {any} row @param {boolean} byHand */
  const look = (row, byHand) => {
    if (byHand) {
      state.message = row.messageId;
      address();
      list.show(rows);
    }
    const text = JSON.stringify(row);
    if (text !== shownAs) {
      shownAs = text;
      drawDetail(row);
    }
    if (byHand) {
      detail.querySelector("h2")?.focus();
      detail.scrollIntoView({ block: "nearest" });
    }
  };
  /** @param {any} row */
  const drawDetail = (row) => {
    const own = Object.entries(row.messageAttributes ?? {});
    const trip = h("div");
    fill(detail,
      h("h2", { tabindex: "-1" }, "Message ", h("code", null, row.messageId)),
      h("div", { class: "row field" },
        copyAs(commands.sendForms(queue, () => asSent(row))),
        button("Visibility…", () => changeVisibility([row.messageId]), { needs: "operate" }),
        button("Move…", () => move([row]), { needs: "operate" }),
        button("Journey", () => journey(trip, row.messageId)),
        button("Delete", () => remove([row.messageId]), { kind: "bad", needs: "operate" })),
      trip,
      content("Body", bytesOf(row.body), row.body),
      h("h3", null, "Attributes"),
      own.length
        ? h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Attributes" }, h("table", null,
          h("thead", null, h("tr", null, ["Name", "Type", "Value"].map((label) => h("th", { scope: "col" }, label)))),
          h("tbody", null, own.map(([name, value]) => h("tr", null, h("th", { scope: "row" }, name), h("td", null, value.DataType), h("td", null, h("code", null, value.StringValue ?? value.BinaryValue)))))))
        : h("p", { class: "quiet" }, "None."),
      h("h3", null, "From the service"),
      facts([
        ["State", tag(row.state)],
        [row.state === "delayed" ? "Delayed until" : "In flight until", row.dueAt ? time(row.dueAt) : null],
        ["Received last", row.receivedAt ? time(row.receivedAt) : null],
        ["Held by", row.state === "in-flight" ? heldBy(row) || h("span", { class: "quiet" }, "not known: a server that is started with --journey-events keeps who receives") : null],
        ["MD5 of the body", h("code", null, row.md5OfBody)],
        ["MD5 of the attributes", row.md5OfMessageAttributes && h("code", null, row.md5OfMessageAttributes)],
        ...Object.entries(row.attributes).map(([name, value]) => /** @type {[string, any]} */ ([name, name.endsWith("Timestamp") ? time(Number(value)) : h("code", null, String(value))])),
      ]));
  };
  fill(detail, h("h2", { tabindex: "-1" }, "Message"), h("p", { class: "quiet" }, "Choose a message in the list to look into it. Looking does not receive it."));

  /** @param {string[]} ids @param {number} [seconds] */
  const settle = async (ids, seconds) => {
    const told = await api("POST", `${path}/messages/settle`, { query: of, body: { messages: ids, visibility_timeout: seconds } });
    for (const id of told.settled) chosen.delete(id);
    showChosen();
    refresh();
    if (told.left.length) tell(`${told.left.length} left as they were: ${told.left[0].reason}`, true);
    return told.settled.length;
  };
  /** @param {string[]} ids */
  const remove = async (ids) => {
    const what = ids.length === 1 ? "It is lost, also for whoever has received it." : `These ${ids.length} are lost, also for whoever has received them.`;
    if (!(await ask(ids.length === 1 ? "Delete this message?" : `Delete ${ids.length} messages?`, what, "Delete"))) return;
    await doing(() => settle(ids), (done) => `${number(done)} deleted.`);
  };
  /** @param {string[]} ids */
  const changeVisibility = (ids) => {
    const seconds = field("seconds", "Invisible for, s", { type: "number", value: "0", needed: true, hint: "0 to 43200 from now; 0 makes it visible at once. For messages that somebody has received.", check: limits.whole(0, 43_200, "s"), wide: true });
    formDialog("Change visibility", [seconds], "Change", async (values) => {
      const done = await settle(ids, Number(values.seconds));
      if (done) tell(`Changed for ${number(done)}.`);
    });
  };
  /** @param {any[]} which */
  const move = async (which) => {
    const from = which[0]?.attributes.DeadLetterQueueSourceArn;
    const names = (await get("/queues", { ...of, limit: 1000 })).queues.map((/** @type {any} */ one) => one.name).filter((/** @type {string} */ name) => name !== queue.name);
    const destination = field("destination", "To the queue", {
      value: from ? ofArn(from).name : "", needed: true, suggestions: names, check: limits.queueName, wide: true,
      hint: from ? "Where it came from, unless you name another" : "Each is received, sent there, and deleted here; it gets a new id",
    });
    formDialog(`Move ${which.length === 1 ? "this message" : `${which.length} messages`}`, [destination], "Move", async (values) => {
      const told = await api("POST", `${path}/move`, { query: of, body: { messages: which.map((row) => row.messageId), destination: values.destination } });
      for (const one of told.moved) chosen.delete(one.from);
      showChosen();
      refresh();
      if (told.left.length) throw new Error(`${told.moved.length} are moved, and ${told.left.length} can't be received at present: in flight, delayed, or behind another of their group.`);
      tell(`${number(told.moved.length)} moved to ${values.destination}.`);
    });
  };
  const many = h("div", { class: "row", role: "group", "aria-label": "What to do with those chosen" });
  const showChosen = () => {
    const ids = [...chosen].slice(0, CHOSEN_MAX);
    const label = h("span", { class: "small", role: "status" }, ids.length ? `${number(chosen.size)} chosen` : "");
    const page = button("Choose all here", () => {
      for (const row of rows) chosen.add(row.messageId);
      showChosen();
      list.show(rows);
    });
    fill(many, page, label, ids.length > 0 && [
      button("Delete", () => remove(ids), { kind: "bad", needs: "operate", name: "Delete those chosen" }),
      button("Move…", () => move(rows.filter((row) => chosen.has(row.messageId))), { needs: "operate", name: "Move those chosen" }),
      button("Visibility…", () => changeVisibility(ids), { needs: "operate", name: "Change the visibility of those chosen" }),
      button("None", () => { chosen.clear(); showChosen(); list.show(rows); }, { name: "Choose none" })]);
  };
  showChosen();
  const stateId = fresh("state");
  const wanted = h("select", { id: stateId }, [["", "any"], ["visible", "visible"], ["in-flight", "in flight"], ["delayed", "delayed"]].map(([value, label]) => h("option", { value }, label)));
  wanted.value = state.state;
  wanted.addEventListener("change", () => { state.state = wanted.value; anew(); });
  const searchId = fresh("search");
  const search = h("input", { id: searchId, type: "search", autocomplete: "off", spellcheck: "false", value: state.contains });
  search.addEventListener("input", life.typed(() => { state.contains = search.value; anew(); }));
  return h("div", { class: "split" },
    h("section", { class: "card" },
      h("div", { class: "filter", role: "search" },
        h("div", { class: "field" }, h("label", { for: searchId }, "Find in bodies, attributes, ids"), search),
        h("div", { class: "field narrow" }, h("label", { for: stateId }, "State"), wanted)),
      problem, many, list.element, empty,
      h("div", { class: "row" }, paged.buttons, count)),
    detail);
}

/** Who has a message in flight. @param {any} row */
const heldBy = (row) => [row.heldBy?.user_agent?.split(/[\s/]/)[0], row.heldBy?.peer, row.heldBy?.access_key].filter(Boolean).join(", ");

/** A message as it would be sent again. @param {any} row */
function asSent(row) {
  return {
    MessageBody: row.body,
    MessageGroupId: row.attributes.MessageGroupId,
    MessageDeduplicationId: row.attributes.MessageDeduplicationId,
    MessageAttributes: row.messageAttributes,
  };
}
