//! A shard as it was at one moment, kept while it is read.
//!
//! The view copies nothing when it is opened: what was there has lower numbers than what comes, and
//! stands in lists that are walked. What leaves those lists before the walk has come to it, the view
//! keeps. So which messages there are, and where, is as of the moment at which the view was opened;
//! how often each was received, and until when it is in flight, is as of when it was read.

use super::{Holder, Opened, Piece, PortableMessage};
use crate::Millis;
use crate::message::State;
use crate::payload::SharedBytes;
use crate::pubsub::state::EntryState;
use crate::records::{QueueRecord, SchemaRecord, SubscriptionRecord, TopicRecord};
use crate::shard::Shard;
use crate::slab::NONE;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

/// What a view keeps of what has gone, at most. With more the view is lost: whoever reads it is too
/// slow for what changes.
const KEPT_BYTES_MAX: usize = 256 << 20;
/// A place in a map and the numbers in it.
const KEPT_PLACE_BYTES: usize = 128;

/// What export and import need of a shard.
#[derive(Default)]
pub(crate) struct Portable {
    pub view: Option<Box<View>>,
    pub views: u64,
    /// Until when messages from other shards are not taken.
    pub hold_until: Millis,
}

/// Where a definition is.
#[derive(Clone, Copy)]
pub(super) enum Definition {
    Queue(u32),
    Topic(u32),
    Subscription(u32),
    Schema(u32),
}

pub(crate) struct View {
    pub number: u64,
    /// Sequence numbers of the view are below.
    pub before: u64,
    /// Ids of the view are below.
    pub ids_before: u64,
    pub(super) definitions: VecDeque<Definition>,
    pub(super) queues: Walk,
    pub(super) topics: Walk,
    /// Messages that were on their way to other shards.
    pub(super) transfers: VecDeque<Piece>,
    /// The next deduplication id of the queue that is walked, as a place in its window.
    pub(super) dedup_at: Option<u32>,
    /// Subscriptions of the topic that is walked: slot, id and next entry.
    pub(super) readers: Vec<(u32, u64, u32)>,
    pub kept: Kept,
    /// Queues that had been purged or deleted before.
    pub(super) ghosts_before: HashSet<u32>,
    /// More has changed than it can keep.
    pub(super) is_lost: bool,
}

/// Queues, or topics, that are walked one after the other.
#[derive(Default)]
pub(super) struct Walk {
    /// Slots and ids of those to come.
    pub to_come: VecDeque<(u32, u64)>,
    /// Ids of those to come, and of the one that is walked.
    pub pending: HashSet<u64>,
    /// Slot and id of the one that is walked.
    pub current: Option<(u32, u64)>,
    /// Slot of its next message.
    pub next: u32,
    /// Messages of it have been read up to this sequence number.
    pub done_to: u64,
}

impl Walk {
    fn of(to_come: VecDeque<(u32, u64)>) -> Self {
        Self {
            pending: to_come.iter().map(|(_, id)| *id).collect(),
            to_come,
            next: NONE,
            ..Self::default()
        }
    }

    /// Whether a message of one of them is still to be read.
    fn is_to_come(&self, id: u64, sequence: u64) -> bool {
        self.pending.contains(&id)
            && self
                .current
                .is_none_or(|(_, current)| current != id || sequence > self.done_to)
    }
}

/// What left the shard before it was read.
#[derive(Default)]
pub(crate) struct Kept {
    pub(super) queues: HashMap<u64, QueueRecord>,
    pub(super) topics: HashMap<u64, TopicRecord>,
    pub(super) subscriptions: HashMap<u64, SubscriptionRecord>,
    pub(super) schemas: HashMap<u64, SchemaRecord>,
    /// By queue and sequence number.
    pub(super) messages: BTreeMap<(u64, u64), PortableMessage>,
    /// By topic and sequence number: time, bytes, whether it had come back.
    pub(super) published: BTreeMap<(u64, u64), (Millis, SharedBytes, bool)>,
    /// By sequence number and subscription.
    pub(super) holders: BTreeMap<(u64, u64), Holder>,
    /// Subscriptions that get nothing any more, by topic.
    pub(super) former_readers: HashMap<u64, Vec<(u32, u64)>>,
    /// Subscriptions that were deleted since.
    pub(super) deleted: HashSet<u64>,
    /// Subscriptions of which all is kept that they had.
    pub(super) frozen: HashSet<u64>,
    pub(super) bytes: usize,
}

