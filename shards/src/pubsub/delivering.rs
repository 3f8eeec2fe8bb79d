//! Delivering: what is ready, whose turn it is, and who waits for it.

use super::command::Pulled;
use super::state::{
    Entry, EntryState, KeyGroup, Listed, PullWaiter, push_entry, push_key_group, push_pull_waiter,
    unlink_entry, unlink_key_group, unlink_pull_waiter,
};
use super::wire;
use crate::Millis;
use crate::command::{Reply, Token};
use crate::journeys::Step;
use crate::lease::LeaseRef;
use crate::shard::timer::Timer;
use crate::shard::{Hold, Shard};
use crate::slab::NONE;
use std::hash::{BuildHasher, Hasher};

/// What one call may take.
#[derive(Clone, Copy)]
pub(super) struct Budget {
    pub messages: u32,
    pub bytes: u64,
    taken_bytes: u64,
}

impl Budget {
    pub fn new(messages: u32, bytes: u64) -> Self {
        Self {
            messages,
            bytes,
            taken_bytes: 0,
        }
    }

    fn allows(&self, bytes: usize) -> bool {
        self.messages > 0
            && (self.taken_bytes == 0 || self.taken_bytes + bytes as u64 <= self.bytes)
    }

    fn take(&mut self, bytes: usize) {
        self.messages -= 1;
        // An empty message counts too, or it would not end "at least one".
        self.taken_bytes += bytes.max(1) as u64;
    }
}

impl Shard {
    /// Puts an entry into the group of its ordering key, if it has one.
    pub(super) fn join_group(&mut self, slot: u32) {
        let ps = &mut self.pubsub;
        let entry = &ps.entries[slot];
        let (subscription_slot, stored) = (entry.subscription, entry.stored);
        let key = wire::ordering_key(&ps.stored[stored].bytes);
        if key.is_empty() {
            return;
        }
        let seed = u64::from_le_bytes(self.config.secret[8..].try_into().expect("16 bytes"));
        let mut state = foldhash::fast::FixedState::with_seed(seed).build_hasher();
        state.write(key);
        let hash = state.finish();
        let subscription = &mut ps.subscriptions[subscription_slot];
        let (groups, entries, all) = (&ps.groups, &ps.entries, &ps.stored);
        // A group's key is that of its first message; a group without messages is gone.
        let found = subscription.groups.find(hash, |candidate| {
            let group = &groups[*candidate];
            group.hash == hash
                && wire::ordering_key(&all[entries[group.entries.head].stored].bytes) == key
        });
        let group_slot = match found {
            Some(found) => *found,
            None => {
                let made = ps.groups.insert(KeyGroup {
                    subscription: subscription_slot,
                    hash,
                    entries: Default::default(),
                    next_entry: NONE,
                    outstanding: 0,
                    holder: NONE,
                    prev: NONE,
                    next: NONE,
                    listed: Listed::No,
                });
                let groups = &ps.groups;
                subscription
                    .groups
                    .insert_unique(hash, made, |slot| groups[*slot].hash);
                made
            }
        };
        let group = &mut ps.groups[group_slot];
        push_entry(&mut ps.entries, &mut group.entries, slot);
        if group.next_entry == NONE {
            group.next_entry = slot;
        }
        ps.entries[slot].group = group_slot;
    }

    /// Lets an entry be delivered. It must be in no state that counts.
    pub(super) fn make_entry_ready(&mut self, slot: u32) {
        let ps = &mut self.pubsub;
        let entry = &mut ps.entries[slot];
        entry.state = EntryState::Ready;
        let (subscription_slot, group) = (entry.subscription, entry.group);
        let subscription = &mut ps.subscriptions[subscription_slot];
        subscription.available += 1;
        ps.available += 1;
        if group == NONE {
            push_entry(&mut ps.entries, &mut subscription.ready, slot);
            self.want_service(subscription_slot);
        } else {
            self.settle_key_group(group);
        }
    }

    /// Notes that a subscription has something to give, if someone waits.
    pub(super) fn want_service(&mut self, subscription_slot: u32) {
        let subscription = &mut self.pubsub.subscriptions[subscription_slot];
        if !subscription.to_serve && !subscription.waiters.is_empty() {
            subscription.to_serve = true;
            self.pubsub.to_serve.push(subscription_slot);
        }
    }

