// What the server does now, what it did in the last minutes, and what somebody should look at.

import { get } from "../lib/api.js";
import { attentionOf } from "../lib/attention.js";
import * as commands from "../lib/commands.js";
import { fill, h, say } from "../lib/dom.js";
import { compact, duration, micros, number, rate, size, timeOfDay } from "../lib/format.js";
import { chart, perSecond } from "../parts/chart.js";
import { head, tiles } from "../parts/facts.js";
import { nothingYet } from "../parts/buttons.js";
import { table } from "../parts/table.js";

const SAMPLE_MS = 1000;
const MINUTES_LOOK_MS = 20_000;
const LOOK_MS = 4000;
const HOUR_MS = 3_600_000;
/** Until then charts are of samples of each second, beyond that of each minute. */
const SECONDS_MS_MAX = 600_000;
const WINDOWS = /** @type {[string, number][]} */ ([
  ["1 minute", 60_000], ["5 minutes", 300_000], ["10 minutes", SECONDS_MS_MAX], ["1 hour", HOUR_MS], ["6 hours", 6 * HOUR_MS], ["24 hours", 24 * HOUR_MS],
]);
const KEPT_MAX = 600;
let windowMs = 300_000;

/** Ages of the oldest message, as this page has seen them. @type {import("../parts/chart.js").Point[]} */
const ages = [];

