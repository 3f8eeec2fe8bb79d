//! Commands about resources, whatever their kind: find, list, set policies, delete.

use super::command::{AdminCommand, Kind, PubsubRefusal, Resource, SharedBytes};
use crate::command::{Refusal, Reply, Token};
use crate::definitions::Change;
use crate::records::Op;
use crate::shard::{Hold, Shard};
use crate::taps::{Passed, TapPosition};
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
            AdminCommand::Peek {
                name,
                after,
                near,
                messages_max,
            } => self.find(Kind::Subscription, &name).map(|slot| {
                let entries = self.peek_entries(slot, after, near, messages_max);
                self.reply(token, Reply::Entries(entries), Hold::No);
            }),
            AdminCommand::ListStreams { name, streams_max } => {
                self.find(Kind::Subscription, &name).map(|slot| {
                    let streams = self.streams_seen(slot, streams_max);
                    self.reply(token, Reply::Streams(streams), Hold::No);
                })
            }
            AdminCommand::Follow {
                kind,
                name,
                from,
                messages_max,
            } => self.follow(token, kind, &name, from, messages_max),
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
            AdminCommand::SetPolicy {
                kind,
                name,
                replaces,
                policy,
            } => self.set_policy(token, kind, &name, &replaces, policy),
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

    pub(super) fn get_resource(
        &mut self,
        token: Token,
        kind: Kind,
        name: &str,
    ) -> Result<(), PubsubRefusal> {
        let slot = self.find(kind, name)?;
        let resource = Box::new(self.resource(kind, slot));
        // Held: it may itself be on its way into the journal.
        self.reply(token, Reply::Resource(resource), Hold::UntilCommit);
        Ok(())
    }

    pub(super) fn find(&self, kind: Kind, name: &str) -> Result<u32, PubsubRefusal> {
        self.pubsub.slot(kind, name).ok_or(PubsubRefusal::NotFound)
    }

    pub(super) fn resource(&self, kind: Kind, slot: u32) -> Resource {
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
                    oldest_at: None,
                    streams: 0,
                    attached: 0,
                    traffic: Default::default(),
                }
            }
        }
    }

    fn follow(
        &mut self,
        token: Token,
        kind: Kind,
        name: &str,
        from: Option<TapPosition>,
        messages_max: usize,
    ) -> Result<(), PubsubRefusal> {
        let slot = self.find(kind, name)?;
        let topic = match kind {
            Kind::Topic => slot,
            _ => self.pubsub.subscriptions[slot].topic,
        };
        let id = self.pubsub.topics[topic].id;
        let mut page = self.taps.follow(id, self.now, from, messages_max);
        if kind == Kind::Subscription {
            let subscription = &self.pubsub.subscriptions[slot];
            page.messages.retain(|passed| match passed {
                Passed::Published { bytes, .. } => subscription.passes(bytes),
                Passed::Sent { .. } => false,
            });
        }
        self.reply(token, Reply::Passed(Box::new(page)), Hold::No);
        Ok(())
    }

    pub(super) fn set_policy(
        &mut self,
        token: Token,
        kind: Kind,
        name: &str,
        replaces: &[u8],
        policy: SharedBytes,
    ) -> Result<(), PubsubRefusal> {
        let slot = self.find(kind, name)?;
        let kept = match kind {
            Kind::Topic => &mut self.pubsub.topics[slot].policy,
            Kind::Subscription | Kind::Snapshot => &mut self.pubsub.subscriptions[slot].policy,
            Kind::Schema => &mut self.pubsub.schemas[slot].policy,
        };
        if **kept != *replaces {
            return Err(PubsubRefusal::Changed);
        }
        *kept = policy;
        match kind {
            Kind::Topic => self.log_topic(slot),
            Kind::Subscription | Kind::Snapshot => self.log_subscription(slot),
            Kind::Schema => self.log_schema(slot),
        }
        self.reply(token, Reply::Done, Hold::UntilCommit);
        Ok(())
    }

    pub(super) fn delete_resource(
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
                self.view_schema_goes(slot);
                self.pubsub.names.remove(&(kind, name.into()));
                let schema = self.pubsub.schemas.remove(slot);
                let change = Change::Deleted;
                self.changed_names.note(kind.into(), name, change);
                self.log(Op::DropSchema(schema.id));
            }
        }
        self.reply(token, Reply::Done, Hold::UntilCommit);
        Ok(())
    }
}
