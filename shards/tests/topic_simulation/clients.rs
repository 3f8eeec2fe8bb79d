//! Publishers and subscribers that do things at random.

use super::calls::{Asked, Call, Use};
use super::model::{Mark, Published, Sure};
use super::neighbours::Senders;
use super::plan::{CLASSES, KEYS, Plan};
use super::wire;
use super::world::{World, wrap};
use crate::machine::{self, Checked};
use lclq_shards::command::{Refusal, Reply};
use lclq_shards::pubsub::command::*;
use lclq_shards::pubsub::{SubscriptionSettings, TopicSettings};
use std::collections::VecDeque;

/// Who is asked about no subscription.
const NONE: usize = usize::MAX;

/// An open stream.
struct Open {
    subscription: usize,
    subscription_id: u64,
    stream: StreamRef,
    /// A call waits on it.
    waits: bool,
}

pub struct Clients {
    pub topics: Vec<Option<TopicRef>>,
    pub subscriptions: Vec<Option<SubscriptionRef>>,
    streams: Vec<Open>,
    /// Streams whose call failed: the dialect closes them.
    broken: Vec<(usize, StreamRef)>,
    uses: VecDeque<(usize, Use)>,
    snapshots: Vec<(usize, String)>,
    next_number: u64,
    pub next_snapshot: u64,
    pub senders: Senders,
}

impl Clients {
    fn idle(&mut self, stream: StreamRef) {
        if let Some(open) = self.streams.iter_mut().find(|open| open.stream == stream) {
            open.waits = false;
        }
    }

    fn took(&mut self, call: &Call, messages: Vec<Pulled>) {
        for pulled in messages {
            let Some((number, dead_of)) = wire::read(&pulled.bytes) else {
                continue;
            };
            let dead_of = dead_of.filter(|of| *of != call.subscription);
            let mark = Mark { number, dead_of };
            let using = Use {
                lease: pulled.lease,
                mark,
                subscription_id: call.subscription_id,
                order: call.order,
                current: false,
                blocked: Sure::No,
            };
            self.uses.push_back((call.subscription, using));
        }
    }
}

impl machine::Clients<Plan, Call> for Clients {
    fn new(plan: &Plan) -> Self {
        Self {
            topics: vec![None; plan.topics.len()],
            subscriptions: vec![None; plan.subscriptions.len()],
            streams: Vec::new(),
            broken: Vec::new(),
            uses: VecDeque::new(),
            snapshots: Vec::new(),
            next_number: 1,
            next_snapshot: 1,
            senders: Senders::default(),
        }
    }

    fn forget_shard(&mut self, plan: &Plan, shard: u16) {
        for (at, found) in self.topics.iter_mut().enumerate() {
            if plan.shard_of(at) == shard {
                *found = None;
            }
        }
        for (found, subscription) in self.subscriptions.iter_mut().zip(&plan.subscriptions) {
            if plan.shard_of(subscription.topic) == shard {
                *found = None;
            }
        }
        self.streams.retain(|open| open.stream.shard != shard);
        self.broken.retain(|(_, stream)| stream.shard != shard);
        self.senders.forget_shard(plan, shard);
    }

