// All queues.

import * as commands from "../lib/commands.js";
import { h } from "../lib/dom.js";
import { compact, duration, time } from "../lib/format.js";
import { toQueue } from "../lib/router.js";
import { button, nothingYet } from "../parts/buttons.js";
import { head, tag } from "../parts/facts.js";
import { listing } from "../parts/listing.js";
import { sparkColumn } from "../parts/spark.js";
import { targetOf } from "../lib/attention.js";
import { createQueueDialog } from "./queue_form.js";

/** @param {import("../lib/every.js").Life} life @param {import("../lib/router.js").Route} route */
export function queueListView(life, route) {
  const list = listing({
    path: "/queues", member: "queues", address: "queues", caption: "Queues",
    columns: [
      {
        label: "Name", sort: "name", head: true, same: (queue) => `${queue.arn} ${queue.fifo} ${targetOf(queue)}`,
        cell: (queue) => [h("a", { href: toQueue(queue), class: "name" }, queue.name), " ", queue.fifo && tag("FIFO", ""), targetOf(queue) && [" ", tag("dead letters", "")]],
      },
      { label: "Visible", sort: "visible", number: true, cell: (queue) => compact(queue.visible) },
      sparkColumn("Lately", (queue) => queue.arn, (queue) => queue.visible, compact),
      { label: "In flight", sort: "in_flight", number: true, cell: (queue) => compact(queue.in_flight) },
      { label: "Delayed", sort: "delayed", number: true, cell: (queue) => compact(queue.delayed) },
      { label: "Oldest", sort: "oldest_age_ms", number: true, cell: (queue) => duration(queue.oldest_age_ms) },
      { label: "Sent", number: true, cell: (queue) => compact(queue.sent) },
      { label: "Received", number: true, cell: (queue) => compact(queue.received) },
      { label: "Region", cell: (queue) => queue.region },
      { label: "Created", sort: "created_at", cell: (queue) => time(queue.created_at) },
    ],
    key: (queue) => queue.arn,
    filters: [["prefix", "Name begins with"], ["region", "Region"], ["account", "Account"]],
    empty: () => nothingYet("There is no queue yet. Make one above, or by:", commands.createQueue()),
  }, life, route);
  return h("div", null, head("Queues", button("Create a queue", createQueueDialog, { kind: "main", needs: "operate", id: "create" })), list);
}
