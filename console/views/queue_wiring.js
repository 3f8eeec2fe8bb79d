// Where a queue's dead letters come from and go to, with counts.

import { get } from "../lib/api.js";
import { targetOf } from "../lib/attention.js";
import { fill, h } from "../lib/dom.js";
import { number } from "../lib/format.js";
import { ofArn, toQueue } from "../lib/router.js";
import { queuePath } from "./queue_form.js";

const LOOK_MS = 3000;
const SHOWN_MAX = 6;

/** @param {number} receives */
const after = (receives) => (receives === 1 ? "after one receive" : `after ${number(receives)} receives`);

/** @param {import("./queue.js").Name} queue @param {import("../lib/every.js").Life} life */
export function wiring(queue, life) {
  const place = h("section", { class: "card" }, h("h2", null, "Dead letters"));
  let told = "";
  life.every(LOOK_MS, async (signal) => {
    const { queue: self, target, target_arn: targetArn, sources, has_more_sources: hasMore } = await get(`${queuePath(queue)}/dead-letters`, { region: queue.region, account: queue.account }, signal);
    const text = JSON.stringify([hasMore, targetArn, ...[self, target, ...sources].map((one) => one && [one.arn, one.visible, one.in_flight, one.attributes.RedrivePolicy])]);
    if (text === told) return;
    told = text;
    if (!sources.length && !targetArn) {
      fill(place, h("h2", null, "Dead letters"),
        h("p", { class: "quiet" }, "No queue sends its dead letters here, and this one keeps what nobody deletes until it is too old. "),
        h("p", null, h("a", { href: toQueue(queue, "settings") }, "Choose a queue for its dead letters")));
      return;
    }
    /** @param {any} one @param {string} [kind] */
    const node = (one, kind = "") => h("div", { class: `node ${kind}` },
      kind ? h("strong", null, one.name) : h("a", { href: toQueue(one) }, one.name),
      h("div", { class: "small" }, `${number(one.visible)} visible, ${number(one.in_flight)} in flight`),
      targetOf(one) && h("div", { class: "small quiet" }, after(Number(JSON.parse(one.attributes.RedrivePolicy).maxReceiveCount))));
    const left = sources.length - SHOWN_MAX;
    fill(place, h("h2", null, "Dead letters"), h("ol", { class: "wiring", "aria-label": "The way of dead letters" },
      sources.length > 0 && h("li", null, sources.slice(0, SHOWN_MAX).map((/** @type {any} */ one) => node(one)), left > 0 && h("div", { class: "node" }, `and ${hasMore ? "more than " : ""}${number(left)} more`)),
      h("li", null, node(self, "self")),
      targetArn && h("li", null, target ? node(target) : h("div", { class: "node" }, ofArn(targetArn).name, h("div", { class: "small" }, "does not exist, so nothing goes there")))));
  });
  return place;
}
