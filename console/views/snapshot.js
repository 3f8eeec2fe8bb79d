// One snapshot.

import { get } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { time } from "../lib/format.js";
import { toResource } from "../lib/router.js";
import { facts, head } from "../parts/facts.js";
import { showError } from "../parts/notice.js";
import { crumbOf, deleteButton, resourceOf } from "./resource.js";

/** @param {import("../lib/every.js").Life} life @param {import("../lib/router.js").Route} route */
export function snapshotView(life, route) {
  const one = resourceOf("snapshots", route);
  const place = h("section", { class: "card" });
  get(one.path, one.of, life.signal).then((now) => fill(place,
    facts([
      ["Topic", now.topic ? h("a", { href: toResource(now.topic) }, now.topic) : "deleted"],
      ["Created", time(now.created_at)], ["Expires", time(now.expires_at)],
      ["Labels", Object.entries(now.definition?.labels ?? {}).map(([key, value]) => `${key}: ${value}`).join(", ")],
    ]),
    h("p", null, "A subscription of its topic goes back to it in its tab Seek."))).catch((error) => { if (!life.signal.aborted) showError(place, error, "It can't be shown."); });
  return h("div", null, head(one.name, deleteButton(one, "The snapshot is lost, and with it what only it kept."), crumbOf(one, "Snapshots")), place);
}
