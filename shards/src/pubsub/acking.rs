//! Acknowledging: done with a message, more time for it, or back with it.

use super::command::Settled;
use super::state::EntryState;
use crate::Millis;
use crate::command::{Reply, Token};
use crate::figures::RECEIVES_BOUNDS;
use crate::journeys::Step;
use crate::lease::LeaseRef;
use crate::records::Op;
use crate::shard::timer::Timer;
use crate::shard::{Hold, Shard};
use crate::slab::NONE;

/// What a lease names.
enum Found {
    /// The delivery that is current.
    Current(u32),
    /// An earlier delivery of a message that is still there.
    Old(u32),
    /// A message that is acknowledged, or gone.
    Gone,
}

/// The answer about a delivery that isn't current. Exactly once: an answer of success must mean that
/// this very delivery did it.
fn uncounted(exactly_once: bool) -> Settled {
    if exactly_once {
        Settled::Invalid
    } else {
        Settled::Counted
    }
}

impl Shard {
    pub(super) fn acknowledge(&mut self, token: Token, subscription: u32, leases: &[LeaseRef]) {
        let settings = &self.pubsub.subscriptions[subscription].settings;
        let (exactly_once, ordering) = (settings.exactly_once, settings.ordering);
        let mut acknowledged = 0;
        let results = if exactly_once && ordering {
            // Only what comes before a message in its key is in its way, not how a request lists
            // them.
            let mut turns: Vec<usize> = (0..leases.len()).collect();
            turns.sort_unstable_by_key(|at| leases[*at].sequence);
            let mut results = vec![Settled::Invalid; leases.len()];
            for at in turns {
                results[at] =
                    self.acknowledge_delivery(subscription, &leases[at], true, &mut acknowledged);
            }
            results
        } else {
            leases
                .iter()
                .map(|lease| {
                    self.acknowledge_delivery(subscription, lease, exactly_once, &mut acknowledged)
                })
                .collect()
        };
        self.pubsub.subscriptions[subscription].traffic.deleted += acknowledged;
        self.note_subscription_use(subscription);
        self.reply(token, Reply::Acknowledged(results), Hold::UntilCommit);
    }

    fn acknowledge_delivery(
        &mut self,
        subscription: u32,
        lease: &LeaseRef,
        exactly_once: bool,
        acknowledged: &mut u64,
    ) -> Settled {
        match self.find_delivery(subscription, lease) {
            Found::Current(slot) if exactly_once && !self.is_first_of_key(slot) => {
                Settled::Unordered
            }
            Found::Current(slot) => {
                self.acknowledge_and_count(slot);
                *acknowledged += 1;
                Settled::Counted
            }
            Found::Old(slot) if !exactly_once => {
                self.acknowledge_and_count(slot);
                *acknowledged += 1;
                Settled::Counted
            }
            Found::Old(_) | Found::Gone => uncounted(exactly_once),
        }
    }

    fn acknowledge_and_count(&mut self, slot: u32) {
        self.note_entry(slot, || Step::Acknowledged);
        let deliveries = u64::from(self.acknowledge_entry(slot)) + 1;
        let receives = &mut self.counters.pubsub_receives;
        receives.add(&RECEIVES_BOUNDS, deliveries);
    }

    /// Whether no earlier message of an entry's ordering key is unacknowledged.
    fn is_first_of_key(&self, slot: u32) -> bool {
        let group = self.pubsub.entries[slot].group;
        group == NONE || self.pubsub.groups[group].entries.head == slot
    }

    pub(super) fn modify_deadline(
        &mut self,
        token: Token,
        subscription: u32,
        leases: &[(LeaseRef, u32)],
    ) {
        let exactly_once = self.pubsub.subscriptions[subscription]
            .settings
            .exactly_once;
        let results = leases
            .iter()
            .map(
                |(lease, deadline_s)| match self.find_delivery(subscription, lease) {
                    Found::Current(slot) if *deadline_s == 0 => {
                        self.pubsub.subscriptions[subscription].traffic.returned += 1;
                        self.counters.pubsub.returned += 1;
                        self.note_entry(slot, || Step::Returned);
                        self.fail_entry(slot);
                        Settled::Counted
                    }
                    Found::Current(slot) => {
                        let due = self.now + Millis::from(*deadline_s) * 1000;
                        let entry = &mut self.pubsub.entries[slot];
                        self.wheel.disarm(entry.timer);
                        entry.timer = self.wheel.arm(due, Timer::Entry(slot));
                        self.note_entry(slot, || Step::Extended(due));
                        Settled::Counted
                    }
                    // More time for an old delivery must not hold up what has been given back since.
                    Found::Old(_) | Found::Gone => uncounted(exactly_once),
                },
            )
            .collect();
        self.note_subscription_use(subscription);
        // Leases need not outlive a crash, but that a message failed may send it elsewhere.
        self.reply(token, Reply::Acknowledged(results), Hold::No);
    }

