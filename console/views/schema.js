// One schema, and its next revision.

import { api, get } from "../lib/api.js";
import { pretty } from "../lib/body.js";
import { fill, h } from "../lib/dom.js";
import { time } from "../lib/format.js";
import * as limits from "../lib/limits.js";
import { facts, head } from "../parts/facts.js";
import { field, form } from "../parts/form.js";
import { showError, tell } from "../parts/notice.js";
import { crumbOf, deleteButton, resourceOf } from "./resource.js";

/** @param {import("../lib/every.js").Life} life @param {import("../lib/router.js").Route} route */
export function schemaView(life, route) {
  const one = resourceOf("schemas", route);
  const place = h("section", { class: "card" });
  const load = async () => {
    const now = await get(one.path, one.of, life.signal);
    const { type = "", definition = "", revisionId = "" } = now.definition ?? {};
    const next = field("definition", "Its next revision", { type: "area", value: pretty(definition), needed: true, check: limits.definition, more: { rows: 14 } });
    fill(place,
      facts([["Type", type === "AVRO" ? "Avro" : "Protocol buffers"], ["Revision", h("code", null, revisionId)], ["Created", time(now.created_at)]]),
      form([next], "Commit", async (values) => {
        await api("POST", `${one.path}/commit`, { query: one.of, body: { definition: { name: now.full_name, type, definition: values.definition } } });
        tell("The revision is there.");
        await load();
      }));
  };
  load().catch((error) => { if (!life.signal.aborted) showError(place, error, "It can't be shown."); });
  return h("div", null, head(one.name, deleteButton(one, "The schema and all its revisions are lost. Topics that use it take nothing more."), crumbOf(one, "Schemas")), place);
}
