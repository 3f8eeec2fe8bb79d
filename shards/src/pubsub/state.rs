//! What a shard holds of topics and subscriptions.

use super::command::{Kind, SharedBytes, StreamLimits};
use super::filter::Filter;
use crate::Millis;
use crate::command::Token;
use crate::figures::Traffic;
use crate::message::Ends;
use crate::records::{SubscriptionSettings, TopicSettings};
use crate::slab::{NONE, Slab};
use hashbrown::HashTable;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Everything about topics and subscriptions in one shard.
pub(crate) struct PubSub {
    pub topics: Slab<Topic>,
    pub subscriptions: Slab<Subscription>,
    pub schemas: Slab<Schema>,
    pub stored: Slab<Stored>,
    pub entries: Slab<Entry>,
    pub groups: Slab<KeyGroup>,
    pub streams: Slab<Stream>,
    pub waiters: Slab<PullWaiter>,
    /// Slots by kind and name.
    pub names: BTreeMap<(Kind, Box<str>), u32>,
    /// Names that are being made.
    pub reserved: HashSet<Box<str>>,
    /// Waiters by the token of their call.
    pub waiting: HashMap<Token, u32>,
    /// Subscriptions with something to give and someone waiting.
    pub to_serve: Vec<u32>,
    /// Streams whose ordering keys have something to give.
    pub streams_to_serve: Vec<u32>,
    /// Subscriptions that were deleted and are being emptied.
    pub subscription_ghosts: Vec<u32>,
    /// Topics that were deleted and whose retained messages are being dropped.
    pub topic_ghosts: Vec<u32>,
    pub next_stream: u64,
    /// Messages of all subscriptions: neither acknowledged nor leased.
    pub available: u64,
    /// Messages of all subscriptions: leased.
    pub outstanding: u64,
    /// When the shard started: a delivery of an earlier run is not a current one.
    pub run: Millis,
}

impl PubSub {
    pub fn new(run: Millis) -> Self {
        Self {
            topics: Slab::default(),
            subscriptions: Slab::default(),
            schemas: Slab::default(),
            stored: Slab::default(),
            entries: Slab::default(),
            groups: Slab::default(),
            streams: Slab::default(),
            waiters: Slab::default(),
            names: BTreeMap::new(),
            reserved: HashSet::new(),
            waiting: HashMap::new(),
            to_serve: Vec::new(),
            streams_to_serve: Vec::new(),
            subscription_ghosts: Vec::new(),
            topic_ghosts: Vec::new(),
            next_stream: 1,
            available: 0,
            outstanding: 0,
            run,
        }
    }

    pub fn slot(&self, kind: Kind, name: &str) -> Option<u32> {
        // The map's keys are owned; looking up is not on the path of messages.
        self.names.get(&(kind, name.into())).copied()
    }

    /// Whether someone waits for what may be ready now.
    #[inline]
    pub fn has_to_serve(&self) -> bool {
        !self.streams_to_serve.is_empty() || !self.to_serve.is_empty()
    }

    /// Whether deleted things are still being taken apart.
    pub fn has_ghosts(&self) -> bool {
        !self.subscription_ghosts.is_empty() || !self.topic_ghosts.is_empty()
    }
}

pub(crate) struct Topic {
    pub id: u64,
    pub version: u32,
    pub name: Box<str>,
    pub created_at: Millis,
    pub settings: TopicSettings,
    pub spec: SharedBytes,
    pub policy: SharedBytes,
    /// Deleted; subscriptions or snapshots still hold messages.
    pub deleted: bool,
    /// All messages, oldest first.
    pub messages: Ends,
    /// The oldest message that the topic itself retains.
    pub retained_from: u32,
    pub retention_timer: u32,
    /// Subscriptions and snapshots that get what is published.
    pub readers: Vec<u32>,
    /// Subscriptions and snapshots in all: those detached too.
    pub attached: u32,
    /// What has passed.
    pub traffic: Traffic,
    /// Links in the list of topics by use, and when it was used last, in uses (only kept for that
    /// eviction policy).
    pub used_prev: u32,
    pub used_next: u32,
    pub used: u64,
}

impl Topic {
    /// How long a subscription's messages are kept, ms: what the topic retains is available to all
    /// its subscriptions, whatever their own retention.
    pub fn retention_ms(&self, subscription: &SubscriptionSettings) -> u64 {
        let own = self.settings.retention_ms.filter(|_| !self.deleted);
        subscription.retention_ms.max(own.unwrap_or(0))
    }
}

/// A message as its topic stores it.
pub(crate) struct Stored {
    pub bytes: SharedBytes,
    pub sequence: u64,
    pub published_at: Millis,
    pub topic: u32,
    /// Entries that hold it.
    pub refs: u32,
    pub older: u32,
    pub newer: u32,
    /// The topic holds it too.
    pub retained: bool,
    /// A dead letter that came back to its subscription: nobody else may have it.
    pub returned: bool,
    /// The journal may keep rows about deliveries of it.
    pub has_rows: bool,
}

crate::message::linked!(push_stored, unlink_stored, Stored, older, newer);

/// Memory that a stored message takes beside its bytes.
pub(crate) const STORED_BYTES: usize = size_of::<Stored>() + 16;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum EntryState {
    /// Can be delivered (with an ordering key: when its turn comes).
    Ready,
    /// Leased.
    Outstanding,
    /// Waits for its retry delay.
    Delayed,
    /// Acknowledged and retained for seeking.
    Acked,
    /// Held for a snapshot.
    Held,
}

