// A list that the server pages, filters and sorts; the address has all of that.

import { fill, fresh, h } from "../lib/dom.js";
import { number } from "../lib/format.js";
import { remember, to } from "../lib/router.js";
import { showError } from "./notice.js";
import { pages } from "./pages.js";
import { table } from "./table.js";

const REFRESH_MS = 3000;
/**
 * To sort or to filter, the server goes through all there is. It rests for so many times as long as that took, so that a
 * list that is open takes no more than a fiftieth of a core.
 */
const REST = 50;
const REST_MS_MAX = 60_000;
const LIMITS = [25, 50, 100, 250, 1000];

/**
 * @param {object} what
 * @param {string} what.path of the API
 * @param {string} what.member of its answer
 * @param {string} what.address the view's own
 * @param {string} what.caption
 * @param {import("./table.js").Column[]} what.columns
 * @param {(row: any) => string} what.key
 * @param {[string, string][]} [what.filters] name and label, beside the search for a name
 * @param {boolean} [what.searches] whether names can be searched for
 * @param {() => any} what.empty what stands where there is none at all
 * @param {(rows: any[]) => any} [what.aside] told of the rows that are shown
 * @param {import("../lib/every.js").Life} life
 * @param {import("../lib/router.js").Route} route
 */
export function listing(what, life, route) {
  const query = { limit: "50", ...route.query };
  /** @type {Record<string, string>} */
  const state = query;
  const place = h("div");
  const pager = h("div", { class: "row", role: "group", "aria-label": "Pages" });
  const problem = h("div");
  /** @type {ReturnType<typeof table>} */
  let shown;
  const sort = (/** @type {string} */ by) => {
    if (state.sort === by || (by === "name" && !state.sort)) {
      // Names come in one order only.
      if (by !== "name") state.descending = state.descending === "true" ? "" : "true";
    } else {
      state.sort = by === "name" ? "" : by;
      state.descending = by === "name" ? "" : "true";
    }
    anew();
    place.querySelector("[aria-sort] button")?.focus();
  };
  const anew = () => {
    paged.restart();
    remember(to([what.address], { ...state, limit: state.limit === "50" ? "" : state.limit }));
    drawTable();
    refresh();
  };
  const drawTable = () => {
    shown = table(what.caption, what.columns, what.key, { sorted: { by: state.sort || "name", descending: state.descending === "true" }, sort });
    fill(place, shown.element);
  };
  const paged = pages(what.path, () => state, () => refresh());
  const count = h("span", { class: "quiet small", role: "status" });
  const limit = h("select", { "aria-label": "Rows of a page", class: "small" }, LIMITS.map((value) => h("option", { value }, `${value} rows`)));
  limit.value = state.limit;
  limit.style.width = "auto";
  limit.addEventListener("change", () => { state.limit = limit.value; anew(); });
  fill(pager, paged.buttons, limit, count);
  /** @type {[string, string][]} */
  const named = what.searches === false ? [] : [["contains", "Name contains"]];
  const searched = [...named, ...(what.filters ?? [])];
  const inputs = searched.map(([name, label]) => {
    const id = fresh(name);
    const input = h("input", { id, type: "search", autocomplete: "off", spellcheck: "false", value: state[name] ?? "" });
    input.addEventListener("input", life.typed(() => { state[name] = input.value.trim(); anew(); }));
    return h("div", { class: "field" }, h("label", { for: id }, label), input);
  });
  const filters = h("div", { class: "filter", role: "search" }, inputs);
  const whole = h("div", null, filters, problem, place, h("div", { class: "spread" }, pager));
  const empty = h("div");
  drawTable();
  const refresh = life.every(REFRESH_MS, async (signal) => {
    let told;
    const began = performance.now();
    try {
      told = await paged.look(signal);
    } catch (error) {
      if (!signal.aborted) showError(problem, error, "The list can't be shown.");
      return 0;
    }
    if (!told) return 0;
    const took = performance.now() - began;
    fill(problem);
    const rows = told[what.member];
    shown.show(rows);
    what.aside?.(rows);
    const from = paged.passed() * Number(state.limit);
    count.textContent = rows.length ? `${number(from + 1)}–${number(from + rows.length)}${told.next ? ", and more" : ""}` : "none";
    const isFiltered = searched.some(([name]) => state[name]);
    if (rows.length === 0 && paged.passed() === 0) {
      if (!empty.firstChild || empty.dataset.filtered !== String(isFiltered)) {
        empty.dataset.filtered = String(isFiltered);
        fill(empty, isFiltered ? h("p", { class: "empty" }, "None fits. Take letters out of the filter.") : what.empty());
      }
    } else fill(empty);
    return Math.min(REST_MS_MAX, took * REST);
  });
  return h("section", { class: "card" }, whole, empty);
}
