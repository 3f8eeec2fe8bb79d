//! The bound on memory, and what is given up to keep it.

use super::Shard;
use crate::dedup::DEDUP_BYTES;
use crate::journeys::Step;
use crate::message::{MESSAGE_BYTES, linked};
use crate::pubsub::state::Topic;
use crate::queue::Queue;
use crate::slab::NONE;
use std::cmp::Reverse;

/// Messages that one turn of giving way to other shards drops at most.
const GIVEN_WAY_MAX: usize = 256;
/// Entries of the list of oldest messages that may be out of date, besides as many as are not.
const OLDEST_STALE_MAX: usize = 1024;

/// What happens to a message for which there is no room.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Eviction {
    /// It is refused.
    #[default]
    Reject,
    /// The shard's oldest messages make room, whatever queue or topic they are in.
    OldestFirst,
    /// The oldest messages of the queue or topic that was not used for the longest time make room:
    /// a queue is used by sending and receiving, a topic by publishing and pulling.
    LeastRecentlyUsed,
}

/// What holds messages in order of age.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Holder {
    Queue(u32),
    Topic(u32),
}

/// A message that makes room.
enum Victim {
    Sent(u32),
    Published(u32),
}

linked!(push_by_use, unlink_by_use, Queue, used_prev, used_next);
linked!(
    push_topic_by_use,
    unlink_topic_by_use,
    Topic,
    used_prev,
    used_next
);

impl Shard {
    /// Sees to it that a payload of `payload_bytes` fits. Answers whether it does; if it doesn't,
    /// nothing was given up for it.
    #[inline]
    pub(crate) fn make_room(&mut self, payload_bytes: u64) -> bool {
        let needed = payload_bytes + MESSAGE_BYTES as u64;
        self.resident_bytes + needed <= self.memory.bytes() || self.find_room(needed)
    }

    #[cold]
    fn find_room(&mut self, needed: u64) -> bool {
        if self.memory.grow_to(self.resident_bytes + needed) {
            return true;
        }
        if self.config.eviction == Eviction::Reject {
            return false;
        }
        if self.memory.claim(self.resident_bytes + needed) {
            return true;
        }
        // What must be there when everything that can go has gone is taken first.
        let least = self.dedup_entries * DEDUP_BYTES + needed;
        if !self.memory.grow_to(least) && !self.memory.claim(least) {
            return false;
        }
        while self.resident_bytes + needed > self.memory.bytes() {
            if !self.evict_one() {
                return false;
            }
        }
        true
    }

    /// Gives up messages as far as other shards lack the memory and this one has more than its
    /// share, a bounded number at once. Answers whether there is more to give up.
    pub(crate) fn give_way(&mut self) -> bool {
        if self.config.eviction == Eviction::Reject || self.memory.owed() == 0 {
            return false;
        }
        for _ in 0..GIVEN_WAY_MAX {
            let owed = self.memory.owed();
            let unused = self.memory.bytes().saturating_sub(self.resident_bytes);
            self.memory
                .shrink_to(self.memory.bytes() - owed.min(unused));
            if owed <= unused || !self.evict_one() {
                return false;
            }
        }
        true
    }

    /// Drops the message whose turn it is; answers `false` where there is none.
    fn evict_one(&mut self) -> bool {
        let victim = match self.config.eviction {
            Eviction::Reject => None,
            Eviction::OldestFirst => self.oldest_message(),
            Eviction::LeastRecentlyUsed => self.least_recently_used_message(),
        };
        match victim {
            None => return false,
            Some(Victim::Sent(slot)) => {
                self.note_message(slot, |_| Step::Evicted);
                self.remove_message(slot);
            }
            Some(Victim::Published(slot)) => self.evict_published(slot),
        }
        self.counters.dropped += 1;
        true
    }

    /// Remembers that a queue was used.
    #[inline]
    pub(crate) fn note_use(&mut self, queue_slot: u32) {
        if self.config.eviction == Eviction::LeastRecentlyUsed {
            self.uses += 1;
            self.queues[queue_slot].used = self.uses;
            if self.by_use.tail != queue_slot {
                self.forget_use(queue_slot);
                push_by_use(&mut self.queues, &mut self.by_use, queue_slot);
            }
        }
    }

    /// Remembers that a topic was used.
    #[inline]
    pub(crate) fn note_topic_use(&mut self, topic_slot: u32) {
        if self.config.eviction == Eviction::LeastRecentlyUsed {
            self.uses += 1;
            self.pubsub.topics[topic_slot].used = self.uses;
            if self.topics_by_use.tail != topic_slot {
                self.forget_topic_use(topic_slot);
                push_topic_by_use(&mut self.pubsub.topics, &mut self.topics_by_use, topic_slot);
            }
        }
    }

