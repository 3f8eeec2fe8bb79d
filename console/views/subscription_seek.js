// Going back and forth in time: by a timeline of what is kept, by a time, and to a snapshot.

import { api, get } from "../lib/api.js";
import { fill, h, say } from "../lib/dom.js";
import { number, time, timeOfDay } from "../lib/format.js";
import { button } from "../parts/buttons.js";
import { field, form } from "../parts/form.js";
import { tell } from "../parts/notice.js";
import { createResourceDialog } from "./resource_form.js";

const SNAPSHOTS_MAX = 200;
const LOOK_MS = 5000;
/** Messages of which the timeline is drawn, the oldest; and requests for them. */
const MESSAGES_MAX = 5000;
const PAGE = 1000;
const BARS = 60;
const WIDTH = 600;
const HEIGHT = 90;
/** The least span of a timeline. */
const SPAN_MS_MIN = 60_000;

/** @param {number} ms since 1970 @returns {string} as an input for local times has it */
const local = (ms) => new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 19);

/** @param {import("./resource.js").Resource} one @param {import("../lib/every.js").Life} life */
export function seeking(one, life) {
  const when = field("time", "To this time", { type: "datetime-local", value: local(Date.now() - 600_000), needed: true, more: { step: 1 }, hint: "By this browser's clock and zone. What was published before counts as acknowledged, what came later comes again, as far as it is kept.", wide: true });
  const line = timeline(one, life, (at) => when.set(local(at)), () => Date.parse(when.value()));
  when.element.addEventListener("input", () => line.draw());
  const byTime = form([when], "Seek to the time", async (values) => {
    await api("POST", `${one.path}/seek`, { query: one.of, body: { time: new Date(values.time).toISOString() } });
    tell(`It is at ${time(Date.parse(values.time))}.`);
    line.refresh();
  });
  const names = h("div", null, h("p", { class: "quiet" }, "Looking…"));
  get("/snapshots", { project: one.project, limit: SNAPSHOTS_MAX }, life.signal).then((told) => {
    const options = told.resources.map((/** @type {any} */ snapshot) => [snapshot.full_name, `${snapshot.name}, of ${time(snapshot.created_at)}`]);
    if (!options.length) {
      fill(names, h("p", { class: "quiet" }, "There is no snapshot in this project."),
        button("Create a snapshot", () => createResourceDialog("snapshots", { project: one.project, subscription: one.name }), { needs: "operate" }));
      return;
    }
    const snapshot = field("snapshot", "Snapshot", { type: "select", options, value: options[0][0], wide: true });
    fill(names, form([snapshot], "Seek to the snapshot", async (values) => {
      await api("POST", `${one.path}/seek`, { query: one.of, body: { snapshot: values.snapshot } });
      tell("It is as the snapshot has it.");
      line.refresh();
    }));
  }).catch(() => {});
  return h("div", { class: "two" },
    h("section", { class: "card" }, h("h2", null, "Seek by time"), line.element, byTime),
    h("section", { class: "card" }, h("h2", null, "Seek to a snapshot"), names));
}

/**
 * When messages that are kept were published, and what seeking to a time would do with them.
 * @param {import("./resource.js").Resource} one @param {import("../lib/every.js").Life} life
 * @param {(at: number) => void} choose @param {() => number} chosen
 */
function timeline(one, life, choose, chosen) {
  /** @type {any[]} */
  let messages = [];
  let isCut = false;
  const bars = h("g", null);
  const mark = h("line", { class: "cross", y1: 0, y2: HEIGHT });
  const drawing = h("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" }, bars, mark);
  const slider = h("input", { type: "range", min: 0, max: BARS, step: 1, "aria-label": "Time to seek to" });
  const [first, last] = [h("span"), h("span")];
  const said = h("p", { class: "small", role: "status" });
  const span = () => {
    const now = Date.now();
    const from = Math.min(messages[0]?.published_at ?? now, now - SPAN_MS_MIN);
    return { from, to: now, of: (/** @type {number} */ at) => (at - from) / Math.max(1, now - from) };
  };
  const draw = () => {
    const { from, to, of } = span();
    const at = chosen();
    const counts = Array.from({ length: BARS }, () => [0, 0]);
    for (const message of messages) {
      const bar = counts[Math.min(BARS - 1, Math.max(0, Math.floor(of(message.published_at) * BARS)))];
      bar[message.state === "acknowledged" ? 1 : 0] += 1;
    }
    const most = Math.max(1, ...counts.map(([waiting, done]) => waiting + done));
    const width = WIDTH / BARS;
    bars.replaceChildren(...counts.flatMap(([waiting, done], place) => {
      const tall = (/** @type {number} */ count) => (count / most) * (HEIGHT - 4);
      return [
        waiting && h("rect", { class: "waiting", x: place * width + 1, width: width - 2, y: HEIGHT - tall(waiting), height: tall(waiting) }),
        done && h("rect", { class: "done", x: place * width + 1, width: width - 2, y: HEIGHT - tall(waiting + done), height: tall(done) }),
      ].filter(Boolean);
    }));
    const x = Math.min(1, Math.max(0, of(Number.isNaN(at) ? to : at))) * WIDTH;
    mark.setAttribute("x1", String(x));
    mark.setAttribute("x2", String(x));
    slider.value = String(Math.round((x / WIDTH) * BARS));
    slider.setAttribute("aria-valuetext", Number.isNaN(at) ? "no time" : time(at));
    say(first, timeOfDay(from));
    say(last, timeOfDay(to));
    const later = messages.filter((message) => message.published_at >= at);
    const again = later.filter((message) => message.state === "acknowledged").length;
    const gone = messages.filter((message) => message.published_at < at && message.state !== "acknowledged").length;
    say(said, messages.length
      ? `Seeking there: ${number(again)} acknowledged ones come again, ${number(later.length - again)} stay, ${number(gone)} count as acknowledged${isCut ? `; of the oldest ${number(messages.length)}` : ""}.`
      : "No message is kept.");
  };
  slider.addEventListener("input", () => {
    const { from, to } = span();
    choose(from + ((to - from) * Number(slider.value)) / BARS);
    draw();
  });
  const refresh = life.every(LOOK_MS, async (signal) => {
    /** @type {any[]} */
    const all = [];
    let after = "";
    do {
      const told = await get(`${one.path}/messages`, { ...one.of, max: PAGE, after, brief: true }, signal);
      all.push(...told.messages.map((/** @type {any} */ message) => ({ published_at: message.published_at, state: message.state })));
      after = told.next ?? "";
    } while (after && all.length < MESSAGES_MAX);
    messages = all;
    isCut = Boolean(after);
    draw();
  });
  const element = h("div", { class: "field timeline" },
    h("p", { class: "quiet small" }, "What is kept, by when it was published: ", h("span", { class: "swatch waiting" }), " not acknowledged, ", h("span", { class: "swatch done" }), " acknowledged."),
    drawing, slider, h("div", { class: "spread small quiet" }, first, last), said);
  return { element, draw, refresh };
}