impl Shard {
    pub(super) fn open_view(&mut self) -> Opened {
        self.portable.views += 1;
        let queues = self.names.values();
        let queues: VecDeque<_> = queues.map(|slot| (*slot, self.queues[*slot].id)).collect();
        let topics = self.pubsub.topics.iter();
        let topics: VecDeque<_> = topics.map(|(slot, topic)| (slot, topic.id)).collect();
        let mut definitions: VecDeque<_> = queues
            .iter()
            .map(|(slot, _)| Definition::Queue(*slot))
            .collect();
        definitions.extend(topics.iter().map(|(slot, _)| Definition::Topic(*slot)));
        use crate::pubsub::command::Kind;
        definitions.extend(
            self.pubsub
                .names
                .iter()
                .filter_map(|((kind, _), slot)| match kind {
                    Kind::Topic => None,
                    Kind::Subscription | Kind::Snapshot => Some(Definition::Subscription(*slot)),
                    Kind::Schema => Some(Definition::Schema(*slot)),
                }),
        );
        let outboxes = self.outboxes.iter().flat_map(|outbox| &outbox.waiting);
        let view = View {
            number: self.portable.views,
            before: self.next_sequence,
            ids_before: self.next_queue_id,
            definitions,
            queues: Walk::of(queues),
            topics: Walk::of(topics),
            transfers: outboxes.cloned().map(Piece::Transfer).collect(),
            dedup_at: None,
            readers: Vec::new(),
            kept: Kept::default(),
            ghosts_before: self.ghosts.iter().copied().collect(),
            is_lost: false,
        };
        let opened = Opened {
            view: view.number,
            at: self.now,
            sequence: view.before,
            secret: self.config.secret,
            arrived: self.inboxes.clone(),
        };
        self.portable.view = Some(Box::new(view));
        opened
    }

    /// What a view says of a message that is there.
    pub(super) fn portable_message(&self, slot: u32) -> PortableMessage {
        let message = &self.messages[slot];
        let until = match message.timer {
            NONE => 0,
            timer => self.wheel.deadline(timer),
        };
        PortableMessage {
            sequence: message.sequence,
            payload: message.payload.clone(),
            available_at: if message.state == State::Delayed {
                until
            } else {
                0
            },
            in_flight_until: if message.state == State::InFlight {
                until
            } else {
                0
            },
            receive_count: message.receive_count,
            base_count: message.base_count,
            first_received_at: message.first_received_at().unwrap_or(0),
        }
    }

    pub(super) fn holder(&self, slot: u32, subscription_id: u64) -> Holder {
        let entry = &self.pubsub.entries[slot];
        Holder {
            subscription_id,
            acked: entry.state == EntryState::Acked,
            failures: entry.failures,
            until: match entry.timer {
                NONE => 0,
                timer => self.wheel.deadline(timer),
            },
        }
    }

    /// A message is about to leave its queue.
    #[cold]
    pub(crate) fn view_message_goes(&mut self, slot: u32) {
        let message = &self.messages[slot];
        let (sequence, queue_slot, newer) = (message.sequence, message.queue, message.newer);
        let queue_id = self.queues[queue_slot].id;
        let Some(view) = &self.portable.view else {
            return;
        };
        let is_to_come = sequence < view.before
            && view.queues.is_to_come(queue_id, sequence)
            && !view.ghosts_before.contains(&queue_slot);
        let kept = is_to_come.then(|| self.portable_message(slot));
        let Some(view) = &mut self.portable.view else {
            return;
        };
        if view.queues.next == slot {
            view.queues.next = newer;
        }
        if let Some(message) = kept {
            view.keep_bytes(message.payload.memory_bytes());
            view.kept.messages.insert((queue_id, sequence), message);
        }
    }

    /// A queue is about to lose its name or its messages.
    pub(crate) fn view_queue_goes(&mut self, slot: u32) {
        let queue = &self.queues[slot];
        if let Some(view) = &mut self.portable.view
            && queue.id < view.ids_before
            && !view.is_lost
            && !view.ghosts_before.contains(&slot)
        {
            view.keep_bytes(0);
            let record = view.kept.queues.entry(queue.id);
            record.or_insert_with(|| queue.record());
        }
    }

