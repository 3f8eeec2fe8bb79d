// One subscription: its backlog, its streams and pushes, its messages, and going back in time.

import { api, get } from "../lib/api.js";
import * as commands from "../lib/commands.js";
import { fill, h } from "../lib/dom.js";
import { compact, duration, number, rate, time } from "../lib/format.js";
import { to, toResource } from "../lib/router.js";
import { LOOK_MS, WINDOW_MS, samplesOf } from "../lib/samples.js";
import { button, pasteLine } from "../parts/buttons.js";
import { chart } from "../parts/chart.js";
import { ask } from "../parts/dialog.js";
import { facts, head, tag, tabs, tiles } from "../parts/facts.js";
import { doing } from "../parts/notice.js";
import { createResourceDialog } from "./resource_form.js";
import { crumbOf, deleteButton, resourceOf } from "./resource.js";
import { seeking } from "./subscription_seek.js";
import { OUTCOMES, pushAnswers, subscriptionStreams } from "./subscription_delivery.js";
import { subscriptionMessages } from "./subscription_messages.js";
import { subscriptionSettings } from "./subscription_settings.js";

/** @typedef {import("./resource.js").Resource} Resource */

const TABS = /** @type {Record<string, {label: string, draw: (one: Resource, life: any, route: any) => any}>} */ ({
  "": { label: "Overview", draw: overview },
  messages: { label: "Messages", draw: subscriptionMessages },
  seek: { label: "Seek", draw: seeking },
  settings: { label: "Settings", draw: subscriptionSettings },
});

/** @param {import("../lib/every.js").Life} life @param {import("../lib/router.js").Route} route */
export function subscriptionView(life, route) {
  const one = resourceOf("subscriptions", route);
  const shown = TABS[route.parts[3] ?? ""] ?? TABS[""];
  /** @param {string} verb @param {string} title @param {string} what @param {string} done */
  const act = (verb, title, what, done) => async () => {
    if (await ask(`${title} ${one.name}?`, what, title)) await doing(() => api("POST", `${one.path}/${verb}`, { query: one.of }), done);
  };
  return h("div", null,
    head(one.name, h("div", { class: "row" },
      button("Snapshot…", () => createResourceDialog("snapshots", { project: one.project, subscription: one.name }), { needs: "operate" }),
      button("Purge", act("purge", "Purge", "All messages that were published so far are acknowledged: nobody gets them from here any more.", "It is empty."), { kind: "bad", needs: "operate" }),
      button("Detach", act("detach", "Detach", "It is cut off its topic for good, and its messages are lost.", "It is cut off."), { kind: "bad", needs: "operate" }),
      deleteButton(one, "The subscription and the messages that it still has are lost.")), crumbOf(one, "Subscriptions")),
    tabs("Parts of the subscription", Object.entries(TABS).map(([key, tab]) => [tab.label, to(["subscription", one.project, one.name, ...(key ? [key] : [])])]), shown.label),
    shown.draw(one, life, route));
}

/** @param {Resource} one @param {import("../lib/every.js").Life} life */
function overview(one, life) {
  const top = tiles(["Available", "Outstanding", "Oldest", "Streams", "Delivered", "Acknowledged"]);
  const flow = chart("Messages per second", ["delivered", "acknowledged"], rate, WINDOW_MS);
  const depth = chart("Backlog", ["available", "outstanding"], compact, WINDOW_MS);
  const age = chart("Oldest message that isn't acknowledged", ["age"], duration, WINDOW_MS);
  const about = h("section", { class: "card" });
  const streams = subscriptionStreams();
  const answers = pushAnswers();
  const samples = samplesOf(one.path, one.of);
  let told = "";
  life.every(LOOK_MS, async (signal) => {
    const [now, open] = await Promise.all([get(one.path, one.of, signal), get(`${one.path}/streams`, one.of, signal), samples.look(signal)]);
    streams.show(open);
    answers.show(now.latest_pushes ?? [], Boolean(now.definition?.pushConfig?.pushEndpoint));
    flow.show(samples.rates("received", "deleted"));
    depth.show(samples.points((sample) => [sample.visible, sample.in_flight]));
    age.show(samples.points((sample) => [sample.oldest_age_ms]));
    top.show([compact(now.available), compact(now.outstanding), duration(now.oldest_age_ms), number(now.streams), compact(now.delivered), compact(now.acknowledged)]);
    const definition = now.definition ?? {};
    const push = definition.pushConfig?.pushEndpoint;
    const text = JSON.stringify([definition, now.detached, now.topic, now.pushes]);
    if (text === told) return;
    told = text;
    const dead = definition.deadLetterPolicy;
    fill(about, h("h2", null, "About it"), facts([
      ["Topic", now.topic ? h("a", { href: toResource(now.topic) }, now.topic) : "deleted"],
      ["State", now.detached ? tag("detached", "bad") : tag("active", "good")],
      ["How it is delivered", push ? ["pushed to ", h("code", null, push)] : definition.bigqueryConfig || definition.cloudStorageConfig ? "exported" : "pulled"],
      ["Push health", push ? pushHealth(now.pushes ?? {}) : null],
      ["Ack deadline", duration((definition.ackDeadlineSeconds ?? 10) * 1000)],
      ["Kept for", definition.messageRetentionDuration ? duration(parseFloat(definition.messageRetentionDuration) * 1000) : null],
      ["Filter", definition.filter ? h("code", null, definition.filter) : null],
      ["Order", definition.enableMessageOrdering ? "kept, for each ordering key" : null],
      ["Exactly once", definition.enableExactlyOnceDelivery ? "yes" : null],
      ["Dead letters", dead ? [h("a", { href: toResource(dead.deadLetterTopic) }, dead.deadLetterTopic.split("/")[3] ?? ""), ` after ${dead.maxDeliveryAttempts} deliveries`] : null],
      ["Created", time(now.created_at)],
    ]), h("h3", null, "Pull from it"), pasteLine(commands.pull(one.project, one.name)));
  });
  return h("div", null, top.element, h("div", { class: "grid" }, flow.element, depth.element, age.element),
    h("p", { class: "quiet small" }, "The server keeps the last ten minutes of a subscription since somebody first looked at it."), about, answers.element, streams.element);
}


/** @param {Record<string, number>} pushes by outcome */
function pushHealth(pushes) {
  const some = Object.entries(pushes).filter(([, count]) => count > 0);
  if (!some.length) return tag("nothing pushed yet", "");
  return some.map(([outcome, count]) => [tag(`${number(count)} ${OUTCOMES[outcome] ?? outcome}`, outcome === "ack" ? "good" : "bad"), " "]);
}