    fn answered(&mut self, _plan: &Plan, call: &Call, reply: Reply) {
        let at = call.subscription;
        match (&call.asked, reply) {
            (
                Asked::CreateTopic(topic) | Asked::GetTopic(topic) | Asked::UpdateTopic(topic, _),
                Reply::Resource(found),
            ) => {
                self.topics[*topic] = Some(found.topic_ref());
            }
            (Asked::CreateSubscription | Asked::GetSubscription, Reply::Resource(found)) => {
                self.subscriptions[at] = Some(found.subscription_ref());
            }
            (Asked::OpenStream, Reply::Stream(stream)) => self.streams.push(Open {
                subscription: at,
                subscription_id: call.subscription_id,
                stream,
                waits: false,
            }),
            (Asked::Queue(queue, asked), reply) => self.senders.answered(*queue, asked, reply),
            (Asked::Pull, Reply::Pulled(messages)) => self.took(call, messages),
            (Asked::StreamPull(stream), Reply::Pulled(messages)) => {
                self.idle(*stream);
                self.took(call, messages);
            }
            (Asked::StreamPull(stream), _) => {
                self.streams.retain(|open| open.stream != *stream);
                self.broken.push((at, *stream));
            }
            (Asked::TakeSnapshot(name, _), Reply::Resource(_)) => {
                self.snapshots.push((at, name.clone()));
            }
            (Asked::Publish(_), Reply::Stale(_)) => self.topics.fill(None),
            (_, Reply::Stale(_) | Reply::Refused(_)) if at != NONE => self.subscriptions[at] = None,
            (
                Asked::DeleteSubscription | Asked::Detach | Asked::Update { .. },
                Reply::Done | Reply::Resource(_),
            ) => self.subscriptions[at] = None,
            _ => {}
        }
    }

    fn overloaded(&mut self, plan: &Plan, call: &Call) {
        self.answered(plan, call, Reply::Refused(Refusal::Overloaded));
    }
}

impl World {
    pub fn act(&mut self) -> Checked {
        while self.clients.uses.len() > self.plan.leases_max {
            self.clients.uses.pop_front();
        }
        if let Some((at, stream)) = self.clients.broken.pop() {
            let command = PubsubCommand::CloseStream { stream };
            return self.call(at, Asked::CloseStream(stream), command);
        }
        if self.calls.len() >= self.plan.calls_open_max {
            return Ok(());
        }
        let plan = &self.plan;
        type Act = fn(&mut World) -> Checked;
        let choices: [(u32, Act); 16] = [
            (plan.publish, Self::publish),
            (plan.pull, Self::pull),
            (plan.stream, Self::stream),
            (plan.close, Self::close),
            (plan.acknowledge, Self::acknowledge),
            (plan.modify, Self::modify),
            (plan.delete, Self::delete),
            (plan.update, Self::update),
            (plan.detach, Self::detach),
            (plan.delete_topic, Self::delete_topic),
            (plan.seek, Self::seek),
            (plan.snapshot, Self::snapshot),
            (plan.make_dead_topic, Self::make_dead_topic),
            (plan.cancel, Self::give_up),
            (plan.update_topic, Self::update_topic),
            (plan.neighbours, Self::neighbour),
        ];
        let total: u32 = choices.iter().map(|(weight, _)| weight).sum();
        let mut at = self.rng.u32(..total);
        for (weight, act) in choices {
            if at < weight {
                return act(self);
            }
            at -= weight;
        }
        Ok(())
    }

    fn call(&mut self, at: usize, asked: Asked, command: PubsubCommand) -> Checked {
        let id = self.clients.subscriptions[at].map_or(0, |found| found.id);
        self.call_of(at, id, asked, command)
    }

    fn call_of(&mut self, at: usize, id: u64, asked: Asked, command: PubsubCommand) -> Checked {
        let topic = self.plan.subscriptions[at].topic;
        let call = Call {
            core: self.rng.usize(..self.plan.cores),
            shard: self.plan.shard_of(topic),
            subscription: at,
            subscription_id: id,
            asked,
            order: 0,
            at: 0,
            cancelled: false,
        };
        self.request(call, wrap(command))
    }

    fn topic_call(&mut self, topic: usize, asked: Asked, command: PubsubCommand) -> Checked {
        let call = Call {
            core: self.rng.usize(..self.plan.cores),
            shard: self.plan.shard_of(topic),
            subscription: NONE,
            subscription_id: 0,
            asked,
            order: 0,
            at: 0,
            cancelled: false,
        };
        self.request(call, wrap(command))
    }

    fn admin(&mut self, at: usize, asked: Asked, command: AdminCommand) -> Checked {
        self.call(at, asked, PubsubCommand::Admin(Box::new(command)))
    }

