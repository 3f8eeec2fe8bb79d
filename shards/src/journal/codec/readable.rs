//! Records as people read them: JSON with every field under its name. Bodies of messages are told by their
//! length; what a store keeps of people is not for logs.

use super::{Malformed, Record};
use crate::dedup::DedupEntry;
use crate::records::Op;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// A record as JSON. Numbers and ids are as the engine knows them; what a batch carries along stands
/// apart from its changes.
pub fn readable(bytes: &[u8]) -> Result<Value, Malformed> {
    let record = Record::read(bytes)?;
    let head = record.head;
    let mut shown = Map::new();
    shown.insert("position".to_owned(), head.position.into());
    shown.insert("epoch".to_owned(), head.epoch.into());
    shown.insert("low".to_owned(), head.low.into());
    if let Some(owner) = record.owner() {
        let owner = String::from_utf8_lossy(owner).into_owned();
        shown.insert("kind".to_owned(), "fence".into());
        shown.insert("owner".to_owned(), owner.into());
        return Ok(shown.into());
    }
    shown.insert("kind".to_owned(), "batch".into());
    let mut changes = Vec::new();
    record.changes(&mut |op| changes.push(of_op(&op)))?;
    shown.insert("changes".to_owned(), changes.into());
    if head.lap > 0 {
        let mut carried = Vec::new();
        record.carried(&mut |op| carried.push(of_op(&op)))?;
        shown.insert("lap".to_owned(), head.lap.into());
        shown.insert("carried".to_owned(), carried.into());
    }
    Ok(shown.into())
}

/// A definition with the kind of change; what stands beside it is told by its length.
fn definition(change: &str, record: &impl Serialize, spec: &[u8]) -> Value {
    let record = serde_json::to_value(record).unwrap_or_default();
    json!({ "change": change, "record": record, "spec_bytes": spec.len() })
}

fn of_op(op: &Op) -> Value {
    match op {
        Op::PutQueue(record) => {
            let mut shown = serde_json::to_value(record).unwrap_or_default();
            // Under it hashes of what clients chose could be guessed.
            if let Some(fields) = shown.as_object_mut() {
                fields.remove("dedup_secret");
            }
            json!({ "change": "put-queue", "record": shown })
        }
        Op::DropQueue(id) => json!({ "change": "drop-queue", "id": id }),
        Op::Insert(message) => json!({
            "change": "insert", "sequence": message.sequence, "queue_id": message.queue_id,
            "available_at": message.available_at, "receive_count": message.receive_count,
            "base_count": message.base_count, "first_received_at": message.first_received_at,
            "message_id": hex(&message.payload.id()), "sent_at": message.payload.sent_at(),
            "body_bytes": message.payload.body().len(),
        }),
        Op::Received {
            sequence,
            receive_count,
            first_received_at,
        } => json!({
            "change": "received", "sequence": sequence, "receive_count": receive_count,
            "first_received_at": first_received_at,
        }),
        Op::Leased {
            sequence,
            received_at,
            until,
        } => json!({
            "change": "leased", "sequence": sequence, "received_at": received_at, "until": until,
        }),
        Op::Delete(sequence) => json!({ "change": "delete", "sequence": sequence }),
        Op::Dedup {
            queue_id,
            key: _,
            entry,
        } => of_dedup(*queue_id, entry),
        Op::OutboxPut(transfer) => json!({
            "change": "outbox-put", "source": transfer.source, "target": transfer.target,
            "number": transfer.number, "to": transfer.to, "from": transfer.from,
            "receive_count": transfer.receive_count, "message_id": hex(&transfer.payload.id()),
            "body_bytes": transfer.payload.body().len(),
        }),
        Op::OutboxDelete { target, up_to } => {
            json!({ "change": "outbox-delete", "target": target, "up_to": up_to })
        }
        Op::Inbox { source, up_to } => {
            json!({ "change": "inbox", "source": source, "up_to": up_to })
        }
        Op::Reserve { sequence, queue_id } => {
            json!({ "change": "reserve", "sequence": sequence, "queue_id": queue_id })
        }
        Op::PutTopic(record) => definition("put-topic", record, &record.spec),
        Op::DropTopic(id) => json!({ "change": "drop-topic", "id": id }),
        Op::PutSubscription(record) => definition("put-subscription", record, &record.spec),
        Op::DropSubscription(id) => json!({ "change": "drop-subscription", "id": id }),
        Op::PutSchema(record) => definition("put-schema", record, &record.spec),
        Op::DropSchema(id) => json!({ "change": "drop-schema", "id": id }),
        Op::Publish(message) => json!({
            "change": "publish", "sequence": message.sequence, "topic_id": message.topic_id,
            "published_at": message.published_at, "returned": message.returned,
            "message_bytes": message.bytes.len(),
        }),
        Op::Unpublish { sequence, has_rows } => {
            json!({ "change": "unpublish", "sequence": sequence, "has_deliveries": has_rows })
        }
        Op::Delivery {
            subscription_id,
            sequence,
            acked,
            failures,
        } => json!({
            "change": "delivery", "subscription_id": subscription_id, "sequence": sequence,
            "acked": acked, "failures": failures,
        }),
        Op::ResetDeliveries { subscription_id } => {
            json!({ "change": "reset-deliveries", "subscription_id": subscription_id })
        }
        Op::Nothing => json!({ "change": "nothing" }),
    }
}

fn of_dedup(queue_id: u64, entry: &DedupEntry) -> Value {
    json!({
        "change": "deduplicate", "queue_id": queue_id, "message_id": hex(&entry.message_id),
        "sequence": entry.sequence, "expires_at": entry.expires_at,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Head, write_batch, write_fence};
    use super::*;

    const HEAD: Head = Head {
        position: 7,
        epoch: 3,
        low: 2,
        lap: 5,
    };

    #[test]
    fn a_batch_and_a_fence_are_told() {
        let carried = [Op::DropTopic(9)];
        let batch = write_batch(HEAD, &[Op::Delete(12)], &carried);
        let expected = json!({
            "position": 7, "epoch": 3, "low": 2, "lap": 5, "kind": "batch",
            "changes": [{ "change": "delete", "sequence": 12 }],
            "carried": [{ "change": "drop-topic", "id": 9 }],
        });
        assert_eq!(readable(&batch).unwrap(), expected);
        let fence = readable(&write_fence(HEAD, b"web-1, process 7")).unwrap();
        assert_eq!(fence["owner"], "web-1, process 7");
        let mut damaged = batch;
        damaged[9] ^= 1;
        readable(&damaged).unwrap_err();
    }
}
