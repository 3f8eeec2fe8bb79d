// Where a queue's dead letters come from and go to, with counts.

import { get } from "../lib/api.js";
import { deadLetterSources, targetOf } from "../lib/attention.js";
import { fill, h } from "../lib/dom.js";
import { number } from "../lib/format.js";
import { ofArn, toQueue } from "../lib/router.js";

const LOOK_MS = 3000;
const LOOKED_MAX = 1000;
const SHOWN_MAX = 6;

/** @param {import("./queue.js").Name} queue @param {import("../lib/every.js").Life} life */
export function wiring(queue, life) {
  const place = h("section", { class: "card" }, h("h2", null, "Dead letters"));
  let told = "";
  life.every(LOOK_MS, async (signal) => {
    const { queues } = await get("/queues", { region: queue.region, account: queue.account, limit: LOOKED_MAX }, signal);
    const self = queues.find((/** @type {any} */ one) => one.name === queue.name);
    if (!self) return;
    const sources = deadLetterSources(queues).get(self.arn) ?? [];
    const target = targetOf(self);
    const dead = target ? queues.find((/** @type {any} */ one) => one.arn === target) : null;
    const text = JSON.stringify([self, dead, ...sources].map((one) => one && [one.arn, one.visible, one.in_flight, one.attributes.RedrivePolicy]));
    if (text === told) return;
    told = text;
    if (!sources.length && !target) {
      fill(place, h("h2", null, "Dead letters"),
        h("p", { class: "quiet" }, "No queue sends its dead letters here, and this one keeps what nobody deletes until it is too old. "),
        h("p", null, h("a", { href: toQueue(queue, "settings") }, "Choose a queue for its dead letters")));
      return;
    }
    /** @param {any} one @param {string} [kind] */
    const node = (one, kind = "") => h("div", { class: `node ${kind}` },
      kind ? h("strong", null, one.name) : h("a", { href: toQueue(one) }, one.name),
      h("div", { class: "small" }, `${number(one.visible)} visible, ${number(one.in_flight)} in flight`),
      targetOf(one) && h("div", { class: "small quiet" }, `after ${JSON.parse(one.attributes.RedrivePolicy).maxReceiveCount} receives`));
    fill(place, h("h2", null, "Dead letters"), h("ol", { class: "wiring", "aria-label": "The way of dead letters" },
      sources.length > 0 && h("li", null, sources.slice(0, SHOWN_MAX).map((one) => node(one)), sources.length > SHOWN_MAX && h("div", { class: "node" }, `and ${sources.length - SHOWN_MAX} more`)),
      h("li", null, node(self, "self")),
      target && h("li", null, dead ? node(dead) : h("div", { class: "node" }, ofArn(target).name, h("div", { class: "small" }, "does not exist, so nothing goes there")))));
  });
  return place;
}
