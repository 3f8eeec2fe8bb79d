// Every view of the console, by its address, with a text that shows that it has been drawn.

/** Of the server that they are looked at with. */
export const FILE = "[log]\nfilter = \"info\"\n\n[[queues]]\nname = \"declared\"\n";

/** @type {[string, string, string][]} name, address, text */
export const VIEWS = [
  ["overview", "#/", "Operations since the start"],
  ["queues", "#/queues", "orders-dead"],
  ["queues-filtered", "#/queues?contains=orders&sort=visible&descending=true", "orders-dead"],
  ["queue", "#/queue/us-east-1/000000000000/orders", "Receive from it"],
  ["queue-messages", "#/queue/us-east-1/000000000000/orders/messages", "customer-1"],
  ["queue-send", "#/queue/us-east-1/000000000000/orders/send", "Send a message"],
  ["queue-dead-letters", "#/queue/us-east-1/000000000000/orders-dead/dead-letters", "Moves"],
  ["queue-settings", "#/queue/us-east-1/000000000000/orders/settings", "Visibility timeout, s"],
  ["queue-groups", "#/queue/us-east-1/000000000000/invoices.fifo/groups", "customer-1"],
  ["queue-fifo-send", "#/queue/us-east-1/000000000000/invoices.fifo/send", "Deduplication id"],
  ["topics", "#/topics", "events-dead"],
  ["topic", "#/topic/local/events", "worker"],
  ["topic-publish", "#/topic/local/events/publish", "Publish a message"],
  ["topic-settings", "#/topic/local/events/settings", "What stays"],
  ["subscriptions", "#/subscriptions", "pushed"],
  ["subscription", "#/subscription/local/worker", "Pull from it"],
  ["subscription-push", "#/subscription/local/pushed", "Push health"],
  ["subscription-messages", "#/subscription/local/worker/messages", "event"],
  ["subscription-decoded", "#/subscription/local/unpacker/messages", "seven"],
  ["subscription-seek", "#/subscription/local/worker/seek", "Seek by time"],
  ["subscription-settings", "#/subscription/local/worker/settings", "What stays"],
  ["snapshots", "#/snapshots", "before"],
  ["snapshot", "#/snapshot/local/before", "Expires"],
  ["schemas", "#/schemas", "event"],
  ["schema", "#/schema/local/event", "Its next revision"],
  ["connections", "#/connections", "admin"],
  ["configuration", "#/configuration", "default"],
  ["configuration-edit", "#/configuration/edit", "as it should be"],
  ["refusals", "#/refusals", "The latest"],
  ["test-controls", "#/test", "Production profile"],
  ["nothing", "#/no/such/view", "There is no such view"],
];
export const WIDTHS = [360, 768, 1440];
export const THEMES = /** @type {("light" | "dark")[]} */ (["light", "dark"]);
