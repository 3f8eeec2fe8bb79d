//! Topics, subscriptions and schemas as resources: make, find, change, list, delete.

use super::command::{AdminCommand, Kind, PubsubRefusal, Resource, SharedBytes};
use super::filter::Filter;
use super::record::{
    SchemaRecord, SubscriptionRecord, SubscriptionSettings, TopicRecord, TopicSettings,
};
use super::state::{EntryState, Schema, Subscription, Topic};
use crate::Millis;
use crate::command::{Refusal, Reply, Token};
use crate::journal::Op;
use crate::shard::timers::Timer;
use crate::shard::{Hold, Shard};
use crate::slab::NONE;
use std::ops::Bound;

/// Names that can be in the making at once.
const RESERVED_NAMES_MAX: usize = 100_000;

impl Shard {
    pub(super) fn admin(&mut self, token: Token, command: AdminCommand) {
        let outcome = match command {
            AdminCommand::Get { kind, name } => self.get_resource(token, kind, &name),
            AdminCommand::List {
                kind,
                prefix,
                after,
                resources_max,
            } => {
                let from = match after {
                    Some(after) => Bound::Excluded((kind, after)),
                    None => Bound::Included((kind, prefix.clone())),
                };
                let names = self.pubsub.names.range((from, Bound::Unbounded));
                let slots: Vec<u32> = names
                    .take_while(|((of, name), _)| *of == kind && name.starts_with(&*prefix))
                    .take(resources_max)
                    .map(|(_, slot)| *slot)
                    .collect();
                let resources = slots
                    .into_iter()
                    .map(|slot| self.resource(kind, slot))
                    .collect();
                self.reply(token, Reply::Resources(resources), Hold::No);
                Ok(())
            }
            AdminCommand::ListOfTopic {
                topic,
                kind,
                after,
                names_max,
            } => self.list_of_topic(token, &topic, kind, after.as_deref(), names_max),
            AdminCommand::CreateTopic {
                name,
                spec,
                settings,
            } => self.create_topic(token, name, spec, settings),
            AdminCommand::UpdateTopic {
                name,
                version,
                spec,
                settings,
            } => self.update_topic(token, &name, version, spec, settings),
            AdminCommand::CreateSubscription {
                name,
                topic,
                spec,
                settings,
            } => self.create_subscription(token, name, &topic, spec, settings),
            AdminCommand::UpdateSubscription {
                name,
                version,
                spec,
                settings,
            } => self.update_subscription(token, &name, version, spec, settings),
            AdminCommand::Detach { name } => self.detach(token, &name),
            AdminCommand::CreateSnapshot {
                name,
                subscription,
                spec,
                lifetime_ms_max,
                lifetime_ms_min,
            } => {
                let lifetimes = (lifetime_ms_max, lifetime_ms_min);
                self.create_snapshot(token, name, &subscription, spec, lifetimes);
                Ok(())
            }
            AdminCommand::UpdateSnapshot {
                name,
                version,
                spec,
                expires_at,
            } => self.update_snapshot(token, &name, version, spec, expires_at),
            AdminCommand::Seek { name, to } => {
                self.seek(token, &name, to);
                Ok(())
            }
            AdminCommand::PutSchema {
                name,
                version,
                spec,
            } => self.put_schema(token, name, version, spec),
            AdminCommand::SetPolicy { kind, name, policy } => {
                self.set_policy(token, kind, &name, policy)
            }
            AdminCommand::Delete { kind, name } => self.delete_resource(token, kind, &name),
            AdminCommand::Reserve { name } => {
                if self.pubsub.reserved.len() >= RESERVED_NAMES_MAX {
                    Err(PubsubRefusal::TooMany)
                } else if self.pubsub.reserved.insert(name) {
                    self.reply(token, Reply::Done, Hold::No);
                    Ok(())
                } else {
                    Err(PubsubRefusal::Reserved)
                }
            }
            AdminCommand::Release { name } => {
                self.pubsub.reserved.remove(&name);
                self.reply(token, Reply::Done, Hold::No);
                Ok(())
            }
        };
        if let Err(refusal) = outcome {
            self.refuse(token, Refusal::Pubsub(refusal));
        }
    }

    fn get_resource(&mut self, token: Token, kind: Kind, name: &str) -> Result<(), PubsubRefusal> {
        let slot = self.find(kind, name)?;
        let resource = Box::new(self.resource(kind, slot));
        // Held: it may itself be on its way into the journal.
        self.reply(token, Reply::Resource(resource), Hold::UntilCommit);
        Ok(())
    }