    /// A client that waits for messages goes away.
    fn give_up(&mut self) -> Checked {
        let waiting: Vec<_> = self
            .calls
            .iter()
            .filter(|(_, call)| matches!(call.asked, Asked::Pull) && !call.cancelled)
            .map(|(token, _)| *token)
            .collect();
        if !waiting.is_empty() {
            let at = self.rng.usize(..waiting.len());
            self.cancel(waiting[at]);
        }
        Ok(())
    }

    pub fn make_topic(&mut self, topic: usize) -> Checked {
        let plan = self.plan.topics[topic].clone();
        let (asked, command) = if self.rng.bool() {
            let command = AdminCommand::CreateTopic {
                name: plan.name.into(),
                spec: SharedBytes::from([]),
                settings: plan.settings,
            };
            (Asked::CreateTopic(topic), command)
        } else {
            let command = AdminCommand::Get {
                kind: Kind::Topic,
                name: plan.name.into(),
            };
            (Asked::GetTopic(topic), command)
        };
        self.topic_call(topic, asked, PubsubCommand::Admin(Box::new(command)))
    }

    /// Makes or finds a subscription.
    pub fn make_subscription(&mut self, at: usize) -> Checked {
        let plan = self.plan.subscriptions[at].clone();
        if self.rng.bool() {
            let command = AdminCommand::CreateSubscription {
                name: plan.name.into(),
                topic: self.plan.topics[plan.topic].name.as_str().into(),
                spec: SharedBytes::from([]),
                settings: plan.settings,
            };
            return self.admin(at, Asked::CreateSubscription, command);
        }
        let command = AdminCommand::Get {
            kind: Kind::Subscription,
            name: plan.name.into(),
        };
        self.admin(at, Asked::GetSubscription, command)
    }

    /// A subscription that is there, or a try to find one.
    fn some_subscription(&mut self) -> Result<Option<(usize, SubscriptionRef)>, String> {
        let at = self.rng.usize(..self.plan.subscriptions.len());
        match self.clients.subscriptions[at] {
            Some(found) => Ok(Some((at, found))),
            None => {
                let topic = self.plan.subscriptions[at].topic;
                if !self.plan.topics[topic].dead_letters || self.clients.topics[topic].is_some() {
                    self.make_subscription(at)?;
                }
                Ok(None)
            }
        }
    }

    pub fn publish(&mut self) -> Checked {
        let topic = self.rng.usize(..self.plan.topics.len());
        if self.plan.topics[topic].dead_letters {
            return Ok(());
        }
        let Some(found) = self.clients.topics[topic] else {
            return self.make_topic(topic);
        };
        let (mut numbers, mut messages) = (Vec::new(), Vec::new());
        for _ in 0..self.rng.usize(1..=4) {
            let number = self.clients.next_number;
            self.clients.next_number += 1;
            let key = if self.rng.bool() {
                ""
            } else {
                KEYS[usize::from(self.rng.u8(..3))]
            };
            let class = CLASSES[self.rng.usize(..CLASSES.len())];
            messages.push(wire::message(number, key, class));
            numbers.push(number);
            let published = Published {
                topic,
                key,
                class,
                order: 0,
                at: 0,
                taken: Sure::Maybe,
                refused: false,
            };
            self.model.publish(number, published);
        }
        let command = PubsubCommand::Publish {
            topic: found,
            messages,
        };
        self.topic_call(topic, Asked::Publish(numbers), command)
    }

    fn pull(&mut self) -> Checked {
        let Some((at, subscription)) = self.some_subscription()? else {
            return Ok(());
        };
        let wait_ms = if self.rng.bool() {
            0
        } else {
            self.rng.u32(1..20_000)
        };
        self.pull_from(at, subscription, wait_ms)
    }

