//! What a shard is asked about topics and subscriptions, and what it answers.
//!
//! Resources are named by their full names, such as `projects/p/topics/t`; the engine sorts and
//! compares names and reads nothing else into them. What the dialect keeps with a resource (its
//! protobuf) is opaque here; what the engine acts on stands in the settings beside it.

use crate::Millis;
use crate::figures::Traffic;
use crate::lease::LeaseRef;
use crate::records::{SubscriptionSettings, TopicSettings};
use serde::{Deserialize, Serialize};

pub use crate::payload::SharedBytes;
use crate::taps::TapPosition;

/// What a resource is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Kind {
    /// A topic; lives on the shard of its name.
    Topic,
    /// A subscription; lives on the shard of its topic, whatever its own name.
    Subscription,
    /// A snapshot; lives with the topic of the subscription it was taken of.
    Snapshot,
    /// A schema; lives on the shard of its name.
    Schema,
}

/// Where a topic lives. A change to the topic makes references to it stale, so that what the
/// dialect remembers with one is never out of date.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct TopicRef {
    /// Owning shard.
    pub shard: u16,
    /// Place in the shard's memory.
    pub slot: u32,
    /// The topic's id; never used twice within a shard.
    pub id: u64,
    /// Counts changes.
    pub version: u32,
}

/// Where a subscription lives. A change to the subscription makes references to it stale.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct SubscriptionRef {
    /// Owning shard.
    pub shard: u16,
    /// Place in the shard's memory.
    pub slot: u32,
    /// The subscription's id; never used twice within a shard.
    pub id: u64,
    /// Counts changes.
    pub version: u32,
}

/// An open stream of one subscription.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct StreamRef {
    /// Owning shard.
    pub shard: u16,
    /// Place in the shard's memory.
    pub slot: u32,
    /// Number of the stream; never used twice within a shard's run.
    pub number: u64,
}

/// Bounds of what a stream may hold unacknowledged.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StreamLimits {
    /// Messages; 0 for no bound.
    pub messages_max: u64,
    /// Bytes; 0 for no bound.
    pub bytes_max: u64,
    /// Ack deadline of what the stream is given, s; 0 for the subscription's.
    pub ack_deadline_s: u32,
}

/// An open stream that is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StreamSeen {
    /// Its number; never used twice by a shard.
    pub number: u64,
    /// Whose it is, as journeys tell it; 0 where that is not known.
    pub client: u32,
    /// What it may hold.
    pub limits: StreamLimits,
    /// Messages that it holds, unacknowledged.
    pub outstanding: u64,
    /// Bytes of them.
    pub outstanding_bytes: u64,
    /// Whether a call waits for messages: it doesn't where those that were given are still under way.
    pub waits: bool,
}

/// Where a subscription is set to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum SeekTo {
    /// Messages published before are acknowledged, those published since are not; ms since 1970.
    Time(Millis),
    /// What the snapshot holds is unacknowledged, all else is acknowledged.
    Snapshot(Box<str>),
}

