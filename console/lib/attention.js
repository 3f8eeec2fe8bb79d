// What somebody should look at, and why.

import { duration, number } from "./format.js";
import { ofArn, to, toQueue, toResource } from "./router.js";

const SHOWN_MAX = 12;
const RECENT_SAMPLES = 60;

/** @typedef {{kind: "bad" | "warn", name: string, what: string, href: string}} Attention */

/** Where a queue's dead letters go. @param {any} queue @returns {string | null} an ARN */
export function targetOf(queue) {
  try {
    return JSON.parse(queue.attributes.RedrivePolicy ?? "{}").deadLetterTargetArn ?? null;
  } catch {
    return null;
  }
}

/** @param {string} full an ARN or a full name @param {string} [tab] */
const placeOf = (full, tab) => (full.startsWith("arn:") ? toQueue(ofArn(full), tab) : toResource(full, tab));

/** What the server found, in words. @param {any} finding @returns {Attention} */
function worded(finding) {
  const { sort, of, name, count, oldest_age_ms: age, target } = finding;
  const waits = `${number(count)} waiting, the oldest for ${duration(age)}`;
  switch (sort) {
    case "dead_letters": return { kind: "bad", name, what: `has ${number(count)} dead letters`, href: placeOf(of, "dead-letters") };
    case "pushes_fail": return { kind: "bad", name, what: `is pushed to an endpoint that takes nothing: ${number(count)} requests failed`, href: placeOf(of) };
    case "stuck_group": return { kind: "warn", name, what: `has groups that stand still: the oldest message is in flight or behind one that is, for ${duration(age)}`, href: placeOf(of, "groups") };
    case "no_dead_letter_queue": return { kind: "warn", name, what: `sends its dead letters to ${target ? ofArn(target).name : "a queue"}, which does not exist`, href: placeOf(of, "settings") };
    case "detached": return { kind: "warn", name, what: "is cut off its topic", href: placeOf(of) };
    default: return { kind: "warn", name, what: `is read by nobody: ${waits}`, href: placeOf(of) };
  }
}

/** @param {{found: any, refusals: any, health: any, samples: any[]}} seen @returns {{shown: Attention[], more: number}} */
export function attentionOf({ found, refusals, health, samples }) {
  /** @type {Attention[]} */
  const all = [];
  if (health.status !== "ok") all.push({ kind: "bad", name: "The server", what: `fails: ${health.reason ?? "it says no more"}`, href: "#/configuration" });
  const now = samples.at(-1);
  const before = samples.at(-RECENT_SAMPLES) ?? samples[0];
  if (now && before && now.server_errors > before.server_errors) {
    all.push({ kind: "bad", name: "Requests", what: `${number(now.server_errors - before.server_errors)} could not be carried out in the last minute`, href: "#/" });
  }
  all.push(...found.findings.map(worded));
  const refused = refusals.counts.reduce((/** @type {number} */ sum, /** @type {any} */ one) => sum + one.count, 0);
  if (refused > 0) all.push({ kind: "warn", name: "Refusals", what: `${number(refused)} requests since the start, because of who sent them`, href: to(["refusals"]) });
  all.sort((one, other) => Number(one.kind === "warn") - Number(other.kind === "warn"));
  return { shown: all.slice(0, SHOWN_MAX), more: found.more + Math.max(0, all.length - SHOWN_MAX) };
}
