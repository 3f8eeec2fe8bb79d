//! One shard: a single-threaded state machine over its queues.

pub(crate) mod eviction;
mod exclusive;
mod figures;
mod firing;
mod lap;
mod leases;
pub(crate) mod lists;
mod moving;
mod queues;
mod receiving;
pub(crate) mod restored_times;
pub(crate) mod restoring;
pub(crate) mod sending;
pub(crate) mod timer;

pub use eviction::Eviction;
pub(crate) use lap::Lap;

use crate::command::{Command, QueueRef, Refusal, Reply, ShardStats, Token};
use crate::definitions::{Change, ChangedNames, NameSpace};
use crate::journeys::Journeys;
use crate::memory::{Grant, MemoryPool};
use crate::message::{Group, Message};
use crate::moves::{Outbox, Transfer};
use crate::portable::view::Portable;
use crate::pubsub::state::PubSub;
use crate::queue::Queue;
use crate::records::Op;
use crate::slab::Slab;
use crate::taps::Taps;
use crate::wheel::Wheel;
use crate::{Millis, QueueName};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, VecDeque};
use timer::Timer;

/// Messages in flight per queue at most, as the service has it.
pub const IN_FLIGHT_MAX: u64 = 120_000;

/// How a shard is set up.
#[derive(Clone, Debug)]
pub struct ShardConfig {
    /// Its number.
    pub index: u16,
    /// Number of shards in all.
    pub shards: u16,
    /// Whether changes are to be handed to a journal.
    pub durable: bool,
    /// Messages in flight per queue at most.
    pub in_flight_max: u64,
    /// Memory that messages may take, bytes, unless there is a pool.
    pub memory_bytes_max: u64,
    /// Memory that messages of all shards may take together.
    pub memory: Option<MemoryPool>,
    /// What to do when they would take more.
    pub eviction: Eviction,
    /// Long polls that may wait at once.
    pub waiters_max: usize,
    /// Events of messages' journeys that are kept; 0 keeps none.
    pub journey_events: usize,
    /// Secret under which deduplication ids are hashed; kept with the data.
    pub secret: [u8; 16],
}

impl ShardConfig {
    /// Shard `index` of `shards`, in memory, with the service's limits and no memory bound.
    pub fn new(index: u16, shards: u16) -> Self {
        Self {
            index,
            shards,
            durable: false,
            in_flight_max: IN_FLIGHT_MAX,
            memory_bytes_max: u64::MAX,
            memory: None,
            eviction: Eviction::Reject,
            waiters_max: 1 << 20,
            journey_events: 0,
            secret: [0; 16],
        }
    }
}

/// When a reply may go out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Hold {
    /// At once.
    No,
    /// When the message with this sequence number is durable.
    UntilDurable(u64),
    /// When all changes so far are durable.
    UntilCommit,
}

/// A reply with the condition of its release.
pub(crate) struct Effect {
    pub token: Token,
    pub reply: Reply,
    pub hold: Hold,
}

/// A long poll that waits.
pub(crate) struct Waiter {
    pub token: Token,
    pub queue: u32,
    pub messages_max: u8,
    pub visibility_timeout_s: Option<u32>,
    pub attempt: Option<Box<str>>,
    pub client: u32,
    pub timer: u32,
    pub prev: u32,
    pub next: u32,
}

crate::message::linked!(push_waiter, unlink_waiter, Waiter, prev, next);

