//! Messages that move: to dead-letter queues, and back by move tasks.
//!
//! A move within a shard is one step of one batch. A move to another shard goes through the outbox:
//! the message leaves its queue and enters the outbox in one batch; once that is durable it is sent
//! over, and the target takes it only if its number is higher than all it had from that shard. So a
//! crash between the two loses nothing, and a message that is sent again arrives once. A target
//! without the queue sends the message back the same way.

use crate::{Millis, Payload, QueueName};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Unacknowledged transfers a shard holds per target before it stops to move messages there.
pub(crate) const OUTBOX_TRANSFERS_MAX: usize = 4096;

/// Where a message goes to, or comes from. Serialised as it stands in the journal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Address {
    /// A queue.
    Queue(QueueName),
    /// A topic, by its full name.
    Topic {
        /// The name.
        topic: Box<str>,
    },
    /// A subscription, by its full name.
    Subscription {
        /// The name.
        subscription: Box<str>,
        /// Its id within its shard: another one of that name is not meant. Journals written before
        /// ids were noted have none.
        #[serde(default)]
        id: Option<u64>,
    },
}

/// A message on its way to another shard.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Transfer {
    /// Sending shard.
    pub source: u16,
    /// Receiving shard.
    pub target: u16,
    /// Counts up per pair of shards, by one within a run of the source.
    pub number: u64,
    /// Lowest number that the source still keeps, as of when it was sent: the target has taken all
    /// before, even where it has lost its memory of that. Not stored.
    pub oldest: u64,
    /// The queue or topic it is for.
    #[serde(with = "crate::wire::json")]
    pub to: Address,
    /// The queue or subscription it comes from.
    #[serde(with = "crate::wire::json")]
    pub from: Address,
    /// Its bytes, as the target shall keep them.
    pub payload: Payload,
    /// Times received so far.
    pub receive_count: u32,
    /// When received first, ms since 1970; 0 if never.
    pub first_received_at: Millis,
    /// The move task that moved it.
    pub task: Option<[u8; 16]>,
    /// It was refused by the queue it was for and comes back.
    pub returned: bool,
}

/// The target's answer to a transfer, sent when it is durable there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TransferAck {
    /// Sending shard of the transfer.
    pub source: u16,
    /// Receiving shard of the transfer.
    pub target: u16,
    /// All transfers up to this number have been dealt with.
    pub up_to: u64,
}

/// What became of a message that was to be moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Moved {
    /// It is no longer in its queue.
    Gone,
    /// The outbox is full; it stays for now.
    Busy,
    /// There is no queue to move it to; it stays.
    Nowhere,
}

/// Transfers to one other shard that it hasn't acknowledged.
#[derive(Default)]
pub(crate) struct Outbox {
    pub last_number: u64,
    /// Last number that may have been sent: only what is durable here may be.
    pub sent_to: u64,
    pub waiting: VecDeque<Box<Transfer>>,
}

impl Outbox {
    /// Lowest number that is kept.
    pub fn oldest(&self) -> u64 {
        self.waiting.front().map_or(0, |transfer| transfer.number)
    }
}

/// Status of a move task, with the service's names.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum MoveStatus {
    /// Moves messages.
    Running,
    /// Has moved what was there.
    Completed,
    /// Was cancelled.
    Cancelled,
    /// Could not go on.
    Failed,
}

/// A task that moves messages out of a dead-letter queue.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct MoveTask {
    /// Its id.
    pub id: [u8; 16],
    /// Where to; each message's own source queue where absent.
    pub destination: Option<QueueName>,
    /// Messages per second; as fast as goes where absent.
    pub messages_per_s_max: Option<u32>,
    /// Messages moved.
    pub moved: u64,
    /// Messages that were there at the start.
    pub to_move: u64,
    /// When it was started, ms since 1970.
    pub started_at: Millis,
    /// Status.
    pub status: MoveStatus,
    /// Why it failed.
    pub failure: Option<String>,
}
