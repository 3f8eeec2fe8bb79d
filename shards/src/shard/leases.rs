//! DeleteMessage and ChangeMessageVisibility, single and by batch.

use super::timer::Timer;
use super::{Hold, Shard};
use crate::Millis;
use crate::command::{LeaseError, Reply, Token};
use crate::figures::RECEIVES_BOUNDS;
use crate::journeys::Step;
use crate::lease::LeaseRef;
use crate::message::{Message, State};
use crate::slab::NONE;
use smallvec::SmallVec;

/// A message can be kept invisible this long after it was received, s.
const INVISIBLE_S_MAX: u64 = 12 * 60 * 60;

impl Shard {
    pub(crate) fn delete(&mut self, token: Token, queue_slot: u32, entries: &[LeaseRef]) {
        let mut results = SmallVec::with_capacity(entries.len());
        let mut deleted = 0;
        for lease in entries {
            results.push(self.delete_one(queue_slot, lease, &mut deleted));
        }
        self.queues[queue_slot].traffic.deleted += deleted;
        self.reply(token, Reply::Leases(results), Hold::UntilCommit);
    }

    #[inline]
    fn delete_one(
        &mut self,
        queue_slot: u32,
        lease: &LeaseRef,
        deleted: &mut u64,
    ) -> Result<(), LeaseError> {
        // A message that is gone was deleted before: that is success.
        let Some(slot) = self.find_leased(queue_slot, lease) else {
            return Ok(());
        };
        if self.queues[queue_slot].config.fifo && !self.is_current(slot, lease) {
            return Err(LeaseError::Expired);
        }
        self.note_message(slot, |_| Step::Deleted);
        let receives = u64::from(self.remove_message(slot));
        self.counters.sqs_receives.add(&RECEIVES_BOUNDS, receives);
        *deleted += 1;
        Ok(())
    }

    pub(crate) fn change_visibility(
        &mut self,
        token: Token,
        queue_slot: u32,
        entries: &[(LeaseRef, u32)],
    ) {
        let results = entries
            .iter()
            .map(|(lease, timeout_s)| self.change_one(queue_slot, lease, *timeout_s))
            .collect();
        // Leases need not outlive a crash, unless another machine takes over.
        let hold = self.lease_hold(queue_slot, Hold::No);
        self.reply(token, Reply::Leases(results), hold);
    }

    fn change_one(
        &mut self,
        queue_slot: u32,
        lease: &LeaseRef,
        timeout_s: u32,
    ) -> Result<(), LeaseError> {
        let slot = self
            .find_leased(queue_slot, lease)
            .ok_or(LeaseError::NoMessage)?;
        if self.queues[queue_slot].config.fifo && !self.is_current(slot, lease) {
            return Err(LeaseError::NoMessage);
        }
        let until = self.now + Millis::from(timeout_s) * 1000;
        // A message that a restart brought back doesn't know its latest receive; the handle does.
        let received_at = self.messages[slot].received_at();
        let received_at = received_at.max(lease.received_at.min(self.now));
        if until > received_at + INVISIBLE_S_MAX * 1000 {
            return Err(LeaseError::TooLongInAll);
        }
        if timeout_s == 0 {
            if self.messages[slot].state == State::InFlight {
                self.note_message(slot, |_| Step::Returned);
                let mut at = self.at_queue(queue_slot);
                at.leave_state(slot);
                at.make_ready(slot);
                self.note_lease(slot);
                self.queues[queue_slot].traffic.returned += 1;
                self.counters.sqs.returned += 1;
            }
            return Ok(());
        }
        self.note_message(slot, |_| Step::Extended(until));
        // On a standard queue an expired lease can be taken up again.
        let mut at = self.at_queue(queue_slot);
        at.leave_state(slot);
        let message = &mut at.messages[slot];
        message.state = State::InFlight;
        message.held = true;
        debug_assert_eq!(message.timer, NONE);
        message.timer = at.wheel.arm(until, Timer::Visible(slot));
        at.queue.counts.in_flight += 1;
        *at.in_flight += 1;
        self.note_lease(slot);
        Ok(())
    }

    /// Makes messages ready again as though they had not been received.
    pub(crate) fn return_received(&mut self, token: Token, leases: &[LeaseRef]) {
        for lease in leases {
            let slot = lease.slot;
            let found = self.messages.get(slot);
            let is_given_back =
                |message: &Message| message.sequence == lease.sequence && !message.held;
            if !found.is_some_and(is_given_back) || !self.is_current(slot, lease) {
                continue;
            }
            self.note_message(slot, |_| Step::Undelivered);
            let mut at = self.at_message(slot);
            let is_it = |given: &(u32, u64, u32)| (given.0, given.1) == (slot, lease.sequence);
            let attempts = &mut at.queue.cold.attempts;
            // A repeat from now on must not take a later receive with the same count for its own.
            attempts.retain(|attempt| !attempt.given.iter().any(is_it));
            at.leave_state(slot);
            at.messages[slot].receive_count -= 1;
            at.make_ready(slot);
            if self.config.durable {
                self.note_count(slot);
            }
        }
        self.reply(token, Reply::Done, Hold::No);
    }

    /// The message that a lease names, if this queue still has it.
    fn find_leased(&self, queue_slot: u32, lease: &LeaseRef) -> Option<u32> {
        let is_it = |slot: u32| {
            self.messages.get(slot).is_some_and(|message| {
                message.sequence == lease.sequence && message.queue == queue_slot
            })
        };
        if is_it(lease.slot) {
            return Some(lease.slot);
        }
        // A handle from before a restart: the message may be in another slot now.
        let at = self
            .restored
            .binary_search_by_key(&lease.sequence, |(sequence, _)| *sequence);
        at.ok()
            .map(|at| self.restored[at].1)
            .filter(|slot| is_it(*slot))
    }

    fn is_current(&self, slot: u32, lease: &LeaseRef) -> bool {
        let message = &self.messages[slot];
        // The time too: a crash can take a count back, which is then given out again.
        message.state == State::InFlight
            && message.receive_count == lease.receive_count
            && message.received_at() == lease.received_at
    }
}
