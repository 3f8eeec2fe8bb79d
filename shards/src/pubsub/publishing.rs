//! Publishing: storing a message once and giving each subscription an entry for it.

use super::command::{PubsubRefusal, SharedBytes};
use super::state::{
    ENTRY_BYTES, EntryState, STORED_BYTES, Stored, new_entry, push_entry_by_age, push_stored,
    unlink_stored,
};
use crate::Millis;
use crate::command::{Refusal, Reply, Token};
use crate::journeys::Step;
use crate::records::{Op, PublishedRecord};
use crate::shard::timer::Timer;
use crate::shard::{Hold, Shard};
use crate::slab::NONE;
use crate::taps::Passed;

impl Shard {
    pub(super) fn publish(&mut self, token: Token, topic: u32, messages: Vec<SharedBytes>) {
        self.note_topic_use(topic);
        let readers = self.pubsub.topics[topic].readers.len();
        let each = STORED_BYTES + readers * ENTRY_BYTES;
        let bytes: usize = messages.iter().map(|message| message.len() + each).sum();
        if !self.make_room(bytes as u64) {
            self.counters.throttles.memory += 1;
            return self.refuse(token, Refusal::Pubsub(PubsubRefusal::MemoryFull));
        }
        // Before what it brings to those who wait: whoever passes answers on keeps their order.
        self.reply(
            token,
            Reply::Published(self.next_sequence),
            Hold::UntilCommit,
        );
        for message in messages {
            self.publish_one(topic, message);
        }
    }

    /// Gives a message the next sequence number, and to all that want it.
    pub(super) fn publish_one(&mut self, topic: u32, bytes: SharedBytes) {
        for traffic in [
            &mut self.pubsub.topics[topic].traffic,
            &mut self.counters.pubsub,
        ] {
            traffic.sent += 1;
            traffic.sent_bytes += bytes.len() as u64;
        }
        if self.taps.any() {
            let (of, at) = (self.pubsub.topics[topic].id, self.now);
            let sequence = self.next_sequence;
            self.taps.note(of, at, || Passed::Published {
                sequence,
                bytes: bytes.clone(),
                at,
            });
        }
        self.note_published(topic, self.next_sequence);
        // The list comes back as it was: publishing changes no subscription.
        let readers = std::mem::take(&mut self.pubsub.topics[topic].readers);
        self.publish_to(topic, self.now, bytes, &readers, false);
        self.pubsub.topics[topic].readers = readers;
    }

    /// Gives a message to these readers of a topic. What is `returned` is theirs alone.
    pub(super) fn publish_to(
        &mut self,
        topic: u32,
        published_at: Millis,
        bytes: SharedBytes,
        readers: &[u32],
        returned: bool,
    ) {
        let sequence = self.take_sequence();
        let retained = !returned && self.pubsub.topics[topic].settings.retention_ms.is_some();
        if !retained && readers.is_empty() {
            return self.note_no_insert();
        }
        let stored = self.store(topic, sequence, published_at, bytes, returned);
        for reader in readers {
            let subscription = &self.pubsub.subscriptions[*reader];
            if subscription.passes(&self.pubsub.stored[stored].bytes) {
                self.add_entry(*reader, stored);
            }
        }
        let kept = &self.pubsub.stored[stored];
        if kept.refs == 0 && !kept.retained {
            self.note_no_insert();
            self.unstore(stored);
            return;
        }
        if self.config.durable {
            let record = PublishedRecord {
                sequence,
                topic_id: self.pubsub.topics[topic].id,
                published_at: kept.published_at,
                bytes: kept.bytes.clone(),
                returned,
            };
            self.batch_inserts.push(self.ops.len() as u32);
            self.ops.push(Op::Publish(record));
        }
    }

