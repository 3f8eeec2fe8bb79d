//! Pulls and streams: calls that take messages.

use super::command::{
    PubsubRefusal, Pulled, StreamLimits, StreamRef, StreamSeen, SubscriptionRef, TopicRef,
};
use super::delivering::Budget;
use super::state::{EntryState, PullWaiter, Stream};
use crate::command::{Refusal, Reply, Token};
use crate::shard::{Hold, Shard};
use crate::slab::NONE;

/// Streams that one shard has open at most.
const STREAMS_MAX: usize = 100_000;

impl Shard {
    pub(super) fn topic_slot(&self, topic: TopicRef) -> Option<u32> {
        let found = self.pubsub.topics.get(topic.slot)?;
        let current = found.id == topic.id && found.version == topic.version && !found.deleted;
        current.then_some(topic.slot)
    }

    pub(super) fn subscription_slot(&self, subscription: SubscriptionRef) -> Option<u32> {
        let found = self.pubsub.subscriptions.get(subscription.slot)?;
        let current = found.id == subscription.id
            && found.version == subscription.version
            && !found.ghost
            && found.snapshot_expires_at.is_none();
        current.then_some(subscription.slot)
    }

    fn stream_slot(&self, stream: StreamRef) -> Option<u32> {
        let found = self.pubsub.streams.get(stream.slot)?;
        (found.number == stream.number).then_some(stream.slot)
    }

    pub(super) fn pull(
        &mut self,
        token: Token,
        subscription_slot: u32,
        messages_max: u32,
        bytes_max: u64,
        wait_ms: u32,
    ) {
        if self.pubsub.subscriptions[subscription_slot]
            .settings
            .detached
        {
            return self.refuse(token, Refusal::Pubsub(PubsubRefusal::Detached));
        }
        self.note_subscription_use(subscription_slot);
        let messages_max = messages_max.max(1);
        let budget = Budget::new(messages_max, bytes_max);
        let messages = self.lease_entries(subscription_slot, NONE, budget);
        if !messages.is_empty() || wait_ms == 0 || self.too_many_wait() {
            return self.deliver_pulled(token, subscription_slot, messages);
        }
        let mut waiter = new_waiter(token, subscription_slot, NONE, messages_max, bytes_max);
        waiter.client = self.journeys.client;
        self.wait_for_messages(waiter, Some(wait_ms));
    }

    fn too_many_wait(&self) -> bool {
        self.pubsub.waiters.len() >= self.config.waiters_max
    }

    pub(super) fn open_stream(
        &mut self,
        token: Token,
        subscription_slot: u32,
        limits: StreamLimits,
        client: u32,
    ) {
        if self.pubsub.subscriptions[subscription_slot]
            .settings
            .detached
        {
            return self.refuse(token, Refusal::Pubsub(PubsubRefusal::Detached));
        }
        if self.pubsub.streams.len() >= STREAMS_MAX {
            self.counters.throttles.waiting += 1;
            return self.refuse(token, Refusal::Pubsub(PubsubRefusal::TooMany));
        }
        let ps = &mut self.pubsub;
        let number = ps.next_stream;
        ps.next_stream += 1;
        let slot = ps.streams.insert(Stream {
            number,
            subscription: subscription_slot,
            limits,
            client,
            outstanding: 0,
            outstanding_bytes: 0,
            held: Default::default(),
            held_groups: Default::default(),
            ready_groups: Default::default(),
            waiter: NONE,
            ended: None,
            changed: false,
        });
        ps.subscriptions[subscription_slot].streams.push(slot);
        let shard = self.config.index;
        self.note_subscription_use(subscription_slot);
        let stream = StreamRef {
            shard,
            slot,
            number,
        };
        self.reply(token, Reply::Stream(stream), Hold::No);
    }

