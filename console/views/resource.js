// What topics, subscriptions, snapshots and schemas have in common when one of them is looked at.

import { api, get, part } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { go } from "../lib/router.js";
import { button } from "../parts/buttons.js";
import { ask } from "../parts/dialog.js";
import { field, form } from "../parts/form.js";
import { doing, showError, tell } from "../parts/notice.js";
import * as limits from "../lib/limits.js";

/** @typedef {{kind: string, project: string, name: string, path: string, of: {project: string}}} Resource */

/** @param {string} kind such as `topics` @param {import("../lib/router.js").Route} route @returns {Resource} */
export function resourceOf(kind, route) {
  const [, project, name] = route.parts;
  return { kind, project, name, path: `/${kind}/${part(name)}`, of: { project } };
}

/** Its place in the page's head. @param {Resource} resource @param {string} title */
export const crumbOf = (resource, title) => [h("a", { href: `#/${resource.kind}` }, title), ` / ${resource.project}`];

/** @param {Resource} resource @param {string} lost what is lost */
export function deleteButton(resource, lost) {
  return button("Delete", async () => {
    if (!(await ask(`Delete ${resource.name}?`, lost, "Delete"))) return;
    if (await doing(() => api("DELETE", resource.path, { query: resource.of }), `${resource.name} is gone.`)) go(`#/${resource.kind}`);
  }, { kind: "bad", needs: "operate" });
}

/** Sends what differs of a definition. @param {Resource} resource @param {Record<string, any>} has @param {Record<string, any>} wants @returns {Promise<boolean>} whether anything does */
export async function change(resource, has, wants) {
  const names = [...new Set([...Object.keys(wants), ...Object.keys(has)])];
  const changed = names.filter((name) => JSON.stringify(wants[name]) !== JSON.stringify(has[name]));
  if (!changed.length) {
    tell("Nothing has been changed.");
    return false;
  }
  await api("PATCH", resource.path, {
    query: resource.of,
    body: { definition: Object.fromEntries(changed.filter((name) => name in wants).map((name) => [name, wants[name]])), update_mask: changed.join(",") },
  });
  tell("The settings are saved.");
  return true;
}

/** Fields that the service lets nobody change. */
const FIXED = new Set(["name", "topic", "state", "createTime", "revisionId", "revisionCreateTime", "expireTime", "topicMessageRetentionDuration", "enableMessageOrdering", "filter", "detached", "analyticsHubSubscriptionInfo", "satisfiesPzs", "schemaSettings.schema"]);

/**
 * All of a resource's definition, to be changed as JSON.
 * @param {Resource} resource @param {import("../lib/every.js").Life} life
 */
export function definitionEditor(resource, life) {
  const place = h("section", { class: "card" }, h("p", { class: "quiet" }, "Looking…"));
  const load = async () => {
    const now = await get(resource.path, resource.of, life.signal);
    const definition = Object.fromEntries(Object.entries(now.definition).filter(([name]) => !FIXED.has(name)));
    const fixed = Object.fromEntries(Object.entries(now.definition).filter(([name]) => FIXED.has(name)));
    const text = field("definition", "What can be changed, as Pub/Sub's REST API has it", { type: "area", value: JSON.stringify(definition, null, 2), check: limits.object, more: { rows: 12 } });
    fill(place, h("h2", null, "All settings"), form([text], "Save the JSON", async (values) => {
      const wanted = JSON.parse(values.definition || "{}");
      if (await change(resource, definition, wanted)) await load();
    }), h("h3", null, "What stays"), h("pre", { tabindex: "0", "aria-label": "What stays" }, JSON.stringify(fixed, null, 2)));
  };
  load().catch((error) => { if (!life.signal.aborted) showError(place, error, "The settings can't be shown."); });
  return place;
}