    pub fn pull_from(&mut self, at: usize, subscription: SubscriptionRef, wait_ms: u32) -> Checked {
        let messages_max = self.rng.u32(1..20);
        let command = PubsubCommand::Pull {
            subscription,
            messages_max,
            bytes_max: 1 << 20,
            wait_ms,
            client: 0,
        };
        self.call(at, Asked::Pull, command)
    }

    fn stream(&mut self) -> Checked {
        let idle: Vec<usize> = (0..self.clients.streams.len())
            .filter(|at| !self.clients.streams[*at].waits)
            .collect();
        if !idle.is_empty() && self.rng.u8(..4) > 0 {
            let open = &mut self.clients.streams[idle[self.rng.usize(..idle.len())]];
            open.waits = true;
            let (at, id, stream) = (open.subscription, open.subscription_id, open.stream);
            let messages_max = self.rng.u32(1..20);
            let command = PubsubCommand::StreamPull {
                stream,
                messages_max,
                bytes_max: 1 << 20,
            };
            return self.call_of(at, id, Asked::StreamPull(stream), command);
        }
        let Some((at, subscription)) = self.some_subscription()? else {
            return Ok(());
        };
        let limits = StreamLimits {
            messages_max: self.rng.u64(..20),
            bytes_max: if self.rng.bool() {
                0
            } else {
                self.rng.u64(100..2000)
            },
            ack_deadline_s: 0,
        };
        self.call(
            at,
            Asked::OpenStream,
            PubsubCommand::OpenStream {
                subscription,
                limits,
                client: 0,
            },
        )
    }

    fn close(&mut self) -> Checked {
        if self.clients.streams.is_empty() {
            return Ok(());
        }
        let at = self.rng.usize(..self.clients.streams.len());
        let open = self.clients.streams.swap_remove(at);
        let (at, stream) = (open.subscription, open.stream);
        self.call(
            at,
            Asked::CloseStream(stream),
            PubsubCommand::CloseStream { stream },
        )
    }

    /// Ends all streams.
    pub fn close_all(&mut self) -> Checked {
        while !self.clients.streams.is_empty() {
            self.close()?;
        }
        while let Some((at, stream)) = self.clients.broken.pop() {
            self.call(
                at,
                Asked::CloseStream(stream),
                PubsubCommand::CloseStream { stream },
            )?;
        }
        Ok(())
    }

    /// Takes some deliveries of one subscription to use them.
    fn uses(&mut self, keep: bool) -> Option<(usize, SubscriptionRef, Vec<Use>)> {
        if self.clients.uses.is_empty() {
            return None;
        }
        let (at, _) = self.clients.uses[self.rng.usize(..self.clients.uses.len())];
        let subscription = self.clients.subscriptions[at]?;
        let wanted = self.rng.usize(1..=10);
        let mut taken: Vec<Use> = Vec::new();
        self.clients.uses.retain(|(of, using)| {
            let twice = taken.iter().any(|other| other.mark == using.mark);
            if *of != at {
                return true;
            }
            if using.subscription_id != subscription.id {
                // The dialect refuses ack ids of a subscription that is gone.
                return false;
            }
            let skipped = self.plan.skips_acks && self.rng.u8(..3) == 0;
            if taken.len() >= wanted || twice || skipped {
                return true;
            }
            taken.push(*using);
            keep
        });
        Some((at, subscription, taken))
    }

    fn acknowledge(&mut self) -> Checked {
        let keep = self.plan.stale_leases && self.rng.u8(..3) == 0;
        self.acknowledge_some(keep).map(drop)
    }

    fn acknowledge_some(&mut self, keep: bool) -> Result<bool, String> {
        let Some((at, subscription, uses)) = self.uses(keep) else {
            return Ok(false);
        };
        let leases = uses.iter().map(|using| using.lease).collect();
        let command = PubsubCommand::Acknowledge {
            subscription,
            leases,
        };
        self.call(at, Asked::Acknowledge(uses), command)?;
        Ok(true)
    }