/// One command about topics and subscriptions.
#[derive(Debug, Serialize, Deserialize)]
pub enum PubsubCommand {
    /// Publishes messages; answered by [`crate::command::Reply::Published`].
    Publish {
        /// Where to.
        topic: TopicRef,
        /// `PubsubMessage`s in protobuf, without id and time of publishing.
        #[serde(with = "crate::wire::all_bytes")]
        messages: Vec<SharedBytes>,
    },
    /// Leases messages, waiting for a first one; answered by [`crate::command::Reply::Pulled`].
    Pull {
        /// Where from.
        subscription: SubscriptionRef,
        /// At most this many.
        messages_max: u32,
        /// At most this many bytes of messages, but at least one message.
        bytes_max: u64,
        /// How long to wait, ms.
        wait_ms: u32,
        /// Who asks, as journeys tell it; 0 where that is not known.
        client: u32,
    },
    /// Acknowledges deliveries; answered by [`crate::command::Reply::Acknowledged`].
    Acknowledge {
        /// Where.
        subscription: SubscriptionRef,
        /// Which.
        leases: Vec<LeaseRef>,
    },
    /// Sets ack deadlines, s from now; 0 gives the message back. Answered like `Acknowledge`.
    ModifyDeadline {
        /// Where.
        subscription: SubscriptionRef,
        /// Which, and for how long.
        leases: Vec<(LeaseRef, u32)>,
    },
    /// Takes back deliveries that reached nobody, because their asker had gone: the messages can be
    /// delivered again at once, and no delivery has failed. Answered by `Done`.
    ReturnDeliveries {
        /// Which.
        leases: Vec<LeaseRef>,
    },
    /// Opens a stream; answered by [`crate::command::Reply::Stream`].
    OpenStream {
        /// Of which subscription.
        subscription: SubscriptionRef,
        /// What it may hold.
        limits: StreamLimits,
        /// Whose it is, as journeys tell it; 0 where that is not known.
        client: u32,
    },
    /// Waits for the next messages of a stream, without a limit of time. One at a time per stream.
    /// Refused with `NotFound` or `Detached` when the subscription goes.
    StreamPull {
        /// Which stream.
        stream: StreamRef,
        /// At most this many.
        messages_max: u32,
        /// At most this many bytes of messages, but at least one message.
        bytes_max: u64,
    },
    /// Changes the ack deadline of what the stream is given from now on, s; answered by `Done`.
    SetStreamDeadline {
        /// Which stream.
        stream: StreamRef,
        /// Deadline, s.
        ack_deadline_s: u32,
    },
    /// Ends a stream and gives back what it holds (under exactly-once delivery: once its deadlines
    /// pass). Answered by `Done`.
    CloseStream {
        /// Which stream.
        stream: StreamRef,
    },
    /// All that is not done per message.
    Admin(Box<AdminCommand>),
}

