//! Seeking and snapshots: setting what a subscription has still to deliver.

use super::command::{Kind, PubsubRefusal, SeekTo, SharedBytes};
use super::state::{EntryState, Stored};
use crate::command::{Refusal, Reply, Token};
use crate::journeys::Step;
use crate::records::SubscriptionRecord;
use crate::records::{NEVER_HAD, Op};
use crate::shard::{Hold, Shard};
use crate::slab::NONE;
use std::collections::HashSet;

impl Shard {
    pub(super) fn seek(&mut self, token: Token, name: &str, to: SeekTo) {
        let refuse = |refusal| Refusal::Pubsub(refusal);
        let Some(slot) = self.pubsub.slot(Kind::Subscription, name) else {
            return self.refuse(token, refuse(PubsubRefusal::NotFound));
        };
        let subscription = &self.pubsub.subscriptions[slot];
        if subscription.settings.detached {
            return self.refuse(token, refuse(PubsubRefusal::Detached));
        }
        let topic = subscription.topic;
        match to {
            SeekTo::Time(time) => {
                // Not all stand in the order of their times: a dead letter that came back keeps its
                // own, and a clock may have been set back between two runs.
                let mut floor = self.next_sequence;
                let mut at = self.pubsub.topics[topic].messages.tail;
                while at != NONE {
                    let stored = &self.pubsub.stored[at];
                    if stored.published_at >= time {
                        floor = stored.sequence;
                    }
                    at = stored.older;
                }
                let held: HashSet<u64> = self.sequences(slot, |_| true);
                self.set_backlog(slot, floor, |stored| {
                    stored.published_at >= time
                        && (stored.retained || held.contains(&stored.sequence))
                });
            }
            SeekTo::Snapshot(snapshot) => {
                let Some(snapshot) = self.pubsub.slot(Kind::Snapshot, &snapshot) else {
                    return self.refuse(token, refuse(PubsubRefusal::SnapshotNotFound));
                };
                if self.pubsub.subscriptions[snapshot].topic != topic {
                    return self.refuse(token, refuse(PubsubRefusal::OtherTopic));
                }
                let held = self.sequences(snapshot, |_| true);
                let floor = held.iter().min().copied().unwrap_or(self.next_sequence);
                self.set_backlog(slot, floor, |stored| held.contains(&stored.sequence));
            }
        }
        self.pubsub.subscriptions[slot].unacked_from = NONE;
        self.note_subscription_use(slot);
        self.reply(token, Reply::Done, Hold::UntilCommit);
    }

    /// Sequence numbers of the messages that a subscription holds in certain states.
    fn sequences(&self, subscription: u32, wanted: impl Fn(EntryState) -> bool) -> HashSet<u64> {
        let ps = &self.pubsub;
        let mut out = HashSet::new();
        let mut at = ps.subscriptions[subscription].entries.head;
        while at != NONE {
            let entry = &ps.entries[at];
            if wanted(entry.state) {
                out.insert(ps.stored[entry.stored].sequence);
            }
            at = entry.newer;
        }
        out
    }

