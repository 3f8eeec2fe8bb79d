// All views, and which address is whose.

import { go, to } from "../lib/router.js";
import { may, place } from "../lib/session.js";
import { configurationView } from "./configuration.js";
import { connectionsView } from "./connections.js";
import { overviewView } from "./overview.js";
import { createQueueDialog } from "./queue_form.js";
import { queueListView } from "./queue_list.js";
import { queueView } from "./queue.js";
import { refusalsView } from "./refusals.js";
import { createResourceDialog } from "./resource_form.js";
import { resourceListView } from "./resource_list.js";
import { schemaView } from "./schema.js";
import { snapshotView } from "./snapshot.js";
import { subscriptionView } from "./subscription.js";
import { testControlsView } from "./test_controls.js";
import { topicView } from "./topic.js";
import { head } from "../parts/facts.js";
import { h } from "../lib/dom.js";

/** @typedef {import("../lib/every.js").Life} Life */
/** @typedef {import("../lib/router.js").Route} Route */
/** @typedef {{title: string, section: string, draw: (life: Life, route: Route) => Node}} View */

/** @returns {{name: string, links: [string, string][]}[]} */
export const navigation = () => [
  { name: "", links: [["", "Overview"]] },
  { name: "SQS", links: [["queues", "Queues"]] },
  { name: "Pub/Sub", links: [["topics", "Topics"], ["subscriptions", "Subscriptions"], ["snapshots", "Snapshots"], ["schemas", "Schemas"]] },
  {
    name: "Server",
    links: [
      ["connections", "Connections"], ["configuration", "Configuration"], ["refusals", "Refusals"],
      .../** @type {[string, string][]} */ (place.test_controls ? [["test", "Test controls"]] : []),
    ],
  },
];

/** @type {Record<string, {title: string, draw: (life: Life, route: Route) => Node}>} */
const SECTIONS = {
  "": { title: "Overview", draw: overviewView },
  queues: { title: "Queues", draw: queueListView },
  topics: { title: "Topics", draw: (life, route) => resourceListView("topics", life, route) },
  subscriptions: { title: "Subscriptions", draw: (life, route) => resourceListView("subscriptions", life, route) },
  snapshots: { title: "Snapshots", draw: (life, route) => resourceListView("snapshots", life, route) },
  schemas: { title: "Schemas", draw: (life, route) => resourceListView("schemas", life, route) },
  connections: { title: "Connections", draw: connectionsView },
  configuration: { title: "Configuration", draw: configurationView },
  refusals: { title: "Refusals", draw: refusalsView },
  test: { title: "Test controls", draw: testControlsView },
};

/** @type {Record<string, {section: string, draw: (life: Life, route: Route) => Node}>} */
const ONE = {
  queue: { section: "queues", draw: queueView },
  topic: { section: "topics", draw: topicView },
  subscription: { section: "subscriptions", draw: subscriptionView },
  snapshot: { section: "snapshots", draw: snapshotView },
  schema: { section: "schemas", draw: schemaView },
};

/** @param {Route} route @returns {View} */
export function viewOf(route) {
  const [first = "", ...rest] = route.parts;
  const one = Object.hasOwn(ONE, first) ? ONE[first] : undefined;
  const needed = first === "queue" ? 3 : 2;
  if (one && rest.length >= needed) return { title: rest[needed - 1], section: one.section, draw: one.draw };
  const section = Object.hasOwn(SECTIONS, first) ? SECTIONS[first] : undefined;
  if (section) return { title: section.title, section: first, draw: section.draw };
  return {
    title: "Nothing here", section: "none",
    draw: () => h("div", null, head("Nothing here", null), h("p", null, "There is no such view. ", h("a", { href: "#/" }, "To the overview"))),
  };
}

/** What the palette offers beside what the server has. */
export function commands() {
  const views = navigation().flatMap((group) => group.links).map(([section, label]) => ({ label, kind: "view", act: () => go(to([section])) }));
  const themes = { label: "Change the theme", kind: "action", act: () => document.getElementById("theme")?.click() };
  if (!may("operate")) return [...views, themes];
  return [
    ...views,
    { label: "Create a queue", kind: "action", act: createQueueDialog },
    { label: "Create a topic", kind: "action", act: () => createResourceDialog("topics") },
    { label: "Create a subscription", kind: "action", act: () => createResourceDialog("subscriptions") },
    { label: "Create a snapshot", kind: "action", act: () => createResourceDialog("snapshots") },
    { label: "Create a schema", kind: "action", act: () => createResourceDialog("schemas") },
    themes,
  ];
}