/// The state of one shard. See [`crate::ShardHost`] for how it is run.
pub struct Shard {
    pub(crate) config: ShardConfig,
    pub(crate) now: Millis,
    pub(crate) messages: Slab<Message>,
    pub(crate) groups: Slab<Group>,
    pub(crate) queues: Slab<Queue>,
    pub(crate) waiters: Slab<Waiter>,
    pub(crate) wheel: Wheel<Timer>,
    /// Queues by [`QueueName::key`], which sorts them as listings want them.
    pub(crate) names: BTreeMap<String, u32>,
    /// Sources by dead-letter queue: target key, then source key.
    pub(crate) sources: BTreeSet<(String, String)>,
    pub(crate) waiting: HashMap<Token, u32>,
    /// When names were deleted that may not be used again yet.
    pub(crate) deleted_at: HashMap<String, Millis>,
    /// Queues with a message to give and someone waiting.
    pub(crate) to_serve: Vec<u32>,
    /// Ghosts: queues that were deleted or purged and are being emptied.
    pub(crate) ghosts: Vec<u32>,
    pub(crate) next_sequence: u64,
    pub(crate) next_queue_id: u64,
    /// Numbers below these are reserved in the journal.
    pub(crate) reserved: (u64, u64),
    pub(crate) resident_bytes: u64,
    /// Deduplication ids that are remembered: memory that evicting messages doesn't free.
    pub(crate) dedup_entries: u64,
    pub(crate) memory: Grant,
    pub(crate) in_flight: u64,
    pub(crate) delayed: u64,
    /// Message groups that have an id and messages.
    pub(crate) named_groups: u64,
    /// Least recently used queue first (only kept for that eviction policy).
    pub(crate) by_use: crate::message::Ends,
    pub(crate) topics_by_use: crate::message::Ends,
    /// Counts uses of queues and topics, to tell which was earlier.
    pub(crate) uses: u64,
    /// Oldest message per queue and topic, possibly out of date (only kept for that eviction policy).
    pub(crate) oldest: BinaryHeap<std::cmp::Reverse<(u64, eviction::Holder)>>,
    pub(crate) outboxes: Vec<Outbox>,
    /// Last transfer number that arrived from each shard.
    pub(crate) inboxes: Vec<u64>,
    /// Slots of messages that a restart brought back, by sequence number: receipt handles from
    /// before name other slots.
    pub(crate) restored: Vec<(u64, u32)>,
    pub(crate) effects: VecDeque<Effect>,
    #[allow(
        clippy::vec_box,
        reason = "boxed where it is made, and boxed it goes on"
    )]
    pub(crate) outgoing: Vec<Box<Transfer>>,
    pub(crate) ops: Vec<Op>,
    /// Names whose definitions have changed since the host last told of it.
    pub(crate) changed_names: ChangedNames,
    pub(crate) taps: Taps,
    pub(crate) journeys: Journeys,
    /// First sequence number given out since the open batch was opened, and where its insert is.
    pub(crate) batch_first_sequence: u64,
    pub(crate) batch_inserts: Vec<u32>,
    /// Messages whose receive count changed since the open batch was opened.
    pub(crate) dirty: Vec<(u32, u64)>,
    /// Leases go into the journal: its next owner may be another machine.
    pub(crate) keeps_leases: bool,
    /// Deadlines that fired and are being dealt with.
    pub(crate) fired: Vec<Timer>,
    pub(crate) counters: ShardStats,
    pub(crate) ids: IdSource,
    pub(crate) pubsub: PubSub,
    pub(crate) portable: Portable,
}

/// Message ids for messages that the shard itself makes new (move tasks).
pub(crate) struct IdSource(u64);

impl IdSource {
    /// A version 4 UUID from a counter under SplitMix64; unique within a shard's run, and the same
    /// in a replay of a simulation.
    pub fn next(&mut self) -> [u8; 16] {
        let mut word = || {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = self.0;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        };
        let mut id = [0u8; 16];
        id[..8].copy_from_slice(&word().to_be_bytes());
        id[8..].copy_from_slice(&word().to_be_bytes());
        id[6] = id[6] & 0x0f | 0x40;
        id[8] = id[8] & 0x3f | 0x80;
        id
    }
}

impl Shard {
    /// An empty shard that starts at `now`.
    pub fn new(config: ShardConfig, now: Millis) -> Self {
        let shards = usize::from(config.shards);
        let seed = u64::from_le_bytes(config.secret[..8].try_into().expect("16 bytes"));
        let ids = IdSource(seed ^ now ^ (u64::from(config.index) << 48));
        let pool = config.memory.clone();
        let pool = pool.unwrap_or_else(|| MemoryPool::new(config.memory_bytes_max, 1));
        let journeys = Journeys::new(config.journey_events, now);
        Self {
            config,
            now,
            messages: Slab::default(),
            groups: Slab::default(),
            queues: Slab::default(),
            waiters: Slab::default(),
            wheel: Wheel::new(now),
            names: BTreeMap::new(),
            sources: BTreeSet::new(),
            waiting: HashMap::new(),
            deleted_at: HashMap::new(),
            to_serve: Vec::new(),
            ghosts: Vec::new(),
            next_sequence: 1,
            next_queue_id: 1,
            reserved: (1, 1),
            resident_bytes: 0,
            dedup_entries: 0,
            memory: Grant::new(pool),
            in_flight: 0,
            delayed: 0,
            named_groups: 0,
            by_use: Default::default(),
            topics_by_use: Default::default(),
            uses: 0,
            oldest: BinaryHeap::new(),
            outboxes: (0..shards).map(|_| Outbox::default()).collect(),
            inboxes: vec![0; shards],
            restored: Vec::new(),
            effects: VecDeque::new(),
            outgoing: Vec::new(),
            ops: Vec::new(),
            changed_names: ChangedNames::default(),
            taps: Taps::default(),
            journeys,
            batch_first_sequence: 1,
            batch_inserts: Vec::new(),
            dirty: Vec::new(),
            keeps_leases: false,
            fired: Vec::new(),
            counters: ShardStats::default(),
            ids,
            pubsub: PubSub::new(now),
            portable: Portable::default(),
        }
    }

