// What tests can do to the server: its clock, faults, the production profile, regions, saved states, and all gone.

import { api, get, part } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { duration, number, size, time } from "../lib/format.js";
import * as limits from "../lib/limits.js";
import { button } from "../parts/buttons.js";
import { ask } from "../parts/dialog.js";
import { facts, head, tag } from "../parts/facts.js";
import { field, form, formDialog } from "../parts/form.js";
import { doing, tell } from "../parts/notice.js";
import { table } from "../parts/table.js";
import { place } from "../lib/session.js";

const LOOK_MS = 1500;
const STEPS = /** @type {[string, number][]} */ ([["1 s", 1000], ["30 s", 30_000], ["5 min", 300_000], ["1 h", 3_600_000], ["1 d", 86_400_000]]);
const NEEDS = { needs: /** @type {const} */ ("admin") };

/** @param {import("../lib/every.js").Life} life */
export function testControlsView(life) {
  if (!place.test_controls) {
    return h("div", null, head("Test controls", null), h("section", { class: "card" }, h("p", null, "Tests may not drive this server. Start it with ", h("code", null, "--test-controls"), ".")));
  }
  return h("div", null, head("Test controls", null), h("div", { class: "two" }, clock(life), states(life)), faults(life), profile(life), regions(life), reset());
}

/** @param {import("../lib/every.js").Life} life */
function clock(life) {
  const now = h("div");
  const refresh = life.every(LOOK_MS, async (signal) => {
    const told = await get("/test/clock", {}, signal);
    fill(now, facts([["Now", time(told.now_ms)], ["State", tag(told.state, told.state === "stopped" ? "warn" : "good")], ["Ahead", told.ahead_ms ? duration(told.ahead_ms) : "not at all"]]));
  });
  /** @param {string} verb @param {any} body @param {string} done */
  const act = async (verb, body, done) => {
    await doing(() => api("POST", `/test/clock/${verb}`, { body }), done);
    refresh();
  };
  const to = field("to", "Advance to", { type: "datetime-local", needed: true, more: { step: 1 } });
  return h("section", { class: "card" }, h("h2", null, "Clock"), now,
    h("div", { class: "row field" },
      button("Stop", () => act("stop", undefined, "The clock stands still."), NEEDS),
      button("Let it go on", () => act("resume", undefined, "The clock goes on."), NEEDS)),
    h("div", { class: "row field", role: "group", "aria-label": "Advance the clock" }, "Advance by: ",
      STEPS.map(([label, ms]) => button(label, () => act("advance", { ms }, `${label} have passed.`), { ...NEEDS, name: `Advance by ${label}` }))),
    form([to], "Advance", async (values) => {
      await api("POST", "/test/clock/set", { body: { to: Date.parse(values.to) } });
      tell("It is then now.");
      refresh();
    }, NEEDS));
}

/** @param {import("../lib/every.js").Life} life */
function states(life) {
  const list = table("Saved states", [
    { label: "Name", head: true, cell: (one) => one.name },
    { label: "Saved", cell: (one) => time(one.saved_at_ms) },
    { label: "Size", number: true, cell: (one) => size(one.bytes) },
    {
      label: "Action", same: (one) => `${one.name} ${one.saved_at_ms}`, cell: (one) => h("div", { class: "row" },
        button("Restore", () => restore(one.name), { ...NEEDS, name: `Restore ${one.name}` }),
        button("Forget", () => forget(one.name), { ...NEEDS, kind: "bad", name: `Forget ${one.name}` })),
    },
  ], (one) => one.name, { none: "None is kept." });
  const refresh = life.every(LOOK_MS * 2, async (signal) => list.show((await get("/test/states", {}, signal)).states));
  /** @param {string} name */
  const restore = async (name) => {
    if (!(await ask(`Restore ${name}?`, "All queues, topics and messages that there are now are lost; those of the state take their place.", "Restore"))) return;
    await doing(() => api("POST", `/test/states/${part(name)}/restore`), `The server is as ${name} has it.`);
  };
  /** @param {string} name */
  const forget = async (name) => {
    if (!(await ask(`Forget ${name}?`, "The state is lost. What the server has stays.", "Forget"))) return;
    await doing(() => api("DELETE", `/test/states/${part(name)}`), "It is forgotten.");
    refresh();
  };
  const name = field("name", "Name", { needed: true });
  return h("section", { class: "card" }, h("h2", null, "States"), list.element,
    form([name], "Keep what there is now", async (values) => {
      await api("POST", `/test/states/${part(values.name)}`);
      tell("It is kept.");
      refresh();
    }, NEEDS));
}

