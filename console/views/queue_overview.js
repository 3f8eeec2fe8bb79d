// A queue's figures, now and in the last minutes, and where its dead letters go.

import { get } from "../lib/api.js";
import * as commands from "../lib/commands.js";
import { fill, h } from "../lib/dom.js";
import { compact, duration, number, rate, size, time } from "../lib/format.js";
import { LOOK_MS, WINDOW_MS, samplesOf } from "../lib/samples.js";
import { chart } from "../parts/chart.js";
import { facts, tag, tiles } from "../parts/facts.js";
import { pasteLine } from "../parts/buttons.js";
import { queuePath } from "./queue_form.js";
import { wiring } from "./queue_wiring.js";

/** @param {import("./queue.js").Name} queue @param {import("../lib/every.js").Life} life */
export function queueOverview(queue, life) {
  const of = { region: queue.region, account: queue.account };
  const top = tiles(["Visible", "In flight", "Delayed", "Oldest", "Memory", "Sent", "Received", "Deleted"]);
  const flow = chart("Messages per second", ["sent", "received", "deleted"], rate, WINDOW_MS);
  const depth = chart("Messages", ["visible", "in flight", "delayed"], compact, WINDOW_MS);
  const age = chart("Oldest message", ["age"], duration, WINDOW_MS);
  const about = h("section", { class: "card" });
  const wires = wiring(queue, life);
  const samples = samplesOf(queuePath(queue), of);
  let told = "";
  life.every(LOOK_MS, async (signal) => {
    const [now] = await Promise.all([get(queuePath(queue), of, signal), samples.look(signal)]);
    flow.show(samples.rates("sent", "received", "deleted"));
    depth.show(samples.points((one) => [one.visible, one.in_flight, one.delayed]));
    age.show(samples.points((one) => [one.oldest_age_ms]));
    top.show([now.visible, now.in_flight, now.delayed].map(compact).concat(duration(now.oldest_age_ms), size(now.memory_bytes), [now.sent, now.received, now.deleted].map(compact)));
    const text = JSON.stringify([now.attributes, now.tags, now.modified_at]);
    if (text === told) return;
    told = text;
    fill(about, h("h2", null, "About it"), facts([
      ["Kind", now.fifo ? "FIFO" : "standard"], ["ARN", h("code", null, now.arn)], ["URL", h("code", null, commands.queueUrl(queue))],
      ["Created", time(now.created_at)], ["Changed", time(now.modified_at)],
      ...Object.entries(now.attributes).filter(([name]) => !["Policy", "RedrivePolicy", "RedriveAllowPolicy"].includes(name)).map(([name, value]) => /** @type {[string, any]} */ ([name, /^\d+$/.test(String(value)) ? number(Number(value)) : String(value)])),
      ["Tags", Object.keys(now.tags).length ? Object.entries(now.tags).map(([key, value]) => [tag(`${key}: ${value}`, ""), " "]).flat() : null],
      ["Dead letters of", now.attributes.RedriveAllowPolicy ? h("code", null, now.attributes.RedriveAllowPolicy) : null],
      ["Policy", now.attributes.Policy ? h("pre", { tabindex: "0", "aria-label": "Policy" }, JSON.stringify(JSON.parse(now.attributes.Policy), null, 2)) : null],
    ]), h("h3", null, "Receive from it"), pasteLine(commands.receive(queue)));
  });
  return h("div", null, top.element,
    h("div", { class: "grid" }, flow.element, depth.element, age.element),
    h("p", { class: "quiet small" }, "The server keeps the last ten minutes of a queue since somebody first looked at it."),
    h("div", { class: "two" }, about, wires));
}