    /// Makes a subscription's backlog anew: of the topic's messages from `floor` on, those that
    /// pass its filter and that are `wanted` are unacknowledged; all others are acknowledged.
    /// O(messages of the topic).
    fn set_backlog(&mut self, slot: u32, floor: u64, wanted: impl Fn(&Stored) -> bool) {
        self.view_freeze(slot);
        let retain_acked = self.pubsub.subscriptions[slot].settings.retain_acked;
        let leases_max = self.pubsub.subscriptions[slot].leases_max;
        let old = self.old_entries(slot);
        let had: HashSet<u64> = self.sequences(slot, |_| true);
        // What it had and retains stays where a later seek can find it.
        let keep_from = if retain_acked { 0 } else { floor };
        let mut lowest = floor;
        let mut done_with = Vec::new();
        // Only for journeys: what is to be delivered from now on.
        let mut brought_back = HashSet::new();
        let subscription = &self.pubsub.subscriptions[slot];
        let topic = subscription.topic;
        let retention_ms = match subscription.kind() {
            Kind::Snapshot => u64::MAX,
            _ => self.pubsub.topics[topic].retention_ms(&subscription.settings),
        };
        let mut at = self.pubsub.topics[topic].messages.head;
        while at != NONE {
            let stored = &self.pubsub.stored[at];
            let (sequence, newer) = (stored.sequence, stored.newer);
            // What a snapshot holds may be older than what its subscription keeps.
            let is_kept = stored.published_at.saturating_add(retention_ms) > self.now;
            if sequence >= keep_from && self.pubsub.subscriptions[slot].passes(&stored.bytes) {
                if is_kept && sequence >= floor && wanted(stored) {
                    let entry = self.add_entry(slot, at);
                    self.pubsub.entries[entry].leases = leases_max;
                    self.note_entry(entry, || Step::SoughtBack);
                    if self.journeys.are_kept() {
                        brought_back.insert(sequence);
                    }
                } else if is_kept && retain_acked && had.contains(&sequence) {
                    lowest = lowest.min(sequence);
                    let entry = self.add_entry(slot, at);
                    self.withdraw_entry(entry);
                    self.pubsub.entries[entry].state = EntryState::Acked;
                    done_with.push((at, 0));
                } else if sequence >= lowest {
                    let failures = if had.contains(&sequence) {
                        0
                    } else {
                        NEVER_HAD
                    };
                    done_with.push((at, failures));
                }
            }
            at = newer;
        }
        self.pubsub.subscriptions[slot].floor = lowest;
        let subscription_id = self.pubsub.subscriptions[slot].id;
        self.log_subscription(slot);
        self.log(Op::ResetDeliveries { subscription_id });
        for (stored, failures) in done_with {
            let stored = &mut self.pubsub.stored[stored];
            stored.has_rows = true;
            let sequence = stored.sequence;
            self.log(Op::Delivery {
                subscription_id,
                sequence,
                acked: true,
                failures,
            });
        }
        for entry in old {
            let sequence = self.pubsub.stored[self.pubsub.entries[entry].stored].sequence;
            if !brought_back.contains(&sequence) {
                self.note_unacked(entry, Step::SoughtPast);
            }
            self.withdraw_entry(entry);
            self.pubsub.entries[entry].state = EntryState::Acked;
            self.drop_entry(entry);
        }
        self.pubsub.subscriptions[slot].restored = Vec::new();
        // The deadline was that of another oldest message.
        self.rearm_subscription_retention(slot);
    }

    fn old_entries(&self, subscription: u32) -> Vec<u32> {
        let ps = &self.pubsub;
        let mut out = Vec::new();
        let mut at = ps.subscriptions[subscription].entries.head;
        while at != NONE {
            out.push(at);
            at = ps.entries[at].newer;
        }
        out
    }

    pub(super) fn create_snapshot(
        &mut self,
        token: Token,
        name: Box<str>,
        subscription: &str,
        spec: SharedBytes,
        (lifetime_ms_max, lifetime_ms_min): (u64, u64),
    ) {
        let refuse = |refusal| Refusal::Pubsub(refusal);
        if self.pubsub.slot(Kind::Snapshot, &name).is_some() {
            return self.refuse(token, refuse(PubsubRefusal::Exists));
        }
        let Some(source) = self.pubsub.slot(Kind::Subscription, subscription) else {
            return self.refuse(token, refuse(PubsubRefusal::NotFound));
        };
        let unacked = self.sequences(source, |state| state != EntryState::Acked);
        let subscription = &self.pubsub.subscriptions[source];
        if subscription.settings.detached || self.pubsub.topics[subscription.topic].deleted {
            return self.refuse(token, refuse(PubsubRefusal::Detached));
        }
        let floor = unacked.iter().min().copied().unwrap_or(self.next_sequence);
        let oldest = self
            .oldest_unacked(source)
            .map_or(self.now, |stored| self.pubsub.stored[stored].published_at);
        let expires_at = oldest + lifetime_ms_max;
        if expires_at < self.now + lifetime_ms_min {
            return self.refuse(token, refuse(PubsubRefusal::SnapshotTooOld));
        }
        let subscription = &self.pubsub.subscriptions[source];
        let topic = subscription.topic;
        let topic_id = self.pubsub.topics[topic].id;
        // The filter goes with the snapshot; the rest of the settings means nothing to it.
        let settings = crate::records::SubscriptionSettings {
            filter: subscription.settings.filter.clone(),
            expiration_ms: None,
            ..Default::default()
        };
        let id = self.take_resource_id();
        let record = SubscriptionRecord {
            id,
            name,
            topic_id,
            created_at: self.now,
            floor,
            snapshot_expires_at: Some(expires_at),
            settings,
            spec,
            policy: SharedBytes::from([]),
        };
        let slot = self.add_subscription(record, topic);
        self.set_backlog(slot, floor, |stored| unacked.contains(&stored.sequence));
        self.changed_names.was_made();
        let resource = Box::new(self.subscription_resource(slot));
        self.reply(token, Reply::Resource(resource), Hold::UntilCommit);
    }

    fn oldest_unacked(&self, subscription: u32) -> Option<u32> {
        let ps = &self.pubsub;
        let mut at = ps.subscriptions[subscription].entries.head;
        while at != NONE {
            let entry = &ps.entries[at];
            if entry.state != EntryState::Acked {
                return Some(entry.stored);
            }
            at = entry.newer;
        }
        None
    }
}
