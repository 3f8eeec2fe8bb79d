// A topic's settings: those that most change by fields, all of them as JSON.

import { get } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import * as limits from "../lib/limits.js";
import { field, form, pairs } from "../parts/form.js";
import { showError } from "../parts/notice.js";
import { change, definitionEditor } from "./resource.js";
import { transformTester } from "./transforms.js";

/** @param {import("./resource.js").Resource} topic @param {import("../lib/every.js").Life} life */
export function topicSettings(topic, life) {
  const place = h("section", { class: "card" }, h("p", { class: "quiet" }, "Looking…"));
  const tester = h("div");
  const load = async () => {
    const has = (await get(topic.path, topic.of, life.signal)).definition ?? {};
    const schema = has.schemaSettings ?? {};
    const fields = [
      field("retention", "Kept for, s", {
        type: "number", value: has.messageRetentionDuration ? String(parseFloat(has.messageRetentionDuration)) : "",
        hint: "600 to 2678400; nothing keeps none that is acknowledged", check: limits.whole(600, 2_678_400, "s"),
      }),
      field("schema", "Schema", { value: schema.schema ?? "", hint: "Its full name, or its id; nothing for none" }),
      field("encoding", "Encoding of messages", { type: "select", value: schema.encoding ?? "JSON", options: [["JSON", "JSON"], ["BINARY", "binary"]] }),
      pairs("labels", "Labels", { value: Object.entries(has.labels ?? {}) }),
    ];
    if (!tester.firstChild) fill(tester, transformTester(has.messageTransforms));
    fill(place, h("h2", null, "Settings"), form(fields, "Save", async (values) => {
      if (await change(topic, has, wanted(has, values, topic.project))) await load();
    }));
  };
  load().catch((error) => { if (!life.signal.aborted) showError(place, error, "The settings can't be shown."); });
  return h("div", null, place, definitionEditor(topic, life), tester);
}

/** A definition with the values of the fields in it. @param {Record<string, any>} has @param {Record<string, any>} values @param {string} project */
function wanted(has, values, project) {
  const wants = { ...has };
  /** @param {string} name @param {any} value nothing leaves it out */
  const set = (name, value) => {
    if (value === undefined) delete wants[name];
    else wants[name] = value;
  };
  set("messageRetentionDuration", values.retention ? `${values.retention}s` : undefined);
  const full = values.schema.startsWith("projects/") ? values.schema : `projects/${project}/schemas/${values.schema}`;
  set("schemaSettings", values.schema ? { ...has.schemaSettings, schema: full, encoding: values.encoding } : undefined);
  const labels = Object.fromEntries(values.labels);
  set("labels", Object.keys(labels).length ? labels : undefined);
  return wants;
}
