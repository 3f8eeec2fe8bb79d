//! The journal: what a shard keeps so that a restart finds it again.
//!
//! The seam is narrow on purpose: [`Journal::load`] hands the kept state back, [`Journal::commit`]
//! takes one batch, [`Journal::poll`] says what became of it. Nothing above knows what stores the
//! batches. A commit carries the shard's epoch, so that a store that several servers share could
//! refuse an owner that has been replaced.

mod directory;
#[cfg(test)]
mod golden_records;
mod kept;
mod private_files;
mod sqlite;
mod store;
mod writer;

pub use directory::{DataDirectory, DirectoryError, Recovery};
pub use kept::{Kept, UsedTwice};
pub use sqlite::{DamagedRow, Durability, FileOwner, SqliteFile};
pub use store::{JournalSetup, Secrets, Store, StoreError};
pub use writer::SqliteJournal;

use crate::attributes::AttributeMap;
use crate::dedup::{DedupEntry, DedupKey};
use crate::moves::{MoveTask, Transfer};
use crate::pubsub::command::SharedBytes;
use crate::pubsub::{SchemaRecord, SubscriptionRecord, TopicRecord};
use crate::{Millis, Payload, QueueName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// In place of failures in an acknowledged [`Op::Delivery`]: the message never was the
/// subscription's, and no seek brings it there. So are others' dead letters that came back.
pub const NEVER_HAD: u32 = u32::MAX;

/// A queue as it is kept.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct QueueRecord {
    /// Id; never used twice within a shard.
    pub id: u64,
    /// Name.
    pub name: QueueName,
    /// Attributes that were set.
    pub attributes: AttributeMap,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// When it was made, ms since 1970.
    pub created_at: Millis,
    /// When attributes changed last, ms since 1970.
    pub modified_at: Millis,
    /// Messages with a smaller sequence number were purged; their rows may still be there.
    pub purged_below: u64,
    /// Move tasks, oldest first.
    pub moves: Vec<MoveTask>,
}

/// A message as it is kept.
#[derive(Clone, PartialEq, Debug)]
pub struct MessageRecord {
    /// Sequence number.
    pub sequence: u64,
    /// Id of its queue.
    pub queue_id: u64,
    /// Its bytes.
    pub payload: Payload,
    /// Not visible before, ms since 1970; 0 where it was not delayed.
    pub available_at: Millis,
    /// Times received.
    pub receive_count: u32,
    /// Times received before it came to this queue.
    pub base_count: u32,
    /// When received first, ms since 1970; 0 if never.
    pub first_received_at: Millis,
}

/// A published message as it is kept.
#[derive(Clone, PartialEq, Debug)]
pub struct PublishedRecord {
    /// Sequence number.
    pub sequence: u64,
    /// Id of its topic.
    pub topic_id: u64,
    /// When it was published, ms since 1970.
    pub published_at: Millis,
    /// `PubsubMessage` in protobuf.
    pub bytes: SharedBytes,
    /// A dead letter that came back to its subscription: the topic does not retain it.
    pub returned: bool,
}

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

/// Changes that become durable together.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Batch {
    /// Counts up by one from 1 in each run of the shard.
    pub number: u64,
    /// The changes in order.
    pub ops: Vec<Op>,
}

/// Why a journal could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// What keeps the changes says no; in its words.
    #[error("{0}")]
    Store(String),
    /// The file system says no.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// A file that has to be there isn't.
    #[error("the file is missing")]
    Missing,
    /// A file that was written has nothing in it.
    #[error("the file is empty")]
    Empty,
    /// Written by a later version.
    #[error("schema version {found} is newer than this program knows ({known}); use a newer lclq")]
    FromTheFuture {
        /// In the file.
        found: i64,
        /// Highest known.
        known: i64,
    },
    /// What is kept belongs elsewhere.
    #[error("{0}")]
    Foreign(String),
    /// The file holds what this program can't have written.
    #[error("{0}")]
    Corrupt(String),
    /// The file's pages don't hang together.
    #[error("the file is damaged: {0}")]
    DamagedPages(String),
    /// A row without which others mean nothing is not what was written.
    #[error("a definition is damaged: {0}")]
    DamagedDefinition(String),
    /// The file was not closed, and the log with its last commits isn't there.
    #[error("the write-ahead log {} is missing, and with it what was committed last", .0.display())]
    LogMissing(PathBuf),
    /// The log is damaged before its end.
    #[error("the write-ahead log {} is damaged, and {commits} commits behind that can't be read", path.display())]
    LogDamaged {
        /// The log.
        path: PathBuf,
        /// Commits that are lost with it.
        commits: u64,
    },
    /// A file was deleted, or replaced by another, while it was in use.
    #[error("{} was deleted or replaced while it was in use; nothing more is written", .0.display())]
    Gone(PathBuf),
}

impl JournalError {
    /// Whether it can be gone on from, with less than there was; see [`Recovery`].
    pub fn can_be_recovered_from(&self) -> bool {
        matches!(
            self,
            Self::Missing
                | Self::Empty
                | Self::Corrupt(_)
                | Self::DamagedPages(_)
                | Self::DamagedDefinition(_)
                | Self::LogMissing(_)
                | Self::LogDamaged { .. }
        )
    }
}

/// What became of a batch.
#[derive(Debug)]
pub enum Completion {
    /// Durable.
    Committed(u64),
    /// Not durable. The journal keeps the batch and tries again; `Committed` follows once it is.
    Failed(u64, JournalError),
    /// The shard has another owner: neither this batch nor any later one of this owner is kept.
    Fenced {
        /// Epoch of the other owner.
        epoch: u64,
    },
}

/// What a journal finds out by itself, for those who run it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Finding {
    /// A row's checksum did not fit as the state was loaded: it was set aside.
    SetAside(DamagedRow),
    /// A row's checksum did not fit as it was looked at again; memory still has what was in it.
    Damaged(DamagedRow),
    /// What was done about damage as [`Recovery`] allows, in words.
    Recovered(String),
}

/// Keeps one shard's changes.
pub trait Journal {
    /// Visits the kept state as changes that would produce it: `Reserve` first, then queues,
    /// messages in order of sequence number, and the rest of queues; then topics, subscriptions,
    /// schemas, published messages in order, and deliveries. Answers the shard's epoch.
    fn load(&mut self, visit: &mut dyn FnMut(Op)) -> Result<u64, JournalError>;

    /// Starts to commit a batch. The caller waits for its completion before it sends the next.
    fn commit(&mut self, epoch: u64, batch: Batch);

    /// The next completion, if there is one.
    fn poll(&mut self) -> Option<Completion>;
}
