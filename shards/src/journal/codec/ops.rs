//! Changes as bytes: a tag and what the change says. docs/log-format.md has the layout.

use super::Malformed;
use super::bytes::{Reader, put_blob, put_near, put_number};
use crate::Payload;
use crate::dedup::DedupEntry;
use crate::moves::{Address, Transfer};
use crate::name::QueueName;
use crate::records::{MessageRecord, Op, PublishedRecord, SchemaRecord};
use crate::records::{SubscriptionRecord, TopicRecord};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Tags of changes. They are stored: none is ever given to another change.
mod tag {
    pub const PUT_QUEUE: u8 = 1;
    pub const DROP_QUEUE: u8 = 2;
    pub const INSERT: u8 = 3;
    pub const RECEIVED: u8 = 4;
    pub const LEASED: u8 = 5;
    pub const DELETE: u8 = 6;
    pub const DEDUP: u8 = 7;
    pub const OUTBOX_PUT: u8 = 8;
    pub const OUTBOX_DELETE: u8 = 9;
    pub const INBOX: u8 = 10;
    pub const RESERVE: u8 = 11;
    pub const PUT_TOPIC: u8 = 12;
    pub const DROP_TOPIC: u8 = 13;
    pub const PUT_SUBSCRIPTION: u8 = 14;
    pub const DROP_SUBSCRIPTION: u8 = 15;
    pub const PUT_SCHEMA: u8 = 16;
    pub const DROP_SCHEMA: u8 = 17;
    pub const PUBLISH: u8 = 18;
    pub const UNPUBLISH: u8 = 19;
    pub const DELIVERY: u8 = 20;
    pub const RESET_DELIVERIES: u8 = 21;
}

/// Tags of [`Address`]es.
const TO_QUEUE: u8 = 0;
const TO_TOPIC: u8 = 1;
const TO_SUBSCRIPTION: u8 = 2;
const TO_ANY_SUBSCRIPTION: u8 = 3;

/// Writes one change; [`Op::Nothing`] as nothing at all. Sequence numbers and ids are written by
/// their distance from `base`.
pub(super) fn put(out: &mut Vec<u8>, base: u64, op: &Op) {
    match op {
        Op::PutQueue(record) => put_json(out, tag::PUT_QUEUE, record),
        Op::DropQueue(id) => put_id(out, tag::DROP_QUEUE, base, *id),
        Op::Insert(record) => put_message(out, base, record),
        Op::Received {
            sequence,
            receive_count,
            first_received_at,
        } => {
            put_id(out, tag::RECEIVED, base, *sequence);
            put_number(out, u64::from(*receive_count));
            put_number(out, *first_received_at);
        }
        Op::Leased {
            sequence,
            received_at,
            until,
        } => {
            put_id(out, tag::LEASED, base, *sequence);
            put_number(out, *received_at);
            put_number(out, *until);
        }
        Op::Delete(sequence) => put_id(out, tag::DELETE, base, *sequence),
        Op::Dedup {
            queue_id,
            key,
            entry,
        } => {
            put_id(out, tag::DEDUP, base, *queue_id);
            out.extend_from_slice(&key.to_le_bytes());
            out.extend_from_slice(&entry.message_id);
            put_near(out, base, entry.sequence);
            put_number(out, entry.expires_at);
        }
        Op::OutboxPut(transfer) => put_transfer(out, transfer),
        Op::OutboxDelete { target, up_to } => {
            put_pair(out, tag::OUTBOX_DELETE, base, *target, *up_to);
        }
        Op::Inbox { source, up_to } => put_pair(out, tag::INBOX, base, *source, *up_to),
        Op::Reserve { sequence, queue_id } => {
            put_id(out, tag::RESERVE, base, *sequence);
            put_near(out, base, *queue_id);
        }
        Op::PutTopic(record) => {
            put_json(out, tag::PUT_TOPIC, record);
            put_blob(out, &record.spec);
            put_blob(out, &record.policy);
        }
        Op::DropTopic(id) => put_id(out, tag::DROP_TOPIC, base, *id),
        Op::PutSubscription(record) => {
            put_json(out, tag::PUT_SUBSCRIPTION, record);
            put_blob(out, &record.spec);
            put_blob(out, &record.policy);
        }
        Op::DropSubscription(id) => put_id(out, tag::DROP_SUBSCRIPTION, base, *id),
        Op::PutSchema(record) => {
            put_json(out, tag::PUT_SCHEMA, record);
            put_blob(out, &record.spec);
            put_blob(out, &record.policy);
        }
        Op::DropSchema(id) => put_id(out, tag::DROP_SCHEMA, base, *id),
        Op::Publish(record) => {
            put_id(out, tag::PUBLISH, base, record.sequence);
            put_near(out, base, record.topic_id);
            put_number(out, record.published_at);
            out.push(u8::from(record.returned));
            put_blob(out, &record.bytes);
        }
        Op::Unpublish { sequence, has_rows } => {
            put_id(out, tag::UNPUBLISH, base, *sequence);
            out.push(u8::from(*has_rows));
        }
        Op::Delivery {
            subscription_id,
            sequence,
            acked,
            failures,
        } => {
            put_id(out, tag::DELIVERY, base, *subscription_id);
            put_near(out, base, *sequence);
            out.push(u8::from(*acked));
            put_number(out, u64::from(*failures));
        }
        Op::ResetDeliveries { subscription_id } => {
            put_id(out, tag::RESET_DELIVERIES, base, *subscription_id);
        }
        Op::Nothing => {}
    }
}

