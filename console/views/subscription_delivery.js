// How a subscription's messages go out: streams that are open, and what a push endpoint answered.

import { fill, h } from "../lib/dom.js";
import { duration, number, size, time } from "../lib/format.js";
import { tag } from "../parts/facts.js";
import { table } from "../parts/table.js";

/** What came of push requests, in the service's words. @type {Record<string, string>} */
export const OUTCOMES = {
  ack: "taken", remote_server_4xx: "refused (4xx)", remote_server_5xx: "failed (5xx)", remote_server_other: "answered otherwise",
  deadline_exceeded: "not answered in time", unreachable: "could not be asked", internal: "could not be sent",
};

/** @param {number} has @param {number | null} most @param {(value: number) => string} format */
const held = (has, most, format) => (most === null ? format(has) : `${format(has)} of ${format(most)}`);

export function subscriptionStreams() {
  const list = table("Streams", [
    { label: "Stream", head: true, cell: (one) => number(one.number) },
    { label: "Client", cell: (one) => [one.client?.user_agent?.split(/[\s/]/)[0], one.client?.peer].filter(Boolean).join(", ") || "not known" },
    { label: "State", same: (one) => `${one.full} ${one.waits}`, cell: (one) => tag(one.full ? "full" : one.waits ? "waits for messages" : "busy", one.full ? "warn" : "good") },
    { label: "Holds", number: true, cell: (one) => held(one.outstanding, one.messages_max, number) },
    { label: "Bytes", number: true, cell: (one) => held(one.outstanding_bytes, one.bytes_max, size) },
    { label: "Ack deadline", number: true, cell: (one) => (one.ack_deadline_s === null ? "the subscription's" : duration(one.ack_deadline_s * 1000)) },
  ], (one) => String(one.number), { none: "No stream is open: nobody pulls by streaming." });
  const more = h("p", { class: "quiet small" });
  const element = h("section", { class: "card" }, h("h2", null, "Streams and their flow control"), list.element, more);
  /** @param {any} told */
  const show = (told) => {
    list.show(told.streams);
    more.textContent = told.open > told.streams.length ? `${number(told.streams.length)} of ${number(told.open)}` : "";
  };
  return { element, show };
}

export function pushAnswers() {
  const list = table("The endpoint's last answers", [
    { label: "When", head: true, cell: (one) => time(one.at) },
    { label: "What came of it", same: (one) => one.outcome, cell: (one) => tag(OUTCOMES[one.outcome] ?? one.outcome, one.outcome === "ack" ? "good" : "bad") },
    { label: "Answer", kind: "wrap", cell: (one) => one.told },
    { label: "Took", number: true, cell: (one) => duration(one.took_ms) },
    { label: "Message", cell: (one) => one.message_id },
  ], (one) => one.key, { none: "Nothing was pushed yet." });
  const element = h("div");
  const card = h("section", { class: "card" }, h("h2", null, "The endpoint's last answers"), list.element);
  /** @param {any[]} answers @param {boolean} isPushed */
  const show = (answers, isPushed) => {
    if (!isPushed) {
      fill(element);
      return;
    }
    if (!card.isConnected) fill(element, card);
    list.show(answers.map((one, at) => ({ ...one, key: `${one.at} ${one.message_id} ${answers.slice(0, at).filter((other) => other.at === one.at && other.message_id === one.message_id).length}` })));
  };
  return { element, show };
}