    /// Makes what lists say of a group true again, and removes one that is empty.
    pub(crate) fn settle_key_group(&mut self, group_slot: u32) {
        let ps = &mut self.pubsub;
        let group = &mut ps.groups[group_slot];
        if group.outstanding == 0 && group.holder != NONE {
            let holder = std::mem::replace(&mut group.holder, NONE);
            if group.listed == Listed::Stream {
                let stream = &mut ps.streams[holder];
                unlink_key_group(&mut ps.groups, &mut stream.ready_groups, group_slot);
                ps.groups[group_slot].listed = Listed::No;
            }
            ps.streams[holder].held_groups.remove(&group_slot);
        }
        let group = &ps.groups[group_slot];
        let (subscription_slot, listed, holder) = (group.subscription, group.listed, group.holder);
        let ready =
            group.next_entry != NONE && ps.entries[group.next_entry].state == EntryState::Ready;
        // What comes first of its key can go to anyone, though later ones are still leased.
        let free = group.outstanding == 0 || group.next_entry == group.entries.head;
        let wanted = match (ready, holder) {
            (false, _) => Listed::No,
            (true, NONE) if free => Listed::Subscription,
            (true, NONE) => Listed::No,
            (true, _) => Listed::Stream,
        };
        if wanted != listed {
            let subscription = &mut ps.subscriptions[subscription_slot];
            match listed {
                Listed::No => {}
                Listed::Subscription => {
                    unlink_key_group(&mut ps.groups, &mut subscription.ready_groups, group_slot);
                }
                Listed::Stream => {
                    let stream = &mut ps.streams[holder];
                    unlink_key_group(&mut ps.groups, &mut stream.ready_groups, group_slot);
                }
            }
            match wanted {
                Listed::No => {}
                Listed::Subscription => {
                    push_key_group(&mut ps.groups, &mut subscription.ready_groups, group_slot);
                }
                Listed::Stream => {
                    let stream = &mut ps.streams[holder];
                    push_key_group(&mut ps.groups, &mut stream.ready_groups, group_slot);
                    ps.streams_to_serve.push(holder);
                }
            }
            ps.groups[group_slot].listed = wanted;
        }
        if ps.groups[group_slot].entries.is_empty() {
            let hash = ps.groups[group_slot].hash;
            let subscription = &mut ps.subscriptions[subscription_slot];
            if let Ok(entry) = subscription
                .groups
                .find_entry(hash, |slot| *slot == group_slot)
            {
                entry.remove();
            }
            ps.groups.remove(group_slot);
        } else if wanted == Listed::Subscription {
            self.want_service(subscription_slot);
        }
    }

    /// Takes an entry out of its state: counts, deadline, lists. It keeps its place by age, and its
    /// group stays to be settled.
    pub(crate) fn leave_entry_state(&mut self, slot: u32) {
        let ps = &mut self.pubsub;
        let entry = &mut ps.entries[slot];
        if entry.timer != NONE {
            self.wheel.disarm(entry.timer);
            entry.timer = NONE;
        }
        let Entry {
            subscription,
            group,
            state,
            holder,
            stored,
            ..
        } = *entry;
        let subscription = &mut ps.subscriptions[subscription];
        match state {
            EntryState::Ready => {
                subscription.available -= 1;
                ps.available -= 1;
                if group == NONE {
                    unlink_entry(&mut ps.entries, &mut subscription.ready, slot);
                }
            }
            EntryState::Delayed => {
                subscription.available -= 1;
                ps.available -= 1;
            }
            EntryState::Outstanding => {
                subscription.outstanding -= 1;
                ps.outstanding -= 1;
                if group != NONE {
                    ps.groups[group].outstanding -= 1;
                }
                if holder != NONE {
                    ps.entries[slot].holder = NONE;
                    let bytes = ps.stored[stored].bytes.len() as u64;
                    let stream = &mut ps.streams[holder];
                    if group == NONE {
                        unlink_entry(&mut ps.entries, &mut stream.held, slot);
                    }
                    stream.outstanding -= 1;
                    stream.outstanding_bytes -= bytes;
                    self.unpark(holder);
                }
            }
            EntryState::Acked | EntryState::Held => {}
        }
    }

    /// Lets a stream's call wait in line again once the stream has room.
    fn unpark(&mut self, stream_slot: u32) {
        let ps = &mut self.pubsub;
        let waiter_slot = ps.streams[stream_slot].waiter;
        if waiter_slot == NONE || ps.waiters[waiter_slot].listed {
            return;
        }
        self.list_waiter(waiter_slot);
        self.pubsub.streams_to_serve.push(stream_slot);
    }

    fn list_waiter(&mut self, waiter_slot: u32) {
        let ps = &mut self.pubsub;
        let waiter = &mut ps.waiters[waiter_slot];
        waiter.listed = true;
        let subscription_slot = waiter.subscription;
        let subscription = &mut ps.subscriptions[subscription_slot];
        push_pull_waiter(&mut ps.waiters, &mut subscription.waiters, waiter_slot);
        if subscription.has_ready() {
            self.want_service(subscription_slot);
        }
    }