/// A command about resources rather than messages.
#[derive(Debug, Serialize, Deserialize)]
pub enum AdminCommand {
    /// Finds a resource; answered by `Resource`, or refused with `NotFound`.
    Get {
        /// What.
        kind: Kind,
        /// Its name.
        name: Box<str>,
    },
    /// Resources in order of name; answered by `Resources`.
    List {
        /// What.
        kind: Kind,
        /// Only names that start so.
        prefix: Box<str>,
        /// Only names after this one.
        after: Option<Box<str>>,
        /// At most so many.
        resources_max: usize,
    },
    /// Names of a topic's subscriptions or snapshots, in order; answered by `Names`.
    ListOfTopic {
        /// The topic.
        topic: Box<str>,
        /// `Subscription` or `Snapshot`.
        kind: Kind,
        /// Only names after this one.
        after: Option<Box<str>>,
        /// At most so many.
        names_max: usize,
    },
    /// Looks at a subscription's messages without taking them, oldest first; answered by
    /// [`crate::command::Reply::Entries`].
    Peek {
        /// Its name.
        name: Box<str>,
        /// Only messages with a greater sequence number.
        after: u64,
        /// Place of the message with that number, if known: it is where the look goes on.
        near: Option<u32>,
        /// At most so many.
        messages_max: usize,
    },
    /// Open streams of a subscription, and what they hold; answered by
    /// [`crate::command::Reply::Streams`].
    ListStreams {
        /// Its name.
        name: Box<str>,
        /// At most so many.
        streams_max: usize,
    },
    /// What has been published since it was last asked for, to a topic or for a subscription, without
    /// taking it; answered by [`crate::command::Reply::Passed`].
    Follow {
        /// `Topic` or `Subscription`.
        kind: Kind,
        /// Its name.
        name: Box<str>,
        /// Where the last answer ended; from now on where absent.
        from: Option<TapPosition>,
        /// At most so many.
        messages_max: usize,
    },
    /// Makes a topic; answered by `Resource`, or refused with `Exists`.
    CreateTopic {
        /// Its name.
        name: Box<str>,
        /// The dialect's part.
        #[serde(with = "crate::wire::bytes")]
        spec: SharedBytes,
        /// The engine's part.
        settings: TopicSettings,
    },
    /// Changes a topic, if it is still in `version`; answered by `Resource`, or refused with
    /// `NotFound` or `Changed`.
    UpdateTopic {
        /// Its name.
        name: Box<str>,
        /// The version that the change was derived from.
        version: u32,
        /// The dialect's part.
        #[serde(with = "crate::wire::bytes")]
        spec: SharedBytes,
        /// The engine's part.
        settings: TopicSettings,
    },
    /// Makes a subscription. Its name must be reserved (see `Reserve`) and found free on all
    /// shards before. Answered by `Resource`, or refused with `TopicNotFound` or `Exists`.
    CreateSubscription {
        /// Its name.
        name: Box<str>,
        /// Its topic.
        topic: Box<str>,
        /// The dialect's part.
        #[serde(with = "crate::wire::bytes")]
        spec: SharedBytes,
        /// The engine's part.
        settings: SubscriptionSettings,
    },
    /// Changes a subscription, if it is still in `version`; ordering, filter and topic can't
    /// change. Answered like `UpdateTopic`.
    UpdateSubscription {
        /// Its name.
        name: Box<str>,
        /// The version that the change was derived from.
        version: u32,
        /// The dialect's part.
        #[serde(with = "crate::wire::bytes")]
        spec: SharedBytes,
        /// The engine's part.
        settings: SubscriptionSettings,
    },
    /// Cuts a subscription off its topic and drops its backlog; answered by `Done`.
    Detach {
        /// Its name.
        name: Box<str>,
    },
    /// Takes a snapshot. Its name must be reserved and found free like a subscription's. Answered
    /// by `Resource`, or refused with `NotFound` (no such subscription), `Detached`, `Exists` or
    /// `SnapshotTooOld`.
    CreateSnapshot {
        /// Its name.
        name: Box<str>,
        /// Of which subscription.
        subscription: Box<str>,
        /// The dialect's part.
        #[serde(with = "crate::wire::bytes")]
        spec: SharedBytes,
        /// The longest that a snapshot may live, ms: less the age of the oldest message it holds.
        lifetime_ms_max: u64,
        /// The shortest that is of any use, ms.
        lifetime_ms_min: u64,
    },
    /// Changes a snapshot; answered like `UpdateTopic`.
    UpdateSnapshot {
        /// Its name.
        name: Box<str>,
        /// The version that the change was derived from.
        version: u32,
        /// The dialect's part.
        #[serde(with = "crate::wire::bytes")]
        spec: SharedBytes,
        /// When it expires, ms since 1970.
        expires_at: Millis,
    },
    /// Sets a subscription's position; answered by `Done`, or refused with `NotFound`,
    /// `SnapshotNotFound`, `OtherTopic` or `Detached`.
    Seek {
        /// The subscription.
        name: Box<str>,
        /// Where to.
        to: SeekTo,
    },
    /// Makes or changes a schema: `version` is `None` for one that must not exist yet. Answered by
    /// `Resource`, or refused with `Exists`, `NotFound` or `Changed`.
    PutSchema {
        /// Its name.
        name: Box<str>,
        /// The version that the change was derived from.
        version: Option<u32>,
        /// The dialect's part: all revisions.
        #[serde(with = "crate::wire::bytes")]
        spec: SharedBytes,
    },
    /// Sets the access policy kept with a resource; answered by `Done`, or refused with `NotFound`,
    /// or with `Changed` if another has been set since it was read.
    SetPolicy {
        /// What.
        kind: Kind,
        /// Its name.
        name: Box<str>,
        /// The policy it takes the place of.
        #[serde(with = "crate::wire::bytes")]
        replaces: SharedBytes,
        /// The dialect's policy.
        #[serde(with = "crate::wire::bytes")]
        policy: SharedBytes,
    },
    /// Deletes a resource; answered by `Done`, or refused with `NotFound`.
    Delete {
        /// What.
        kind: Kind,
        /// Its name.
        name: Box<str>,
    },
    /// Reserves the name of a subscription or snapshot while it is looked for on all shards. Asked
    /// of the shard that the name hashes to. Answered by `Done`, or refused with `Reserved` while
    /// another request has it; it must be released.
    Reserve {
        /// The name.
        name: Box<str>,
    },
    /// Ends a reservation; answered by `Done`.
    Release {
        /// The name.
        name: Box<str>,
    },
}

