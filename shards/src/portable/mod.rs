//! A shard's whole state in pieces that any other shard can take up: for export and import, and for
//! states that a test saves.
//!
//! Reading goes in slices of a [view](view::View), which is the shard at one moment however much
//! changes while it is read. Taking up gives all that comes new ids and new sequence numbers, so
//! that nothing which named something before ever names something else.

mod importing;
mod shift;
mod slices;
pub(crate) mod view;

pub(crate) use importing::IN_FLIGHT_MS_MAX;
pub use shift::Shift;

use crate::command::{QueueRef, Reply, Token};
use crate::dedup::{DedupEntry, DedupKey};
use crate::moves::Transfer;
use crate::payload::SharedBytes;
use crate::records::{QueueRecord, SchemaRecord, SubscriptionRecord, TopicRecord};
use crate::shard::{Hold, Shard};
use crate::{Millis, Payload};
use serde::{Deserialize, Serialize};

/// The highest sequence number that an import takes over: far above what any server reaches, and
/// far below where numbers that are derived from it would overflow.
pub const SEQUENCE_MAX: u64 = 1 << 52;

/// One piece of a shard's state. Ids are those of the shard that it was read from.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Piece {
    /// A queue.
    Queue(#[serde(with = "crate::wire::json")] Box<QueueRecord>),
    /// A topic.
    Topic(#[serde(with = "crate::wire::record")] Box<TopicRecord>),
    /// A subscription or snapshot; its topic comes before.
    Subscription(#[serde(with = "crate::wire::record")] Box<SubscriptionRecord>),
    /// A schema.
    Schema(#[serde(with = "crate::wire::record")] Box<SchemaRecord>),
    /// A deduplication id that a queue remembers.
    Dedup {
        /// Id of the queue.
        queue_id: u64,
        /// Hash of the id, under the engine's secret.
        key: DedupKey,
        /// What is remembered.
        entry: DedupEntry,
    },
    /// A message; those of one queue come in their order.
    Message {
        /// Id of the queue.
        queue_id: u64,
        /// The message.
        message: PortableMessage,
    },
    /// A published message; those of one topic come in their order.
    Published {
        /// Id of the topic.
        topic_id: u64,
        /// The message.
        message: PortablePublished,
    },
    /// A message on its way to another shard.
    Transfer(Box<Transfer>),
}

/// A message of a queue.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PortableMessage {
    /// Its sequence number where it came from.
    pub sequence: u64,
    /// Its bytes.
    pub payload: Payload,
    /// Delayed until, ms since 1970; 0 where it isn't.
    pub available_at: Millis,
    /// In flight until, ms since 1970; 0 where it isn't.
    pub in_flight_until: Millis,
    /// Times received.
    pub receive_count: u32,
    /// Times received before it came to this queue.
    pub base_count: u32,
    /// When received first, ms since 1970; 0 if never.
    pub first_received_at: Millis,
}

/// A message of a topic.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PortablePublished {
    /// Its sequence number where it came from.
    pub sequence: u64,
    /// When it was published, ms since 1970.
    pub published_at: Millis,
    /// `PubsubMessage` in protobuf.
    #[serde(with = "crate::wire::bytes")]
    pub bytes: SharedBytes,
    /// A dead letter that came back to its subscription.
    pub returned: bool,
    /// What subscriptions and snapshots have of it; others have nothing.
    pub holders: Vec<Holder>,
}

/// What one subscription or snapshot has of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Holder {
    /// Id of the subscription or snapshot.
    pub subscription_id: u64,
    /// Acknowledged, and kept for seeking.
    pub acked: bool,
    /// Deliveries that failed.
    pub failures: u32,
    /// Leased, or kept back, until then, ms since 1970; 0 where it can be delivered.
    pub until: Millis,
}

/// What is read of a shard.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ExportCommand {
    /// Takes no messages from other shards for a moment (see [`HOLD_MS`]), so that none is on its way
    /// between two views; answered by [`Exported::Done`].
    Hold,
    /// Opens a view, in place of one that there may be; answered by [`Exported::Opened`].
    Open,
    /// Takes messages from other shards again; answered by [`Exported::Done`].
    Release,
    /// The next pieces of the view: definitions, or what they hold. Answered by
    /// [`Exported::Slice`], or [`Exported::Lost`].
    Slice {
        /// The view.
        view: u64,
        /// Definitions; else what they hold.
        definitions: bool,
        /// At most about so many; [`SLICE_PIECES`] takes a fraction of a millisecond.
        pieces_max: usize,
    },
    /// Ends a view; answered by [`Exported::Done`].
    Close {
        /// The view.
        view: u64,
    },
}

/// Pieces of one slice, holders of messages counted among them: what a shard is held up by for a
/// fraction of a millisecond.
pub const SLICE_PIECES: usize = 512;

/// Longest time for which messages from other shards are held off, ms.
pub const HOLD_MS: Millis = 2_000;

