// Sending messages: one, copies of one, or those of a file; here, or by a line for a shell or a program.

import { api, get } from "../lib/api.js";
import { asSqs } from "../lib/batch.js";
import * as commands from "../lib/commands.js";
import { h } from "../lib/dom.js";
import * as limits from "../lib/limits.js";
import { toQueue } from "../lib/router.js";
import { filled } from "../lib/templates.js";
import { batchSender } from "../parts/batch.js";
import { copyAs } from "../parts/buttons.js";
import { field, form, pairs } from "../parts/form.js";
import { tell } from "../parts/notice.js";
import { templates } from "../parts/templates.js";
import { queuePath } from "./queue_form.js";

const COPIES_MAX = 100;
const SENT_SHOWN_MAX = 5;

/** @param {import("./queue.js").Name} queue @param {import("../lib/every.js").Life} life */
export function queueSend(queue, life) {
  const of = { region: queue.region, account: queue.account };
  const isFifo = queue.name.endsWith(".fifo");
  let bytesMax = limits.queueNumbers.MaximumMessageSize.usual;
  get(queuePath(queue), of, life.signal).then((now) => { bytesMax = Number(now.attributes.MaximumMessageSize ?? bytesMax); }).catch(() => {});
  const body = field("body", "Body", { type: "area", needed: true, check: (text) => limits.messageBody(text, bytesMax), more: { rows: 8 } });
  const group = field("group", "Message group", { needed: isFifo, hint: isFifo ? "Messages of a group come in their order" : "For fair queues; may be empty", check: limits.groupId });
  const deduplication = field("deduplication", "Deduplication id", { hint: "Needed unless the queue does that by content", check: limits.groupId });
  const delay = field("delay", "Delay, s", { type: "number", hint: "0 to 900; the queue's own where nothing is said", check: limits.whole(0, 900, "s") });
  const copies = field("copies", "How many", { type: "number", value: "1", check: limits.whole(1, COPIES_MAX, "") });
  const fills = field("fills", "Fill in {{n}}, {{uuid}} and {{now}} in each copy's body", { type: "check" });
  const attributes = pairs("attributes", "Attributes", { types: ["String", "Number", "Binary"], check: limits.messageAttributes });
  const fields = isFifo ? [body, group, deduplication, copies, fills, attributes] : [body, group, delay, copies, fills, attributes];
  const sent = h("ul", { "aria-live": "polite" });
  /** @param {Record<string, any>} values */
  const message = (values) => {
    const typed = values.attributes.map((/** @type {any} */ one) => [one.name, {
      DataType: one.type, ...(one.type === "Binary" ? { BinaryValue: one.value } : { StringValue: one.value }),
    }]);
    return {
      MessageBody: values.body,
      ...(values.group ? { MessageGroupId: values.group } : {}),
      ...(values.deduplication ? { MessageDeduplicationId: values.deduplication } : {}),
      ...(values.delay ? { DelaySeconds: Number(values.delay) } : {}),
      ...(typed.length ? { MessageAttributes: Object.fromEntries(typed) } : {}),
    };
  };
  const values = () => Object.fromEntries(fields.map((one) => [one.name, one.value()]));
  /** @param {any} one @param {AbortSignal} [signal] */
  const post = (one, signal) => api("POST", `${queuePath(queue)}/messages`, { query: of, body: one, signal });
  const element = form(fields, "Send", async (given) => {
    const wanted = Number(given.copies || 1);
    let answer;
    for (let copy = 0; copy < wanted; copy += 1) {
      const one = message(given);
      if (given.fills) one.MessageBody = filled(one.MessageBody, copy + 1);
      if (one.MessageDeduplicationId && copy > 0) one.MessageDeduplicationId = `${one.MessageDeduplicationId}-${copy}`;
      answer = await post(one);
    }
    tell(wanted === 1 ? "The message is sent." : `${wanted} messages are sent.`);
    sent.prepend(h("li", null, h("a", { href: toQueue(queue, "messages", { contains: answer.MessageId }) }, answer.MessageId), h("span", { class: "quiet small" }, ` MD5 ${answer.MD5OfMessageBody}`)));
    while (sent.children.length > SENT_SHOWN_MAX) sent.lastElementChild?.remove();
  }, { more: [copyAs(commands.sendForms(queue, () => message(values())))] });
  const saved = templates("sqs", values, (/** @type {any} */ kept) => {
    for (const one of fields) if (kept[one.name] !== undefined) one.set(kept[one.name]);
    body.focus();
  });
  const batch = batchSender((one, n) => {
    const given = asSqs(one);
    const own = values();
    if (!isFifo) return given;
    return { MessageGroupId: own.group || "file", ...(own.deduplication ? { MessageDeduplicationId: `${own.deduplication}-${n}` } : {}), ...given };
  }, 1, ([one], signal) => post(one, signal),
  `A JSON array, JSON lines, or a body on each line. An object with a MessageBody is taken as SendMessage takes it; anything else is a body.${isFifo ? " Where a message names no group, it is of the group above." : ""}`, life);
  return h("div", null,
    h("section", { class: "card" }, h("div", { class: "spread" }, h("h2", null, "Send a message"), saved), element, sent),
    batch);
}