/** @param {import("../lib/every.js").Life} life */
function faults(life) {
  const list = table("Fault rules", [
    { label: "Name", head: true, cell: (one) => one.name },
    { label: "Rule", kind: "wrap", same: (one) => JSON.stringify(one.rule), cell: (one) => h("code", null, JSON.stringify(one.rule)) },
    { label: "Was for", number: true, cell: (one) => number(one.matched) },
    { label: "Did something to", number: true, cell: (one) => number(one.fired) },
    { label: "Action", same: (one) => one.name, cell: (one) => button("Remove", () => remove(one.name), { ...NEEDS, kind: "bad", name: `Remove the rule ${one.name}` }) },
  ], (one) => one.name, { none: "No rule is set." });
  const refresh = life.every(LOOK_MS, async (signal) => list.show((await get("/test/faults", {}, signal)).faults));
  /** @param {string} name */
  const remove = async (name) => {
    await doing(() => api("DELETE", `/test/faults/${part(name)}`), "The rule is gone.");
    refresh();
  };
  const add = () => {
    const effect = field("effect", "What requests suffer", { type: "select", value: "error", options: [["error", "they are refused with an error"], ["throttle", "they are refused as too many"], ["latency", "they are carried out later"], ["drop", "their connection ends"], ["entries", "entries of batches fail"]] });
    const fields = [
      effect,
      field("code", "Error's code", { value: "InternalFailure", hint: "The dialect's own, for errors and entries" }),
      field("ms", "Later by, ms", { type: "number", value: "500", check: limits.whole(0, 3_600_000, "ms") }),
      field("name", "Name", { hint: "A number where it has none" }),
      field("dialect", "Of", { type: "select", value: "sqs", options: [["", "both"], ["sqs", "SQS"], ["pubsub", "Pub/Sub"]] }),
      field("action", "Action", { hint: "Such as SendMessage*; nothing for all" }),
      field("resource", "Queue or resource", { hint: "A name with * and ?; nothing for all" }),
      field("share", "Share of requests", { hint: "0 to 1; nothing for all", check: (text) => (!text || (Number(text) >= 0 && Number(text) <= 1) ? "" : "From 0 to 1.") }),
      field("times", "So many times", { type: "number", hint: "Nothing for always", check: limits.whole(1, 1_000_000_000, "") }),
    ];
    formDialog("Set a fault rule", fields, "Set", async (values) => {
      const effects = /** @type {Record<string, any>} */ ({
        error: { error: { code: values.code } }, throttle: "throttle", latency: { latency: { ms: Number(values.ms) } },
        drop: { drop: "before" }, entries: { entries: { share: Number(values.share || 1), code: values.code } },
      });
      const rule = /** @type {Record<string, any>} */ ({ effect: effects[values.effect] });
      for (const key of ["name", "dialect", "action", "resource"]) if (values[key]) rule[key] = values[key];
      if (values.share && values.effect !== "entries") rule.share = Number(values.share);
      if (values.times) rule.times = Number(values.times);
      await api("POST", "/test/faults", { body: rule });
      tell("The rule is set.");
      refresh();
    }, NEEDS);
  };
  return h("section", { class: "card" },
    h("div", { class: "spread" }, h("h2", null, "Faults"), h("div", { class: "row" },
      button("Set a rule", add, NEEDS),
      button("Remove all", async () => { await doing(() => api("DELETE", "/test/faults"), "All rules are gone."); refresh(); }, { ...NEEDS, kind: "bad" }))),
    list.element);
}

