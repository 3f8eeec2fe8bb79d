//! What a shard keeps: its records, and the changes that its kept state is made of.
//!
//! This stands below the shard, which makes changes, and the journal, which stores them.

mod queues;
mod topics;

pub use queues::{MessageRecord, QueueRecord};
pub use topics::{
    DeadLetterSettings, PublishedRecord, RetrySettings, SchemaRecord, SubscriptionRecord,
    SubscriptionSettings, TopicRecord, TopicSettings,
};

use crate::Millis;
use crate::dedup::{DedupEntry, DedupKey};
use crate::moves::Transfer;

/// In place of failures in an acknowledged [`Op::Delivery`]: the message never was the
/// subscription's, and no seek brings it there. So are others' dead letters that came back.
pub const NEVER_HAD: u32 = u32::MAX;

/// One change. A shard's kept state is what all its changes leave behind.
#[derive(Clone, PartialEq, Debug)]
pub enum Op {
    /// Makes or changes a queue.
    PutQueue(Box<QueueRecord>),
    /// Forgets a queue; its messages' rows may follow later.
    DropQueue(u64),
    /// Adds a message.
    Insert(MessageRecord),
    /// A message was received.
    Received {
        /// Sequence number.
        sequence: u64,
        /// Times received.
        receive_count: u32,
        /// When first, ms since 1970.
        first_received_at: Millis,
    },
    /// Somebody has a message, or has it no more. Only for journals whose next owner may be another
    /// machine ([`crate::journal::Journal::holds_exclusive_receives`]): what it is received by is
    /// still out there then.
    Leased {
        /// Sequence number.
        sequence: u64,
        /// When it was received last, ms since 1970.
        received_at: Millis,
        /// Until when nobody else has it, ms since 1970; 0 where others may have it.
        until: Millis,
    },
    /// Removes a message.
    Delete(u64),
    /// Remembers a deduplication id.
    Dedup {
        /// Id of the queue.
        queue_id: u64,
        /// Hash of the id.
        key: DedupKey,
        /// What is remembered.
        entry: DedupEntry,
    },
    /// Keeps a message that is on its way to another shard.
    OutboxPut(Box<Transfer>),
    /// Forgets messages on their way to `target` up to this number.
    OutboxDelete {
        /// Receiving shard.
        target: u16,
        /// Last number, inclusive.
        up_to: u64,
    },
    /// Messages from `source` up to this number have arrived.
    Inbox {
        /// Sending shard.
        source: u16,
        /// Last number, inclusive.
        up_to: u64,
    },
    /// Numbers below these may have been used, by rows that are gone too.
    Reserve {
        /// Next sequence number after a restart.
        sequence: u64,
        /// Next queue id after a restart.
        queue_id: u64,
    },
    /// Makes or changes a topic.
    PutTopic(Box<TopicRecord>),
    /// Forgets a topic.
    DropTopic(u64),
    /// Makes or changes a subscription or a snapshot.
    PutSubscription(Box<SubscriptionRecord>),
    /// Forgets a subscription or a snapshot; rows about its deliveries may follow later.
    DropSubscription(u64),
    /// Makes or changes a schema.
    PutSchema(Box<SchemaRecord>),
    /// Forgets a schema.
    DropSchema(u64),
    /// Adds a published message. It is unacknowledged by every subscription that it is for.
    Publish(PublishedRecord),
    /// Removes a published message.
    Unpublish {
        /// Sequence number.
        sequence: u64,
        /// There may be [`Op::Delivery`]s of it.
        has_rows: bool,
    },
    /// What one subscription has of one message.
    Delivery {
        /// Id of the subscription or snapshot.
        subscription_id: u64,
        /// Sequence number of the message.
        sequence: u64,
        /// It is acknowledged, or not the subscription's at all.
        acked: bool,
        /// Deliveries that failed; [`NEVER_HAD`] where it never was the subscription's.
        failures: u32,
    },
    /// Forgets all [`Op::Delivery`]s of a subscription.
    ResetDeliveries {
        /// Id of the subscription or snapshot.
        subscription_id: u64,
    },
    /// Nothing: an insert whose delete came before the batch was closed.
    Nothing,
}