fn put_id(out: &mut Vec<u8>, tag: u8, base: u64, id: u64) {
    out.push(tag);
    put_near(out, base, id);
}

fn put_pair(out: &mut Vec<u8>, tag: u8, base: u64, shard: u16, up_to: u64) {
    out.push(tag);
    put_number(out, u64::from(shard));
    put_near(out, base, up_to);
}

/// Definitions are written as SQLite has them: what a later version adds has a default for those that
/// lack it (`golden_records.rs`), and they are rare.
fn put_json<R: Serialize>(out: &mut Vec<u8>, tag: u8, record: &R) {
    out.push(tag);
    let text = serde_json::to_vec(record).expect("records have text keys and no floats");
    put_blob(out, &text);
}

fn put_message(out: &mut Vec<u8>, base: u64, record: &MessageRecord) {
    put_id(out, tag::INSERT, base, record.sequence);
    put_near(out, base, record.queue_id);
    put_number(out, record.available_at);
    put_number(out, u64::from(record.receive_count));
    put_number(out, u64::from(record.base_count));
    put_number(out, record.first_received_at);
    put_blob(out, record.payload.stored());
}

fn put_transfer(out: &mut Vec<u8>, transfer: &Transfer) {
    out.push(tag::OUTBOX_PUT);
    put_number(out, u64::from(transfer.source));
    put_number(out, u64::from(transfer.target));
    put_number(out, transfer.number);
    put_address(out, &transfer.to);
    put_address(out, &transfer.from);
    out.push(u8::from(transfer.returned));
    out.push(u8::from(transfer.task.is_some()));
    out.extend_from_slice(transfer.task.as_ref().map_or(&[], |task| &task[..]));
    put_number(out, u64::from(transfer.receive_count));
    put_number(out, transfer.first_received_at);
    put_blob(out, transfer.payload.stored());
}

fn put_address(out: &mut Vec<u8>, address: &Address) {
    match address {
        Address::Queue(name) => {
            out.push(TO_QUEUE);
            for part in [&name.region, &name.account, &name.name] {
                put_blob(out, part.as_bytes());
            }
        }
        Address::Topic { topic } => {
            out.push(TO_TOPIC);
            put_blob(out, topic.as_bytes());
        }
        Address::Subscription {
            subscription,
            id: Some(id),
        } => {
            out.push(TO_SUBSCRIPTION);
            put_blob(out, subscription.as_bytes());
            put_number(out, *id);
        }
        Address::Subscription {
            subscription,
            id: None,
        } => {
            out.push(TO_ANY_SUBSCRIPTION);
            put_blob(out, subscription.as_bytes());
        }
    }
}

