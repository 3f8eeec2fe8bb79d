//! Subscriptions and snapshots as resources: make, change, detach, delete.

use super::command::{DeliveryState, Kind, PeekedEntry, PubsubRefusal, Resource, SharedBytes};
use super::filter::Filter;
use super::state::{Entry, EntryState, Subscription};
use crate::Millis;
use crate::command::{Reply, Token};
use crate::definitions::Change;
use crate::journeys::Step;
use crate::records::Op;
use crate::records::{SubscriptionRecord, SubscriptionSettings};
use crate::shard::{Hold, Shard};
use crate::slab::NONE;

/// Acknowledged messages that are passed over in search of the oldest one that isn't.
const ACKED_WALKED_MAX: usize = 256;

impl Shard {
    pub(super) fn subscription_resource(&self, slot: u32) -> Resource {
        let subscription = &self.pubsub.subscriptions[slot];
        let topic = &self.pubsub.topics[subscription.topic];
        Resource {
            kind: subscription.kind(),
            name: subscription.name.clone(),
            shard: self.config.index,
            slot,
            id: subscription.id,
            version: subscription.version,
            spec: subscription.spec.clone(),
            policy: subscription.policy.clone(),
            created_at: subscription.created_at,
            topic: (!topic.deleted).then(|| topic.name.clone()),
            subscription: Some(subscription.settings.clone()),
            topic_settings: None,
            expires_at: subscription.snapshot_expires_at,
            available: subscription.available,
            outstanding: subscription.outstanding,
            oldest_at: self.oldest_at(slot),
            streams: subscription.streams.len() as u32,
            attached: 0,
            traffic: subscription.traffic,
        }
    }

    /// A subscription's messages, oldest first. O(messages passed over) where `near` is unknown.
    pub(super) fn peek_entries(
        &self,
        slot: u32,
        after: u64,
        near: Option<u32>,
        messages_max: usize,
    ) -> Vec<PeekedEntry> {
        let ps = &self.pubsub;
        let sequence = |entry: &Entry| ps.stored[entry.stored].sequence;
        let known = near.and_then(|near| ps.entries.get(near));
        let known = known.filter(|entry| entry.subscription == slot && sequence(entry) == after);
        let mut at = match known {
            Some(entry) => entry.newer,
            None => ps.subscriptions[slot].entries.head,
        };
        let mut out = Vec::new();
        while at != NONE && out.len() < messages_max {
            let entry = &ps.entries[at];
            let stored = &ps.stored[entry.stored];
            if known.is_some() || stored.sequence > after {
                out.push(PeekedEntry {
                    bytes: stored.bytes.clone(),
                    sequence: stored.sequence,
                    slot: at,
                    published_at: stored.published_at,
                    state: match entry.state {
                        EntryState::Ready => DeliveryState::Available,
                        EntryState::Outstanding | EntryState::Held => DeliveryState::Outstanding,
                        EntryState::Delayed => DeliveryState::Delayed,
                        EntryState::Acked => DeliveryState::Acknowledged,
                    },
                    deliveries: entry.leases,
                });
            }
            at = entry.newer;
        }
        out
    }

    fn oldest_at(&self, slot: u32) -> Option<Millis> {
        let ps = &self.pubsub;
        let mut at = ps.subscriptions[slot].entries.head;
        for _ in 0..ACKED_WALKED_MAX {
            let entry = ps.entries.get(at)?;
            if entry.state != EntryState::Acked {
                break;
            }
            at = entry.newer;
        }
        let entry = ps.entries.get(at)?;
        Some(ps.stored[entry.stored].published_at)
    }

    pub(super) fn create_subscription(
        &mut self,
        token: Token,
        name: Box<str>,
        topic: &str,
        spec: SharedBytes,
        settings: SubscriptionSettings,
    ) -> Result<(), PubsubRefusal> {
        if self.pubsub.slot(Kind::Subscription, &name).is_some() {
            return Err(PubsubRefusal::Exists);
        }
        let topic = self
            .pubsub
            .slot(Kind::Topic, topic)
            .ok_or(PubsubRefusal::TopicNotFound)?;
        let id = self.take_resource_id();
        let record = SubscriptionRecord {
            id,
            name,
            topic_id: self.pubsub.topics[topic].id,
            created_at: self.now,
            floor: self.next_sequence,
            snapshot_expires_at: None,
            settings,
            spec,
            policy: SharedBytes::from([]),
        };
        let slot = self.add_subscription(record, topic);
        self.log_subscription(slot);
        self.changed_names.was_made();
        let resource = Box::new(self.subscription_resource(slot));
        self.reply(token, Reply::Resource(resource), Hold::UntilCommit);
        Ok(())
    }

