//! What a shard is asked and what it answers.

pub mod pubsub;

pub use crate::lease::LeaseRef;

use crate::attributes::{AttributeMap, QueueAttribute};
pub use crate::figures::ShardStats;
use crate::figures::{FiguresOf, FiguresPage, Traffic};
use crate::journeys::{Journey, Traveller};
use crate::moves::{Transfer, TransferAck};
use crate::portable::{ExportCommand, Exported, ImportCommand, Imported};
use crate::taps::{PassedPage, TapPosition};
use crate::{Millis, Payload, QueueName};
use pubsub::{
    PeekedEntry, PubsubCommand, PubsubRefusal, Pulled, Resource, Settled, StreamRef, StreamSeen,
};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::collections::BTreeMap;

/// Names one request towards the host of a shard; the shard only hands it back.
pub type Token = u64;

/// Where a queue lives. Valid until the queue is deleted or purged: then commands that use it come
/// back as [`Reply::Stale`] and the name has to be resolved again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct QueueRef {
    /// Owning shard.
    pub shard: u16,
    /// Place in the shard's memory.
    pub slot: u32,
    /// The queue's id; never used twice within a shard.
    pub id: u64,
}

/// A message to send.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SendEntry {
    /// Its bytes.
    pub payload: Payload,
    /// Bytes that count against the queue's MaximumMessageSize: body and attributes.
    pub counted_bytes: u32,
    /// Delay that the sender asked for, seconds.
    pub delay_s: Option<u32>,
    /// The payload's deduplication id was derived from the body, not given by the sender.
    pub deduplication_from_content: bool,
}

/// A request to receive.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Receive {
    /// From where.
    pub queue: QueueRef,
    /// At most this many, 1-10.
    pub messages_max: u8,
    /// Lease, seconds; the queue's where absent.
    pub visibility_timeout_s: Option<u32>,
    /// How long to wait for a first message, seconds; the queue's where absent.
    pub wait_s: Option<u32>,
    /// ReceiveRequestAttemptId (FIFO): a repeat within five minutes gets the same messages.
    pub attempt: Option<Box<str>>,
    /// Who asks, as journeys tell it; 0 where that is not known.
    pub client: u32,
}

/// The number of the form in which commands and replies go from one server to another: raised with whatever
/// changes in it, which `tests/wire_format` notices.
pub const FORMAT: u32 = 1;

/// One command for one shard.
///
/// The tag takes a word of its own, as that of [`Reply`] does.
#[derive(Debug, Serialize, Deserialize)]
#[repr(u64)]
pub enum Command {
    /// Sends up to ten messages to one queue.
    Send {
        /// Where to.
        queue: QueueRef,
        /// What.
        #[serde(with = "crate::wire::few")]
        entries: SmallVec<[SendEntry; 1]>,
    },
    /// Receives messages, waiting for one if asked to.
    Receive(Receive),
    /// Deletes received messages.
    Delete {
        /// From where.
        queue: QueueRef,
        /// Which.
        #[serde(with = "crate::wire::few")]
        entries: SmallVec<[LeaseRef; 1]>,
    },
    /// Sets how long received messages stay invisible, seconds from now.
    ChangeVisibility {
        /// Where.
        queue: QueueRef,
        /// Which, and for how long.
        #[serde(with = "crate::wire::few")]
        entries: SmallVec<[(LeaseRef, u32); 1]>,
    },
    /// Everything that isn't done per message.
    Queue(Box<QueueCommand>),
    /// Topics and subscriptions.
    Pubsub(Box<PubsubCommand>),
    /// A message from another shard.
    Transfer(Box<Transfer>),
}

impl Command {
    /// Whether the answer may be long in coming because there is nothing to give.
    #[inline]
    pub fn may_wait(&self) -> bool {
        match self {
            Self::Receive(_) => true,
            Self::Pubsub(command) => matches!(
                **command,
                PubsubCommand::Pull { .. } | PubsubCommand::StreamPull { .. }
            ),
            _ => false,
        }
    }
}

