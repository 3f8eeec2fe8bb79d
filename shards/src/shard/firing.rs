//! What happens when a deadline of the shard comes.

use super::timer::Timer;
use super::{Hold, Shard};
use crate::Millis;
use crate::command::Reply;
use crate::dedup::DEDUP_BYTES;
use crate::journeys::Step;
use crate::message::State;
use crate::slab::NONE;
use smallvec::SmallVec;

/// Deadlines that are taken from the wheel in one go.
const FIRED_MAX: usize = 4096;
/// Messages or ids that one deadline removes before others have their turn.
const EXPIRED_MAX: usize = 1024;
/// Messages of deleted or purged queues that are removed per tick.
const SWEPT_MAX: usize = 1024;
/// Journal changes that wait before sweeping pauses.
const SWEEP_OPS_MAX: usize = 65_536;

impl Shard {
    /// Moves the shard's time on and deals with what is due.
    #[inline]
    pub(crate) fn pass_time(&mut self, now: Millis) {
        // A clock that steps back must not bring deadlines into disorder.
        self.now = self.now.max(now);
        if self.wheel.next_due().is_some_and(|due| due <= self.now) {
            self.deadlines_due();
        }
    }

    fn deadlines_due(&mut self) {
        let mut fired = std::mem::take(&mut self.fired);
        loop {
            let more = self.wheel.advance(self.now, FIRED_MAX, &mut fired);
            // Those that remove messages come last: until then every message whose deadline is
            // among the fired is where the deadline says.
            for timer in &fired {
                self.forget_timer(*timer);
            }
            for timer in &fired {
                self.fire(*timer);
            }
            for timer in &fired {
                self.fire_removing(*timer);
            }
            fired.clear();
            if !more {
                break;
            }
        }
        self.fired = fired;
    }

    /// Notes on what a deadline was for that it is no longer armed, before any has its effect: one
    /// may touch what another is for.
    fn forget_timer(&mut self, timer: Timer) {
        let ps = &mut self.pubsub;
        match timer {
            Timer::Entry(slot) => ps.entries[slot].timer = NONE,
            Timer::PullWaiter(slot) => ps.waiters[slot].timer = NONE,
            Timer::SubscriptionRetention(slot) => ps.subscriptions[slot].retention_timer = NONE,
            Timer::SubscriptionExpiry(slot) => ps.subscriptions[slot].expiry_timer = NONE,
            Timer::TopicRetention(slot) => ps.topics[slot].retention_timer = NONE,
            Timer::Visible(_)
            | Timer::Retention(_)
            | Timer::Dedup(_)
            | Timer::Waiter(_)
            | Timer::Move(_) => {}
        }
    }

    fn fire(&mut self, timer: Timer) {
        match timer {
            Timer::Entry(slot) => self.entry_due(slot),
            Timer::PullWaiter(slot) => self.pull_waited_enough(slot),
            Timer::SubscriptionRetention(_)
            | Timer::TopicRetention(_)
            | Timer::SubscriptionExpiry(_) => {}
            Timer::Visible(slot) => {
                self.messages[slot].timer = NONE;
                if self.messages[slot].state == State::InFlight {
                    let queue_slot = self.messages[slot].queue;
                    self.queues[queue_slot].traffic.expired += 1;
                    self.counters.sqs.expired += 1;
                }
                self.note_message(slot, |message| match message.state {
                    State::InFlight => Step::LeaseExpired,
                    State::Delayed | State::Ready => Step::Available,
                });
                let mut at = self.at_message(slot);
                at.leave_state(slot);
                at.make_ready(slot);
            }
            Timer::Waiter(slot) => {
                self.waiters[slot].timer = NONE;
                let waiter = self.end_wait(slot);
                self.queues[waiter.queue].traffic.empty_receives += 1;
                self.counters.sqs.empty_receives += 1;
                self.reply(waiter.token, Reply::Received(SmallVec::new()), Hold::No);
            }
            Timer::Retention(_) | Timer::Move(_) => {}
            Timer::Dedup(slot) => {
                self.expire_dedup(slot, EXPIRED_MAX);
                let queue = &mut self.queues[slot];
                queue.dedup_timer = match queue.cold.dedup.next_expiry() {
                    Some(due) => self.wheel.arm(due, Timer::Dedup(slot)),
                    None => NONE,
                };
            }
        }
    }

    fn fire_removing(&mut self, timer: Timer) {
        match timer {
            Timer::Retention(slot) => {
                self.queues[slot].retention_timer = NONE;
                self.expire_oldest(slot);
            }
            Timer::Move(slot) => {
                self.queues[slot].move_timer = NONE;
                self.step_move(slot);
            }
            Timer::SubscriptionRetention(slot) => {
                self.subscription_retention_due(slot, EXPIRED_MAX);
            }
            Timer::TopicRetention(slot) => self.topic_retention_due(slot, EXPIRED_MAX),
            Timer::SubscriptionExpiry(slot) => self.subscription_expiry_due(slot),
            Timer::Visible(_)
            | Timer::Waiter(_)
            | Timer::Dedup(_)
            | Timer::Entry(_)
            | Timer::PullWaiter(_) => {}
        }
    }

    /// Drops a queue's messages that are past their retention and waits for the next.
    fn expire_oldest(&mut self, queue_slot: u32) {
        for _ in 0..EXPIRED_MAX {
            let queue = &self.queues[queue_slot];
            let slot = queue.ages.head;
            if slot == NONE {
                return;
            }
            let ends = Self::retention_ends(&queue.config, &self.messages[slot].payload);
            if ends > self.now {
                let timer = self.wheel.arm(ends, Timer::Retention(queue_slot));
                self.queues[queue_slot].retention_timer = timer;
                return;
            }
            self.note_message(slot, |_| Step::Expired);
            self.remove_message(slot);
            self.counters.dropped += 1;
        }
        let timer = self.wheel.arm(self.now, Timer::Retention(queue_slot));
        self.queues[queue_slot].retention_timer = timer;
    }

    /// Removes a part of what deleted and purged queues held.
    pub(crate) fn sweep_ghosts(&mut self) {
        let mut room = SWEPT_MAX;
        if self.ops.len() <= SWEEP_OPS_MAX {
            self.sweep_pubsub(SWEPT_MAX);
        }
        while let Some(slot) = self.ghosts.last().copied() {
            if self.ops.len() > SWEEP_OPS_MAX {
                return;
            }
            while !self.queues[slot].is_empty() {
                if room == 0 {
                    return;
                }
                room -= 1;
                let oldest = self.queues[slot].ages.head;
                self.note_message(oldest, |_| Step::Purged);
                self.remove_message(oldest);
            }
            self.ghosts.pop();
            let queue = self.queues.remove(slot);
            let remembered = queue.cold.dedup.len() as u64;
            self.resident_bytes -= remembered * DEDUP_BYTES;
            self.dedup_entries -= remembered;
            if queue.ungrouped != NONE {
                self.groups.remove(queue.ungrouped);
            }
            for timer in [queue.retention_timer, queue.dedup_timer, queue.move_timer] {
                if timer != NONE {
                    self.wheel.disarm(timer);
                }
            }
        }
    }

    /// Lets a queue's move task take its next step at `at`.
    pub(crate) fn arm_move(&mut self, queue_slot: u32, at: Millis) {
        if self.queues[queue_slot].move_timer == NONE {
            self.queues[queue_slot].move_timer = self.wheel.arm(at, Timer::Move(queue_slot));
        }
    }
}
