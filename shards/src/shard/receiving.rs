//! ReceiveMessage: leasing messages, long polls, and repeated attempts.

use super::timer::Timer;
use super::{Hold, Shard, Waiter, push_waiter, unlink_waiter};
use crate::Millis;
use crate::command::{Delivery, Receive, Refusal, Reply, Token};
use crate::journeys::Step;
use crate::lease::LeaseRef;
use crate::message::State;
use crate::moves::Moved;
use crate::queue::{ATTEMPTS_MAX, Attempt};
use crate::slab::NONE;
use smallvec::SmallVec;

/// How long a receive attempt can be repeated, ms.
const ATTEMPT_MS: u64 = 5 * 60 * 1000;

type Deliveries = SmallVec<[Delivery; 1]>;

impl Shard {
    pub(crate) fn receive(&mut self, token: Token, queue_slot: u32, receive: &mut Receive) {
        self.note_use(queue_slot);
        let Receive {
            messages_max,
            visibility_timeout_s,
            wait_s,
            ref mut attempt,
            client,
            ..
        } = *receive;
        self.journeys.client = client;
        if let Some(attempt) = attempt
            && let Some(again) = self.repeat_attempt(queue_slot, attempt, visibility_timeout_s)
        {
            return self.deliver(token, queue_slot, again);
        }
        let deliveries = self.lease(
            queue_slot,
            messages_max,
            visibility_timeout_s,
            attempt.as_deref(),
        );
        if !deliveries.is_empty() {
            return self.deliver(token, queue_slot, deliveries);
        }
        let queue = &self.queues[queue_slot];
        let wait_s = wait_s.unwrap_or(queue.config.receive_wait_s);
        if wait_s == 0 || self.waiters.len() >= self.config.waiters_max {
            let full = queue.counts.in_flight >= self.config.in_flight_max;
            if full && !queue.config.fifo {
                self.counters.throttles.in_flight += 1;
                return self.refuse(token, Refusal::InFlightLimit);
            }
            return self.deliver(token, queue_slot, deliveries);
        }
        self.wait(
            token,
            queue_slot,
            wait_s,
            messages_max,
            visibility_timeout_s,
            attempt.take(),
        );
    }

    fn deliver(&mut self, token: Token, queue_slot: u32, deliveries: Deliveries) {
        let (received, is_empty) = (deliveries.len() as u64, deliveries.is_empty());
        for traffic in [&mut self.queues[queue_slot].traffic, &mut self.counters.sqs] {
            traffic.received += received;
            traffic.empty_receives += u64::from(is_empty);
        }
        // Only what is durable may be seen: a message that a crash takes back was never there.
        let hold = if self.config.durable && !is_empty {
            let sequences = deliveries.iter().map(|delivery| delivery.lease.sequence);
            let hold = sequences.max().map_or(Hold::No, Hold::UntilDurable);
            self.lease_hold(queue_slot, hold)
        } else {
            Hold::No
        };
        self.reply(token, Reply::Received(deliveries), hold);
    }

    fn wait(
        &mut self,
        token: Token,
        queue_slot: u32,
        wait_s: u32,
        messages_max: u8,
        visibility_timeout_s: Option<u32>,
        attempt: Option<Box<str>>,
    ) {
        let slot = self.waiters.insert(Waiter {
            token,
            queue: queue_slot,
            messages_max,
            visibility_timeout_s,
            attempt,
            client: self.journeys.client,
            timer: NONE,
            prev: NONE,
            next: NONE,
        });
        let due = self.now + Millis::from(wait_s) * 1000;
        self.waiters[slot].timer = self.wheel.arm(due, Timer::Waiter(slot));
        self.waiting.insert(token, slot);
        push_waiter(
            &mut self.waiters,
            &mut self.queues[queue_slot].waiters,
            slot,
        );
    }

    /// Takes a waiting long poll out; nothing will be leased for it any more.
    pub(crate) fn end_wait(&mut self, slot: u32) -> Waiter {
        let queue_slot = self.waiters[slot].queue;
        unlink_waiter(
            &mut self.waiters,
            &mut self.queues[queue_slot].waiters,
            slot,
        );
        let waiter = self.waiters.remove(slot);
        self.waiting.remove(&waiter.token);
        if waiter.timer != NONE {
            self.wheel.disarm(waiter.timer);
        }
        waiter
    }

