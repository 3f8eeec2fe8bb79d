//! Messages of a queue that somebody has chosen by their ids: deleted, or made visible sooner or later,
//! whoever has received them or nobody.

use super::Admin;
use super::answers::{AdminError, AdminResult};
use super::queues::{Place, ask, ask_shard, resolved, unanswered};
use super::route::{Asked, Json};
use crate::runtime::yield_now;
use lclq_shards::QueueName;
use lclq_shards::command::{Peeked, QueueCommand, Reply};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::HashSet;
use std::rc::Rc;

/// Messages that one request may name.
const CHOSEN_MAX: usize = 100;
/// Messages that one request looks through for them.
const LOOKED_MESSAGES_MAX: usize = 200_000;
/// Messages that are asked for at once, so that neither core is held for long.
const SLICE_MESSAGES: usize = 200;

/// Messages to settle.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SettleChosen {
    /// Their ids, 100 at most.
    messages: Vec<String>,
    /// Seconds from now for which they stay invisible; where absent, they are deleted.
    visibility_timeout: Option<i64>,
}

/// What became of them.
#[derive(Serialize, JsonSchema)]
pub(super) struct SettledChosen {
    /// Ids of those that it is done for.
    settled: Vec<String>,
    left: Vec<Left>,
}

/// A message that was left as it was.
#[derive(Serialize, JsonSchema)]
pub(super) struct Left {
    id: String,
    reason: String,
}

pub(super) async fn settle(
    admin: Rc<Admin>,
    asked: Asked<Place, Json<SettleChosen>>,
) -> AdminResult<SettledChosen> {
    let queue = asked.query.queue(&admin, asked.part(0));
    let Json(wanted) = asked.body;
    if wanted.messages.is_empty() || wanted.messages.len() > CHOSEN_MAX {
        return Err(AdminError::bad_request(format!(
            "messages has 1 to {CHOSEN_MAX} ids"
        )));
    }
    let mut ids: HashSet<String> = wanted.messages.into_iter().collect();
    let found = find(&admin, &queue, &mut ids).await?;
    let missing = ids.into_iter().map(|id| Left {
        id,
        reason: "there is no such message".to_owned(),
    });
    let (mut settled, mut left): (Vec<String>, Vec<Left>) = (Vec::new(), missing.collect());
    for (id, receipt) in found {
        let mut request = json!({ "ReceiptHandle": receipt });
        let action = match wanted.visibility_timeout {
            None => "DeleteMessage",
            Some(seconds) => {
                request["VisibilityTimeout"] = seconds.into();
                "ChangeMessageVisibility"
            }
        };
        match ask(&admin, &queue, action, request).await {
            Ok(_) => settled.push(id),
            Err(error) => left.push(Left {
                id,
                reason: error.message,
            }),
        }
    }
    Ok(SettledChosen { settled, left })
}

/// Those of the ids that are there, with receipts; takes them out of `ids`.
async fn find(
    admin: &Admin,
    queue: &QueueName,
    ids: &mut HashSet<String>,
) -> AdminResult<Vec<(String, String)>> {
    let queue_ref = resolved(admin, queue).await?;
    let (mut found, mut looked) = (Vec::new(), 0);
    let mut last: Option<Peeked> = None;
    while !ids.is_empty() && looked < LOOKED_MESSAGES_MAX {
        let command = QueueCommand::Peek {
            queue: queue_ref,
            after: last.as_ref().map_or(0, |last| last.sequence),
            near: last.as_ref().map(|last| last.slot),
            messages_max: SLICE_MESSAGES,
        };
        let Reply::Peeked(peeked) = ask_shard(admin, queue_ref.shard, command).await else {
            return Err(unanswered(queue_ref.shard));
        };
        looked += peeked.len();
        for message in &peeked {
            let id = uuid::Uuid::from_bytes(message.payload.id()).to_string();
            if ids.remove(&id) {
                found.push((id, admin.sqs.receipt_inside(queue_ref, message)));
            }
        }
        if peeked.len() < SLICE_MESSAGES {
            break;
        }
        last = peeked.into_iter().last();
        yield_now().await;
    }
    Ok(found)
}
