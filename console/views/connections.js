// Who is connected.

import { api } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { compact, number, size, time } from "../lib/format.js";
import { button } from "../parts/buttons.js";
import { ask } from "../parts/dialog.js";
import { head } from "../parts/facts.js";
import { listing } from "../parts/listing.js";
import { doing } from "../parts/notice.js";

/** @param {import("../lib/every.js").Life} life @param {import("../lib/router.js").Route} route */
export function connectionsView(life, route) {
  /** @param {any} one */
  const end = async (one) => {
    if (!(await ask("End this connection?", `Whatever is under way on it is broken off: ${number(one.in_flight)} requests of ${one.peer}. The client may come again.`, "End it"))) return;
    await doing(() => api("DELETE", `/connections/${one.id}`), "The connection has ended.");
  };
  const list = listing({
    path: "/connections", member: "connections", address: "connections", caption: "Connections", searches: false,
    columns: [
      { label: "Client", head: true, cell: (one) => one.peer ?? "unknown" },
      { label: "Endpoint", cell: (one) => one.endpoint },
      { label: "What it calls itself", kind: "preview", same: (one) => one.user_agent ?? "", cell: (one) => h("span", { title: one.user_agent ?? "" }, one.user_agent ?? "") },
      { label: "Protocol", cell: (one) => one.protocol ?? "" },
      { label: "Since", cell: (one) => time(one.since) },
      { label: "Requests", number: true, cell: (one) => compact(one.requests) },
      { label: "Under way", number: true, cell: (one) => number(one.in_flight) },
      { label: "Received", number: true, cell: (one) => size(one.bytes_received) },
      { label: "Sent", number: true, cell: (one) => size(one.bytes_sent) },
      { label: "Core", number: true, cell: (one) => number(one.core) },
      { label: "Action", same: (one) => one.id, cell: (one) => button("End", () => end(one), { needs: "admin", kind: "bad", name: `End the connection of ${one.peer}` }) },
    ],
    key: (one) => one.id,
    filters: [["endpoint", "Endpoint: sqs, pubsub, admin"], ["peer", "Address begins with"]],
    empty: () => h("p", { class: "empty" }, "Nobody is connected."),
  }, life, route);
  return h("div", null, head("Connections", null), list);
}