    /// Adds a subscription or snapshot to its topic.
    pub(crate) fn add_subscription(&mut self, record: SubscriptionRecord, topic: u32) -> u32 {
        let filter = match &*record.settings.filter {
            "" => None,
            // It was parsed when it was made; one that can't be any more lets everything pass,
            // rather than lose messages.
            text => Filter::parse(text).ok(),
        };
        let (name, detached) = (record.name.clone(), record.settings.detached);
        let slot = self.pubsub.subscriptions.insert(Subscription {
            id: record.id,
            version: 1,
            name: record.name,
            topic,
            created_at: record.created_at,
            floor: record.floor,
            snapshot_expires_at: record.snapshot_expires_at,
            settings: record.settings,
            filter,
            spec: record.spec,
            policy: record.policy,
            entries: Default::default(),
            ready: Default::default(),
            ready_groups: Default::default(),
            groups: hashbrown::HashTable::new(),
            groups_turn: false,
            available: 0,
            outstanding: 0,
            traffic: Default::default(),
            unacked_from: NONE,
            waiters: Default::default(),
            streams: Vec::new(),
            retention_timer: NONE,
            expiry_timer: NONE,
            last_used: self.now,
            leases_max: 0,
            restored: Vec::new(),
            to_serve: false,
            ghost: false,
        });
        let kind = self.pubsub.subscriptions[slot].kind();
        self.pubsub.names.insert((kind, name), slot);
        let topic = &mut self.pubsub.topics[topic];
        topic.attached += 1;
        if !detached {
            topic.readers.push(slot);
        }
        self.arm_expiry(slot);
        slot
    }

    pub(super) fn update_subscription(
        &mut self,
        token: Token,
        name: &str,
        version: u32,
        spec: SharedBytes,
        settings: SubscriptionSettings,
    ) -> Result<(), PubsubRefusal> {
        let slot = self.find(Kind::Subscription, name)?;
        let subscription = &mut self.pubsub.subscriptions[slot];
        if subscription.version != version {
            return Err(PubsubRefusal::Changed);
        }
        subscription.version += 1;
        subscription.spec = spec;
        let before = std::mem::replace(&mut subscription.settings, settings);
        // What a subscription is made with it keeps.
        subscription.settings.ordering = before.ordering;
        subscription.settings.filter = before.filter;
        subscription.settings.detached = before.detached;
        let (after, retention_ms) = (
            subscription.settings.clone(),
            subscription.settings.retention_ms,
        );
        if before.retention_ms != retention_ms {
            self.raise_floor(slot);
            self.rearm_subscription_retention(slot);
        }
        if before.retain_acked && !after.retain_acked {
            self.drop_acked(slot);
        }
        self.arm_expiry(slot);
        self.log_subscription(slot);
        self.tell_streams(slot);
        let resource = Box::new(self.subscription_resource(slot));
        self.reply(token, Reply::Resource(resource), Hold::UntilCommit);
        Ok(())
    }

    /// Notes where what a subscription holds begins. The journal has no rows about messages that
    /// were kept for long enough: under a longer retention a restart would bring them back.
    pub(super) fn raise_floor(&mut self, slot: u32) {
        let ps = &mut self.pubsub;
        let subscription = &mut ps.subscriptions[slot];
        let oldest = match subscription.entries.head {
            NONE => self.next_sequence,
            entry => ps.stored[ps.entries[entry].stored].sequence,
        };
        subscription.floor = subscription.floor.max(oldest);
    }

    /// Drops what is only kept for seeking. O(messages of the subscription).
    pub(super) fn drop_acked(&mut self, slot: u32) {
        let mut at = self.pubsub.subscriptions[slot].entries.head;
        while at != NONE {
            let entry = &self.pubsub.entries[at];
            let (state, newer) = (entry.state, entry.newer);
            if state == EntryState::Acked {
                self.drop_entry(at);
            }
            at = newer;
        }
    }

