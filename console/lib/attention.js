// What somebody should look at, and why.

import { duration, number } from "./format.js";
import { ofArn, to, toQueue, toResource } from "./router.js";

const OLD_MS = 5 * 60_000;
const SHOWN_MAX = 12;
const RECENT_SAMPLES = 60;

/** @typedef {{kind: "bad" | "warn", name: string, what: string, href: string}} Attention */

/** The queues that others send their dead letters to, by ARN. @param {any[]} queues @returns {Map<string, any[]>} */
export function deadLetterSources(queues) {
  const sources = new Map();
  for (const queue of queues) {
    const target = targetOf(queue);
    if (target) sources.set(target, [...(sources.get(target) ?? []), queue]);
  }
  return sources;
}

/** Where a queue's dead letters go. @param {any} queue @returns {string | null} an ARN */
export function targetOf(queue) {
  try {
    return JSON.parse(queue.attributes.RedrivePolicy ?? "{}").deadLetterTargetArn ?? null;
  } catch {
    return null;
  }
}

/** @param {{queues: any[], subscriptions: any[], refusals: any, health: any, samples: any[]}} seen @returns {Attention[]} */
export function attentionOf({ queues, subscriptions, refusals, health, samples }) {
  /** @type {Attention[]} */
  const found = [];
  if (health.status !== "ok") found.push({ kind: "bad", name: "The server", what: `fails: ${health.reason ?? "it says no more"}`, href: "#/configuration" });
  const now = samples.at(-1);
  const before = samples.at(-RECENT_SAMPLES) ?? samples[0];
  if (now && before && now.server_errors > before.server_errors) {
    found.push({ kind: "bad", name: "Requests", what: `${number(now.server_errors - before.server_errors)} could not be carried out in the last minute`, href: "#/" });
  }
  const sources = deadLetterSources(queues);
  const known = new Set(queues.map((queue) => queue.arn));
  for (const queue of queues) {
    const isDead = sources.has(queue.arn);
    const waits = queue.oldest_age_ms > OLD_MS && queue.visible > 0;
    if (isDead && queue.visible + queue.in_flight > 0) {
      found.push({ kind: "bad", name: queue.name, what: `has ${number(queue.visible + queue.in_flight)} dead letters`, href: toQueue(queue, "dead-letters") });
    } else if (waits) {
      found.push({ kind: "warn", name: queue.name, what: `has ${number(queue.visible)} waiting, the oldest for ${duration(queue.oldest_age_ms)}`, href: toQueue(queue) });
    }
    const target = targetOf(queue);
    if (target && !known.has(target) && queues.length < 1000) {
      found.push({ kind: "warn", name: queue.name, what: `sends its dead letters to ${ofArn(target).name}, which does not exist`, href: toQueue(queue, "settings") });
    }
  }
  for (const one of subscriptions) {
    if (one.detached) found.push({ kind: "warn", name: one.name, what: "is cut off its topic", href: toResource(one.full_name) });
    else if (one.oldest_age_ms > OLD_MS && one.available > 0) {
      found.push({ kind: "warn", name: one.name, what: `has ${number(one.available)} waiting, the oldest for ${duration(one.oldest_age_ms)}`, href: toResource(one.full_name) });
    }
  }
  const refused = refusals.counts.reduce((/** @type {number} */ sum, /** @type {any} */ one) => sum + one.count, 0);
  if (refused > 0) found.push({ kind: "warn", name: "Refusals", what: `${number(refused)} requests since the start, because of who sent them`, href: to(["refusals"]) });
  found.sort((one, other) => Number(one.kind === "warn") - Number(other.kind === "warn"));
  return found.slice(0, SHOWN_MAX);
}