/// A resource as it stands.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Resource {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: Box<str>,
    /// Owning shard.
    pub shard: u16,
    /// Place in the shard's memory.
    pub slot: u32,
    /// Its id; never used twice within a shard.
    pub id: u64,
    /// Counts changes.
    pub version: u32,
    /// The dialect's part.
    #[serde(with = "crate::wire::bytes")]
    pub spec: SharedBytes,
    /// The dialect's access policy; empty if none was set.
    #[serde(with = "crate::wire::bytes")]
    pub policy: SharedBytes,
    /// When it was made, ms since 1970.
    pub created_at: Millis,
    /// Name of its topic (subscriptions and snapshots); `None` if that was deleted.
    pub topic: Option<Box<str>>,
    /// Settings, of a subscription.
    pub subscription: Option<SubscriptionSettings>,
    /// Settings, of a topic.
    pub topic_settings: Option<TopicSettings>,
    /// When it expires, ms since 1970 (snapshots).
    pub expires_at: Option<Millis>,
    /// Messages of a subscription that are neither acknowledged nor leased.
    pub available: u64,
    /// Messages of a subscription that are leased.
    pub outstanding: u64,
    /// When the oldest message was published that a subscription has and that is not acknowledged,
    /// ms since 1970; earlier than that where many are kept that are.
    pub oldest_at: Option<Millis>,
    /// Open streams of a subscription.
    pub streams: u32,
    /// Subscriptions and snapshots of a topic.
    pub attached: u32,
    /// What has passed through a topic or subscription since the shard's start.
    pub traffic: Traffic,
}

/// What a subscription has with a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum DeliveryState {
    /// It can be delivered, with an ordering key when its turn comes.
    Available,
    /// It is delivered and not acknowledged.
    Outstanding,
    /// It waits for its retry.
    Delayed,
    /// It is acknowledged and kept for seeking.
    Acknowledged,
}

/// A message of a subscription that is looked at.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PeekedEntry {
    /// `PubsubMessage` in protobuf, without id and time of publishing.
    #[serde(with = "crate::wire::bytes")]
    pub bytes: SharedBytes,
    /// Its sequence number.
    pub sequence: u64,
    /// Its place in the shard's memory.
    pub slot: u32,
    /// When it was published, ms since 1970.
    pub published_at: Millis,
    /// Its state.
    pub state: DeliveryState,
    /// How often it was delivered.
    pub deliveries: u32,
}

impl Resource {
    /// A reference to it, if it is a topic.
    pub fn topic_ref(&self) -> TopicRef {
        debug_assert_eq!(self.kind, Kind::Topic);
        TopicRef {
            shard: self.shard,
            slot: self.slot,
            id: self.id,
            version: self.version,
        }
    }

    /// A reference to it, if it is a subscription.
    pub fn subscription_ref(&self) -> SubscriptionRef {
        debug_assert_eq!(self.kind, Kind::Subscription);
        SubscriptionRef {
            shard: self.shard,
            slot: self.slot,
            id: self.id,
            version: self.version,
        }
    }
}

/// A message as a subscriber gets it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pulled {
    /// `PubsubMessage` in protobuf, without id and time of publishing.
    #[serde(with = "crate::wire::bytes")]
    pub bytes: SharedBytes,
    /// Names this delivery; its sequence number makes the message's id.
    pub lease: LeaseRef,
    /// When it was published, ms since 1970.
    pub published_at: Millis,
    /// Which delivery of the message this is, from 1; 0 without a dead-letter policy.
    pub attempt: u32,
    /// The shard that it comes from.
    pub shard: u16,
}

/// What became of a delivery that was to be acknowledged, or to get another deadline.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Settled {
    /// It is done.
    Counted,
    /// It isn't the message's newest delivery, or its deadline has passed.
    Invalid,
    /// An earlier message of its ordering key is not acknowledged; it may be tried again.
    Unordered,
}

/// Why a command about topics and subscriptions was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum PubsubRefusal {
    /// No such resource.
    NotFound,
    /// The topic named doesn't exist.
    TopicNotFound,
    /// The snapshot named doesn't exist.
    SnapshotNotFound,
    /// A resource of that name exists.
    Exists,
    /// It has changed since it was read; read it again.
    Changed,
    /// The subscription is detached from its topic.
    Detached,
    /// The snapshot is of another topic than the subscription.
    OtherTopic,
    /// The snapshot would expire too soon.
    SnapshotTooOld,
    /// The name is being made by another request.
    Reserved,
    /// The memory bound is reached.
    MemoryFull,
    /// Too many calls wait, or too many streams are open.
    TooMany,
}