    pub(super) fn detach(&mut self, token: Token, name: &str) -> Result<(), PubsubRefusal> {
        let slot = self.find(Kind::Subscription, name)?;
        let subscription = &mut self.pubsub.subscriptions[slot];
        if !subscription.settings.detached {
            self.view_reader_goes(slot, false);
            let subscription = &mut self.pubsub.subscriptions[slot];
            subscription.settings.detached = true;
            subscription.version += 1;
            subscription.floor = self.next_sequence;
            let topic = subscription.topic;
            self.pubsub.topics[topic]
                .readers
                .retain(|reader| *reader != slot);
            self.end_subscription_calls(slot, PubsubRefusal::Detached);
            while self.drop_oldest_entry(slot, Step::Purged) {}
            self.log_subscription(slot);
        }
        self.reply(token, Reply::Done, Hold::UntilCommit);
        Ok(())
    }

    /// Drops a subscription's oldest entry, whatever its state. Answers `false` where there is
    /// none.
    pub(super) fn drop_oldest_entry(&mut self, slot: u32, why: Step) -> bool {
        let entry = self.pubsub.subscriptions[slot].entries.head;
        if entry == NONE {
            return false;
        }
        self.note_unacked(entry, why);
        self.withdraw_entry(entry);
        self.pubsub.entries[entry].state = EntryState::Acked;
        self.drop_entry(entry);
        true
    }

    pub(super) fn update_snapshot(
        &mut self,
        token: Token,
        name: &str,
        version: u32,
        spec: SharedBytes,
        expires_at: Millis,
    ) -> Result<(), PubsubRefusal> {
        let slot = self.find(Kind::Snapshot, name)?;
        let snapshot = &mut self.pubsub.subscriptions[slot];
        if snapshot.version != version {
            return Err(PubsubRefusal::Changed);
        }
        snapshot.version += 1;
        snapshot.spec = spec;
        snapshot.snapshot_expires_at = Some(expires_at);
        self.arm_expiry(slot);
        self.log_subscription(slot);
        let resource = Box::new(self.subscription_resource(slot));
        self.reply(token, Reply::Resource(resource), Hold::UntilCommit);
        Ok(())
    }

    pub(super) fn delete_subscription(&mut self, slot: u32) {
        self.view_reader_goes(slot, true);
        self.end_subscription_calls(slot, PubsubRefusal::NotFound);
        let subscription = &mut self.pubsub.subscriptions[slot];
        subscription.ghost = true;
        let timers = [subscription.retention_timer, subscription.expiry_timer];
        (subscription.retention_timer, subscription.expiry_timer) = (NONE, NONE);
        for timer in timers {
            if timer != NONE {
                self.wheel.disarm(timer);
            }
        }
        let subscription = &self.pubsub.subscriptions[slot];
        let (id, topic) = (subscription.id, subscription.topic);
        let key = (subscription.kind(), subscription.name.clone());
        self.pubsub.names.remove(&key);
        let change = Change::Deleted;
        self.changed_names.note(key.0.into(), &key.1, change);
        self.pubsub.topics[topic]
            .readers
            .retain(|reader| *reader != slot);
        self.log(Op::DropSubscription(id));
        self.pubsub.subscription_ghosts.push(slot);
    }

    /// Frees a deleted subscription that holds nothing any more.
    pub(super) fn remove_subscription(&mut self, slot: u32) {
        let subscription = self.pubsub.subscriptions.remove(slot);
        self.pubsub.topics[subscription.topic].attached -= 1;
        self.remove_topic_if_unused(subscription.topic);
    }

    /// A subscription or snapshot was made or has changed.
    pub(crate) fn log_subscription(&mut self, slot: u32) {
        let subscription = &self.pubsub.subscriptions[slot];
        let space = subscription.kind().into();
        let change = Change::Changed;
        self.changed_names.note(space, &subscription.name, change);
        if self.config.durable {
            let record = self.subscription_record(slot);
            self.ops.push(Op::PutSubscription(Box::new(record)));
        }
    }

    pub(crate) fn subscription_record(&self, slot: u32) -> SubscriptionRecord {
        let subscription = &self.pubsub.subscriptions[slot];
        SubscriptionRecord {
            id: subscription.id,
            name: subscription.name.clone(),
            topic_id: self.pubsub.topics[subscription.topic].id,
            created_at: subscription.created_at,
            floor: subscription.floor,
            snapshot_expires_at: subscription.snapshot_expires_at,
            settings: subscription.settings.clone(),
            spec: subscription.spec.clone(),
            policy: subscription.policy.clone(),
        }
    }
}
