// Lines over time. Each series has a colour, a pattern of its own and its figure in words.

import { fresh, h, say } from "../lib/dom.js";
import { timeOfDay } from "../lib/format.js";

const WIDTH = 600;
const HEIGHT = 150;
const LEFT = 54;
const BOTTOM = 18;
const TOP = 8;
const TICKS = 3;

/** @typedef {{at: number, values: (number | null)[]}} Point */

/** The least round number that is no less. @param {number} value */
function roundUp(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 1.5, 2, 3, 5, 7.5, 10].find((one) => one * power >= value) ?? 10;
  return step * power;
}

/**
 * @param {string} title
 * @param {string[]} series
 * @param {(value: number | null | undefined) => string} format
 * @param {number} windowMs
 */
export function chart(title, series, format, windowMs) {
  const id = fresh("chart");
  const axis = h("g", null);
  const lines = series.map((_, at) => h("path", { class: `s${at + 1}` }));
  const cross = h("line", { class: "cross", y1: TOP, y2: HEIGHT - BOTTOM, visibility: "hidden" });
  const drawing = h("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-labelledby": id, preserveAspectRatio: "none" }, axis, lines, cross);
  const figures = series.map(() => h("span"));
  const when = h("li", { class: "quiet" });
  const legend = h("ul", { class: "legend" },
    series.map((name, at) => h("li", null,
      h("svg", { viewBox: "0 0 22 8", "aria-hidden": "true" }, h("line", { class: `s${at + 1}`, x1: 0, x2: 22, y1: 4, y2: 4 })),
      `${name}: `, figures[at])), when);
  const said = h("p", { class: "hidden", id });
  const labels = h("div", { "aria-hidden": "true" });
  const plot = h("div", { class: "chart", tabindex: "0", role: "group", "aria-label": `${title}: arrow keys look back` }, drawing, labels);
  const element = h("section", { class: "card" }, h("h2", null, title), plot, legend, said);
  /** @type {Point[]} */
  let points = [];
  /** @type {number | null} */
  let looked = null;

  const draw = () => {
    const width = Math.max(200, plot.clientWidth || WIDTH);
    drawing.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    const end = points.at(-1)?.at ?? Date.now();
    const begin = end - windowMs;
    const seen = points.filter((point) => point.at >= begin);
    const most = roundUp(Math.max(0, ...seen.flatMap((point) => point.values.map((value) => value ?? 0))));
    /** @param {number} at */
    const x = (at) => LEFT + ((at - begin) / windowMs) * (width - LEFT - 4);
    /** @param {number} value */
    const y = (value) => HEIGHT - BOTTOM - (value / most) * (HEIGHT - BOTTOM - TOP);
    const parts = [];
    for (let tick = 0; tick < TICKS; tick += 1) {
      const value = (most * tick) / (TICKS - 1);
      parts.push(h("line", { class: "axis", x1: LEFT, x2: width, y1: y(value), y2: y(value) }));
      parts.push(h("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, format(value)));
    }
    for (const share of [0, 0.5, 1]) {
      const anchor = share === 0 ? "start" : share === 1 ? "end" : "middle";
      parts.push(h("text", { x: x(begin + share * windowMs), y: HEIGHT - 3, "text-anchor": anchor }, timeOfDay(begin + share * windowMs)));
    }
    axis.replaceChildren(...parts);
    lines.forEach((line, at) => {
      let path = "";
      let isOn = false;
      for (const point of seen) {
        const value = point.values[at];
        if (value === null || value === undefined) {
          isOn = false;
          continue;
        }
        // A line of no length is a dot.
        path += `${isOn ? "L" : "M"}${x(point.at).toFixed(1)} ${y(value).toFixed(1)}${isOn ? "" : "h0"}`;
        isOn = true;
      }
      line.setAttribute("d", path);
    });
    const shown = looked === null ? points.at(-1) : nearest(seen, looked);
    cross.setAttribute("visibility", looked !== null && shown ? "visible" : "hidden");
    if (shown) {
      cross.setAttribute("x1", String(x(shown.at)));
      cross.setAttribute("x2", String(x(shown.at)));
    }
    figures.forEach((figure, at) => say(figure, format(shown?.values[at])));
    say(when, looked !== null && shown ? timeOfDay(shown.at) : "");
    say(said, `${title}. ${series.map((name, at) => `${name} ${format(shown?.values[at])}`).join(", ")}.`);
  };
  /** @param {Point[]} all @param {number} at */
  const nearest = (all, at) => all.reduce((/** @type {Point | undefined} */ best, point) => (!best || Math.abs(point.at - at) < Math.abs(best.at - at) ? point : best), undefined);
  plot.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    const box = plot.getBoundingClientRect();
    const share = (event.clientX - box.left - LEFT) / (box.width - LEFT - 4);
    const end = points.at(-1)?.at ?? Date.now();
    looked = end - windowMs + Math.min(1, Math.max(0, share)) * windowMs;
    draw();
  });
  const leave = () => { looked = null; draw(); };
  plot.addEventListener("pointerleave", leave);
  plot.addEventListener("blur", leave);
  plot.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || points.length === 0) return;
    event.preventDefault();
    const last = points[points.length - 1].at;
    looked = Math.min(last, Math.max(last - windowMs, (looked ?? last) + step * (windowMs / 60)));
    draw();
  });
  new ResizeObserver(() => draw()).observe(plot);
  return {
    element,
    /** @param {Point[]} all */
    show(all) {
      points = all;
      draw();
    },
  };
}

/** Changes per second of a counter between two samples; nothing where it began anew. @param {any} now @param {any} before @param {string} name */
export function perSecond(now, before, name) {
  const seconds = (now.at - before.at) / 1000;
  const more = now[name] - before[name];
  return seconds > 0 && more >= 0 ? more / seconds : null;
}