/// A command about queues rather than messages.
#[derive(Debug, Serialize, Deserialize)]
pub enum QueueCommand {
    /// Finds a queue by name.
    Resolve(QueueName),
    /// Makes a queue, or finds one whose attributes don't contradict those given.
    Create {
        /// Its name.
        name: QueueName,
        /// Attributes given.
        attributes: AttributeMap,
        /// Tags given.
        tags: BTreeMap<String, String>,
        /// Refuse for this long after a queue of that name was deleted, ms; 0 never refuses.
        recreate_after_ms: u64,
    },
    /// Sets attributes; `None` removes one.
    SetAttributes(QueueRef, Vec<(QueueAttribute, Option<String>)>),
    /// Attributes, tags and counts.
    Describe(QueueRef),
    /// Deletes the queue and all it holds.
    Delete(QueueRef),
    /// Deletes all messages.
    Purge {
        /// Where.
        queue: QueueRef,
        /// Refuse for this long after an earlier purge, ms; 0 never refuses.
        interval_ms: u64,
    },
    /// Sets tags.
    Tag(QueueRef, BTreeMap<String, String>),
    /// Removes tags.
    Untag(QueueRef, Vec<String>),
    /// Names of queues in order.
    List {
        /// Region of the queues.
        region: Box<str>,
        /// Account of the queues.
        account: Box<str>,
        /// Only names that start so.
        prefix: Box<str>,
        /// Only names after this one.
        after: Option<Box<str>>,
        /// At most so many.
        names_max: usize,
    },
    /// All queues of the shard with their counts, in order of key, for operators.
    ListAll {
        /// Only those after this key.
        after: Option<Box<str>>,
        /// At most so many.
        queues_max: usize,
    },
    /// Queues whose dead-letter queue is `target`, in order.
    ListSources {
        /// The dead-letter queue.
        target: QueueName,
        /// Only names after this one.
        after: Option<Box<str>>,
        /// At most so many.
        names_max: usize,
    },
    /// Looks at messages without receiving them, oldest first.
    Peek {
        /// Where.
        queue: QueueRef,
        /// Only messages with a greater sequence number.
        after: u64,
        /// Place of the message with that number, if known: it is where the look goes on, instead of
        /// walking there from the oldest message.
        near: Option<u32>,
        /// At most so many.
        messages_max: usize,
    },
    /// What has been sent to a queue since it was last asked for, without taking it; answered by
    /// [`Reply::Passed`].
    Follow {
        /// Which.
        queue: QueueRef,
        /// Where the last answer ended; from now on where absent.
        from: Option<TapPosition>,
        /// At most so many.
        messages_max: usize,
    },
    /// What is known of where a message went; answered by [`Reply::Journey`].
    Journey(Traveller),
    /// Who received messages of these ids last; answered by [`Reply::Clients`].
    Receivers(Vec<[u8; 16]>),
    /// Starts a move task from the dead-letter queue `source`.
    StartMove {
        /// The dead-letter queue.
        source: QueueRef,
        /// Where to; each message's own source queue where absent.
        destination: Option<QueueName>,
        /// Messages per second; as fast as goes where absent.
        messages_per_s_max: Option<u32>,
        /// The task's id.
        task_id: [u8; 16],
    },
    /// Cancels a running move task.
    CancelMove(QueueRef, [u8; 16]),
    /// The latest move tasks, newest first.
    ListMoves(QueueRef, usize),
    /// Takes back deliveries that reached nobody: their messages are as though they had not been
    /// received. Those of other leases than given are left alone.
    ReturnDeliveries(Vec<LeaseRef>),
    /// Counts over the whole shard.
    Stats,
    /// Figures of each queue, topic or subscription, in order of key.
    Figures {
        /// Of what.
        of: FiguresOf,
        /// Only those after this key.
        after: Option<Box<str>>,
        /// At most so many.
        figures_max: usize,
    },
    /// Reads the shard's state.
    Export(ExportCommand),
    /// Takes up state.
    Import(ImportCommand),
}

/// A message as a receiver gets it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Delivery {
    /// Shard that it is of.
    pub shard: u16,
    /// Its bytes.
    pub payload: Payload,
    /// Names this receive.
    pub lease: LeaseRef,
    /// When it was received first, ms since 1970.
    pub first_received_at: Millis,
}

/// What became of one sent message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Sent {
    /// Its sequence number.
    pub sequence: u64,
    /// Where it is a duplicate: the id of the message sent first.
    pub duplicate_of: Option<[u8; 16]>,
}

/// Why one message was not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum SendError {
    /// Longer than the queue takes; the limit in bytes.
    TooLong(u32),
    /// A FIFO queue takes no delay per message.
    DelayOnFifo(u32),
    /// The memory bound is reached and nothing may be evicted.
    MemoryFull,
}

/// Why one lease could not be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum LeaseError {
    /// The lease is over, and the queue is FIFO.
    Expired,
    /// The message is gone.
    NoMessage,
    /// The message would stay invisible longer than 12 h after it was received.
    TooLongInAll,
}

/// Why a command was refused as a whole.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Refusal {
    /// No such queue.
    NoQueue,
    /// A queue of that name exists and differs in this attribute.
    Exists(QueueAttribute),
    /// A queue of that name was deleted a moment ago.
    DeletedRecently,
    /// The queue was purged a moment ago.
    PurgedRecently,
    /// A message for a FIFO queue names no group.
    NoGroup,
    /// A message for a FIFO queue names no deduplication id, and content doesn't stand in.
    NoDeduplicationId,
    /// A standard queue can't be made FIFO, nor the other way round.
    FixedType,
    /// Too many messages are in flight.
    InFlightLimit,
    /// A move task is running.
    MoveRunning,
    /// No such move task is running.
    NoMove,
    /// The host could not pass the command on, or answer it in time: a lane is full.
    Overloaded,
    /// The journal can't be written; nothing was promised.
    JournalDown,
    /// The server is stopping.
    Stopping,
    /// No server of the cluster runs the shard at the moment; or the one that does has not answered, and it
    /// may be done or not.
    Unreachable,
    /// A command about topics and subscriptions was refused.
    Pubsub(PubsubRefusal),
}

