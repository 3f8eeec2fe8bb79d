// Tables that change while somebody looks: rows stay where they are the same, and so does the keyboard.

import { fill, h, say } from "../lib/dom.js";

/**
 * @typedef {object} Column
 * @property {string} label
 * @property {(row: any) => any} cell what is shown: text or an element
 * @property {(row: any) => string} [same] where the cell is an element: what it depends on
 * @property {boolean} [number]
 * @property {string} [sort] its name for the server
 * @property {string} [kind] class of the cells
 * @property {boolean} [head] whether the cell names its row
 */

/**
 * @param {string} caption
 * @param {Column[]} columns
 * @param {(row: any) => string} key
 * @param {{sorted?: {by: string, descending: boolean}, sort?: (by: string) => void, tall?: boolean, none?: string}} [order] `none` is what stands where there are no rows.
 */
export function table(caption, columns, key, order) {
  const body = h("tbody");
  const heads = columns.map((column) => {
    const isSorted = order?.sorted?.by === column.sort;
    const arrow = isSorted ? (order?.sorted?.descending ? " ↓" : " ↑") : "";
    const label = column.sort && order?.sort
      ? h("button", { type: "button", on: { click: () => order.sort?.(column.sort ?? "") } }, column.label, h("span", { "aria-hidden": "true" }, arrow))
      : column.label;
    return h("th", {
      scope: "col",
      class: column.number ? "number" : "",
      "aria-sort": isSorted && column.sort ? (order?.sorted?.descending ? "descending" : "ascending") : null,
    }, label);
  });
  const element = h("div", { class: order?.tall ? "scroll tall" : "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h("table", null, h("caption", { class: "hidden" }, caption), h("thead", null, h("tr", null, heads)), body));
  /** @type {Map<string, {tr: any, cells: any[], told: string[]}>} */
  let known = new Map();
  const none = order?.none && h("tr", { class: "none" }, h("td", { colspan: columns.length }, order.none));
  if (none) body.append(none);
  /** @param {any[]} rows */
  const show = (rows) => {
    if (none && rows.length) none.remove();
    else if (none) body.append(none);
    const now = new Map();
    let before = null;
    for (const row of rows) {
      const id = key(row);
      const have = known.get(id) ?? blank();
      columns.forEach((column, at) => update(have, column, at, row));
      now.set(id, have);
      const next = before ? before.nextSibling : body.firstChild;
      if (next !== have.tr) body.insertBefore(have.tr, next);
      before = have.tr;
    }
    for (const [id, have] of known) if (!now.has(id)) have.tr.remove();
    known = now;
  };
  const blank = () => {
    const cells = columns.map((column) => h(column.head ? "th" : "td", {
      class: `${column.number ? "number " : ""}${column.kind ?? ""}`.trim() || null,
      scope: column.head ? "row" : null,
    }));
    return { tr: h("tr", null, cells), cells, told: columns.map(() => "\u0000") };
  };
  /** @param {{cells: any[], told: string[]}} have @param {Column} column @param {number} at @param {any} row */
  const update = (have, column, at, row) => {
    if (column.same) {
      const told = column.same(row);
      if (told === have.told[at]) return;
      have.told[at] = told;
      fill(have.cells[at], column.cell(row));
    } else {
      say(have.cells[at], String(column.cell(row) ?? ""));
    }
  };
  return { element, show };
}