    /// Leases what a consumer (a stream's slot, or `NONE` for a pull) may have now.
    pub(super) fn lease_entries(
        &mut self,
        subscription_slot: u32,
        stream_slot: u32,
        mut budget: Budget,
    ) -> Vec<Pulled> {
        let mut out = Vec::new();
        // Keys that the stream holds come first: nobody else can take them.
        if stream_slot != NONE {
            loop {
                let group = self.pubsub.streams[stream_slot].ready_groups.head;
                if group == NONE
                    || !self.lease_from_group(group, stream_slot, &mut budget, &mut out)
                {
                    break;
                }
            }
        }
        loop {
            let subscription = &mut self.pubsub.subscriptions[subscription_slot];
            let (entry, group) = (subscription.ready.head, subscription.ready_groups.head);
            let groups_turn = subscription.groups_turn;
            subscription.groups_turn = !groups_turn;
            let went_on = if group != NONE && (groups_turn || entry == NONE) {
                self.lease_from_group(group, stream_slot, &mut budget, &mut out)
            } else if entry != NONE {
                self.lease_entry(entry, stream_slot, &mut budget, &mut out)
            } else {
                break;
            };
            if !went_on {
                break;
            }
        }
        out
    }

    /// Leases from the front of a group until the group or the budget is at its end. Answers
    /// whether budget is left.
    fn lease_from_group(
        &mut self,
        group_slot: u32,
        stream_slot: u32,
        budget: &mut Budget,
        out: &mut Vec<Pulled>,
    ) -> bool {
        let mut left = true;
        loop {
            let slot = self.pubsub.groups[group_slot].next_entry;
            if slot == NONE || self.pubsub.entries[slot].state != EntryState::Ready {
                break;
            }
            let next = self.pubsub.entries[slot].next;
            left = self.lease_entry(slot, stream_slot, budget, out);
            if !left {
                break;
            }
            let ps = &mut self.pubsub;
            let group = &mut ps.groups[group_slot];
            group.next_entry = next;
            group.outstanding += 1;
            if stream_slot != NONE && group.holder == NONE {
                // The list it stands in is that of the subscription as long as nobody holds it.
                if group.listed == Listed::Subscription {
                    let subscription = group.subscription;
                    group.listed = Listed::No;
                    unlink_key_group(
                        &mut ps.groups,
                        &mut ps.subscriptions[subscription].ready_groups,
                        group_slot,
                    );
                }
                ps.groups[group_slot].holder = stream_slot;
                ps.streams[stream_slot].held_groups.insert(group_slot);
            }
        }
        self.settle_key_group(group_slot);
        left
    }

    /// Leases one entry, unless the budget or the stream has no room: then answers `false`.
    fn lease_entry(
        &mut self,
        slot: u32,
        stream_slot: u32,
        budget: &mut Budget,
        out: &mut Vec<Pulled>,
    ) -> bool {
        let ps = &mut self.pubsub;
        let entry = &mut ps.entries[slot];
        let stored = &ps.stored[entry.stored];
        let bytes = stored.bytes.len();
        if !budget.allows(bytes) || stream_slot != NONE && !ps.streams[stream_slot].has_room(bytes)
        {
            return false;
        }
        budget.take(bytes);
        let subscription = &mut ps.subscriptions[entry.subscription];
        let in_group = entry.group != NONE;
        subscription.available -= 1;
        subscription.outstanding += 1;
        ps.available -= 1;
        ps.outstanding += 1;
        entry.state = EntryState::Outstanding;
        entry.holder = stream_slot;
        entry.leases += 1;
        subscription.leases_max = subscription.leases_max.max(entry.leases);
        let attempt = match subscription.settings.dead_letter {
            Some(_) => entry.failures + 1,
            None => 0,
        };
        out.push(Pulled {
            bytes: stored.bytes.clone(),
            lease: LeaseRef {
                sequence: stored.sequence,
                slot,
                receive_count: entry.leases,
                received_at: ps.run,
            },
            published_at: stored.published_at,
            attempt,
            shard: self.config.index,
        });
        let mut deadline_s = subscription.settings.ack_deadline_s;
        if !in_group {
            unlink_entry(&mut ps.entries, &mut subscription.ready, slot);
        }
        if stream_slot != NONE {
            let stream = &mut ps.streams[stream_slot];
            stream.outstanding += 1;
            stream.outstanding_bytes += bytes as u64;
            if stream.limits.ack_deadline_s > 0 {
                deadline_s = stream.limits.ack_deadline_s;
            }
            if !in_group {
                push_entry(&mut ps.entries, &mut stream.held, slot);
            }
        }
        let due = self.now + Millis::from(deadline_s) * 1000;
        let entry = &mut ps.entries[slot];
        entry.timer = self.wheel.arm(due, Timer::Entry(slot));
        let count = entry.leases;
        let client = match ps.streams.get(stream_slot) {
            Some(stream) => stream.client,
            None => self.journeys.client,
        };
        self.note_entry(slot, || Step::Received {
            count,
            until: due,
            client,
        });
        true
    }

