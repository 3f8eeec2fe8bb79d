// A subscription's settings: those that most change by fields, all of them as JSON.

import { get } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import * as limits from "../lib/limits.js";
import { field, form, pairs } from "../parts/form.js";
import { showError } from "../parts/notice.js";
import { change, definitionEditor } from "./resource.js";
import { transformTester } from "./transforms.js";

const DEADLINE_USUAL_S = 10;
const RETENTION_USUAL_S = 604_800;

/** @param {import("./resource.js").Resource} one @param {import("../lib/every.js").Life} life */
export function subscriptionSettings(one, life) {
  const place = h("section", { class: "card" }, h("p", { class: "quiet" }, "Looking…"));
  const tester = h("div");
  const load = async () => {
    const has = (await get(one.path, one.of, life.signal)).definition ?? {};
    const dead = has.deadLetterPolicy ?? {};
    const retry = has.retryPolicy ?? {};
    const fields = [
      field("ackDeadlineSeconds", "Ack deadline, s", { type: "number", value: String(has.ackDeadlineSeconds ?? DEADLINE_USUAL_S), hint: "10 to 600", check: limits.whole(10, 600, "s") }),
      field("messageRetentionDuration", "Kept for, s", { type: "number", value: String(parseFloat(has.messageRetentionDuration ?? RETENTION_USUAL_S)), hint: "600 to 2678400", check: limits.whole(600, 2_678_400, "s") }),
      field("pushEndpoint", "Push to", { value: has.pushConfig?.pushEndpoint ?? "", hint: "An URL; nothing for pulling", check: (text) => (!text || /^https?:\/\/\S+$/.test(text) ? "" : "An URL that begins with http.") }),
      field("deadLetterTopic", "Dead letters to the topic", { value: dead.deadLetterTopic ?? "", hint: "Its full name, or its id; nothing for none" }),
      field("maxDeliveryAttempts", "After how many deliveries", { type: "number", value: String(dead.maxDeliveryAttempts ?? ""), hint: "5 to 100", check: limits.whole(5, 100, "") }),
      field("minimumBackoff", "Again after, s, at least", { type: "number", value: retry.minimumBackoff ? String(parseFloat(retry.minimumBackoff)) : "", hint: "0 to 600; nothing for at once", check: limits.whole(0, 600, "s") }),
      field("maximumBackoff", "Again after, s, at most", { type: "number", value: retry.maximumBackoff ? String(parseFloat(retry.maximumBackoff)) : "", hint: "0 to 600", check: limits.whole(0, 600, "s") }),
      field("retainAckedMessages", "Keep acknowledged messages, for seeking", { type: "check", value: has.retainAckedMessages }),
      field("enableExactlyOnceDelivery", "Exactly-once delivery", { type: "check", value: has.enableExactlyOnceDelivery }),
      pairs("labels", "Labels", { value: Object.entries(has.labels ?? {}) }),
    ];
    if (!tester.firstChild) fill(tester, transformTester(has.messageTransforms));
    fill(place, h("h2", null, "Settings"), form(fields, "Save", async (values) => {
      if (await change(one, has, wanted(has, values, one.project))) await load();
    }));
  };
  load().catch((error) => { if (!life.signal.aborted) showError(place, error, "The settings can't be shown."); });
  return h("div", null, place, definitionEditor(one, life), tester);
}

/** A definition with the values of the fields in it. @param {Record<string, any>} has @param {Record<string, any>} values @param {string} project */
function wanted(has, values, project) {
  const wants = { ...has };
  /** Sets a field, or leaves it out where it says no more than its absence. @param {string} name @param {any} value @param {any} usual */
  const set = (name, value, usual) => {
    if (has[name] === undefined && (value === usual || value === undefined)) return;
    if (value === undefined) delete wants[name];
    else wants[name] = value;
  };
  set("ackDeadlineSeconds", Number(values.ackDeadlineSeconds), DEADLINE_USUAL_S);
  set("messageRetentionDuration", `${values.messageRetentionDuration}s`, `${RETENTION_USUAL_S}s`);
  set("retainAckedMessages", values.retainAckedMessages, false);
  set("enableExactlyOnceDelivery", values.enableExactlyOnceDelivery, false);
  if (values.pushEndpoint !== (has.pushConfig?.pushEndpoint ?? "")) {
    wants.pushConfig = values.pushEndpoint ? { ...has.pushConfig, pushEndpoint: values.pushEndpoint } : {};
  }
  const topic = values.deadLetterTopic && !values.deadLetterTopic.startsWith("projects/") ? `projects/${project}/topics/${values.deadLetterTopic}` : values.deadLetterTopic;
  set("deadLetterPolicy", topic ? { deadLetterTopic: topic, maxDeliveryAttempts: Number(values.maxDeliveryAttempts || 5) } : undefined, undefined);
  const retry = {
    ...(values.minimumBackoff ? { minimumBackoff: `${values.minimumBackoff}s` } : {}),
    ...(values.maximumBackoff ? { maximumBackoff: `${values.maximumBackoff}s` } : {}),
  };
  set("retryPolicy", Object.keys(retry).length ? retry : undefined, undefined);
  const labels = Object.fromEntries(values.labels);
  set("labels", Object.keys(labels).length ? labels : undefined, undefined);
  return wants;
}