    /// Acknowledges all deliveries that clients have.
    pub fn acknowledge_all(&mut self) -> Checked {
        // One request at a time: those that find no room in a lane are never sent again, and what is
        // pulled anew meanwhile would pile up behind deliveries whose leases have ended.
        loop {
            let found = &self.clients.subscriptions;
            self.clients.uses.retain(|(at, _)| found[*at].is_some());
            if !self.acknowledge_some(false)? {
                return Ok(());
            }
            self.settle_calls()?;
        }
    }

    fn modify(&mut self) -> Checked {
        let Some((at, subscription, uses)) = self.uses(true) else {
            return Ok(());
        };
        let uses: Vec<(Use, u32)> = uses
            .into_iter()
            .map(|using| {
                (
                    using,
                    if self.rng.bool() {
                        0
                    } else {
                        self.rng.u32(10..60)
                    },
                )
            })
            .collect();
        let leases = uses
            .iter()
            .map(|(using, deadline_s)| (using.lease, *deadline_s))
            .collect();
        let command = PubsubCommand::ModifyDeadline {
            subscription,
            leases,
        };
        self.call(at, Asked::Modify(uses), command)
    }

    fn delete(&mut self) -> Checked {
        let at = self.rng.usize(..self.plan.subscriptions.len());
        let name = self.plan.subscriptions[at].name.as_str().into();
        let command = AdminCommand::Delete {
            kind: Kind::Subscription,
            name,
        };
        self.end(at, Asked::DeleteSubscription, command)
    }

    fn detach(&mut self) -> Checked {
        let at = self.rng.usize(..self.plan.subscriptions.len());
        let name = self.plan.subscriptions[at].name.as_str().into();
        self.end(at, Asked::Detach, AdminCommand::Detach { name })
    }

    fn delete_topic(&mut self) -> Checked {
        let topic = self.rng.usize(..self.plan.topics.len());
        // One at a time, or there is no telling which of two was the one that did it.
        let busy = self.calls.values().any(|call| {
            matches!(&call.asked, Asked::CreateTopic(at) | Asked::DeleteTopic(at) if *at == topic)
        });
        if busy || self.clients.topics[topic].is_none() {
            return Ok(());
        }
        let command = AdminCommand::Delete {
            kind: Kind::Topic,
            name: self.plan.topics[topic].name.as_str().into(),
        };
        self.clients.topics[topic] = None;
        let command = PubsubCommand::Admin(Box::new(command));
        self.topic_call(topic, Asked::DeleteTopic(topic), command)
    }

    /// Changes what may change.
    fn update(&mut self) -> Checked {
        let Some((at, found)) = self.some_subscription()? else {
            return Ok(());
        };
        let plan = self.plan.subscriptions[at].clone();
        let settings = SubscriptionSettings {
            ack_deadline_s: self.rng.u32(10..40),
            retain_acked: self.rng.bool(),
            retention_ms: match self.rng.u8(..3) {
                0 if self.plan.short_retentions => self.rng.u64(60_000..600_000),
                _ => plan.settings.retention_ms,
            },
            dead_letter: plan
                .settings
                .dead_letter
                .clone()
                .filter(|_| self.rng.bool()),
            ..plan.settings
        };
        let asked = Asked::Update {
            ack_deadline_s: settings.ack_deadline_s,
            retain_acked: settings.retain_acked,
            retention_ms: settings.retention_ms,
        };
        let command = AdminCommand::UpdateSubscription {
            name: plan.name.into(),
            version: found.version,
            spec: SharedBytes::from([]),
            settings,
        };
        self.admin(at, asked, command)
    }

