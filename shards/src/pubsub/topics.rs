//! Topics as resources: make, change, delete.

use super::command::{Kind, PubsubRefusal, Resource, SharedBytes};
use super::state::Topic;
use crate::command::{Reply, Token};
use crate::definitions::{Change, NameSpace};
use crate::records::Op;
use crate::records::{TopicRecord, TopicSettings};
use crate::shard::{Hold, Shard};
use crate::slab::NONE;

impl Shard {
    pub(super) fn topic_resource(&self, slot: u32) -> Resource {
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
            oldest_at: None,
            streams: 0,
            attached: topic.attached,
            traffic: topic.traffic,
        }
    }

    pub(super) fn list_of_topic(
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

    pub(super) fn create_topic(
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
        self.changed_names.was_made();
        let resource = Box::new(self.topic_resource(slot));
        self.reply(token, Reply::Resource(resource), Hold::UntilCommit);
        Ok(())
    }

    pub(crate) fn add_topic(&mut self, record: TopicRecord) -> u32 {
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
            traffic: Default::default(),
            used_prev: NONE,
            used_next: NONE,
            used: 0,
        });
        if !deleted {
            self.pubsub.names.insert((Kind::Topic, name), slot);
        }
        slot
    }

    pub(super) fn update_topic(
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
            // What the topic retains its subscriptions keep too.
            for reader in self.pubsub.topics[slot].readers.clone() {
                if self.pubsub.subscriptions[reader].kind() == Kind::Subscription {
                    self.raise_floor(reader);
                    self.log_subscription(reader);
                    self.rearm_subscription_retention(reader);
                }
            }
            self.set_topic_retention(slot);
        }
        self.log_topic(slot);
        let resource = Box::new(self.topic_resource(slot));
        self.reply(token, Reply::Resource(resource), Hold::UntilCommit);
        Ok(())
    }

    /// Marks anew which messages a topic retains. O(messages of the topic).
    pub(super) fn set_topic_retention(&mut self, slot: u32) {
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
            stored.retained = !stored.returned && until > self.now;
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

    /// A deleted topic lives on, unnamed, as long as subscriptions or snapshots hold on to it.
    pub(super) fn delete_topic(&mut self, slot: u32) {
        self.view_topic_goes(slot);
        let topic = &mut self.pubsub.topics[slot];
        topic.deleted = true;
        topic.version += 1;
        let timer = std::mem::replace(&mut topic.retention_timer, NONE);
        if timer != NONE {
            self.wheel.disarm(timer);
        }
        let key = (Kind::Topic, topic.name.clone());
        self.pubsub.names.remove(&key);
        // From now on their own retention counts.
        for reader in self.pubsub.topics[slot].readers.clone() {
            self.rearm_subscription_retention(reader);
        }
        self.log_topic(slot);
        // Theirs is a deleted topic now.
        for reader in &self.pubsub.topics[slot].readers {
            let reader = &self.pubsub.subscriptions[*reader];
            let space = reader.kind().into();
            self.changed_names
                .note(space, &reader.name, Change::Changed);
        }
        self.pubsub.topic_ghosts.push(slot);
    }

    pub(super) fn remove_topic_if_unused(&mut self, slot: u32) {
        let topic = &self.pubsub.topics[slot];
        if topic.deleted && topic.attached == 0 && topic.messages.is_empty() {
            self.view_topic_goes(slot);
            self.forget_topic_use(slot);
            let topic = self.pubsub.topics.remove(slot);
            self.pubsub.topic_ghosts.retain(|ghost| *ghost != slot);
            self.log(Op::DropTopic(topic.id));
        }
    }

    /// A topic was made, or has changed, or its name is free again.
    pub(crate) fn log_topic(&mut self, slot: u32) {
        let topic = &self.pubsub.topics[slot];
        let change = match topic.deleted {
            true => Change::Deleted,
            false => Change::Changed,
        };
        self.changed_names
            .note(NameSpace::Topic, &topic.name, change);
        if self.config.durable {
            let record = self.topic_record(slot);
            self.ops.push(Op::PutTopic(Box::new(record)));
        }
    }

    pub(crate) fn topic_record(&self, slot: u32) -> TopicRecord {
        let topic = &self.pubsub.topics[slot];
        TopicRecord {
            id: topic.id,
            name: topic.name.clone(),
            deleted: topic.deleted,
            created_at: topic.created_at,
            settings: topic.settings.clone(),
            spec: topic.spec.clone(),
            policy: topic.policy.clone(),
        }
    }
}
