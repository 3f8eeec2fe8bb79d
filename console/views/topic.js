// One topic: its subscriptions, publishing to it, its settings.

import { api, get } from "../lib/api.js";
import * as commands from "../lib/commands.js";
import { fill, h } from "../lib/dom.js";
import { compact, duration, number, rate } from "../lib/format.js";
import { to, toResource } from "../lib/router.js";
import * as limits from "../lib/limits.js";
import { LOOK_MS, WINDOW_MS, samplesOf } from "../lib/samples.js";
import { button, copyButton, nothingYet } from "../parts/buttons.js";
import { chart } from "../parts/chart.js";
import { head, tabs, tiles } from "../parts/facts.js";
import { field, form, pairs } from "../parts/form.js";
import { tell } from "../parts/notice.js";
import { table } from "../parts/table.js";
import { createResourceDialog } from "./resource_form.js";
import { crumbOf, deleteButton, resourceOf } from "./resource.js";
import { topicSettings } from "./topic_settings.js";

const SUBSCRIPTIONS_MAX = 1000;

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

/** @param {Resource} topic */
function publishing(topic) {
  const data = field("text", "Data", { type: "area", more: { rows: 8 } });
  const key = field("ordering_key", "Ordering key", { hint: "For subscriptions that keep the order" });
  const attributes = pairs("attributes", "Attributes", { check: (rows) => limits.publishing(data.value() || "-", rows) });
  const fields = [data, key, attributes];
  /** @param {Record<string, any>} values */
  const message = (values) => ({
    text: values.text,
    attributes: Object.fromEntries(values.attributes),
    ...(values.ordering_key ? { ordering_key: values.ordering_key } : {}),
  });
  const sent = h("ul", { "aria-live": "polite" });
  const element = form(fields, "Publish", async (values) => {
    const problem = limits.publishing(values.text, values.attributes);
    if (problem) throw new Error(problem);
    const told = await api("POST", `${topic.path}/publish`, { query: topic.of, body: { messages: [message(values)] } });
    tell("The message is published.");
    sent.prepend(h("li", null, "Message ", h("code", null, told.message_ids[0])));
    while (sent.children.length > 5) sent.lastElementChild?.remove();
  }, { more: [copyButton("Copy as gcloud", () => commands.publish(topic.project, topic.name, message(Object.fromEntries(fields.map((one) => [one.name, one.value()])))))] });
  return h("section", { class: "card" }, h("h2", null, "Publish a message"), element, sent);
}