    /// Open streams of a subscription.
    pub(super) fn streams_seen(&self, slot: u32, streams_max: usize) -> Vec<StreamSeen> {
        let ps = &self.pubsub;
        let streams = ps.subscriptions[slot].streams.iter().take(streams_max);
        streams
            .map(|stream| &ps.streams[*stream])
            .map(|stream| StreamSeen {
                number: stream.number,
                client: stream.client,
                limits: stream.limits,
                outstanding: stream.outstanding,
                outstanding_bytes: stream.outstanding_bytes,
                waits: stream.waiter != NONE,
            })
            .collect()
    }

    pub(super) fn stream_pull(
        &mut self,
        token: Token,
        stream: StreamRef,
        messages_max: u32,
        bytes_max: u64,
    ) {
        let Some(slot) = self.stream_slot(stream) else {
            return self.refuse(token, Refusal::Pubsub(PubsubRefusal::NotFound));
        };
        let found = &mut self.pubsub.streams[slot];
        if let Some(refusal) = found.ended {
            return self.refuse(token, Refusal::Pubsub(refusal));
        }
        if std::mem::take(&mut found.changed) {
            return self.refuse(token, Refusal::Pubsub(PubsubRefusal::Changed));
        }
        if found.waiter != NONE {
            self.counters.throttles.waiting += 1;
            return self.refuse(token, Refusal::Pubsub(PubsubRefusal::TooMany));
        }
        let subscription_slot = found.subscription;
        let messages_max = messages_max.max(1);
        let budget = Budget::new(messages_max, bytes_max);
        self.note_subscription_use(subscription_slot);
        let messages = self.lease_entries(subscription_slot, slot, budget);
        if !messages.is_empty() {
            return self.deliver_pulled(token, subscription_slot, messages);
        }
        if self.too_many_wait() {
            self.counters.throttles.waiting += 1;
            return self.refuse(token, Refusal::Pubsub(PubsubRefusal::TooMany));
        }
        let waiter = new_waiter(token, subscription_slot, slot, messages_max, bytes_max);
        self.wait_for_messages(waiter, None);
    }

    pub(super) fn set_stream_deadline(
        &mut self,
        token: Token,
        stream: StreamRef,
        ack_deadline_s: u32,
    ) {
        if let Some(slot) = self.stream_slot(stream) {
            self.pubsub.streams[slot].limits.ack_deadline_s = ack_deadline_s;
        }
        self.reply(token, Reply::Done, Hold::No);
    }

    pub(super) fn close_stream(&mut self, token: Token, stream: StreamRef) {
        if let Some(slot) = self.stream_slot(stream) {
            self.remove_stream(slot);
        }
        self.reply(token, Reply::Done, Hold::No);
    }

    fn remove_stream(&mut self, slot: u32) {
        let (waiter, subscription_slot) = {
            let stream = &self.pubsub.streams[slot];
            (stream.waiter, stream.subscription)
        };
        if waiter != NONE {
            let waiter = self.end_pull_wait(waiter);
            self.reply(waiter.token, Reply::Pulled(Vec::new()), Hold::No);
        }
        // Under exactly-once delivery its leases run on: whoever holds a message may still
        // acknowledge it, and until then nobody else is given it.
        let give_back = !self.pubsub.subscriptions[subscription_slot]
            .settings
            .exactly_once;
        loop {
            let entry = self.pubsub.streams[slot].held.head;
            if entry == NONE {
                break;
            }
            if give_back {
                self.fail_entry(entry);
            } else {
                self.disown(entry);
            }
        }
        while let Some(group) = self.pubsub.streams[slot].held_groups.iter().next().copied() {
            let mut entry = self.pubsub.groups[group].entries.head;
            if give_back {
                // The first that is held calls all later ones back.
                while self.pubsub.entries[entry].state != EntryState::Outstanding {
                    entry = self.pubsub.entries[entry].next;
                }
                self.fail_entry(entry);
            } else {
                while entry != NONE {
                    let next = self.pubsub.entries[entry].next;
                    if self.pubsub.entries[entry].holder == slot {
                        self.disown(entry);
                    }
                    entry = next;
                }
                self.pubsub.groups[group].holder = NONE;
                self.unlist_from_stream(group, slot);
                self.pubsub.streams[slot].held_groups.remove(&group);
                self.settle_key_group(group);
            }
        }
        // It was used for as long as the stream was open.
        self.note_subscription_use(subscription_slot);
        let ps = &mut self.pubsub;
        let stream = ps.streams.remove(slot);
        debug_assert_eq!((stream.outstanding, stream.outstanding_bytes), (0, 0));
        let subscription = &mut ps.subscriptions[stream.subscription];
        subscription.streams.retain(|other| *other != slot);
        // A deleted subscription that is empty was kept for its streams' sake.
        if subscription.ghost
            && subscription.streams.is_empty()
            && subscription.entries.is_empty()
            && !ps.subscription_ghosts.contains(&stream.subscription)
        {
            self.remove_subscription(stream.subscription);
        }
    }

