// What a queue's policy, saved or as it is being written, would say to a request.

import { api } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { tag } from "../parts/facts.js";
import { field, form, pairs } from "../parts/form.js";
import { table } from "../parts/table.js";
import { queuePath } from "./queue_form.js";

const ACTIONS = ["SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes", "SetQueueAttributes", "GetQueueUrl", "PurgeQueue", "DeleteQueue", "ListDeadLetterSourceQueues", "StartMessageMoveTask"].map((name) => `sqs:${name}`);
const CONDITIONS = ["aws:SourceArn", "aws:SourceIp", "aws:SourceAccount", "aws:PrincipalArn", "aws:SecureTransport", "aws:UserAgent"];

/** @param {import("./queue.js").Name} queue @param {() => string} written the policy in the form above */
export function policyTester(queue, written) {
  const verdict = h("div", { "aria-live": "polite" });
  const fields = [
    field("principal", "Who asks", { hint: "An ARN such as arn:aws:iam::111122223333:user/name, or a service such as sns.amazonaws.com; nothing for somebody unknown" }),
    field("action", "What for", { value: ACTIONS[0], needed: true, suggestions: ACTIONS, check: (text) => (/^[a-z0-9]+:\w+$/i.test(text) ? "" : "Such as sqs:SendMessage.") }),
    pairs("context", "Conditions' keys", { hint: `Such as ${CONDITIONS.slice(0, 3).join(", ")}` }),
  ];
  const statements = table("Statements", [
    { label: "Statement", head: true, cell: (one) => one.statement },
    { label: "Effect", same: (one) => one.effect, cell: (one) => tag(one.effect, one.effect === "Deny" ? "bad" : "good") },
    { label: "Verdict", kind: "wrap", cell: (one) => one.miss ?? "applies" },
  ], (one) => one.key, { none: "There is no statement." });
  const element = form(fields, "Ask the policy", async (values) => {
    fill(verdict);
    const told = await api("POST", `${queuePath(queue)}/policy/test`, {
      query: { region: queue.region, account: queue.account },
      body: { policy: written(), action: values.action, ...(values.principal ? { principal: values.principal } : {}), context: Object.fromEntries(values.context) },
    });
    statements.show(told.statements.map((/** @type {any} */ one, /** @type {number} */ at) => ({ ...one, key: String(at) })));
    fill(verdict,
      h("p", { class: `note ${told.allowed ? "" : "bad"}` }, tag(told.allowed ? "allowed" : "not allowed", told.allowed ? "good" : "bad"), ` ${told.decision}`),
      statements.element);
  }, { needs: "read" });
  return h("section", { class: "card" },
    h("h2", null, "What the policy says"),
    h("p", { class: "quiet small" }, "Of the policy as it stands in the form above, saved or not. The queue's owner may do everything without one."),
    element, verdict);
}