/** @param {import("../lib/every.js").Life} life */
export function overviewView(life) {
  const top = tiles(["Sent per second", "Received per second", "Waiting", "In flight", "Oldest message", "Latency p99", "Errors per second", "Connections"]);
  const charts = h("div", { class: "grid" });
  const attended = h("div", null, h("p", { class: "quiet" }, "Looking…"));
  const lookedAt = h("p", { class: "quiet small" });
  const attention = h("section", { class: "card" }, h("h2", null, "What needs attention"), attended, lookedAt);
  let toldAttention = "";
  const cores = table("Cores", [
    { label: "Core", cell: (core) => number(core.core), head: true },
    { label: "Busy", cell: (core) => core.busy, same: (core) => `${core.share}`, number: true },
    { label: "Connections", cell: (core) => number(core.connections), number: true },
    { label: "Shards", cell: (core) => core.shards.join(", ") },
  ], (core) => String(core.core));
  const shards = table("Shards", [
    { label: "Shard", cell: (shard) => number(shard.shard), head: true },
    { label: "Queues", cell: (shard) => number(shard.queues), number: true },
    { label: "Topics", cell: (shard) => number(shard.topics), number: true },
    { label: "Subscriptions", cell: (shard) => number(shard.subscriptions), number: true },
    { label: "Visible", cell: (shard) => compact(shard.visible), number: true },
    { label: "In flight", cell: (shard) => compact(shard.in_flight), number: true },
    { label: "Sent", cell: (shard) => compact(shard.sent), number: true },
    { label: "Memory", cell: (shard) => size(shard.memory_bytes), number: true },
  ], (shard) => String(shard.shard));
  const operations = table("Operations", [
    { label: "Operation", cell: (one) => `${one.operation} (${one.api})`, head: true },
    { label: "Done", cell: (one) => compact(one.ok), number: true },
    { label: "Client errors", cell: (one) => compact(one.client_errors), number: true },
    { label: "Server errors", cell: (one) => compact(one.server_errors), number: true },
    { label: "p50", cell: (one) => micros(one.p50_us), number: true },
    { label: "p99", cell: (one) => micros(one.p99_us), number: true },
  ], (one) => `${one.api} ${one.operation}`);
  const nodes = table("Nodes", [
    { label: "Node", cell: (node) => node.node, head: true },
    { label: "Address", cell: (node) => node.address },
    { label: "State", cell: (node) => node.state },
    { label: "Silent for", cell: (node) => duration(node.silent_ms), number: true },
    { label: "Shards", cell: (node) => node.shards.join(", ") },
    { label: "Pinned", cell: (node) => node.pinned.join(", ") },
  ], (node) => node.node);
  const unowned = h("p", { class: "small" });
  const cluster = h("div");
  const journals = h("p", { class: "small" });
  const welcome = h("div");

  /** Of each second, and of each minute. @type {any[]} */
  let samples = [];
  /** @type {any[]} */
  let minutes = [];
  /** @type {ReturnType<typeof chart>[]} */
  let drawn = [];
  const redraw = () => {
    drawn = [
      chart("Messages per second", ["sent", "received", "deleted or acknowledged"], rate, windowMs),
      chart("Messages", ["waiting", "in flight", "delayed"], compact, windowMs),
      chart("Latency of requests", ["p50", "p99"], micros, windowMs),
      chart("Errors per second", ["of clients", "of the server", "for a limit"], rate, windowMs),
      chart("Oldest message (since this page opened)", ["of queues", "of subscriptions"], duration, windowMs),
      chart("Connections", ["open"], number, windowMs),
    ];
    fill(charts, drawn.map((one) => one.element));
    show();
  };
  const show = () => {
    const charted = windowMs > SECONDS_MS_MAX ? minutes : samples;
    /** @param {(now: any) => (number | null)[]} values */
    const points = (values) => charted.map((now) => ({ at: now.at, values: values(now) }));
    /** @param {...string} names of counters */
    const rates = (...names) => charted.map((now, at) => ({ at: now.at, values: at ? names.map((name) => perSecond(now, charted[at - 1], name)) : [] }));
    drawn[0].show(rates("sent", "received", "deleted"));
    drawn[1].show(points((now) => [now.visible, now.in_flight, now.delayed]));
    drawn[2].show(points((now) => [now.p50_us, now.p99_us]));
    drawn[3].show(rates("client_errors", "server_errors", "throttled"));
    drawn[4].show(ages);
    drawn[5].show(points((now) => [now.connections]));
    const [before, now] = [samples.at(-2), samples.at(-1)];
    if (!now || !before) return;
    const errors = (perSecond(now, before, "client_errors") ?? 0) + (perSecond(now, before, "server_errors") ?? 0);
    const age = ages.at(-1)?.values ?? [];
    top.show([
      rate(perSecond(now, before, "sent")), rate(perSecond(now, before, "received")), compact(now.visible), compact(now.in_flight),
      duration(Math.max(0, age[0] ?? 0, age[1] ?? 0) || null), micros(now.p99_us), rate(errors), number(now.connections),
    ]);
  };
  const choice = h("select", { "aria-label": "How far the charts look back" }, WINDOWS.map(([label, ms]) => h("option", { value: ms }, label)));
  choice.value = String(windowMs);
  choice.addEventListener("change", () => { windowMs = Number(choice.value); redraw(); lookAtMinutes(); });
  queueMicrotask(redraw);
  const lookAtMinutes = life.every(MINUTES_LOOK_MS, async (signal) => {
    if (windowMs <= SECONDS_MS_MAX) return;
    const told = await get("/history", { every: "minute", after: minutes.at(-1)?.at ?? 0 }, signal);
    minutes = [...minutes, ...told.samples].slice(-told.samples_max);
    if (drawn.length) show();
  });

  life.every(SAMPLE_MS, async (signal) => {
    const told = await get("/history", { after: samples.at(-1)?.at ?? 0 }, signal);
    samples = [...samples, ...told.samples].slice(-told.samples_max);
    if (drawn.length) show();
  });

  /** @type {any} */
  let busyBefore = null;
  life.every(LOOK_MS, async (signal) => {
    const [found, shardList, coreList, operationList, refusals, nodeList, health] = await Promise.all([
      get("/attention", {}, signal), get("/shards", {}, signal),
      get("/cores", {}, signal), get("/operations", {}, signal), get("/refusals", {}, signal), get("/cluster", {}, signal),
      get("/health", {}, signal).catch((error) => ({ status: "failing", reason: error.message })),
    ]);
    // What was found some time ago is of then.
    if (found.at !== ages.at(-1)?.at) ages.push({ at: found.at, values: [found.oldest_of_queues_ms ?? 0, found.oldest_of_subscriptions_ms ?? 0] });
    if (ages.length > KEPT_MAX) ages.shift();
    const { shown: worst, more } = attentionOf({ found, refusals, health, samples });
    const text = JSON.stringify([worst, more]);
    if (text !== toldAttention) {
      toldAttention = text;
      fill(attended, worst.length
        ? h("ul", { class: "attention" }, worst.map((one) => h("li", null, h("span", { class: `tag ${one.kind}` }, one.kind === "bad" ? "now" : "look"), h("span", null, h("a", { href: one.href }, one.name), ` ${one.what}`))))
        : h("p", null, "Nothing: no dead letters, nothing that waits for long, no errors."));
    }
    say(lookedAt, `Of ${number(found.queues)} queues and ${number(found.subscriptions)} subscriptions, at ${timeOfDay(found.at)}.${more > 0 ? ` And ${number(more)} more.` : ""}`);
    shards.show(shardList.shards);
    // A server alone stays alone.
    if (nodeList.node !== null) {
      if (!cluster.firstChild) fill(cluster, h("section", { class: "card" }, h("h2", null, "Nodes"), nodes.element, unowned));
      nodes.show(nodeList.nodes.map((/** @type {any} */ node) => ({ ...node, state: node.node === nodeList.node ? `${node.state}, this one` : node.state })));
      say(unowned, nodeList.unowned.length ? `Run by nobody, so that requests wait: shards ${nodeList.unowned.join(", ")}.` : "Each shard is run by a node.");
    }
    const journal = shardList.journals;
    say(journals, journal.backend === "memory"
      ? "Messages are in memory only: there is no journal, and a restart begins anew (--data-dir keeps them)."
      : `Journals (${journal.backend}): ${journal.up ? "all can be written" : `down: ${journal.reason}`}. Commits: ${compact(journal.commits)}, p50 ${micros(journal.commit_p50_us)}, p99 ${micros(journal.commit_p99_us)}, failed ${number(journal.commits_failed)}.`);
    cores.show(coreList.cores.map((/** @type {any} */ core) => {
      const before = busyBefore?.cores.find((/** @type {any} */ one) => one.core === core.core);
      const known = before && before.busy_ms !== null && coreList.at > busyBefore.at;
      const share = known ? Math.min(1, (core.busy_ms - before.busy_ms) / (coreList.at - busyBefore.at)) : null;
      const text = share === null ? "–" : new Intl.NumberFormat(undefined, { style: "percent" }).format(share);
      return { ...core, share: text, busy: text };
    }));
    busyBefore = coreList;
    operations.show(operationList.operations.toSorted((/** @type {any} */ one, /** @type {any} */ other) => other.ok - one.ok));
    const isEmpty = found.queues === 0 && found.subscriptions === 0 && shardList.shards.every((/** @type {any} */ shard) => shard.queues === 0 && shard.topics === 0);
    if (!isEmpty) fill(welcome);
    else if (!welcome.firstChild) {
      fill(welcome, h("section", { class: "card" }, nothingYet("Nothing is here yet. Make a queue or a topic, here or by a line such as these:", commands.createQueue(), commands.createTopic())));
    }
    if (drawn.length) show();
  });

  return h("div", null,
    head("Overview", choice),
    top.element, welcome, attention, charts,
    h("div", { class: "two uneven" },
      h("section", { class: "card" }, h("h2", null, "Cores"), cores.element),
      h("section", { class: "card" }, h("h2", null, "Shards"), shards.element, journals)),
    cluster,
    h("section", { class: "card" }, h("h2", null, "Operations since the start"), operations.element));
}