    /// Puts a message into its topic's list; nobody holds it yet.
    pub(crate) fn store(
        &mut self,
        topic_slot: u32,
        sequence: u64,
        published_at: Millis,
        bytes: SharedBytes,
        returned: bool,
    ) -> u32 {
        self.resident_bytes += (bytes.len() + STORED_BYTES) as u64;
        let topic = &mut self.pubsub.topics[topic_slot];
        let retention = topic.settings.retention_ms;
        let until = retention.map(|retention| published_at + retention);
        let retained = !returned && !topic.deleted && until.is_some_and(|until| until > self.now);
        let slot = self.pubsub.stored.insert(Stored {
            bytes,
            sequence,
            published_at,
            topic: topic_slot,
            refs: 0,
            older: NONE,
            newer: NONE,
            retained,
            returned,
            has_rows: false,
        });
        push_stored(&mut self.pubsub.stored, &mut topic.messages, slot);
        if retained && topic.retained_from == NONE {
            topic.retained_from = slot;
            let due = until.expect("retained until then");
            topic.retention_timer = self.wheel.arm(due, Timer::TopicRetention(topic_slot));
        }
        self.note_stored(topic_slot, sequence);
        slot
    }

    /// Gives a subscription an entry for a stored message.
    pub(crate) fn add_entry(&mut self, subscription_slot: u32, stored: u32) -> u32 {
        self.resident_bytes += ENTRY_BYTES as u64;
        let ps = &mut self.pubsub;
        ps.stored[stored].refs += 1;
        let slot = ps.entries.insert(new_entry(stored, subscription_slot));
        let subscription = &mut ps.subscriptions[subscription_slot];
        push_entry_by_age(&mut ps.entries, &mut subscription.entries, slot);
        if subscription.snapshot_expires_at.is_some() {
            return slot;
        }
        if subscription.retention_timer == NONE {
            let retention_ms = ps.topics[subscription.topic].retention_ms(&subscription.settings);
            let due = ps.stored[stored].published_at + retention_ms;
            subscription.retention_timer = self
                .wheel
                .arm(due, Timer::SubscriptionRetention(subscription_slot));
        }
        if subscription.settings.ordering {
            self.join_group(slot);
        }
        self.make_entry_ready(slot);
        slot
    }

    /// Takes an entry out of its subscription for good. It must stand in no other list.
    pub(super) fn drop_entry(&mut self, slot: u32) {
        if self.portable.view.is_some() {
            self.view_entry_goes(slot, true);
        }
        let ps = &mut self.pubsub;
        let entry = &ps.entries[slot];
        debug_assert!(matches!(entry.state, EntryState::Acked | EntryState::Held));
        let (subscription, stored, newer) = (entry.subscription, entry.stored, entry.newer);
        let subscription = &mut ps.subscriptions[subscription];
        if subscription.unacked_from == slot {
            subscription.unacked_from = newer;
        }
        super::state::unlink_entry_by_age(&mut ps.entries, &mut subscription.entries, slot);
        ps.entries.remove(slot);
        self.resident_bytes -= ENTRY_BYTES as u64;
        let kept = &mut ps.stored[stored];
        kept.refs -= 1;
        if kept.refs == 0 && !kept.retained {
            self.forget_stored(stored);
        }
    }

    /// Drops a topic's oldest message, whoever holds it, to make room.
    pub(crate) fn evict_published(&mut self, slot: u32) {
        let topic_slot = self.pubsub.stored[slot].topic;
        let stored = &mut self.pubsub.stored[slot];
        let (sequence, newer, mut holders) = (stored.sequence, stored.newer, stored.refs);
        stored.retained = false;
        let topic = &mut self.pubsub.topics[topic_slot];
        if topic.retained_from == slot {
            topic.retained_from = newer;
        }
        if holders == 0 {
            return self.forget_stored(slot);
        }
        let readers = std::mem::take(&mut topic.readers);
        for reader in &readers {
            if holders > 0 && self.evict_entry(*reader, slot, sequence) {
                holders -= 1;
            }
        }
        self.pubsub.topics[topic_slot].readers = readers;
        if holders > 0 {
            // Subscriptions that get nothing any more, deleted ones above all, are not in that list.
            let all: Vec<u32> = self.pubsub.subscriptions.iter().map(|(at, _)| at).collect();
            for subscription in all {
                if holders > 0
                    && self.pubsub.subscriptions[subscription].topic == topic_slot
                    && self.evict_entry(subscription, slot, sequence)
                {
                    holders -= 1;
                }
            }
        }
        debug_assert_eq!(holders, 0, "entries are found by their subscriptions");
    }