/// Answers to [`ExportCommand`].
#[derive(Debug, Serialize, Deserialize)]
pub enum Exported {
    /// Done.
    Done,
    /// A view is open.
    Opened(Opened),
    /// A slice of a view.
    Slice {
        /// Pieces.
        pieces: Vec<Piece>,
        /// There are no more.
        is_last: bool,
    },
    /// The view is gone: another was opened, or more changed than it could keep.
    Lost,
}

/// A view that was opened.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Opened {
    /// Its number.
    pub view: u64,
    /// The shard's time, ms since 1970.
    pub at: Millis,
    /// All sequence numbers of the view are below.
    pub sequence: u64,
    /// Under it deduplication ids are hashed.
    pub secret: [u8; 16],
    /// Last numbers of the transfers that have arrived, by source.
    pub arrived: Vec<u64>,
}

/// What a shard is to take up.
#[derive(Debug, Serialize, Deserialize)]
pub enum ImportCommand {
    /// Sequence numbers from now on are above this one; answered by [`Imported::Done`].
    Begin {
        /// The number.
        sequence: u64,
    },
    /// A queue. Answered by [`Imported::Queue`] or [`Imported::Exists`].
    Queue {
        /// It, with its messages' count of nothing.
        #[serde(with = "crate::wire::json")]
        record: Box<QueueRecord>,
        /// The secret of its deduplication ids.
        secret: [u8; 16],
        /// In place of one that there is, whose waiting receives go on.
        replace: bool,
    },
    /// A topic; answered by [`Imported::Resource`] or [`Imported::Exists`].
    Topic(#[serde(with = "crate::wire::record")] Box<TopicRecord>),
    /// A subscription or snapshot; answered by [`Imported::Resource`] or [`Imported::Exists`], or
    /// [`Imported::Gone`] without the topic.
    Subscription {
        /// It, with its topic's id in the importing shard.
        #[serde(with = "crate::wire::record")]
        record: Box<SubscriptionRecord>,
        /// Place of its topic in the shard's memory.
        topic: u32,
    },
    /// A schema; answered by [`Imported::Resource`] or [`Imported::Exists`].
    Schema(#[serde(with = "crate::wire::record")] Box<SchemaRecord>),
    /// Messages; answered by [`Imported::Taken`] or [`Imported::Gone`].
    Messages {
        /// Their queue.
        queue: QueueRef,
        /// They, in order.
        messages: Vec<PortableMessage>,
    },
    /// Deduplication ids; answered by [`Imported::Taken`] or [`Imported::Gone`].
    Dedup {
        /// Their queue.
        queue: QueueRef,
        /// Hashes and what is remembered.
        entries: Vec<(DedupKey, DedupEntry)>,
    },
    /// Published messages; answered by [`Imported::Taken`] or [`Imported::Gone`].
    Published {
        /// Place of the topic in the shard's memory.
        slot: u32,
        /// Id of the topic.
        topic_id: u64,
        /// They, in order; their holders by the ids of the importing shard.
        messages: Vec<PortablePublished>,
    },
    /// A message that was on its way: to where it was going or, with `back`, to where it came from.
    /// Answered by [`Imported::Taken`] or [`Imported::Gone`].
    Transfer {
        /// It.
        transfer: Box<Transfer>,
        /// Whether it goes back.
        back: bool,
    },
}

/// Answers to [`ImportCommand`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Imported {
    /// Done.
    Done,
    /// A queue was made.
    Queue(QueueRef),
    /// Something else was made.
    Resource {
        /// Place in the shard's memory.
        slot: u32,
        /// Its id.
        id: u64,
    },
    /// There is one of that name, which was left alone.
    Exists,
    /// What it is for isn't there.
    Gone,
    /// So many messages were taken; for the next there is no room in memory where it is fewer than
    /// were given.
    Taken(usize),
}

impl Shard {
    pub(crate) fn export(&mut self, token: Token, command: ExportCommand) {
        let answer = match command {
            ExportCommand::Hold => {
                self.portable.hold_until = self.now + HOLD_MS;
                Exported::Done
            }
            ExportCommand::Release => {
                self.portable.hold_until = 0;
                Exported::Done
            }
            ExportCommand::Open => Exported::Opened(self.open_view()),
            ExportCommand::Slice {
                view,
                definitions,
                pieces_max,
            } => self.slice_of_view(view, definitions, pieces_max),
            ExportCommand::Close { view } => {
                if self
                    .portable
                    .view
                    .as_ref()
                    .is_some_and(|open| open.number == view)
                {
                    self.portable.view = None;
                }
                Exported::Done
            }
        };
        self.reply(token, Reply::Exported(Box::new(answer)), Hold::UntilCommit);
    }

    pub(crate) fn import(&mut self, token: Token, command: ImportCommand) {
        let answer = self.take_up(command);
        self.reply(token, Reply::Imported(Box::new(answer)), Hold::UntilCommit);
    }
}