/// What a queue is, for GetQueueAttributes, tags and operators.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Description {
    /// Where it lives.
    pub queue: QueueRef,
    /// Its name.
    pub name: QueueName,
    /// Attributes that were set.
    pub attributes: AttributeMap,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// When it was made, ms since 1970.
    pub created_at: Millis,
    /// When attributes changed last, ms since 1970.
    pub modified_at: Millis,
    /// Counts of messages.
    pub counts: Counts,
    /// What has passed since the shard's start.
    pub traffic: Traffic,
    /// When its oldest message was sent, ms since 1970.
    pub oldest_at: Option<Millis>,
    /// Memory that its messages take.
    pub memory_bytes: u64,
}

/// Counts of a queue's messages.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Counts {
    /// Can be received.
    pub visible: u64,
    /// Received and not yet deleted or visible again.
    pub in_flight: u64,
    /// Waiting for their delay.
    pub delayed: u64,
}

/// State of a message that is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum MessageState {
    /// Can be received (or, in a FIFO group, once those before it are done).
    Visible,
    /// Received.
    InFlight,
    /// Delayed.
    Delayed,
}

impl MessageState {
    /// Its name in answers: `visible`, `in-flight` or `delayed`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Visible => "visible",
            Self::InFlight => "in-flight",
            Self::Delayed => "delayed",
        }
    }
}

/// A message that is looked at.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Peeked {
    /// Its bytes.
    pub payload: Payload,
    /// Its sequence number.
    pub sequence: u64,
    /// Its place in the shard's memory.
    pub slot: u32,
    /// Its state.
    pub state: MessageState,
    /// How often it was received.
    pub receive_count: u32,
    /// When it was received first, if ever, ms since 1970.
    pub first_received_at: Option<Millis>,
    /// When it was received last, ms since 1970; says nothing of one that never was.
    pub received_at: Millis,
    /// When it can be received, of one in flight or delayed, ms since 1970.
    pub due_at: Option<Millis>,
}

/// A shard's answer.
///
/// The tag takes a word of its own: behind a tag of one byte a fresh reply would be moved by loads
/// that straddle the stores just made, and each move would wait for them.
#[derive(Debug, Serialize, Deserialize)]
#[repr(u64)]
pub enum Reply {
    /// The queue reference is out of date; here is the command back.
    Stale(Box<Command>),
    /// To `Send`, in the order of its entries.
    Sent(#[serde(with = "crate::wire::few")] SmallVec<[Result<Sent, SendError>; 1]>),
    /// To `Receive`.
    Received(#[serde(with = "crate::wire::few")] SmallVec<[Delivery; 1]>),
    /// To `Delete` and `ChangeVisibility`, in the order of the entries.
    Leases(#[serde(with = "crate::wire::few")] SmallVec<[Result<(), LeaseError>; 1]>),
    /// Done.
    Done,
    /// To `Resolve` and `Create`.
    Queue(QueueRef),
    /// To `Describe`.
    Described(Box<Description>),
    /// To `ListAll`.
    DescribedAll(Vec<Description>),
    /// To `List` and `ListSources`.
    Names(Vec<Box<str>>),
    /// To `Peek`.
    Peeked(Vec<Peeked>),
    /// To `AdminCommand::Peek`.
    Entries(Vec<PeekedEntry>),
    /// To `Follow`.
    Passed(Box<PassedPage>),
    /// To `Journey`.
    Journey(Box<Journey>),
    /// To `Receivers`, in the order of the ids: as [`Receive::client`] named them, 0 where that is not known.
    Clients(Vec<u32>),
    /// To `AdminCommand::ListStreams`.
    Streams(Vec<StreamSeen>),
    /// To `CancelMove`: messages moved so far.
    MoveCancelled(u64),
    /// To `ListMoves`.
    Moves(Vec<crate::moves::MoveTask>),
    /// To `Stats`.
    Stats(Box<ShardStats>),
    /// To `Figures`.
    Figures(Box<FiguresPage>),
    /// To `Publish`: sequence number of the first message; the others follow it.
    Published(u64),
    /// To `Pull` and `StreamPull`.
    Pulled(Vec<Pulled>),
    /// To `Acknowledge` and `ModifyDeadline`: whether each delivery counted. Only under exactly-once
    /// delivery can one fail to.
    Acknowledged(Vec<Settled>),
    /// To `OpenStream`.
    Stream(StreamRef),
    /// To those admin commands that say so.
    Resource(Box<Resource>),
    /// To `AdminCommand::List`.
    Resources(Vec<Resource>),
    /// To `Export`.
    Exported(Box<Exported>),
    /// To `Import`.
    Imported(Box<Imported>),
    /// To `Transfer`.
    Transferred(TransferAck),
    /// Refused as a whole.
    Refused(Refusal),
    /// Not carried out, since the shard isn't run by who was asked. Here is the command back, unless others
    /// have it. Comes from those who run shards, and from no shard.
    Elsewhere(u16, Option<Box<Command>>),
}