/** @param {import("../lib/every.js").Life} life */
function profile(life) {
  const shown = h("div");
  const refresh = life.every(LOOK_MS, async (signal) => {
    const told = await get("/test/profile", {}, signal);
    fill(shown, h("p", null, tag(told.on ? "on" : "off", told.on ? "warn" : "")),
      told.on && facts(Object.entries(told.done).filter(([, count]) => Number(count) > 0).map(([name, count]) => [name.replaceAll("_", " "), number(Number(count))])),
      told.on && h("pre", { tabindex: "0", "aria-label": "Settings of the profile" }, JSON.stringify(told.settings, null, 2)));
  });
  const settings = field("settings", "Settings", { type: "area", value: "{}", hint: "As PUT /test/profile takes them; {} for the usual ones", check: limits.object, more: { rows: 3 } });
  return h("section", { class: "card" }, h("h2", null, "Production profile"),
    h("p", { class: "quiet small" }, "Duplicates, short polls that find nothing, counts that are out of date: what a busy, distant service does."),
    shown,
    form([settings], "Switch it on", async (values) => {
      await api("PUT", "/test/profile", { body: JSON.parse(values.settings || "{}") });
      tell("The server behaves as in production.");
      refresh();
    }, { ...NEEDS, more: [button("Switch it off", async () => { await doing(() => api("DELETE", "/test/profile"), "The profile is off."); refresh(); }, NEEDS)] }));
}

/** @param {import("../lib/every.js").Life} life */
function regions(life) {
  const names = h("p");
  const list = table("Between regions", [
    { label: "Regions", head: true, cell: (one) => one.between.join(" and ") },
    { label: "Latency, ms", number: true, cell: (one) => number(one.latency_ms) },
    { label: "State", cell: (one) => tag(one.cut ? "cut" : "whole", one.cut ? "warn" : "good") },
    {
      label: "Action", same: (one) => `${one.between} ${one.cut}`,
      cell: (one) => button(one.cut ? "Heal" : "Cut", () => act(one.cut ? "heal" : "cut", one.between), { ...NEEDS, name: `${one.cut ? "Heal" : "Cut"} ${one.between.join(" and ")}` }),
    },
  ], (one) => one.between.join(), { none: "Nothing lies between any." });
  const refresh = life.every(LOOK_MS, async (signal) => {
    const told = await get("/test/regions", {}, signal);
    fill(names, told.on ? told.regions.join(", ") : tag("off", ""));
    list.show(told.links);
  });
  /** @param {string} verb @param {string[]} between */
  const act = async (verb, between) => {
    await doing(() => api("POST", `/test/regions/${verb}`, { body: { between } }), verb === "cut" ? "Nothing gets through." : "They are together again.");
    refresh();
  };
  const settings = field("regions", "Regions", { type: "area", value: "{}", hint: "As PUT /test/regions takes them", check: limits.object, more: { rows: 3 } });
  return h("section", { class: "card" }, h("h2", null, "Regions"),
    h("p", { class: "quiet small" }, "Pub/Sub plays them: a topic is in one, and requests that come in by another have to go there."),
    names, list.element,
    form([settings], "Set regions", async (values) => {
      await api("PUT", "/test/regions", { body: JSON.parse(values.regions || "{}") });
      tell("The regions are set.");
      refresh();
    }, { ...NEEDS, more: [button("As at the start", async () => { await doing(() => api("DELETE", "/test/regions"), "They are as at the start."); refresh(); }, NEEDS)] }));
}

function reset() {
  const fields = [
    field("account", "Only of the account", {}), field("region", "Only of the region", {}), field("project", "Only of the project", {}),
  ];
  return h("section", { class: "card" }, h("h2", null, "Reset"), form(fields, "Delete everything…", async (values) => {
    const of = Object.fromEntries(Object.entries(values).filter(([, value]) => value));
    const what = Object.keys(of).length ? Object.entries(of).map(([name, value]) => `${name} ${value}`).join(", ") : "the whole server";
    if (!(await ask("Delete everything?", `All queues, topics, subscriptions, snapshots and schemas of ${what} are lost, with their messages.`, "Delete everything"))) return;
    const told = await api("POST", "/test/reset", { body: of });
    tell(`Gone. Queues: ${number(told.queues)}, resources of Pub/Sub: ${number(told.topics_subscriptions_snapshots_schemas)}.`);
  }, { ...NEEDS, kind: "bad" }));
}