    /// Takes back deliveries that reached nobody.
    pub(super) fn return_deliveries(&mut self, token: Token, leases: &[LeaseRef]) {
        for lease in leases {
            let Some(entry) = self.pubsub.entries.get(lease.slot) else {
                continue;
            };
            if let Found::Current(slot) = self.find_delivery(entry.subscription, lease) {
                self.return_entry(slot);
            }
        }
        self.reply(token, Reply::Done, Hold::No);
    }

    /// Makes a leased message ready again as though it had not been leased; but those of an ordering
    /// key that were leased after it come back with it, to keep their order.
    fn return_entry(&mut self, slot: u32) {
        self.note_entry(slot, || Step::Undelivered);
        self.leave_entry_state(slot);
        self.rewind_key_group(slot);
        self.make_entry_ready(slot);
    }

    fn find_delivery(&self, subscription: u32, lease: &LeaseRef) -> Found {
        let ps = &self.pubsub;
        let is_it = |slot: u32| {
            ps.entries.get(slot).is_some_and(|entry| {
                entry.subscription == subscription
                    && ps.stored[entry.stored].sequence == lease.sequence
                    && entry.state != EntryState::Acked
            })
        };
        if lease.received_at == ps.run {
            if !is_it(lease.slot) {
                return Found::Gone;
            }
            let entry = &ps.entries[lease.slot];
            let current = entry.state == EntryState::Outstanding;
            return if current && entry.leases == lease.receive_count {
                Found::Current(lease.slot)
            } else {
                Found::Old(lease.slot)
            };
        }
        // From before a restart: the message may be in another slot now.
        let restored = &ps.subscriptions[subscription].restored;
        match restored.binary_search_by_key(&lease.sequence, |(sequence, _)| *sequence) {
            Ok(at) if is_it(restored[at].1) => Found::Old(restored[at].1),
            _ => Found::Gone,
        }
    }

    /// Done with a message. Answers how often its delivery has failed.
    pub(super) fn acknowledge_entry(&mut self, slot: u32) -> u32 {
        self.withdraw_entry(slot);
        let ps = &mut self.pubsub;
        let entry = &mut ps.entries[slot];
        entry.state = EntryState::Acked;
        let (subscription, stored_slot) = (entry.subscription, entry.stored);
        let failures = entry.failures;
        let subscription = &ps.subscriptions[subscription];
        let retain = subscription.settings.retain_acked;
        let subscription_id = subscription.id;
        let stored = &mut ps.stored[stored_slot];
        // The row says that this subscription is done; none is needed if the message goes.
        if self.config.durable && (retain || stored.retained || stored.refs > 1) {
            stored.has_rows = true;
            let sequence = stored.sequence;
            self.ops.push(Op::Delivery {
                subscription_id,
                sequence,
                acked: true,
                failures: 0,
            });
        }
        if !retain {
            self.drop_entry(slot);
        }
        failures
    }

    /// Takes an entry out of its state and its group. It keeps its place by age only.
    pub(crate) fn withdraw_entry(&mut self, slot: u32) {
        if self.portable.view.is_some() {
            self.view_entry_goes(slot, false);
        }
        self.leave_entry_state(slot);
        let ps = &mut self.pubsub;
        let group_slot = ps.entries[slot].group;
        if group_slot == NONE {
            return;
        }
        let next = ps.entries[slot].next;
        let group = &mut ps.groups[group_slot];
        if group.next_entry == slot {
            group.next_entry = next;
        }
        super::state::unlink_entry(&mut ps.entries, &mut group.entries, slot);
        ps.entries[slot].group = NONE;
        self.settle_key_group(group_slot);
    }

