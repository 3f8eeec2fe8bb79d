// What the server was told, and by whom: a flag, the environment, the file, or nobody.

import { api, get } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { place as whereabouts } from "../lib/session.js";
import { button } from "../parts/buttons.js";
import { facts, head, tabs } from "../parts/facts.js";
import { doing, showError } from "../parts/notice.js";
import { table } from "../parts/table.js";
import { configurationEditor } from "./configuration_edit.js";

/** @param {any} value */
const shown = (value) => (value === null || value === undefined ? "–" : typeof value === "string" ? value : JSON.stringify(value));

/** @param {import("../lib/every.js").Life} life @param {import("../lib/router.js").Route} route */
export function configurationView(life, route) {
  const isEdited = route.parts[1] === "edit";
  const links = tabs("Parts of the configuration", [["In effect", "#/configuration"], ["Edit the file", "#/configuration/edit"]], isEdited ? "Edit the file" : "In effect");
  if (isEdited) return h("div", null, head("Configuration", null), links, configurationEditor(life));

  const place = h("div");
  const only = h("input", { type: "checkbox" });
  /** @type {any} */
  let told = null;
  const draw = () => {
    const tables = Object.entries(told.config).filter(([, keys]) => !Array.isArray(keys)).map(([name, keys]) => {
      const rows = Object.entries(keys).map(([key, one]) => ({ key, ...(/** @type {any} */ (one)) })).filter((row) => !only.checked || row.from !== "default");
      if (!rows.length) return null;
      const list = table(name, [
        { label: "Key", head: true, cell: (row) => row.key },
        { label: "Value", kind: "wrap", same: (row) => shown(row.value), cell: (row) => h("code", null, shown(row.value)) },
        { label: "From", same: (row) => row.from, cell: (row) => (row.from === "default" ? h("span", { class: "quiet" }, "default") : h("span", { class: "tag good" }, row.from)) },
      ], (row) => row.key);
      list.show(rows);
      return h("section", { class: "card" }, h("h2", null, name), list.element);
    });
    const lists = Object.entries(told.config).filter(([, all]) => Array.isArray(all) && all.length).map(([name, all]) => {
      const list = table(name, [
        { label: "Name", head: true, cell: (row) => row.name },
        { label: "As declared", kind: "wrap", same: (row) => JSON.stringify(row.value), cell: (row) => h("code", null, shown(row.value)) },
        { label: "From", cell: (row) => row.from },
      ], (row) => row.name);
      list.show(/** @type {any[]} */ (all));
      return h("section", { class: "card" }, h("h2", null, `Declared ${name}`), list.element);
    });
    fill(place,
      h("section", { class: "card" }, facts([
        ["File", told.file ?? "none was read"],
        ...whereabouts.endpoints.map((one) => /** @type {[string, any]} */ ([one.name, h("code", null, `${one.address}:${one.port}`)])),
      ])), tables, lists);
  };
  const load = async () => {
    told = await get("/config", {}, life.signal);
    draw();
  };
  const reload = async () => {
    const done = await doing(() => api("POST", "/config/reload"), (answer) => {
      const waits = answer.restart.length ? ` ${answer.restart.join(", ")} wait for a restart.` : "";
      return `${answer.file} is read: ${answer.applied.length} keys are in effect.${waits}`;
    });
    if (done) await load();
  };
  // What is chosen before the first answer shows with it.
  only.addEventListener("change", () => { if (told) draw(); });
  load().catch((error) => { if (!life.signal.aborted) showError(place, error, "The configuration can't be shown."); });
  return h("div", null,
    head("Configuration", h("div", { class: "row" }, h("label", { class: "check" }, only, "Only what was given"), button("Read the file again", reload, { needs: "admin" }))),
    links, place);
}
