//! What is given out for somebody alone, where the next owner may be another machine.
//!
//! An owner that was stopped for a while can't know that another has its place. It is found out where
//! it writes: so what nobody else may have at the same time (a message of a FIFO queue, a delivery
//! under exactly-once) goes out only once its receive is durable. And since an owner's end is not its
//! clients' end, leases of messages are kept: the next owner lets them run on.

use super::{Effect, Hold, Shard};
use crate::message::State;
use crate::records::Op;
use crate::slab::NONE;

impl Shard {
    /// When an answer about the lease of a message in this queue may go out, other than that it has to
    /// be durable itself.
    #[inline]
    pub(crate) fn lease_hold(&self, queue_slot: u32, otherwise: Hold) -> Hold {
        if self.keeps_leases && self.queues[queue_slot].config.fifo {
            Hold::UntilCommit
        } else {
            otherwise
        }
    }

    /// When a delivery of a subscription may go out.
    pub(crate) fn delivery_hold(&self, subscription_slot: u32, otherwise: Hold) -> Hold {
        let settings = &self.pubsub.subscriptions[subscription_slot].settings;
        if !self.keeps_leases || !settings.exactly_once || otherwise == Hold::No {
            return otherwise;
        }
        // There is nothing to keep of it: under the next owner this delivery is an old one.
        Hold::UntilCommit
    }

    /// An answer that waits for a commit waits for one that begins now, if only one of nothing: what is
    /// under way may have come into the log before another owner did. Without this an owner that was
    /// replaced would say that a message is deleted because it has never heard of it.
    #[inline]
    pub(crate) fn prove_ownership(&mut self) {
        let waits = |effect: &Effect| effect.hold == Hold::UntilCommit;
        if self.keeps_leases && !self.has_ops() && self.effects.iter().any(waits) {
            self.log(Op::Nothing);
        }
    }

    /// Who has a message, or until when, has changed: that goes out with the next batch.
    #[inline]
    pub(crate) fn note_lease(&mut self, slot: u32) {
        if self.keeps_leases {
            self.note_count(slot);
        }
    }

    /// The durable copy of a message lacks its latest receive count.
    #[inline]
    pub(crate) fn note_count(&mut self, slot: u32) {
        let message = &mut self.messages[slot];
        if !message.count_dirty {
            message.count_dirty = true;
            self.dirty.push((slot, message.sequence));
        }
    }

    /// Who has a message, as it is kept.
    pub(crate) fn kept_lease(&self, slot: u32) -> Op {
        let message = &self.messages[slot];
        let until = match (message.state, message.timer) {
            (State::InFlight, timer) if timer != NONE => self.wheel.deadline(timer),
            _ => 0,
        };
        Op::Leased {
            sequence: message.sequence,
            received_at: message.received_at(),
            until,
        }
    }
}
