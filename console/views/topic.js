// One topic: its subscriptions, publishing to it, its settings.

import { api, get } from "../lib/api.js";
import { asPubsub } from "../lib/batch.js";
import * as commands from "../lib/commands.js";
import { fill, h } from "../lib/dom.js";
import { compact, duration, number, rate } from "../lib/format.js";
import { to, toResource } from "../lib/router.js";
import * as limits from "../lib/limits.js";
import { filled } from "../lib/templates.js";
import { LOOK_MS, WINDOW_MS, samplesOf } from "../lib/samples.js";
import { batchSender } from "../parts/batch.js";
import { button, copyAs, nothingYet } from "../parts/buttons.js";
import { chart } from "../parts/chart.js";
import { head, tabs, tiles } from "../parts/facts.js";
import { field, form, pairs } from "../parts/form.js";
import { tell } from "../parts/notice.js";
import { templates } from "../parts/templates.js";
import { table } from "../parts/table.js";
import { createResourceDialog } from "./resource_form.js";
import { crumbOf, deleteButton, resourceOf } from "./resource.js";
import { topicSettings } from "./topic_settings.js";

const SUBSCRIPTIONS_MAX = 1000;
const COPIES_MAX = 100;
const SENT_SHOWN_MAX = 5;
/** Messages of a file that go in a request. */
const BATCH = 100;

/** @typedef {import("./resource.js").Resource} Resource */

/** @param {import("../lib/every.js").Life} life @param {import("../lib/router.js").Route} route */
export function topicView(life, route) {
  const topic = resourceOf("topics", route);
  const tab = route.parts[3] ?? "";
  /** @param {string} [one] */
  const at = (one) => to(["topic", topic.project, topic.name, ...(one ? [one] : [])]);
  /** @type {(topic: Resource, life: import("../lib/every.js").Life) => any} */
  const drawn = { publish: publishing, settings: topicSettings }[/** @type {"publish"} */ (tab)] ?? overview;
  const label = { publish: "Publish", settings: "Settings" }[/** @type {"publish"} */ (tab)] ?? "Overview";
  return h("div", null,
    head(topic.name, h("div", { class: "row" },
      button("Create a subscription", () => createResourceDialog("subscriptions", { project: topic.project, topic: topic.name }), { needs: "operate" }),
      deleteButton(topic, "The topic is lost. Its subscriptions stay with what they have, and get nothing more.")), crumbOf(topic, "Topics")),
    tabs("Parts of the topic", [["Overview", at()], ["Publish", at("publish")], ["Settings", at("settings")]], label),
    drawn(topic, life));
}

/** @param {Resource} topic @param {import("../lib/every.js").Life} life */
function overview(topic, life) {
  const top = tiles(["Published", "Subscriptions and snapshots"]);
  const flow = chart("Published per second", ["published"], rate, WINDOW_MS);
  const list = table("Subscriptions of the topic", [
    { label: "Subscription", head: true, same: (one) => one.full_name, cell: (one) => h("a", { href: toResource(one.full_name), class: "name" }, one.name) },
    { label: "Available", number: true, cell: (one) => compact(one.available) },
    { label: "Outstanding", number: true, cell: (one) => compact(one.outstanding) },
    { label: "Oldest", number: true, cell: (one) => duration(one.oldest_age_ms) },
    { label: "Streams", number: true, cell: (one) => number(one.streams) },
  ], (one) => one.full_name);
  const empty = h("div");
  const samples = samplesOf(topic.path, topic.of);
  life.every(LOOK_MS, async (signal) => {
    const [now, subscriptions] = await Promise.all([
      get(topic.path, topic.of, signal),
      get("/subscriptions", { project: topic.project, topic: topic.name, limit: SUBSCRIPTIONS_MAX }, signal),
      samples.look(signal),
    ]);
    flow.show(samples.rates("sent"));
    top.show([compact(now.published), number(now.attached)]);
    list.show(subscriptions.resources);
    if (subscriptions.resources.length) fill(empty);
    else if (!empty.firstChild) fill(empty, nothingYet("Nobody subscribes to it: what is published now is lost.", commands.createSubscription(topic.project, "worker", topic.name)));
  });
  return h("div", null, top.element, h("div", { class: "grid" }, flow.element),
    h("p", { class: "quiet small" }, "The server keeps the last ten minutes of a topic since somebody first looked at it."),
    h("section", { class: "card" }, h("h2", null, "Subscriptions"), list.element, empty));
}

/** @param {Resource} topic @param {import("../lib/every.js").Life} life */
function publishing(topic, life) {
  const data = field("text", "Data", { type: "area", more: { rows: 8 } });
  const key = field("ordering_key", "Ordering key", { hint: "For subscriptions that keep the order" });
  const copies = field("copies", "How many", { type: "number", value: "1", check: limits.whole(1, COPIES_MAX, "") });
  const fills = field("fills", "Fill in {{n}}, {{uuid}} and {{now}} in each copy's data", { type: "check" });
  const attributes = pairs("attributes", "Attributes", { check: (rows) => limits.publishing(data.value() || "-", rows) });
  const fields = [data, key, copies, fills, attributes];
  /** @param {Record<string, any>} values @param {number} [copy] */
  const message = (values, copy) => ({
    text: copy && values.fills ? filled(values.text, copy) : values.text,
    attributes: Object.fromEntries(values.attributes),
    ...(values.ordering_key ? { ordering_key: values.ordering_key } : {}),
  });
  const values = () => Object.fromEntries(fields.map((one) => [one.name, one.value()]));
  /** @param {any[]} messages @param {AbortSignal} [signal] */
  const post = (messages, signal) => api("POST", `${topic.path}/publish`, { query: topic.of, body: { messages }, signal });
  const sent = h("ul", { "aria-live": "polite" });
  const element = form(fields, "Publish", async (given) => {
    const problem = limits.publishing(given.text, given.attributes);
    if (problem) throw new Error(problem);
    const wanted = Number(given.copies || 1);
    const told = await post(Array.from({ length: wanted }, (_, at) => message(given, at + 1)));
    tell(wanted === 1 ? "The message is published." : `${wanted} messages are published.`);
    sent.prepend(h("li", null, "Message ", h("code", null, told.message_ids.at(-1))));
    while (sent.children.length > SENT_SHOWN_MAX) sent.lastElementChild?.remove();
  }, { more: [copyAs(commands.publishForms(topic.project, () => topic.name, () => message(values())))] });
  const saved = templates("pubsub", values, (/** @type {any} */ kept) => {
    for (const one of fields) if (kept[one.name] !== undefined) one.set(kept[one.name]);
    data.focus();
  });
  const batch = batchSender((one) => asPubsub(one), BATCH, post,
    "A JSON array, JSON lines, or a message's data on each line. An object with text, or with data in base64, and with attributes and orderingKey, is a message; anything else is data.", life);
  return h("div", null,
    h("section", { class: "card" }, h("div", { class: "spread" }, h("h2", null, "Publish a message"), saved), element, sent),
    batch);
}