/// A message of a subscription.
pub(crate) struct Entry {
    pub stored: u32,
    pub subscription: u32,
    /// The ordering key's group; `NONE` without one.
    pub group: u32,
    /// Links in the group's list, or else in the ready list or the holding stream's list.
    pub prev: u32,
    pub next: u32,
    /// Links in the subscription's list by age.
    pub older: u32,
    pub newer: u32,
    pub timer: u32,
    /// The stream that it is leased to; `NONE` for a pull.
    pub holder: u32,
    /// Leases so far.
    pub leases: u32,
    /// Negative acknowledgements and expired leases so far.
    pub failures: u32,
    pub state: EntryState,
}

crate::message::linked!(push_entry, unlink_entry, Entry, prev, next);
crate::message::linked!(push_entry_by_age, unlink_entry_by_age, Entry, older, newer);

/// Memory that an entry takes, bytes.
pub(crate) const ENTRY_BYTES: usize = size_of::<Entry>();

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Listed {
    No,
    /// In the subscription's list: anyone may take from it.
    Subscription,
    /// In the list of the stream that holds the key.
    Stream,
}

/// Unacknowledged messages of one ordering key, in order: leased ones, then those to come. Under
/// exactly-once delivery some of those to come, from the second on, may be leased still.
pub(crate) struct KeyGroup {
    pub subscription: u32,
    pub hash: u64,
    pub entries: Ends,
    /// The first that is not leased; or, once one has come back, the one to be given out next, as soon
    /// as its lease has ended.
    pub next_entry: u32,
    pub outstanding: u32,
    /// The stream that outstanding ones are leased to; `NONE` for pulls alone.
    pub holder: u32,
    pub prev: u32,
    pub next: u32,
    pub listed: Listed,
}

crate::message::linked!(push_key_group, unlink_key_group, KeyGroup, prev, next);

/// A subscription or a snapshot.
pub(crate) struct Subscription {
    pub id: u64,
    pub version: u32,
    pub name: Box<str>,
    pub topic: u32,
    pub created_at: Millis,
    pub floor: u64,
    pub snapshot_expires_at: Option<Millis>,
    pub settings: SubscriptionSettings,
    pub filter: Option<Filter>,
    pub spec: SharedBytes,
    pub policy: SharedBytes,
    /// All entries, oldest first.
    pub entries: Ends,
    /// Entries without an ordering key that can be delivered.
    pub ready: Ends,
    /// Groups that anyone may take from.
    pub ready_groups: Ends,
    pub groups: HashTable<u32>,
    /// Whose turn it is: groups or what has no key.
    pub groups_turn: bool,
    pub available: u64,
    pub outstanding: u64,
    /// What has passed.
    pub traffic: Traffic,
    /// What is older than this entry is acknowledged; `NONE` where nobody has looked.
    pub unacked_from: u32,
    /// Calls that wait and could take something, in order.
    pub waiters: Ends,
    pub streams: Vec<u32>,
    pub retention_timer: u32,
    pub expiry_timer: u32,
    pub last_used: Millis,
    /// The most leases that an entry has had: one that a seek makes anew goes on from there, so
    /// that no ack id names two deliveries.
    pub leases_max: u32,
    /// Entries that a restart brought back, by sequence number: ack ids from before name other
    /// slots.
    pub restored: Vec<(u64, u32)>,
    pub to_serve: bool,
    pub ghost: bool,
}

impl Subscription {
    pub fn kind(&self) -> Kind {
        match self.snapshot_expires_at {
            None => Kind::Subscription,
            Some(_) => Kind::Snapshot,
        }
    }

    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty() || !self.ready_groups.is_empty()
    }

    pub fn passes(&self, message: &[u8]) -> bool {
        self.filter.as_ref().is_none_or(|f| f.matches(message))
    }
}

pub(crate) struct Schema {
    pub id: u64,
    pub version: u32,
    pub name: Box<str>,
    pub created_at: Millis,
    pub spec: SharedBytes,
    pub policy: SharedBytes,
}

/// An open stream.
pub(crate) struct Stream {
    pub number: u64,
    pub subscription: u32,
    pub limits: StreamLimits,
    pub client: u32,
    pub outstanding: u64,
    pub outstanding_bytes: u64,
    /// Leased entries without an ordering key.
    pub held: Ends,
    /// Groups that it holds.
    pub held_groups: HashSet<u32, foldhash::fast::FixedState>,
    /// Those of them that have something to give.
    pub ready_groups: Ends,
    /// Its waiting call.
    pub waiter: u32,
    /// What its calls are refused with from now on, or once.
    pub ended: Option<super::command::PubsubRefusal>,
    pub changed: bool,
}

impl Stream {
    /// Whether one more message of so many bytes fits. A first one always does.
    pub fn has_room(&self, bytes: usize) -> bool {
        let limits = &self.limits;
        let messages = limits.messages_max == 0 || self.outstanding < limits.messages_max;
        let fits = limits.bytes_max == 0
            || self.outstanding == 0
            || self.outstanding_bytes + bytes as u64 <= limits.bytes_max;
        messages && fits
    }
}

/// A call that waits for messages.
pub(crate) struct PullWaiter {
    pub token: Token,
    pub subscription: u32,
    /// The stream it is of; `NONE` for a pull.
    pub stream: u32,
    pub messages_max: u32,
    pub bytes_max: u64,
    pub client: u32,
    pub timer: u32,
    pub prev: u32,
    pub next: u32,
    /// Stands in the subscription's list; if not, its stream is full.
    pub listed: bool,
}

crate::message::linked!(push_pull_waiter, unlink_pull_waiter, PullWaiter, prev, next);

pub(crate) fn new_entry(stored: u32, subscription: u32) -> Entry {
    Entry {
        stored,
        subscription,
        group: NONE,
        prev: NONE,
        next: NONE,
        older: NONE,
        newer: NONE,
        timer: NONE,
        holder: NONE,
        leases: 0,
        failures: 0,
        state: EntryState::Held,
    }
}