    /// A delivery was given back or its deadline has passed.
    pub(super) fn fail_entry(&mut self, slot: u32) {
        debug_assert_eq!(self.pubsub.entries[slot].state, EntryState::Outstanding);
        self.leave_entry_state(slot);
        let ps = &mut self.pubsub;
        let entry = &mut ps.entries[slot];
        entry.failures += 1;
        let (failures, group, stored) = (entry.failures, entry.group, entry.stored);
        let subscription = &ps.subscriptions[entry.subscription];
        let settings = &subscription.settings;
        let (dead_letter, retry) = (settings.dead_letter.clone(), settings.retry);
        if self.config.durable && dead_letter.is_some() {
            let stored = &mut ps.stored[stored];
            stored.has_rows = true;
            self.ops.push(Op::Delivery {
                subscription_id: subscription.id,
                sequence: stored.sequence,
                acked: false,
                failures,
            });
        }
        self.rewind_key_group(slot);
        if let Some(policy) = dead_letter
            && failures >= policy.attempts_max
        {
            // In neither list nor count while it is moved.
            self.pubsub.entries[slot].state = EntryState::Held;
            if self.dead_letter_entry(slot, &policy.topic) {
                return;
            }
        }
        match retry {
            Some(retry) => {
                let doublings = (failures - 1).min(32);
                let delay = retry.backoff_ms_min.saturating_mul(1 << doublings);
                let delay = delay.min(retry.backoff_ms_max);
                self.delay_entry(slot, delay);
            }
            None => self.make_entry_ready(slot),
        }
        if group != NONE {
            self.settle_key_group(group);
        }
    }

    pub(crate) fn delay_entry(&mut self, slot: u32, delay_ms: Millis) {
        if delay_ms == 0 {
            return self.make_entry_ready(slot);
        }
        let timer = self.wheel.arm(self.now + delay_ms, Timer::Entry(slot));
        let entry = &mut self.pubsub.entries[slot];
        entry.state = EntryState::Delayed;
        entry.timer = timer;
        let subscription = entry.subscription;
        self.pubsub.subscriptions[subscription].available += 1;
        self.pubsub.available += 1;
    }

    /// A message is to be delivered again: with an ordering key, before all later ones of the key.
    ///
    /// So those are delivered again too, after it. Under exactly-once delivery their leases are good
    /// until they end; but none of them can be acknowledged before it is, and nothing is given out
    /// past them.
    fn rewind_key_group(&mut self, slot: u32) {
        let entry = &self.pubsub.entries[slot];
        let (group, subscription) = (entry.group, entry.subscription);
        if group == NONE {
            return;
        }
        let subscription = &self.pubsub.subscriptions[subscription];
        if !subscription.settings.exactly_once {
            self.call_back_later(slot);
        }
        let ps = &mut self.pubsub;
        let sequence = |slot: u32| ps.stored[ps.entries[slot].stored].sequence;
        let next = ps.groups[group].next_entry;
        if next == NONE || sequence(slot) < sequence(next) {
            ps.groups[group].next_entry = slot;
        }
    }

    /// Takes back the leases of what follows a message in its ordering key. Their deliveries did not
    /// fail, they only no longer count.
    fn call_back_later(&mut self, slot: u32) {
        let mut next = self.pubsub.entries[slot].next;
        while next != NONE && self.pubsub.entries[next].state == EntryState::Outstanding {
            self.note_entry(next, || Step::Undelivered);
            self.leave_entry_state(next);
            let entry = &mut self.pubsub.entries[next];
            entry.state = EntryState::Ready;
            let subscription = entry.subscription;
            next = entry.next;
            self.pubsub.subscriptions[subscription].available += 1;
            self.pubsub.available += 1;
        }
    }

    /// An entry's deadline has passed. Its timer is gone from the wheel and from the entry.
    pub(crate) fn entry_due(&mut self, slot: u32) {
        let Some(entry) = self.pubsub.entries.get(slot) else {
            return;
        };
        if entry.timer != NONE {
            // Something that fired before it has given it a new deadline.
            return;
        }
        match entry.state {
            EntryState::Outstanding => {
                let subscription = entry.subscription;
                self.pubsub.subscriptions[subscription].traffic.expired += 1;
                self.counters.pubsub.expired += 1;
                self.note_entry(slot, || Step::LeaseExpired);
                self.fail_entry(slot);
            }
            EntryState::Delayed => {
                self.leave_entry_state(slot);
                self.make_entry_ready(slot);
            }
            EntryState::Ready | EntryState::Acked | EntryState::Held => {}
        }
    }
}