    /// Forgets a long poll whose client has gone.
    pub(crate) fn cancel(&mut self, token: Token) {
        match self.waiting.get(&token).copied() {
            Some(slot) => {
                self.end_wait(slot);
            }
            None => self.pubsub_cancel(token),
        }
    }

    /// Gives messages to the long polls that wait for them, to each as it came.
    pub(crate) fn serve_waiters(&mut self) {
        while let Some(queue_slot) = self.to_serve.pop() {
            while let Some(queue) = self.queues.get(queue_slot) {
                let slot = queue.waiters.head;
                if slot == NONE || queue.ready_groups.is_empty() {
                    break;
                }
                let (messages_max, visibility, attempt) = {
                    let waiter = &mut self.waiters[slot];
                    let attempt = waiter.attempt.take();
                    self.journeys.client = waiter.client;
                    (waiter.messages_max, waiter.visibility_timeout_s, attempt)
                };
                let deliveries =
                    self.lease(queue_slot, messages_max, visibility, attempt.as_deref());
                if deliveries.is_empty() {
                    self.waiters[slot].attempt = attempt;
                    break;
                }
                let waiter = self.end_wait(slot);
                self.deliver(waiter.token, queue_slot, deliveries);
            }
        }
    }

    /// Leases up to `messages_max` messages, the next in turn.
    fn lease(
        &mut self,
        queue_slot: u32,
        messages_max: u8,
        visibility_timeout_s: Option<u32>,
        attempt: Option<&str>,
    ) -> Deliveries {
        let queue = &self.queues[queue_slot];
        let timeout_s = visibility_timeout_s.unwrap_or(queue.config.visibility_timeout_s);
        let fifo = queue.config.fifo;
        let until = self.now + Millis::from(timeout_s) * 1000;
        let messages_max = usize::from(messages_max);
        let visible = usize::try_from(queue.counts.visible).unwrap_or(usize::MAX);
        let mut out = Deliveries::with_capacity(messages_max.min(visible));
        while out.len() < messages_max {
            let queue = &self.queues[queue_slot];
            let group_slot = queue.ready_groups.head;
            if group_slot == NONE || queue.counts.in_flight >= self.config.in_flight_max {
                break;
            }
            let busy = if fifo {
                self.lease_group(queue_slot, group_slot, messages_max, until, &mut out)
            } else {
                self.lease_first(queue_slot, group_slot, until, &mut out)
            };
            if busy {
                break;
            }
        }
        if timeout_s == 0 {
            // Leased for no time: visible again at once, but not twice in one answer.
            for delivery in &out {
                let slot = delivery.lease.slot;
                let mut at = self.at_queue(queue_slot);
                at.leave_state(slot);
                at.make_ready(slot);
            }
        }
        if let Some(id) = attempt.filter(|_| fifo && !out.is_empty()) {
            self.note_attempt(queue_slot, id, &out);
        }
        out
    }

    /// Leases a group's first message and lets the next group have its turn. Answers whether the
    /// message can neither be given out nor moved on now.
    fn lease_first(
        &mut self,
        queue_slot: u32,
        group_slot: u32,
        until: Millis,
        out: &mut Deliveries,
    ) -> bool {
        let slot = self.groups[group_slot].messages.head;
        match self.dispose(slot) {
            Some(Moved::Busy) => return true,
            Some(_) => return false,
            None => {}
        }
        self.at_queue(queue_slot).rotate_group(group_slot);
        self.lease_message(queue_slot, slot, until, out);
        false
    }

    /// Leases messages from the start of a FIFO group. Answers like [`Shard::lease_first`].
    fn lease_group(
        &mut self,
        queue_slot: u32,
        group_slot: u32,
        messages_max: usize,
        until: Millis,
        out: &mut Deliveries,
    ) -> bool {
        let mut slot = self.groups[group_slot].messages.head;
        let mut busy = false;
        while slot != NONE && out.len() < messages_max {
            let message = &self.messages[slot];
            let in_flight = self.queues[queue_slot].counts.in_flight;
            if message.state != State::Ready || in_flight >= self.config.in_flight_max {
                break;
            }
            let next = message.next;
            match self.dispose(slot) {
                Some(Moved::Busy) => {
                    busy = true;
                    break;
                }
                Some(_) => {}
                None => self.lease_message(queue_slot, slot, until, out),
            }
            slot = next;
        }
        self.at_queue(queue_slot).settle_group(group_slot);
        busy
    }

