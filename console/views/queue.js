// One queue: its head, its tabs, and what can be done with all of it.

import { api, get } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { number } from "../lib/format.js";
import { go, toQueue } from "../lib/router.js";
import { button, copyButton } from "../parts/buttons.js";
import { queueUrl } from "../lib/commands.js";
import { ask } from "../parts/dialog.js";
import { head, tabs } from "../parts/facts.js";
import { doing } from "../parts/notice.js";
import { queuePath } from "./queue_form.js";
import { queueDeadLetters } from "./queue_dead_letters.js";
import { queueGroups } from "./queue_groups.js";
import { queueMessages } from "./queue_messages.js";
import { queueOverview } from "./queue_overview.js";
import { queueSend } from "./queue_send.js";
import { queueSettings } from "./queue_settings.js";

/** @typedef {{region: string, account: string, name: string}} Name */

const TABS = /** @type {Record<string, {label: string, draw: (queue: Name, life: any, route: any) => any}>} */ ({
  "": { label: "Overview", draw: queueOverview },
  messages: { label: "Messages", draw: queueMessages },
  groups: { label: "Groups", draw: queueGroups },
  send: { label: "Send", draw: queueSend },
  "dead-letters": { label: "Dead letters", draw: queueDeadLetters },
  settings: { label: "Settings", draw: queueSettings },
});

/** @param {import("../lib/every.js").Life} life @param {import("../lib/router.js").Route} route */
export function queueView(life, route) {
  const [, region, account, name, tab = ""] = route.parts;
  const queue = { region, account, name };
  const shown = TABS[tab] ?? TABS[""];
  const of = { region, account };
  /** What a queue has, in words. */
  const lost = async () => {
    const now = await get(queuePath(queue), of);
    return `${number(now.visible)} visible, ${number(now.in_flight)} in flight and ${number(now.delayed)} delayed messages`;
  };
  const purge = async () => {
    const what = await doing(async () => `All its messages are lost, also for those who have received them: ${await lost()}.`, "");
    if (!what || !(await ask(`Purge ${name}?`, what, "Purge"))) return;
    await doing(() => api("POST", `${queuePath(queue)}/purge`, { query: of }), `${name} is empty.`);
  };
  const remove = async () => {
    const what = await doing(async () => `The queue, its settings and its messages are lost: ${await lost()}.`, "");
    if (!what || !(await ask(`Delete ${name}?`, what, "Delete"))) return;
    if (await doing(() => api("DELETE", queuePath(queue), { query: of }), `${name} is gone.`)) go("#/queues");
  };
  return h("div", null,
    head(name, h("div", { class: "row" },
      copyButton("Copy URL", () => queueUrl(queue)),
      button("Purge", purge, { kind: "bad", needs: "operate" }),
      button("Delete", remove, { kind: "bad", needs: "operate" })),
    [h("a", { href: "#/queues" }, "Queues"), ` / ${region} / ${account}`]),
    tabs("Parts of the queue", Object.entries(TABS).map(([key, one]) => [one.label, toQueue(queue, key || undefined)]), shown.label),
    shown.draw(queue, life, route));
}