    /// Takes a stored message from a subscription; answers whether it held it.
    fn evict_entry(&mut self, subscription: u32, stored: u32, sequence: u64) -> bool {
        let ps = &self.pubsub;
        let mut at = ps.subscriptions[subscription].entries.head;
        // A topic's oldest message is also the oldest of each that has it.
        while at != NONE && ps.entries[at].stored != stored {
            if ps.stored[ps.entries[at].stored].sequence > sequence {
                return false;
            }
            at = ps.entries[at].newer;
        }
        if at == NONE {
            return false;
        }
        self.note_unacked(at, Step::Evicted);
        self.withdraw_entry(at);
        self.pubsub.entries[at].state = EntryState::Acked;
        self.drop_entry(at);
        true
    }

    /// Drops a message that nobody holds, here and in the journal.
    pub(super) fn forget_stored(&mut self, slot: u32) {
        if self.config.durable {
            let stored = &self.pubsub.stored[slot];
            let (sequence, has_rows) = (stored.sequence, stored.has_rows);
            let insert = sequence
                .checked_sub(self.batch_first_sequence)
                .and_then(|at| self.batch_inserts.get(at as usize).copied())
                .filter(|at| *at != NONE && !has_rows);
            match insert {
                // Published and done with within one batch: the journal need not hear of it.
                Some(at) => self.ops[at as usize] = Op::Nothing,
                None => self.ops.push(Op::Unpublish { sequence, has_rows }),
            }
        }
        self.unstore(slot);
    }

    pub(crate) fn unstore(&mut self, slot: u32) {
        if self.portable.view.is_some() {
            self.view_stored_goes(slot);
        }
        let ps = &mut self.pubsub;
        let (topic, newer) = (ps.stored[slot].topic, ps.stored[slot].newer);
        let topic = &mut ps.topics[topic];
        if topic.retained_from == slot {
            topic.retained_from = newer;
        }
        unlink_stored(&mut ps.stored, &mut topic.messages, slot);
        let stored = ps.stored.remove(slot);
        self.resident_bytes -= (stored.bytes.len() + STORED_BYTES) as u64;
    }

    /// Lets go of messages that the topic has retained for long enough, at most `messages_max`.
    /// Answers whether there may be more.
    pub(super) fn expire_retained(&mut self, topic_slot: u32, messages_max: usize) -> bool {
        for _ in 0..messages_max {
            let topic = &self.pubsub.topics[topic_slot];
            let slot = topic.retained_from;
            if slot == NONE {
                return false;
            }
            let stored = &self.pubsub.stored[slot];
            let until = topic
                .settings
                .retention_ms
                .filter(|_| !topic.deleted)
                .map_or(0, |retention| stored.published_at + retention);
            if until > self.now {
                return false;
            }
            let (newer, refs) = (stored.newer, stored.refs);
            self.pubsub.stored[slot].retained = false;
            self.pubsub.topics[topic_slot].retained_from = newer;
            if refs == 0 {
                self.forget_stored(slot);
            }
        }
        true
    }

    /// Arms the deadline of the oldest retained message.
    pub(super) fn arm_topic_retention(&mut self, topic_slot: u32) {
        let topic = &self.pubsub.topics[topic_slot];
        if topic.retention_timer != NONE || topic.retained_from == NONE {
            return;
        }
        let Some(retention) = topic.settings.retention_ms else {
            return;
        };
        let due = self.pubsub.stored[topic.retained_from].published_at + retention;
        let timer = self.wheel.arm(due, Timer::TopicRetention(topic_slot));
        self.pubsub.topics[topic_slot].retention_timer = timer;
    }

    pub(crate) fn note_no_insert(&mut self) {
        if self.config.durable {
            // Inserts of a batch are found by their distance from its first sequence number.
            self.batch_inserts.push(NONE);
        }
    }
}
