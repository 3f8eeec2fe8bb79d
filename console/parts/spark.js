// A small chart in a row: what the page has seen of a figure since the row is shown.

import { h } from "../lib/dom.js";

const POINTS_MAX = 40;
const ROWS_MAX = 2000;
const APART_MS = 1000;
const WIDTH = 80;
const HEIGHT = 18;

/**
 * @param {string} label
 * @param {(row: any) => string} key
 * @param {(row: any) => number} value
 * @param {(value: number) => string} format
 * @returns {import("./table.js").Column}
 */
export function sparkColumn(label, key, value, format) {
  /** @type {Map<string, {at: number, values: number[]}>} */
  const seen = new Map();
  /** @param {any} row */
  const lately = (row) => {
    const now = performance.now();
    const known = seen.get(key(row)) ?? { at: -APART_MS, values: [] };
    if (now - known.at >= APART_MS) {
      known.values = [...known.values, value(row)].slice(-POINTS_MAX);
      known.at = now;
      // Those that were seen last stand last.
      seen.delete(key(row));
      seen.set(key(row), known);
      if (seen.size > ROWS_MAX) seen.delete(/** @type {string} */ (seen.keys().next().value));
    }
    return known.values;
  };
  return {
    label,
    // A row where nothing changes is left alone.
    same: (row) => {
      const values = lately(row);
      return values.every((one) => one === values[0]) ? `flat ${values[0]}` : values.join(" ");
    },
    cell: (row) => {
      const values = seen.get(key(row))?.values ?? [];
      const [least, most] = [Math.min(...values), Math.max(...values)];
      const x = (/** @type {number} */ at) => (values.length < 2 ? WIDTH : (at / (values.length - 1)) * WIDTH);
      const y = (/** @type {number} */ one) => (most === least ? HEIGHT - 2 : HEIGHT - 2 - ((one - least) / (most - least)) * (HEIGHT - 4));
      const path = most === least ? `M0 ${HEIGHT - 2}H${WIDTH}` : values.map((one, at) => `${at ? "L" : "M"}${x(at).toFixed(1)} ${y(one).toFixed(1)}`).join("");
      const said = most === least ? `steady at ${format(most)}` : `between ${format(least)} and ${format(most)}`;
      return h("svg", { class: "spark", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": said }, h("path", { d: path }));
    },
  };
}
