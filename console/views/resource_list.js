// Topics, subscriptions, snapshots or schemas: all of one kind.

import * as commands from "../lib/commands.js";
import { h } from "../lib/dom.js";
import { compact, duration, number, time } from "../lib/format.js";
import { toResource } from "../lib/router.js";
import { button, nothingYet } from "../parts/buttons.js";
import { head, tag } from "../parts/facts.js";
import { listing } from "../parts/listing.js";
import { sparkColumn } from "../parts/spark.js";
import { createResourceDialog } from "./resource_form.js";

/** @typedef {"topics" | "subscriptions" | "snapshots" | "schemas"} Kind */

/** @type {import("../parts/table.js").Column} */
const NAME = {
  label: "Name", sort: "name", head: true, same: (one) => `${one.full_name} ${one.detached}`,
  cell: (one) => [h("a", { href: toResource(one.full_name), class: "name" }, one.name), one.detached && [" ", tag("detached", "bad")]],
};
/** @type {import("../parts/table.js").Column} */
const TOPIC = {
  label: "Topic", same: (one) => String(one.topic),
  cell: (one) => (one.topic ? h("a", { href: toResource(one.topic), class: "name" }, one.topic.split("/")[3]) : "deleted"),
};
/** @type {import("../parts/table.js").Column} */
const PROJECT = { label: "Project", cell: (one) => one.project };
/** @type {import("../parts/table.js").Column} */
const CREATED = { label: "Created", sort: "created_at", cell: (one) => time(one.created_at) };

/** @returns {Record<Kind, {title: string, one: string, columns: import("../parts/table.js").Column[], empty: () => any}>} */
const kinds = () => ({
  topics: {
    title: "Topics", one: "topic",
    columns: [
      NAME,
      { label: "Subscriptions", sort: "attached", number: true, cell: (one) => number(one.attached) },
      { label: "Published", number: true, cell: (one) => compact(one.published) },
      PROJECT, CREATED,
    ],
    empty: () => nothingYet("There is no topic yet. Make one above, or by:", commands.createTopic()),
  },
  subscriptions: {
    title: "Subscriptions", one: "subscription",
    columns: [
      NAME, TOPIC,
      { label: "Available", sort: "available", number: true, cell: (one) => compact(one.available) },
      sparkColumn("Lately", (one) => one.full_name, (one) => one.available, compact),
      { label: "Outstanding", sort: "outstanding", number: true, cell: (one) => compact(one.outstanding) },
      { label: "Oldest", sort: "oldest_age_ms", number: true, cell: (one) => duration(one.oldest_age_ms) },
      { label: "Streams", sort: "streams", number: true, cell: (one) => number(one.streams) },
      { label: "Delivered", number: true, cell: (one) => compact(one.delivered) },
      { label: "Acknowledged", number: true, cell: (one) => compact(one.acknowledged) },
      PROJECT,
    ],
    empty: () => nothingYet("There is no subscription yet. Make a topic first, and then:", commands.createSubscription("local", "worker", "events")),
  },
  snapshots: {
    title: "Snapshots", one: "snapshot",
    columns: [NAME, TOPIC, { label: "Expires", cell: (one) => time(one.expires_at) }, PROJECT, CREATED],
    empty: () => h("p", { class: "empty" }, "There is no snapshot. A snapshot keeps what a subscription has not acknowledged, so that it can seek back to it."),
  },
  schemas: {
    title: "Schemas", one: "schema",
    columns: [NAME, PROJECT, CREATED],
    empty: () => h("p", { class: "empty" }, "There is no schema. A topic with a schema takes only messages that it describes."),
  },
});

/** @param {Kind} kind @param {import("../lib/every.js").Life} life @param {import("../lib/router.js").Route} route */
export function resourceListView(kind, life, route) {
  const { title, one, columns, empty } = kinds()[kind];
  const list = listing({
    path: `/${kind}`, member: "resources", address: kind, caption: title, columns, empty,
    key: (row) => row.full_name,
    filters: [["project", "Project"]],
  }, life, route);
  return h("div", null, head(title, button(`Create a ${one}`, () => createResourceDialog(kind), { kind: "main", needs: "operate", id: "create" })), list);
}