    /// Remembers that a message arrived.
    #[inline]
    pub(crate) fn note_arrival(&mut self, queue_slot: u32, sequence: u64) {
        match self.config.eviction {
            Eviction::Reject => {}
            Eviction::OldestFirst => {
                let queue = &self.queues[queue_slot];
                if queue.ages.head == queue.ages.tail {
                    self.list_oldest(sequence, Holder::Queue(queue_slot));
                }
            }
            Eviction::LeastRecentlyUsed => {
                if !self.is_listed_by_use(queue_slot) {
                    self.note_use(queue_slot);
                }
            }
        }
    }

    /// Remembers that a message was published.
    #[inline]
    pub(crate) fn note_stored(&mut self, topic_slot: u32, sequence: u64) {
        match self.config.eviction {
            Eviction::Reject => {}
            Eviction::OldestFirst => {
                let topic = &self.pubsub.topics[topic_slot];
                if topic.messages.head == topic.messages.tail {
                    self.list_oldest(sequence, Holder::Topic(topic_slot));
                }
            }
            Eviction::LeastRecentlyUsed => {
                if !self.is_topic_listed_by_use(topic_slot) {
                    self.note_topic_use(topic_slot);
                }
            }
        }
    }

    /// A queue goes away.
    pub(crate) fn forget_use(&mut self, queue_slot: u32) {
        if self.is_listed_by_use(queue_slot) {
            unlink_by_use(&mut self.queues, &mut self.by_use, queue_slot);
        }
    }

    /// A topic goes away.
    pub(crate) fn forget_topic_use(&mut self, topic_slot: u32) {
        if self.is_topic_listed_by_use(topic_slot) {
            unlink_topic_by_use(&mut self.pubsub.topics, &mut self.topics_by_use, topic_slot);
        }
    }

    fn is_listed_by_use(&self, queue_slot: u32) -> bool {
        let queue = &self.queues[queue_slot];
        queue.used_prev != NONE || queue.used_next != NONE || self.by_use.head == queue_slot
    }

    fn is_topic_listed_by_use(&self, slot: u32) -> bool {
        let topic = &self.pubsub.topics[slot];
        topic.used_prev != NONE || topic.used_next != NONE || self.topics_by_use.head == slot
    }

    fn list_oldest(&mut self, sequence: u64, holder: Holder) {
        // A queue that is emptied and filled over and over would leave an entry each time.
        let holders = self.queues.len() + self.pubsub.topics.len();
        if self.oldest.len() > 2 * holders + OLDEST_STALE_MAX {
            self.oldest.clear();
            let queues = self.queues.iter().map(|(slot, _)| Holder::Queue(slot));
            let topics = self.pubsub.topics.iter();
            let topics = topics.map(|(slot, _)| Holder::Topic(slot));
            for holder in queues.chain(topics).collect::<Vec<_>>() {
                if let Some((sequence, _)) = self.oldest_of(holder) {
                    self.oldest.push(Reverse((sequence, holder)));
                }
            }
        } else {
            self.oldest.push(Reverse((sequence, holder)));
        }
    }

    /// The oldest message of a queue or topic, with its sequence number.
    fn oldest_of(&self, holder: Holder) -> Option<(u64, Victim)> {
        match holder {
            Holder::Queue(slot) => {
                let oldest = self.queues.get(slot)?.ages.head;
                let message = self.messages.get(oldest)?;
                Some((message.sequence, Victim::Sent(oldest)))
            }
            Holder::Topic(slot) => {
                let oldest = self.pubsub.topics.get(slot)?.messages.head;
                let stored = self.pubsub.stored.get(oldest)?;
                Some((stored.sequence, Victim::Published(oldest)))
            }
        }
    }

    /// The oldest message of all. The heap holds one entry per queue or topic that has messages,
    /// with a sequence number that may be too small but never too large.
    fn oldest_message(&mut self) -> Option<Victim> {
        loop {
            let Reverse((sequence, holder)) = self.oldest.pop()?;
            let Some((actual, oldest)) = self.oldest_of(holder) else {
                continue;
            };
            self.oldest.push(Reverse((actual, holder)));
            if actual == sequence {
                return Some(oldest);
            }
        }
    }

    fn least_recently_used_message(&mut self) -> Option<Victim> {
        // An empty queue has nothing to give; it is listed again when a message arrives.
        while let Some(queue) = self.queues.get(self.by_use.head)
            && queue.is_empty()
        {
            self.forget_use(self.by_use.head);
        }
        while let Some(topic) = self.pubsub.topics.get(self.topics_by_use.head)
            && topic.messages.is_empty()
        {
            self.forget_topic_use(self.topics_by_use.head);
        }
        let queue = self.queues.get(self.by_use.head);
        let topic = self.pubsub.topics.get(self.topics_by_use.head);
        match (queue, topic) {
            (Some(queue), Some(topic)) if topic.used < queue.used => {
                Some(Victim::Published(topic.messages.head))
            }
            (Some(queue), _) => Some(Victim::Sent(queue.ages.head)),
            (None, Some(topic)) => Some(Victim::Published(topic.messages.head)),
            (None, None) => None,
        }
    }
}
