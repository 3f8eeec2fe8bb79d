//! The bound on memory, and what is given up to keep it.

use super::Shard;
use crate::message::{MESSAGE_BYTES, linked};
use crate::queue::Queue;
use crate::slab::NONE;
use std::cmp::Reverse;

/// What happens to a message for which there is no room.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Eviction {
    /// It is refused.
    #[default]
    Reject,
    /// The shard's oldest messages make room, whatever queue they are in.
    OldestFirst,
    /// The oldest messages of the queue that was not sent to or received from for the longest time
    /// make room.
    LeastRecentlyUsed,
}

linked!(push_by_use, unlink_by_use, Queue, used_prev, used_next);

impl Shard {
    /// Sees to it that a payload of `payload_bytes` fits. Answers whether it does.
    #[inline]
    pub(crate) fn make_room(&mut self, payload_bytes: u64) -> bool {
        let needed = payload_bytes + MESSAGE_BYTES as u64;
        while self.resident_bytes + needed > self.config.memory_bytes_max {
            let victim = match self.config.eviction {
                Eviction::Reject => None,
                Eviction::OldestFirst => self.oldest_message(),
                Eviction::LeastRecentlyUsed => self.least_recently_used_message(),
            };
            let Some(victim) = victim else { return false };
            self.remove_message(victim);
            self.counters.dropped += 1;
        }
        true
    }

    /// Remembers that a queue was used.
    #[inline]
    pub(crate) fn note_use(&mut self, queue_slot: u32) {
        if self.config.eviction == Eviction::LeastRecentlyUsed && self.by_use.tail != queue_slot {
            self.forget_use(queue_slot);
            push_by_use(&mut self.queues, &mut self.by_use, queue_slot);
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
                    self.oldest.push(Reverse((sequence, queue_slot)));
                }
            }
            Eviction::LeastRecentlyUsed => {
                if !self.is_listed_by_use(queue_slot) {
                    push_by_use(&mut self.queues, &mut self.by_use, queue_slot);
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

    fn is_listed_by_use(&self, queue_slot: u32) -> bool {
        let queue = &self.queues[queue_slot];
        queue.used_prev != NONE || queue.used_next != NONE || self.by_use.head == queue_slot
    }

    /// The oldest message of all. The heap holds one entry per queue that has messages, with a
    /// sequence number that may be too small but never too large.
    fn oldest_message(&mut self) -> Option<u32> {
        loop {
            let Reverse((sequence, queue_slot)) = self.oldest.pop()?;
            let Some(queue) = self.queues.get(queue_slot) else {
                continue;
            };
            let oldest = queue.ages.head;
            if oldest == NONE {
                continue;
            }
            let actual = self.messages[oldest].sequence;
            self.oldest.push(Reverse((actual, queue_slot)));
            if actual == sequence {
                return Some(oldest);
            }
        }
    }

    fn least_recently_used_message(&mut self) -> Option<u32> {
        let mut queue_slot = self.by_use.head;
        while queue_slot != NONE {
            let queue = &self.queues[queue_slot];
            if !queue.is_empty() {
                return Some(queue.ages.head);
            }
            // An empty queue has nothing to give; it is listed again when a message arrives.
            let next = queue.used_next;
            self.forget_use(queue_slot);
            queue_slot = next;
        }
        None
    }
}