    /// Drops a message that is too old and moves one on that was received too often. `None` where
    /// it is to be given out.
    fn dispose(&mut self, slot: u32) -> Option<Moved> {
        let message = &self.messages[slot];
        let queue = &self.queues[message.queue];
        if Self::retention_ends(&queue.config, &message.payload) <= self.now {
            self.note_message(slot, |_| Step::Expired);
            self.remove_message(slot);
            self.counters.dropped += 1;
            return Some(Moved::Gone);
        }
        let redrive = queue.config.redrive.as_ref()?;
        let receives = message.receive_count - message.base_count;
        if receives < redrive.max_receive_count {
            return None;
        }
        let target = redrive.target.clone();
        match self.dead_letter(slot, target) {
            Moved::Nowhere => None,
            moved => Some(moved),
        }
    }

    #[inline]
    fn lease_message(&mut self, queue_slot: u32, slot: u32, until: Millis, out: &mut Deliveries) {
        let (now, shard) = (self.now, self.config.index);
        let at = &mut self.at_queue(queue_slot);
        at.leave_state(slot);
        at.queue.counts.in_flight += 1;
        *at.in_flight += 1;
        let message = &mut at.messages[slot];
        message.state = State::InFlight;
        message.held = false;
        message.received_after_ms = message.offset(now);
        if message.receive_count == 0 {
            message.first_received_after_ms = message.received_after_ms;
        }
        message.receive_count += 1;
        if until > now {
            message.timer = at.wheel.arm(until, Timer::Visible(slot));
        }
        out.push(Delivery {
            shard,
            payload: message.payload.clone(),
            lease: LeaseRef {
                sequence: message.sequence,
                slot,
                receive_count: message.receive_count,
                received_at: message.received_at(),
            },
            first_received_at: message.first_received_at().unwrap_or(now),
        });
        self.note_received(slot, until);
        if self.config.durable {
            self.note_count(slot);
        }
    }

    #[inline]
    fn note_received(&mut self, slot: u32, until: Millis) {
        let client = self.journeys.client;
        self.note_message(slot, |message| Step::Received {
            count: message.receive_count,
            until,
            client,
        });
    }

    fn note_attempt(&mut self, queue_slot: u32, id: &str, deliveries: &Deliveries) {
        let given = deliveries
            .iter()
            .map(|delivery| {
                let lease = delivery.lease;
                (lease.slot, lease.sequence, lease.receive_count)
            })
            .collect();
        let expires_at = self.now + ATTEMPT_MS;
        let attempts = &mut self.queues[queue_slot].cold.attempts;
        attempts.retain(|attempt| attempt.expires_at > self.now && &*attempt.id != id);
        if attempts.len() >= ATTEMPTS_MAX {
            attempts.pop_front();
        }
        attempts.push_back(Attempt {
            id: id.into(),
            expires_at,
            given,
        });
    }

    /// The messages of an earlier attempt with this id, leased anew, if all are still as that
    /// attempt left them.
    fn repeat_attempt(
        &mut self,
        queue_slot: u32,
        id: &str,
        visibility_timeout_s: Option<u32>,
    ) -> Option<Deliveries> {
        let queue = &self.queues[queue_slot];
        if !queue.config.fifo {
            return None;
        }
        let attempt = queue
            .cold
            .attempts
            .iter()
            .find(|a| &*a.id == id && a.expires_at > self.now)?;
        let intact = attempt.given.iter().all(|(slot, sequence, count)| {
            self.messages.get(*slot).is_some_and(|message| {
                message.sequence == *sequence
                    && message.queue == queue_slot
                    && message.state == State::InFlight
                    && message.receive_count == *count
            })
        });
        if !intact {
            return None;
        }
        let timeout_s = visibility_timeout_s.unwrap_or(queue.config.visibility_timeout_s);
        let until = self.now + Millis::from(timeout_s) * 1000;
        let given = attempt.given.clone();
        let mut out = Deliveries::new();
        for (slot, sequence, receive_count) in given {
            let message = &mut self.messages[slot];
            message.held = true;
            if message.timer != NONE {
                self.wheel.disarm(message.timer);
            }
            message.timer = self.wheel.arm(until, Timer::Visible(slot));
            let received_at = message.received_at();
            out.push(Delivery {
                shard: self.config.index,
                payload: message.payload.clone(),
                lease: LeaseRef {
                    sequence,
                    slot,
                    receive_count,
                    received_at,
                },
                first_received_at: message.first_received_at().unwrap_or(received_at),
            });
            self.note_received(slot, until);
            self.note_lease(slot);
        }
        Some(out)
    }
}