    /// Leaves an outstanding entry leased, but to nobody in particular.
    fn disown(&mut self, entry_slot: u32) {
        let ps = &mut self.pubsub;
        let entry = &mut ps.entries[entry_slot];
        let holder = std::mem::replace(&mut entry.holder, NONE);
        let (group, stored) = (entry.group, entry.stored);
        let stream = &mut ps.streams[holder];
        stream.outstanding -= 1;
        stream.outstanding_bytes -= ps.stored[stored].bytes.len() as u64;
        if group == NONE {
            super::state::unlink_entry(&mut ps.entries, &mut stream.held, entry_slot);
        }
    }

    fn unlist_from_stream(&mut self, group_slot: u32, stream_slot: u32) {
        let ps = &mut self.pubsub;
        if ps.groups[group_slot].listed == super::state::Listed::Stream {
            ps.groups[group_slot].listed = super::state::Listed::No;
            let stream = &mut ps.streams[stream_slot];
            super::state::unlink_key_group(&mut ps.groups, &mut stream.ready_groups, group_slot);
        }
    }

    /// Refuses all calls that wait for a subscription's messages.
    pub(super) fn end_subscription_calls(
        &mut self,
        subscription_slot: u32,
        refusal: PubsubRefusal,
    ) {
        for slot in self.pubsub.subscriptions[subscription_slot].streams.clone() {
            self.pubsub.streams[slot].ended = Some(refusal);
            let waiter = self.pubsub.streams[slot].waiter;
            if waiter != NONE {
                let waiter = self.end_pull_wait(waiter);
                self.refuse(waiter.token, Refusal::Pubsub(refusal));
            }
        }
        loop {
            let waiter = self.pubsub.subscriptions[subscription_slot].waiters.head;
            if waiter == NONE {
                break;
            }
            let waiter = self.end_pull_wait(waiter);
            self.refuse(waiter.token, Refusal::Pubsub(refusal));
        }
    }

    /// Tells the streams of a subscription that its settings have changed.
    pub(super) fn tell_streams(&mut self, subscription_slot: u32) {
        for slot in self.pubsub.subscriptions[subscription_slot].streams.clone() {
            let waiter = self.pubsub.streams[slot].waiter;
            if waiter == NONE {
                self.pubsub.streams[slot].changed = true;
            } else {
                let waiter = self.end_pull_wait(waiter);
                let changed = Refusal::Pubsub(PubsubRefusal::Changed);
                self.refuse(waiter.token, changed);
            }
        }
    }

    /// A pull's time is over. Its timer is gone from the wheel.
    pub(crate) fn pull_waited_enough(&mut self, slot: u32) {
        let waiter = self.end_pull_wait(slot);
        let none: Vec<Pulled> = Vec::new();
        let subscription = &mut self.pubsub.subscriptions[waiter.subscription];
        subscription.traffic.empty_receives += 1;
        self.counters.pubsub.empty_receives += 1;
        self.reply(waiter.token, Reply::Pulled(none), Hold::No);
    }
}

fn new_waiter(
    token: Token,
    subscription: u32,
    stream: u32,
    messages_max: u32,
    bytes_max: u64,
) -> PullWaiter {
    PullWaiter {
        token,
        subscription,
        stream,
        messages_max,
        bytes_max,
        client: 0,
        timer: NONE,
        prev: NONE,
        next: NONE,
        listed: false,
    }
}
