// A queue's figures, now and since the page began to look, and where its dead letters go.

import { get } from "../lib/api.js";
import * as commands from "../lib/commands.js";
import { fill, h } from "../lib/dom.js";
import { compact, duration, number, rate, time } from "../lib/format.js";
import { chart, perSecond } from "../parts/chart.js";
import { facts, tag, tiles } from "../parts/facts.js";
import { pasteLine } from "../parts/buttons.js";
import { queuePath } from "./queue_form.js";
import { wiring } from "./queue_wiring.js";

const LOOK_MS = 1000;
const WINDOW_MS = 300_000;
const SAMPLES_MAX = 300;
const QUEUES_MAX = 8;

/** What was seen of the queues that were looked at last. @type {Map<string, any[]>} */
const seen = new Map();

/** @param {any} queue @returns {any[]} */
function samplesOf(queue) {
  const key = `${queue.region}/${queue.account}/${queue.name}`;
  const samples = seen.get(key) ?? [];
  seen.delete(key);
  seen.set(key, samples);
  const oldest = seen.keys().next().value;
  if (seen.size > QUEUES_MAX && oldest !== undefined) seen.delete(oldest);
  return samples;
}

/** @param {import("./queue.js").Name} queue @param {import("../lib/every.js").Life} life */
export function queueOverview(queue, life) {
  const of = { region: queue.region, account: queue.account };
  const top = tiles(["Visible", "In flight", "Delayed", "Oldest", "Sent", "Received", "Deleted"]);
  const flow = chart("Messages per second", ["sent", "received", "deleted"], rate, WINDOW_MS);
  const depth = chart("Messages", ["visible", "in flight", "delayed"], compact, WINDOW_MS);
  const age = chart("Oldest message", ["age"], duration, WINDOW_MS);
  const about = h("section", { class: "card" });
  const wires = wiring(queue, life);
  const samples = samplesOf(queue);
  let told = "";
  life.every(LOOK_MS, async (signal) => {
    const now = await get(queuePath(queue), of, signal);
    samples.push({ at: Date.now(), ...now });
    if (samples.length > SAMPLES_MAX) samples.shift();
    /** @param {(now: any, before: any) => (number | null)[]} values */
    const points = (values) => samples.map((one, at) => ({ at: one.at, values: at ? values(one, samples[at - 1]) : [] }));
    flow.show(points((one, before) => ["sent", "received", "deleted"].map((name) => perSecond(one, before, name))));
    depth.show(points((one) => [one.visible, one.in_flight, one.delayed]));
    age.show(points((one) => [one.oldest_age_ms]));
    top.show([now.visible, now.in_flight, now.delayed].map(compact).concat(duration(now.oldest_age_ms), [now.sent, now.received, now.deleted].map(compact)));
    const text = JSON.stringify([now.attributes, now.tags, now.modified_at]);
    if (text === told) return;
    told = text;
    fill(about, h("h2", null, "About it"), facts([
      ["Kind", now.fifo ? "FIFO" : "standard"], ["ARN", h("code", null, now.arn)], ["URL", h("code", null, commands.queueUrl(queue))],
      ["Created", time(now.created_at)], ["Changed", time(now.modified_at)],
      ...Object.entries(now.attributes).filter(([name]) => name !== "Policy" && name !== "RedrivePolicy").map(([name, value]) => /** @type {[string, any]} */ ([name, /^\d+$/.test(String(value)) ? number(Number(value)) : String(value)])),
      ["Tags", Object.keys(now.tags).length ? Object.entries(now.tags).map(([key, value]) => [tag(`${key}: ${value}`, ""), " "]).flat() : null],
      ["Policy", now.attributes.Policy ? h("pre", { tabindex: "0", "aria-label": "Policy" }, JSON.stringify(JSON.parse(now.attributes.Policy), null, 2)) : null],
    ]), h("h3", null, "Receive from it"), pasteLine(commands.receive(queue)));
  });
  return h("div", null, top.element,
    h("div", { class: "grid" }, flow.element, depth.element, age.element),
    h("p", { class: "quiet small" }, "Charts of one queue begin when this page first looks at it."),
    h("div", { class: "two" }, about, wires));
}
