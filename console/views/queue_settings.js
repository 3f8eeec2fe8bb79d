// A queue's attributes and tags, to be changed.

import { api, get } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import * as limits from "../lib/limits.js";
import { form, pairs } from "../parts/form.js";
import { showError, tell } from "../parts/notice.js";
import { policyTester } from "./queue_policy.js";
import { attributeFields, changedAttributes, queuePath } from "./queue_form.js";

/** @param {import("./queue.js").Name} queue @param {import("../lib/every.js").Life} life */
export function queueSettings(queue, life) {
  const of = { region: queue.region, account: queue.account };
  const place = h("section", { class: "card" }, h("p", { class: "quiet" }, "Looking…"));
  /** @type {import("../parts/form.js").Field | undefined} */
  let policy;
  const load = async () => {
    const now = await get(queuePath(queue), of, life.signal);
    const tags = pairs("tags", "Tags", { value: Object.entries(now.tags), check: limits.tags });
    const fields = attributeFields(now.attributes, now.fifo);
    policy = fields.find((one) => one.name === "Policy");
    fill(place, h("h2", null, "Settings"), form([...fields, tags], "Save", async (values) => {
      const wanted = Object.fromEntries(values.tags);
      const gone = Object.keys(now.tags).filter((key) => !(key in wanted)).map((key) => [key, null]);
      const changed = Object.entries(wanted).filter(([key, value]) => now.tags[key] !== value);
      const attributes = changedAttributes(values, now.attributes, of);
      if (!Object.keys(attributes).length && !gone.length && !changed.length) {
        tell("Nothing has been changed.");
        return;
      }
      await api("PATCH", queuePath(queue), { query: of, body: { attributes, tags: Object.fromEntries([...changed, ...gone]) } });
      tell("The settings are saved.");
      await load();
    }));
  };
  load().catch((error) => { if (!life.signal.aborted) showError(place, error, "The settings can't be shown."); });
  return h("div", null, place, policyTester(queue, () => policy?.value() ?? ""));
}