    /// An entry is about to be acknowledged or dropped.
    #[cold]
    pub(crate) fn view_entry_goes(&mut self, slot: u32, leaves_list: bool) {
        let entry = &self.pubsub.entries[slot];
        let subscription = &self.pubsub.subscriptions[entry.subscription];
        let sequence = self.pubsub.stored[entry.stored].sequence;
        let topic_id = self.pubsub.topics[subscription.topic].id;
        let (id, ghost) = (subscription.id, subscription.ghost);
        let (subscription_slot, newer) = (entry.subscription, entry.newer);
        let holder = self.holder(slot, id);
        let Some(view) = &mut self.portable.view else {
            return;
        };
        if sequence < view.before
            && id < view.ids_before
            && view.topics.is_to_come(topic_id, sequence)
            && !view.kept.frozen.contains(&id)
            && (!ghost || view.kept.deleted.contains(&id))
        {
            view.keep_bytes(0);
            view.kept.holders.entry((sequence, id)).or_insert(holder);
        }
        if leaves_list {
            let readers = &mut view.readers;
            if let Some(reader) = readers
                .iter_mut()
                .find(|(at, of, next)| *at == subscription_slot && *of == id && *next == slot)
            {
                reader.2 = newer;
            }
        }
    }

    /// A subscription is about to be set elsewhere.
    pub(crate) fn view_freeze(&mut self, subscription_slot: u32) {
        let Some(view) = &self.portable.view else {
            return;
        };
        let subscription = &self.pubsub.subscriptions[subscription_slot];
        let id = subscription.id;
        if id >= view.ids_before || view.is_lost || view.kept.frozen.contains(&id) {
            return;
        }
        let mut at = subscription.entries.head;
        while at != NONE {
            let newer = self.pubsub.entries[at].newer;
            self.view_entry_goes(at, false);
            at = newer;
        }
        if let Some(view) = &mut self.portable.view {
            view.kept.frozen.insert(id);
            for reader in &mut view.readers {
                if reader.1 == id {
                    reader.2 = NONE;
                }
            }
        }
    }

    /// A subscription is about to be deleted or detached.
    pub(crate) fn view_reader_goes(&mut self, slot: u32, is_deleted: bool) {
        let Some(view) = &self.portable.view else {
            return;
        };
        let subscription = &self.pubsub.subscriptions[slot];
        let id = subscription.id;
        if id >= view.ids_before || view.is_lost || view.kept.deleted.contains(&id) {
            return;
        }
        let record = self.subscription_record(slot);
        let topic_id = record.topic_id;
        if let Some(view) = &mut self.portable.view {
            view.keep_bytes(0);
            view.kept.subscriptions.entry(id).or_insert(record);
            let readers = view.kept.former_readers.entry(topic_id).or_default();
            readers.push((slot, id));
            if is_deleted {
                view.kept.deleted.insert(id);
            }
        }
    }

    /// A topic is about to be deleted.
    pub(crate) fn view_topic_goes(&mut self, slot: u32) {
        let record = self.topic_record(slot);
        if let Some(view) = &mut self.portable.view
            && record.id < view.ids_before
            && !view.is_lost
        {
            view.keep_bytes(0);
            view.kept.topics.entry(record.id).or_insert(record);
        }
    }

    /// A schema is about to be deleted.
    pub(crate) fn view_schema_goes(&mut self, slot: u32) {
        let record = self.schema_record(slot);
        if let Some(view) = &mut self.portable.view
            && record.id < view.ids_before
            && !view.is_lost
        {
            view.keep_bytes(record.spec.len());
            view.kept.schemas.entry(record.id).or_insert(record);
        }
    }

    /// A published message is about to leave its topic.
    #[cold]
    pub(crate) fn view_stored_goes(&mut self, slot: u32) {
        let stored = &self.pubsub.stored[slot];
        let topic_id = self.pubsub.topics[stored.topic].id;
        let Some(view) = &mut self.portable.view else {
            return;
        };
        if view.topics.next == slot {
            view.topics.next = stored.newer;
        }
        if stored.sequence < view.before && view.topics.is_to_come(topic_id, stored.sequence) {
            view.keep_bytes(stored.bytes.len());
            let kept = (stored.published_at, stored.bytes.clone(), stored.returned);
            let key = (topic_id, stored.sequence);
            view.kept.published.insert(key, kept);
        }
    }
}

impl View {
    /// Counts what it keeps, and gives up where that is too much.
    fn keep_bytes(&mut self, bytes: usize) {
        self.kept.bytes += bytes + KEPT_PLACE_BYTES;
        if self.kept.bytes > KEPT_BYTES_MAX && !self.is_lost {
            self.is_lost = true;
            // Nothing of it is of use any more.
            self.kept = Kept {
                bytes: self.kept.bytes,
                ..Kept::default()
            };
            self.queues = Walk::of(VecDeque::new());
            self.topics = Walk::of(VecDeque::new());
        }
    }
}