    /// Carries out one command. The reply, at once or later, is among the effects.
    pub(crate) fn apply(&mut self, now: Millis, token: Token, mut command: Command) {
        self.pass_time(now);
        match command {
            Command::Send { queue, entries } => match self.queue_slot(queue) {
                Some(slot) => self.send(token, slot, entries),
                None => self.stale(token, Command::Send { queue, entries }),
            },
            // Looked at in place: a command that was made just now is slow to move.
            Command::Receive(ref mut receive) => match self.queue_slot(receive.queue) {
                Some(slot) => self.receive(token, slot, receive),
                None => self.stale(token, command),
            },
            Command::Delete { queue, ref entries } => match self.queue_slot(queue) {
                Some(slot) => self.delete(token, slot, entries),
                None => self.stale(token, command),
            },
            Command::ChangeVisibility { queue, ref entries } => match self.queue_slot(queue) {
                Some(slot) => self.change_visibility(token, slot, entries),
                None => self.stale(token, command),
            },
            Command::Queue(command) => self.queue_command(token, *command),
            Command::Pubsub(command) => self.pubsub_command(token, *command),
            Command::Transfer(transfer) => self.transfer(token, *transfer),
        }
        self.serve();
        self.settle_memory();
    }

    /// Brings what the shard has taken of the memory close to what it uses.
    #[inline]
    pub(crate) fn settle_memory(&mut self) {
        if self.memory.is_off(self.resident_bytes) {
            self.memory.settle(self.resident_bytes);
        }
    }

    /// Gives what has become ready to those who wait for it.
    #[inline]
    fn serve(&mut self) {
        if !self.to_serve.is_empty() {
            self.serve_waiters();
        }
        if self.pubsub.has_to_serve() {
            self.serve_pulls();
        }
    }

    /// Deals with deadlines up to `now`. Answers when to call again at the latest.
    pub(crate) fn tick(&mut self, now: Millis) -> Option<Millis> {
        self.pass_time(now);
        self.sweep_ghosts();
        self.serve();
        self.settle_memory();
        self.next_due()
    }

    /// When [`Shard::tick`] has something to do next.
    pub(crate) fn next_due(&self) -> Option<Millis> {
        if self.ghosts.is_empty() && !self.pubsub.has_ghosts() {
            self.wheel.next_due()
        } else {
            Some(self.now)
        }
    }

    /// Counts over the shard.
    pub fn stats(&self) -> ShardStats {
        let mut stats = self.counters;
        stats.queues = self.names.len() as u64;
        stats.messages.in_flight = self.in_flight;
        stats.messages.delayed = self.delayed;
        stats.messages.visible = self.messages.len() as u64 - self.in_flight - self.delayed;
        stats.resident_bytes = self.resident_bytes;
        stats.waiters = (self.waiters.len() + self.pubsub.waiters.len()) as u64;
        stats.topics = self.pubsub.topics.len() as u64;
        stats.subscriptions = self.pubsub.subscriptions.len() as u64;
        stats.available = self.pubsub.available;
        stats.outstanding = self.pubsub.outstanding;
        stats.groups = self.named_groups;
        stats.keys = self.pubsub.groups.len() as u64;
        stats.streams = self.pubsub.streams.len() as u64;
        // Each was counted by how often it had been received.
        stats.sqs.deleted = stats.sqs_receives.total();
        stats.pubsub.deleted = stats.pubsub_receives.total();
        let mut all = stats.sqs;
        all.add(&stats.pubsub);
        stats.sent = all.sent;
        stats.received = all.received;
        stats.deleted = all.deleted;
        stats.dead_lettered = all.dead_lettered;
        stats
    }

    #[inline]
    pub(crate) fn queue_slot(&self, queue: QueueRef) -> Option<u32> {
        let found = self.queues.get(queue.slot)?;
        (found.id == queue.id && !found.ghost).then_some(queue.slot)
    }

    pub(crate) fn queue_ref(&self, slot: u32) -> QueueRef {
        QueueRef {
            shard: self.config.index,
            slot,
            id: self.queues[slot].id,
        }
    }

    pub(crate) fn slot_by_name(&self, name: &QueueName) -> Option<u32> {
        self.names.get(&name.key()).copied()
    }

    #[inline]
    pub(crate) fn reply(&mut self, token: Token, reply: Reply, hold: Hold) {
        self.effects.push_back(Effect { token, reply, hold });
    }

    pub(crate) fn refuse(&mut self, token: Token, refusal: Refusal) {
        self.reply(token, Reply::Refused(refusal), Hold::No);
    }

    #[cold]
    pub(crate) fn stale(&mut self, token: Token, command: Command) {
        self.reply(token, Reply::Stale(Box::new(command)), Hold::No);
    }

    #[inline]
    pub(crate) fn log(&mut self, op: Op) {
        if self.config.durable {
            self.ops.push(op);
        }
    }

    /// A queue was made or has changed.
    pub(crate) fn log_queue(&mut self, slot: u32) {
        let key = self.queues[slot].cold.name.key();
        let change = Change::Changed;
        self.changed_names.note(NameSpace::Queue, &key, change);
        if self.config.durable {
            let record = self.queues[slot].record();
            self.ops.push(Op::PutQueue(Box::new(record)));
        }
    }
}