    /// Changes how long a topic retains messages.
    fn update_topic(&mut self) -> Checked {
        let topic = self.rng.usize(..self.plan.topics.len());
        let Some(found) = self.clients.topics[topic] else {
            return Ok(());
        };
        let retention_ms = Plan::some_topic_retention(&mut self.rng);
        let command = AdminCommand::UpdateTopic {
            name: self.plan.topics[topic].name.as_str().into(),
            version: found.version,
            spec: SharedBytes::from([]),
            settings: TopicSettings { retention_ms },
        };
        let asked = Asked::UpdateTopic(topic, retention_ms.unwrap_or(0));
        let command = PubsubCommand::Admin(Box::new(command));
        self.topic_call(topic, asked, command)
    }

    /// Ends a subscription.
    fn end(&mut self, at: usize, asked: Asked, command: AdminCommand) -> Checked {
        let plan = &self.plan.subscriptions[at];
        if self.plan.topics[plan.topic].dead_letters || self.clients.subscriptions[at].is_none() {
            return Ok(());
        }
        // One at a time, or there is no telling which of two was the one that did it.
        let seeks = |call: &Call| call.subscription == at && matches!(call.asked, Asked::Seek(..));
        if self.is_being_made(at) || self.calls.values().any(seeks) {
            return Ok(());
        }
        self.clients.subscriptions[at] = None;
        self.clients.uses.retain(|(of, _)| *of != at);
        self.admin(at, asked, command)
    }

    /// Whether a call is open that makes, finds or deletes a subscription.
    fn is_being_made(&self, at: usize) -> bool {
        self.calls.values().any(|call| {
            call.subscription == at
                && matches!(
                    call.asked,
                    Asked::DeleteSubscription
                        | Asked::Detach
                        | Asked::CreateSubscription
                        | Asked::GetSubscription
                )
        })
    }

    fn seek(&mut self) -> Checked {
        let (at, to) = if !self.clients.snapshots.is_empty() && self.rng.bool() {
            let at = self.rng.usize(..self.clients.snapshots.len());
            let (of, name) = self.clients.snapshots[at].clone();
            let plan = &self.plan;
            let topic = plan.subscriptions[of].topic;
            let others: Vec<usize> = (0..plan.subscriptions.len())
                .filter(|at| plan.subscriptions[*at].topic == topic)
                .collect();
            let other = plan.others_snapshots && self.rng.bool();
            let at = if other {
                others[self.rng.usize(..others.len())]
            } else {
                of
            };
            (at, SeekTo::Snapshot(name.into()))
        } else {
            let at = self.rng.usize(..self.plan.subscriptions.len());
            let back_ms_max = if self.rng.bool() { 120_000 } else { 1_200_000 };
            let back = self.rng.u64(..back_ms_max);
            (at, SeekTo::Time((self.wall() + 1000).saturating_sub(back)))
        };
        let dead_letters = self.plan.topics[self.plan.subscriptions[at].topic].dead_letters;
        if dead_letters || self.clients.subscriptions[at].is_none() || self.is_being_made(at) {
            return Ok(());
        }
        let name = self.plan.subscriptions[at].name.as_str().into();
        let command = AdminCommand::Seek {
            name,
            to: to.clone(),
        };
        self.admin(at, Asked::Seek(to, Vec::new()), command)
    }

    fn snapshot(&mut self) -> Checked {
        let at = self.rng.usize(..self.plan.subscriptions.len());
        let name = format!("projects/p/snapshots/n{}", self.clients.next_snapshot);
        self.clients.next_snapshot += 1;
        let command = AdminCommand::CreateSnapshot {
            name: name.as_str().into(),
            subscription: self.plan.subscriptions[at].name.as_str().into(),
            spec: SharedBytes::from([]),
            lifetime_ms_max: self.plan.snapshot_ms,
            lifetime_ms_min: 1,
        };
        self.admin(at, Asked::TakeSnapshot(name, Default::default()), command)
    }

    fn make_dead_topic(&mut self) -> Checked {
        let missing = (0..self.plan.topics.len()).find(|topic| {
            self.plan.topics[*topic].dead_letters && self.clients.topics[*topic].is_none()
        });
        match missing {
            Some(topic) => self.make_topic(topic),
            None => Ok(()),
        }
    }
}