    /// Answers a call with messages.
    pub(super) fn deliver_pulled(
        &mut self,
        token: Token,
        subscription_slot: u32,
        messages: Vec<Pulled>,
    ) {
        let (received, is_empty) = (messages.len() as u64, messages.is_empty());
        for traffic in [
            &mut self.pubsub.subscriptions[subscription_slot].traffic,
            &mut self.counters.pubsub,
        ] {
            traffic.received += received;
            traffic.empty_receives += u64::from(is_empty);
        }
        // Only what is durable may be seen: a message that a crash takes back was never there.
        let latest = messages.iter().map(|pulled| pulled.lease.sequence).max();
        let hold = latest.map_or(Hold::No, Hold::UntilDurable);
        let hold = self.delivery_hold(subscription_slot, hold);
        self.reply(token, Reply::Pulled(messages), hold);
    }

    pub(super) fn wait_for_messages(&mut self, waiter: PullWaiter, wait_ms: Option<u32>) {
        let (token, stream) = (waiter.token, waiter.stream);
        let slot = self.pubsub.waiters.insert(waiter);
        if let Some(wait_ms) = wait_ms {
            let due = self.now + Millis::from(wait_ms);
            self.pubsub.waiters[slot].timer = self.wheel.arm(due, Timer::PullWaiter(slot));
        }
        self.pubsub.waiting.insert(token, slot);
        if stream != NONE {
            self.pubsub.streams[stream].waiter = slot;
            if !self.pubsub.streams[stream].has_room(0) {
                return;
            }
        }
        self.list_waiter(slot);
    }

    /// Takes a waiting call out.
    pub(super) fn end_pull_wait(&mut self, slot: u32) -> PullWaiter {
        let ps = &mut self.pubsub;
        if ps.waiters[slot].listed {
            let subscription = ps.waiters[slot].subscription;
            let ends = &mut ps.subscriptions[subscription].waiters;
            unlink_pull_waiter(&mut ps.waiters, ends, slot);
        }
        let waiter = ps.waiters.remove(slot);
        ps.waiting.remove(&waiter.token);
        if waiter.timer != NONE {
            self.wheel.disarm(waiter.timer);
        }
        if waiter.stream != NONE {
            ps.streams[waiter.stream].waiter = NONE;
        }
        waiter
    }

    /// Gives messages to calls that wait for them.
    pub(crate) fn serve_pulls(&mut self) {
        // Serving makes nothing ready, so both lists only get shorter.
        while let Some(stream) = self.pubsub.streams_to_serve.pop() {
            let waiter = self.pubsub.streams.get(stream).map(|stream| stream.waiter);
            if let Some(waiter) = waiter.filter(|waiter| *waiter != NONE) {
                self.serve_waiter(waiter);
            }
        }
        while let Some(subscription_slot) = self.pubsub.to_serve.pop() {
            let Some(subscription) = self.pubsub.subscriptions.get_mut(subscription_slot) else {
                continue;
            };
            subscription.to_serve = false;
            loop {
                let subscription = &self.pubsub.subscriptions[subscription_slot];
                let waiter = subscription.waiters.head;
                if waiter == NONE || !subscription.has_ready() {
                    break;
                }
                // Each turn either empties the subscription or takes a waiter out of line.
                self.serve_waiter(waiter);
            }
        }
    }

    /// Gives a waiting call what it may have. One that gets nothing has a full stream, and waits
    /// out of line for room.
    fn serve_waiter(&mut self, slot: u32) {
        let waiter = &self.pubsub.waiters[slot];
        let (subscription_slot, stream) = (waiter.subscription, waiter.stream);
        self.journeys.client = waiter.client;
        let budget = Budget::new(waiter.messages_max, waiter.bytes_max);
        let messages = self.lease_entries(subscription_slot, stream, budget);
        if !messages.is_empty() {
            let waiter = self.end_pull_wait(slot);
            return self.deliver_pulled(waiter.token, subscription_slot, messages);
        }
        let ps = &mut self.pubsub;
        let subscription = &mut ps.subscriptions[subscription_slot];
        if ps.waiters[slot].listed && subscription.has_ready() {
            debug_assert_ne!(stream, NONE, "a pull takes what is ready");
            ps.waiters[slot].listed = false;
            unlink_pull_waiter(&mut ps.waiters, &mut subscription.waiters, slot);
        }
    }
}
