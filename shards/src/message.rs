//! A resident message and the lists that messages stand in.
//!
//! Every message of a queue stands in the queue's age list, from arrival to removal, so that the
//! oldest is always at hand. Ready messages also stand in their group's list; on a FIFO queue all
//! messages do, so that a message in flight keeps its place and blocks what comes after it.

use crate::slab::NONE;
use crate::{Millis, Payload};

/// Whether a message can be received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    Ready,
    InFlight,
    Delayed,
}

pub(crate) struct Message {
    pub payload: Payload,
    pub sequence: u64,
    /// Slot of the queue.
    pub queue: u32,
    /// Slot of the group whose list holds the message; `NONE` if in no group's list.
    pub group: u32,
    pub prev: u32,
    pub next: u32,
    pub older: u32,
    pub newer: u32,
    /// The armed deadline of a message in flight or delayed.
    pub timer: u32,
    pub receive_count: u32,
    /// Receive count on arrival here: dead-lettering counts the receives of this queue only, or a
    /// chain of dead-letter queues would pass a message on without anyone having seen it.
    pub base_count: u32,
    /// ms after sending. 49 days are enough: retention is at most 14.
    pub first_received_after_ms: u32,
    /// ms after sending.
    pub received_after_ms: u32,
    pub state: State,
    /// The durable copy lacks the latest receive count; it goes out with the next batch.
    pub count_dirty: bool,
    /// A client has it, or may have it, whatever becomes of the answer of its latest receive: that
    /// was repeated, or the lease was changed since.
    pub held: bool,
}

/// Memory that a message takes beside its payload, bytes.
pub(crate) const MESSAGE_BYTES: usize = size_of::<Message>();

impl Message {
    pub fn received_at(&self) -> Millis {
        self.payload.sent_at() + Millis::from(self.received_after_ms)
    }

    pub fn first_received_at(&self) -> Option<Millis> {
        (self.receive_count > 0)
            .then(|| self.payload.sent_at() + Millis::from(self.first_received_after_ms))
    }

    /// Milliseconds from sending to `at`, as far as 32 bits reach.
    pub fn offset(&self, at: Millis) -> u32 {
        u32::try_from(at.saturating_sub(self.payload.sent_at())).unwrap_or(u32::MAX)
    }
}

/// Ends of a list whose links are in its members.
#[derive(Clone, Copy)]
pub(crate) struct Ends {
    pub head: u32,
    pub tail: u32,
}

impl Default for Ends {
    fn default() -> Self {
        Self {
            head: NONE,
            tail: NONE,
        }
    }
}

impl Ends {
    pub fn is_empty(&self) -> bool {
        self.head == NONE
    }
}

/// Messages of one message group (of all ungrouped messages, on a standard queue) in order.
pub(crate) struct Group {
    pub queue: u32,
    /// Hash of the group's id.
    pub hash: u64,
    pub messages: Ends,
    pub prev: u32,
    pub next: u32,
    /// Stands in the queue's list of groups that have a message to give.
    pub listed: bool,
    /// The group of messages without a group id; it stays when empty.
    pub ungrouped: bool,
}

/// Makes the two functions of a list whose links are fields of its members.
macro_rules! linked {
    ($push:ident, $unlink:ident, $item:ty, $prev:ident, $next:ident) => {
        #[inline]
        pub(crate) fn $push(
            slab: &mut $crate::slab::Slab<$item>,
            ends: &mut $crate::message::Ends,
            slot: u32,
        ) {
            use $crate::slab::NONE;
            let tail = ends.tail;
            let item = &mut slab[slot];
            item.$prev = tail;
            item.$next = NONE;
            if tail == NONE {
                ends.head = slot;
            } else {
                slab[tail].$next = slot;
            }
            ends.tail = slot;
        }

        #[inline]
        pub(crate) fn $unlink(
            slab: &mut $crate::slab::Slab<$item>,
            ends: &mut $crate::message::Ends,
            slot: u32,
        ) {
            use $crate::slab::NONE;
            let item = &mut slab[slot];
            let (prev, next) = (item.$prev, item.$next);
            item.$prev = NONE;
            item.$next = NONE;
            if prev == NONE {
                ends.head = next;
            } else {
                slab[prev].$next = next;
            }
            if next == NONE {
                ends.tail = prev;
            } else {
                slab[next].$prev = prev;
            }
        }
    };
}

pub(crate) use linked;

linked!(push_in_group, unlink_from_group, Message, prev, next);
linked!(push_by_age, unlink_by_age, Message, older, newer);
linked!(push_group, unlink_group, Group, prev, next);
