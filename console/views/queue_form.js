// Making a queue, and changing one: the same fields, held against the service's limits.

import { api, part } from "../lib/api.js";
import { duration, size } from "../lib/format.js";
import * as limits from "../lib/limits.js";
import { go, ofArn, toQueue } from "../lib/router.js";
import { place } from "../lib/session.js";
import { field, formDialog, pairs } from "../parts/form.js";
import { tell } from "../parts/notice.js";

const RECEIVES_MAX = 1000;

/** @param {Record<string, string>} [has] attributes @param {boolean} [fifo] */
export function attributeFields(has = {}, fifo = false) {
  const numbers = Object.entries(limits.queueNumbers).map(([name, one]) => field(name, one.label, {
    type: "number", value: has[name] ?? "", hint: `${one.least} to ${said(one.most, name)}; ${said(one.usual, name)} where nothing is said`,
    check: limits.whole(one.least, one.most, ""),
  }));
  let redrive = { deadLetterTargetArn: "", maxReceiveCount: "" };
  try {
    redrive = { ...redrive, ...JSON.parse(has.RedrivePolicy ?? "{}") };
  } catch {
    // What can't be read is not shown, and stays unless it is changed.
  }
  const dead = field("dead", "Dead letters go to", {
    value: redrive.deadLetterTargetArn ? ofArn(redrive.deadLetterTargetArn).name : "", hint: "A queue of the same region and account; nothing for none",
    check: (text) => (text ? limits.queueName(text) : ""),
  });
  const receives = field("receives", "After how many receives", {
    type: "number", value: String(redrive.maxReceiveCount), hint: `1 to ${RECEIVES_MAX}`,
    check: (text) => limits.whole(1, RECEIVES_MAX, "")(text) || (dead.value() && !text ? "A number: after so many receives." : ""),
  });
  const allow = field("RedriveAllowPolicy", "Who may send dead letters here", {
    type: "area", value: pretty(has.RedriveAllowPolicy), more: { rows: 3 }, check: limits.object,
    hint: "As JSON: {\"redrivePermission\": \"byQueue\", \"sourceQueueArns\": […]}, or allowAll, or denyAll; nothing for all",
  });
  const policy = field("Policy", "Policy", { type: "area", value: pretty(has.Policy), hint: "Who may do what, as JSON", check: limits.object });
  const more = fifo
    ? [
      field("ContentBasedDeduplication", "Content-based deduplication", { type: "select", value: has.ContentBasedDeduplication ?? "", options: [["", "as it is"], ["true", "on"], ["false", "off"]] }),
      field("DeduplicationScope", "Deduplication scope", { type: "select", value: has.DeduplicationScope ?? "", options: [["", "as it is"], ["queue", "queue"], ["messageGroup", "message group"]] }),
      field("FifoThroughputLimit", "Throughput limit", { type: "select", value: has.FifoThroughputLimit ?? "", options: [["", "as it is"], ["perQueue", "per queue"], ["perMessageGroupId", "per message group"]] }),
    ]
    : [];
  return [...numbers, dead, receives, ...more, allow, policy];
}

/** A number, and what it amounts to. @param {number} value @param {string} name */
const said = (value, name) => (value < 3600 ? String(value) : `${value} (${name === "MaximumMessageSize" ? size(value) : duration(value * 1000)})`);

/** @param {string | undefined} text */
function pretty(text) {
  try {
    return text ? JSON.stringify(JSON.parse(text), null, 2) : "";
  } catch {
    return text ?? "";
  }
}

/**
 * The attributes that differ from what a queue has.
 * @param {Record<string, any>} values @param {Record<string, string>} has @param {{region: string, account: string}} of
 */
export function changedAttributes(values, has, of) {
  /** @type {Record<string, any>} */
  const changed = {};
  for (const name of [...Object.keys(limits.queueNumbers), "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"]) {
    const value = values[name];
    if (value !== undefined && value !== "" && value !== has[name]) changed[name] = value;
  }
  for (const name of ["Policy", "RedriveAllowPolicy"]) {
    const text = values[name]?.trim() ?? "";
    if (text !== pretty(has[name])) changed[name] = text;
  }
  const redrive = values.dead
    ? JSON.stringify({ deadLetterTargetArn: `arn:aws:sqs:${of.region}:${of.account}:${values.dead}`, maxReceiveCount: Number(values.receives) })
    : "";
  if (!same(redrive, has.RedrivePolicy ?? "")) changed.RedrivePolicy = redrive;
  return changed;
}

/** @param {string} one @param {string} other */
function same(one, other) {
  if (!one || !other) return one === other;
  const [first, second] = [JSON.parse(one), JSON.parse(other)];
  return first.deadLetterTargetArn === second.deadLetterTargetArn && Number(first.maxReceiveCount) === Number(second.maxReceiveCount);
}

export function createQueueDialog() {
  const name = field("name", "Name", { needed: true, hint: "Letters, digits, - and _, 80 at most; .fifo at the end makes a FIFO queue", check: limits.queueName, wide: true });
  const region = field("region", "Region", { value: place.region });
  const account = field("account", "Account", { value: place.account, check: (text) => (/^\d{12}$/.test(text) ? "" : "12 digits.") });
  const tags = pairs("tags", "Tags", { check: limits.tags });
  formDialog("Create a queue", [name, region, account, ...attributeFields(), tags], "Create", async (values) => {
    const of = { region: values.region || place.region, account: values.account };
    const queue = await api("POST", "/queues", {
      query: of,
      body: { name: values.name, attributes: changedAttributes(values, {}, of), tags: Object.fromEntries(values.tags) },
    });
    tell(`The queue ${queue.name} is there.`);
    go(toQueue(queue));
  });
}

/** @param {any} queue */
export const queuePath = (queue) => `/queues/${part(queue.name)}`;