/// Reads one change.
pub(super) fn take(from: &mut Reader<'_>, base: u64) -> Result<Op, Malformed> {
    Ok(match from.byte()? {
        tag::PUT_QUEUE => Op::PutQueue(Box::new(take_json(from)?)),
        tag::DROP_QUEUE => Op::DropQueue(from.near(base)?),
        tag::INSERT => Op::Insert(MessageRecord {
            sequence: from.near(base)?,
            queue_id: from.near(base)?,
            available_at: from.number()?,
            receive_count: from.narrow()?,
            base_count: from.narrow()?,
            first_received_at: from.number()?,
            payload: take_payload(from)?,
        }),
        tag::RECEIVED => Op::Received {
            sequence: from.near(base)?,
            receive_count: from.narrow()?,
            first_received_at: from.number()?,
        },
        tag::LEASED => Op::Leased {
            sequence: from.near(base)?,
            received_at: from.number()?,
            until: from.number()?,
        },
        tag::DELETE => Op::Delete(from.near(base)?),
        tag::DEDUP => Op::Dedup {
            queue_id: from.near(base)?,
            key: u128::from_le_bytes(from.array()?),
            entry: DedupEntry {
                message_id: from.array()?,
                sequence: from.near(base)?,
                expires_at: from.number()?,
            },
        },
        tag::OUTBOX_PUT => Op::OutboxPut(Box::new(take_transfer(from)?)),
        tag::OUTBOX_DELETE => Op::OutboxDelete {
            target: from.narrow()?,
            up_to: from.near(base)?,
        },
        tag::INBOX => Op::Inbox {
            source: from.narrow()?,
            up_to: from.near(base)?,
        },
        tag::RESERVE => Op::Reserve {
            sequence: from.near(base)?,
            queue_id: from.near(base)?,
        },
        tag::PUT_TOPIC => {
            let mut record: TopicRecord = take_json(from)?;
            (record.spec, record.policy) = (from.blob()?.into(), from.blob()?.into());
            Op::PutTopic(Box::new(record))
        }
        tag::DROP_TOPIC => Op::DropTopic(from.near(base)?),
        tag::PUT_SUBSCRIPTION => {
            let mut record: SubscriptionRecord = take_json(from)?;
            (record.spec, record.policy) = (from.blob()?.into(), from.blob()?.into());
            Op::PutSubscription(Box::new(record))
        }
        tag::DROP_SUBSCRIPTION => Op::DropSubscription(from.near(base)?),
        tag::PUT_SCHEMA => {
            let mut record: SchemaRecord = take_json(from)?;
            (record.spec, record.policy) = (from.blob()?.into(), from.blob()?.into());
            Op::PutSchema(Box::new(record))
        }
        tag::DROP_SCHEMA => Op::DropSchema(from.near(base)?),
        tag::PUBLISH => Op::Publish(PublishedRecord {
            sequence: from.near(base)?,
            topic_id: from.near(base)?,
            published_at: from.number()?,
            returned: from.flag()?,
            bytes: from.blob()?.into(),
        }),
        tag::UNPUBLISH => Op::Unpublish {
            sequence: from.near(base)?,
            has_rows: from.flag()?,
        },
        tag::DELIVERY => Op::Delivery {
            subscription_id: from.near(base)?,
            sequence: from.near(base)?,
            acked: from.flag()?,
            failures: from.narrow()?,
        },
        tag::RESET_DELIVERIES => Op::ResetDeliveries {
            subscription_id: from.near(base)?,
        },
        _ => return Err(Malformed("a change of an unknown kind")),
    })
}

fn take_json<R: DeserializeOwned>(from: &mut Reader<'_>) -> Result<R, Malformed> {
    serde_json::from_slice(from.blob()?).map_err(|_| Malformed("a definition can't be read"))
}

fn take_payload(from: &mut Reader<'_>) -> Result<Payload, Malformed> {
    Payload::from_stored(from.blob()?).ok_or(Malformed("a message is not one"))
}

fn take_transfer(from: &mut Reader<'_>) -> Result<Transfer, Malformed> {
    Ok(Transfer {
        source: from.narrow()?,
        target: from.narrow()?,
        number: from.number()?,
        oldest: 0,
        to: take_address(from)?,
        from: take_address(from)?,
        returned: from.flag()?,
        task: match from.flag()? {
            true => Some(from.array()?),
            false => None,
        },
        receive_count: from.narrow()?,
        first_received_at: from.number()?,
        payload: take_payload(from)?,
    })
}

fn take_address(from: &mut Reader<'_>) -> Result<Address, Malformed> {
    Ok(match from.byte()? {
        TO_QUEUE => Address::Queue(QueueName {
            region: from.text()?.into(),
            account: from.text()?.into(),
            name: from.text()?.into(),
        }),
        TO_TOPIC => Address::Topic {
            topic: from.text()?.into(),
        },
        TO_SUBSCRIPTION => Address::Subscription {
            subscription: from.text()?.into(),
            id: Some(from.number()?),
        },
        TO_ANY_SUBSCRIPTION => Address::Subscription {
            subscription: from.text()?.into(),
            id: None,
        },
        _ => return Err(Malformed("an address of an unknown kind")),
    })
}