    fn find(&self, kind: Kind, name: &str) -> Result<u32, PubsubRefusal> {
        self.pubsub.slot(kind, name).ok_or(PubsubRefusal::NotFound)
    }

    fn resource(&self, kind: Kind, slot: u32) -> Resource {
        match kind {
            Kind::Topic => self.topic_resource(slot),
            Kind::Subscription | Kind::Snapshot => self.subscription_resource(slot),
            Kind::Schema => {
                let schema = &self.pubsub.schemas[slot];
                Resource {
                    kind,
                    name: schema.name.clone(),
                    shard: self.config.index,
                    slot,
                    id: schema.id,
                    version: schema.version,
                    spec: schema.spec.clone(),
                    policy: schema.policy.clone(),
                    created_at: schema.created_at,
                    topic: None,
                    subscription: None,
                    topic_settings: None,
                    expires_at: None,
                    available: 0,
                    outstanding: 0,
                }
            }
        }
    }

    fn topic_resource(&self, slot: u32) -> Resource {
        let topic = &self.pubsub.topics[slot];
        Resource {
            kind: Kind::Topic,
            name: topic.name.clone(),
            shard: self.config.index,
            slot,
            id: topic.id,
            version: topic.version,
            spec: topic.spec.clone(),
            policy: topic.policy.clone(),
            created_at: topic.created_at,
            topic: None,
            subscription: None,
            topic_settings: Some(topic.settings.clone()),
            expires_at: None,
            available: 0,
            outstanding: 0,
        }
    }

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
        }
    }

    fn list_of_topic(
        &mut self,
        token: Token,
        topic: &str,
        kind: Kind,
        after: Option<&str>,
        names_max: usize,
    ) -> Result<(), PubsubRefusal> {
        let topic = self.find(Kind::Topic, topic)?;
        let ps = &self.pubsub;
        let mut names: Vec<Box<str>> = ps.topics[topic]
            .readers
            .iter()
            .map(|slot| &ps.subscriptions[*slot])
            .filter(|reader| reader.kind() == kind)
            .filter(|reader| after.is_none_or(|after| &*reader.name > after))
            .map(|reader| reader.name.clone())
            .collect();
        names.sort_unstable();
        names.truncate(names_max);
        self.reply(token, Reply::Names(names), Hold::No);
        Ok(())
    }

    fn create_topic(
        &mut self,
        token: Token,
        name: Box<str>,
        spec: SharedBytes,
        settings: TopicSettings,
    ) -> Result<(), PubsubRefusal> {
        if self.pubsub.slot(Kind::Topic, &name).is_some() {
            return Err(PubsubRefusal::Exists);
        }
        let id = self.take_resource_id();
        let slot = self.add_topic(TopicRecord {
            id,
            name,
            deleted: false,
            created_at: self.now,
            settings,
            spec,
            policy: SharedBytes::from([]),
        });
        self.log_topic(slot);
        let resource = Box::new(self.topic_resource(slot));
        self.reply(token, Reply::Resource(resource), Hold::UntilCommit);
        Ok(())
    }

    pub(super) fn add_topic(&mut self, record: TopicRecord) -> u32 {
        let name = record.name.clone();
        let deleted = record.deleted;
        let slot = self.pubsub.topics.insert(Topic {
            id: record.id,
            version: 1,
            name: record.name,
            created_at: record.created_at,
            settings: record.settings,
            spec: record.spec,
            policy: record.policy,
            deleted,
            messages: Default::default(),
            retained_from: NONE,
            retention_timer: NONE,
            readers: Vec::new(),
            attached: 0,
        });
        if !deleted {
            self.pubsub.names.insert((Kind::Topic, name), slot);
        }
        slot
    }

    fn update_topic(
        &mut self,
        token: Token,
        name: &str,
        version: u32,
        spec: SharedBytes,
        settings: TopicSettings,
    ) -> Result<(), PubsubRefusal> {
        let slot = self.find(Kind::Topic, name)?;
        let topic = &mut self.pubsub.topics[slot];
        if topic.version != version {
            return Err(PubsubRefusal::Changed);
        }
        topic.version += 1;
        topic.spec = spec;
        let retention_changed = topic.settings != settings;
        topic.settings = settings;
        if retention_changed {
            self.set_topic_retention(slot);
        }
        self.log_topic(slot);
        let resource = Box::new(self.topic_resource(slot));
        self.reply(token, Reply::Resource(resource), Hold::UntilCommit);
        Ok(())
    }

    /// Marks anew which messages a topic retains. O(messages of the topic).
    fn set_topic_retention(&mut self, slot: u32) {
        let topic = &mut self.pubsub.topics[slot];
        let retention = topic.settings.retention_ms;
        topic.retained_from = NONE;
        let timer = std::mem::replace(&mut topic.retention_timer, NONE);
        if timer != NONE {
            self.wheel.disarm(timer);
        }
        let mut at = topic.messages.head;
        while at != NONE {
            let stored = &mut self.pubsub.stored[at];
            let newer = stored.newer;
            let until = retention.map_or(0, |retention| stored.published_at + retention);
            stored.retained = until > self.now;
            if stored.retained {
                if self.pubsub.topics[slot].retained_from == NONE {
                    self.pubsub.topics[slot].retained_from = at;
                }
            } else if stored.refs == 0 {
                self.forget_stored(at);
            }
            at = newer;
        }
        self.arm_topic_retention(slot);
    }

    fn create_subscription(
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
        let resource = Box::new(self.subscription_resource(slot));
        self.reply(token, Reply::Resource(resource), Hold::UntilCommit);
        Ok(())
    }

    /// Adds a subscription or snapshot to its topic.
    pub(super) fn add_subscription(&mut self, record: SubscriptionRecord, topic: u32) -> u32 {
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
            waiters: Default::default(),
            streams: Vec::new(),
            retention_timer: NONE,
            expiry_timer: NONE,
            last_used: self.now,
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

    fn update_subscription(
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
            let timer = std::mem::replace(&mut subscription.retention_timer, NONE);
            if timer != NONE {
                self.wheel.disarm(timer);
            }
            self.arm_subscription_retention(slot);
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

    /// Drops what is only kept for seeking. O(messages of the subscription).
    fn drop_acked(&mut self, slot: u32) {
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

    fn detach(&mut self, token: Token, name: &str) -> Result<(), PubsubRefusal> {
        let slot = self.find(Kind::Subscription, name)?;
        let subscription = &mut self.pubsub.subscriptions[slot];
        if !subscription.settings.detached {
            subscription.settings.detached = true;
            subscription.version += 1;
            subscription.floor = self.next_sequence;
            let topic = subscription.topic;
            self.pubsub.topics[topic]
                .readers
                .retain(|reader| *reader != slot);
            self.end_subscription_calls(slot, PubsubRefusal::Detached);
            while self.drop_oldest_entry(slot) {}
            self.log_subscription(slot);
        }
        self.reply(token, Reply::Done, Hold::UntilCommit);
        Ok(())
    }

    /// Drops a subscription's oldest entry, whatever its state. Answers `false` where there is
    /// none.
    pub(super) fn drop_oldest_entry(&mut self, slot: u32) -> bool {
        let entry = self.pubsub.subscriptions[slot].entries.head;
        if entry == NONE {
            return false;
        }
        self.withdraw_entry(entry);
        self.pubsub.entries[entry].state = EntryState::Acked;
        self.drop_entry(entry);
        true
    }

    fn update_snapshot(
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

    fn put_schema(
        &mut self,
        token: Token,
        name: Box<str>,
        version: Option<u32>,
        spec: SharedBytes,
    ) -> Result<(), PubsubRefusal> {
        let slot = match (self.pubsub.slot(Kind::Schema, &name), version) {
            (Some(_), None) => return Err(PubsubRefusal::Exists),
            (None, Some(_)) => return Err(PubsubRefusal::NotFound),
            (Some(slot), Some(version)) => {
                let schema = &mut self.pubsub.schemas[slot];
                if schema.version != version {
                    return Err(PubsubRefusal::Changed);
                }
                schema.version += 1;
                schema.spec = spec;
                slot
            }
            (None, None) => {
                let id = self.take_resource_id();
                self.add_schema(SchemaRecord {
                    id,
                    name,
                    created_at: self.now,
                    spec,
                    policy: SharedBytes::from([]),
                })
            }
        };
        self.log_schema(slot);
        let resource = Box::new(self.resource(Kind::Schema, slot));
        self.reply(token, Reply::Resource(resource), Hold::UntilCommit);
        Ok(())
    }

    pub(super) fn add_schema(&mut self, record: SchemaRecord) -> u32 {
        let name = record.name.clone();
        let slot = self.pubsub.schemas.insert(Schema {
            id: record.id,
            version: 1,
            name: record.name,
            created_at: record.created_at,
            spec: record.spec,
            policy: record.policy,
        });
        self.pubsub.names.insert((Kind::Schema, name), slot);
        slot
    }

    fn set_policy(
        &mut self,
        token: Token,
        kind: Kind,
        name: &str,
        policy: SharedBytes,
    ) -> Result<(), PubsubRefusal> {
        let slot = self.find(kind, name)?;
        match kind {
            Kind::Topic => {
                self.pubsub.topics[slot].policy = policy;
                self.log_topic(slot);
            }
            Kind::Subscription | Kind::Snapshot => {
                self.pubsub.subscriptions[slot].policy = policy;
                self.log_subscription(slot);
            }
            Kind::Schema => {
                self.pubsub.schemas[slot].policy = policy;
                self.log_schema(slot);
            }
        }
        self.reply(token, Reply::Done, Hold::UntilCommit);
        Ok(())
    }

    fn delete_resource(
        &mut self,
        token: Token,
        kind: Kind,
        name: &str,
    ) -> Result<(), PubsubRefusal> {
        let slot = self.find(kind, name)?;
        match kind {
            Kind::Topic => self.delete_topic(slot),
            Kind::Subscription | Kind::Snapshot => self.delete_subscription(slot),
            Kind::Schema => {
                self.pubsub.names.remove(&(kind, name.into()));
                let schema = self.pubsub.schemas.remove(slot);
                self.log(Op::DropSchema(schema.id));
            }
        }
        self.reply(token, Reply::Done, Hold::UntilCommit);
        Ok(())
    }

    /// A deleted topic lives on, unnamed, as long as subscriptions or snapshots hold on to it.
    fn delete_topic(&mut self, slot: u32) {
        let topic = &mut self.pubsub.topics[slot];
        topic.deleted = true;
        topic.version += 1;
        let timer = std::mem::replace(&mut topic.retention_timer, NONE);
        if timer != NONE {
            self.wheel.disarm(timer);
        }
        let key = (Kind::Topic, topic.name.clone());
        self.pubsub.names.remove(&key);
        self.log_topic(slot);
        self.pubsub.topic_ghosts.push(slot);
    }

    pub(super) fn delete_subscription(&mut self, slot: u32) {
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
        self.pubsub.topics[topic]
            .readers
            .retain(|reader| *reader != slot);
        self.log(Op::DropSubscription(id));
        self.pubsub.subscription_ghosts.push(slot);
    }

    /// Takes apart a part of what deleted subscriptions and topics hold.
    pub(crate) fn sweep_pubsub(&mut self, mut entries_max: usize) {
        while let Some(slot) = self.pubsub.subscription_ghosts.last().copied() {
            while self.drop_oldest_entry(slot) {
                entries_max -= 1;
                if entries_max == 0 {
                    return;
                }
            }
            self.pubsub.subscription_ghosts.pop();
            // Streams end when their side closes them; until then they refuse.
            if !self.pubsub.subscriptions[slot].streams.is_empty() {
                continue;
            }
            self.remove_subscription(slot);
        }
        while let Some(slot) = self.pubsub.topic_ghosts.last().copied() {
            if self.expire_retained(slot, entries_max) {
                return;
            }
            self.pubsub.topic_ghosts.pop();
            self.remove_topic_if_unused(slot);
        }
    }

    /// Frees a deleted subscription that holds nothing any more.
    pub(super) fn remove_subscription(&mut self, slot: u32) {
        let subscription = self.pubsub.subscriptions.remove(slot);
        self.pubsub.topics[subscription.topic].attached -= 1;
        self.remove_topic_if_unused(subscription.topic);
    }

    fn remove_topic_if_unused(&mut self, slot: u32) {
        let topic = &self.pubsub.topics[slot];
        if topic.deleted && topic.attached == 0 && topic.messages.is_empty() {
            let topic = self.pubsub.topics.remove(slot);
            self.pubsub.topic_ghosts.retain(|ghost| *ghost != slot);
            self.log(Op::DropTopic(topic.id));
        }
    }

    /// Notes that a subscription is in use: it does not expire for now.
    pub(super) fn note_subscription_use(&mut self, slot: u32) {
        self.pubsub.subscriptions[slot].last_used = self.now;
    }

    /// Arms the deadline at which a subscription may have been idle for too long, or a snapshot
    /// expires.
    pub(super) fn arm_expiry(&mut self, slot: u32) {
        let subscription = &mut self.pubsub.subscriptions[slot];
        let timer = std::mem::replace(&mut subscription.expiry_timer, NONE);
        if timer != NONE {
            self.wheel.disarm(timer);
        }
        let subscription = &self.pubsub.subscriptions[slot];
        let due = match (
            subscription.snapshot_expires_at,
            subscription.settings.expiration_ms,
        ) {
            (Some(at), _) => at,
            (None, Some(idle)) => subscription.last_used.saturating_add(idle),
            (None, None) => return,
        };
        let timer = self.wheel.arm(due, Timer::SubscriptionExpiry(slot));
        self.pubsub.subscriptions[slot].expiry_timer = timer;
    }

    /// That deadline has come; its timer is gone from the wheel.
    pub(crate) fn subscription_expiry_due(&mut self, slot: u32) {
        let Some(subscription) = self.pubsub.subscriptions.get_mut(slot) else {
            return;
        };
        if subscription.ghost || subscription.expiry_timer != NONE {
            return;
        }
        if subscription.snapshot_expires_at.is_none() {
            if !subscription.streams.is_empty() || !subscription.waiters.is_empty() {
                subscription.last_used = self.now;
            }
            let idle = subscription.settings.expiration_ms.unwrap_or(u64::MAX);
            if subscription.last_used.saturating_add(idle) > self.now {
                return self.arm_expiry(slot);
            }
        }
        self.delete_subscription(slot);
    }

    pub(super) fn arm_subscription_retention(&mut self, slot: u32) {
        let ps = &mut self.pubsub;
        let subscription = &mut ps.subscriptions[slot];
        let oldest = subscription.entries.head;
        if subscription.retention_timer != NONE
            || oldest == NONE
            || subscription.snapshot_expires_at.is_some()
        {
            return;
        }
        let published_at = ps.stored[ps.entries[oldest].stored].published_at;
        let due = published_at + ps.topics[subscription.topic].retention_ms(&subscription.settings);
        subscription.retention_timer = self.wheel.arm(due, Timer::SubscriptionRetention(slot));
    }

    /// Drops messages that a subscription has kept for long enough, at most `messages_max`. Its
    /// timer is gone from the wheel.
    pub(crate) fn subscription_retention_due(&mut self, slot: u32, messages_max: usize) {
        if self
            .pubsub
            .subscriptions
            .get(slot)
            .is_none_or(|found| found.ghost)
        {
            return;
        }
        for _ in 0..messages_max {
            let ps = &self.pubsub;
            let subscription = &ps.subscriptions[slot];
            let oldest = subscription.entries.head;
            if oldest == NONE {
                return;
            }
            let published_at = ps.stored[ps.entries[oldest].stored].published_at;
            let topic = &ps.topics[subscription.topic];
            if published_at + topic.retention_ms(&subscription.settings) > self.now {
                break;
            }
            if ps.entries[oldest].state != EntryState::Acked {
                self.counters.dropped += 1;
            }
            self.drop_oldest_entry(slot);
        }
        self.arm_subscription_retention(slot);
    }

    /// A topic's oldest retained message has been kept for long enough; the timer is gone from the
    /// wheel.
    pub(crate) fn topic_retention_due(&mut self, slot: u32, messages_max: usize) {
        if self
            .pubsub
            .topics
            .get(slot)
            .is_none_or(|found| found.deleted)
        {
            return;
        }
        self.expire_retained(slot, messages_max);
        self.arm_topic_retention(slot);
    }

    pub(super) fn log_topic(&mut self, slot: u32) {
        if self.config.durable {
            let topic = &self.pubsub.topics[slot];
            let record = TopicRecord {
                id: topic.id,
                name: topic.name.clone(),
                deleted: topic.deleted,
                created_at: topic.created_at,
                settings: topic.settings.clone(),
                spec: topic.spec.clone(),
                policy: topic.policy.clone(),
            };
            self.ops.push(Op::PutTopic(Box::new(record)));
        }
    }

    pub(super) fn log_subscription(&mut self, slot: u32) {
        if self.config.durable {
            let subscription = &self.pubsub.subscriptions[slot];
            let record = SubscriptionRecord {
                id: subscription.id,
                name: subscription.name.clone(),
                topic_id: self.pubsub.topics[subscription.topic].id,
                created_at: subscription.created_at,
                floor: subscription.floor,
                snapshot_expires_at: subscription.snapshot_expires_at,
                settings: subscription.settings.clone(),
                spec: subscription.spec.clone(),
                policy: subscription.policy.clone(),
            };
            self.ops.push(Op::PutSubscription(Box::new(record)));
        }
    }

    fn log_schema(&mut self, slot: u32) {
        if self.config.durable {
            let schema = &self.pubsub.schemas[slot];
            let record = SchemaRecord {
                id: schema.id,
                name: schema.name.clone(),
                created_at: schema.created_at,
                spec: schema.spec.clone(),
                policy: schema.policy.clone(),
            };
            self.ops.push(Op::PutSchema(Box::new(record)));
        }
    }
}
