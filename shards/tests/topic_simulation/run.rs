//! One run of one seed, and its audits: everything settles, every subscription is emptied, and
//! what came out is compared with what had to.

use super::calls::{Asked, is_detached};
use super::model::Sure;
use super::plan::Plan;
use super::world::{World, wrap};
use crate::machine::disk::Sabotage;
use crate::machine::{Checked, Violation, check};
use lclq_shards::command::{Refusal, Reply};
use lclq_shards::pubsub::command::{AdminCommand, Kind, PubsubCommand, PubsubRefusal, Resource};
use std::ops::AddAssign;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Rounds of a quarter of a second in which everything must come to rest.
const ROUNDS_MAX: usize = 2000;
/// Turns in which the subscriptions must be empty.
const DRAIN_TURNS_MAX: usize = 3000;

/// What a run was worth.
#[derive(Default, Debug, Clone, Copy)]
pub struct Worth {
    pub published: u64,
    pub delivered: u64,
    pub acked: u64,
    pub unordered: u64,
    pub transfers: u64,
    pub seeks: u64,
    pub ended: u64,
}

impl AddAssign for Worth {
    fn add_assign(&mut self, other: Self) {
        self.published += other.published;
        self.delivered += other.delivered;
        self.acked += other.acked;
        self.unordered += other.unordered;
        self.transfers += other.transfers;
        self.seeks += other.seeks;
        self.ended += other.ended;
    }
}

pub fn run(seed: u64, plan: Plan, sabotage: Sabotage, trace: bool) -> Result<Worth, Violation> {
    let result = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(plan, seed, sabotage);
        world.trace = trace;
        world.live()?;
        Ok(Worth {
            published: world.model.published.len(),
            delivered: world.model.delivered,
            acked: world.model.acked,
            unordered: world.model.unordered,
            seeks: world.model.seeks,
            ended: world.model.ended,
            transfers: world.transfers,
        })
    }));
    result.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("panic: {}", text.unwrap_or_default()))
    })
}

impl World {
    fn live(&mut self) -> Checked {
        for topic in 0..self.plan.topics.len() {
            if !self.plan.topics[topic].dead_letters || self.rng.bool() {
                self.make_topic(topic)?;
            }
        }
        self.settle()?;
        let audit_at = self.rng.usize(..self.plan.steps);
        for step in 0..self.plan.steps {
            self.step()?;
            if step == audit_at {
                self.audit()?;
            }
        }
        self.audit()?;
        self.delete_everything()
    }

    fn step(&mut self) -> Checked {
        let plan = &self.plan;
        let weights = [
            (plan.publish + plan.pull + plan.acknowledge) * 100,
            plan.frames * 100,
            plan.disk * 100,
            plan.time * 100,
            plan.stall * 30,
            plan.disk_fails * 30,
            plan.crash_one * 30,
            plan.crash_all * 30,
        ];
        let total: u32 = weights.iter().sum();
        let mut pick = self.rng.u32(..total);
        let mut what = 0;
        while pick >= weights[what] {
            pick -= weights[what];
            what += 1;
        }
        let shard = self.rng.u16(..self.plan.shards);
        match what {
            0 => self.act(),
            1 => self.deliver_frame().map(drop),
            2 => self.work_disk(shard),
            3 => self.pass_time(),
            4 => {
                let until = self.now + self.rng.u64(1..3000);
                self.lanes.stall(&mut self.rng, until);
                Ok(())
            }
            5 => {
                let until = self.now + self.rng.u64(1..5000);
                self.fail_disk(shard, until);
                Ok(())
            }
            6 => self.crash_one(shard),
            _ => self.crash_all(),
        }
    }

    /// Ends all faults and waits until nothing moves any more.
    fn settle(&mut self) -> Checked {
        self.lanes.heal();
        self.heal_disks(true);
        for round in 0.. {
            check(round < ROUNDS_MAX, || {
                let (calls, transfers) = (self.calls.len(), self.on_their_way());
                format!("no rest: {calls} calls and {transfers} transfers open")
            })?;
            self.settle_calls()?;
            if self.only_waits_open() && self.on_their_way() == 0 {
                return Ok(());
            }
            self.now += 250;
            self.note_time();
        }
        Ok(())
    }

    /// Whether only calls are open that wait without a limit of time.
    fn only_waits_open(&self) -> bool {
        self.calls
            .values()
            .all(|call| call.cancelled || matches!(call.asked, Asked::StreamPull(_)))
    }

    fn resource(&mut self, at: usize) -> Result<Option<Box<Resource>>, Violation> {
        let plan = &self.plan.subscriptions[at];
        let shard = self.plan.shard_of(plan.topic);
        let name = plan.name.as_str().into();
        let command = AdminCommand::Get {
            kind: Kind::Subscription,
            name,
        };
        match self.ask(shard, wrap(PubsubCommand::Admin(Box::new(command))))? {
            Reply::Resource(resource) => Ok(Some(resource)),
            Reply::Refused(Refusal::Pubsub(PubsubRefusal::NotFound)) => Ok(None),
            other => Err(format!("{other:?}")),
        }
    }

    /// Deletes all snapshots, subscriptions and topics with something in them: nothing of them stays
    /// in memory.
    fn delete_everything(&mut self) -> Checked {
        for _ in 0..8 {
            self.publish()?;
            self.settle_calls()?;
        }
        for at in 0..self.plan.subscriptions.len() {
            if let Some(found) = self.clients.subscriptions[at] {
                self.pull_from(at, found, 0)?;
            }
        }
        self.settle_calls()?;
        let mut doomed = Vec::new();
        // Those that were made without an answer are there, too, on some shard.
        for number in 1..self.clients.next_snapshot {
            for shard in 0..self.plan.shards {
                let name = format!("projects/p/snapshots/n{number}");
                doomed.push((shard, Kind::Snapshot, name));
            }
        }
        let kept = usize::from(self.sabotage == Sabotage::KeepsAQueue);
        for plan in &self.plan.subscriptions[kept..] {
            let shard = self.plan.shard_of(plan.topic);
            doomed.push((shard, Kind::Subscription, plan.name.clone()));
        }
        for topic in &self.plan.topics {
            doomed.push((topic.shard, Kind::Topic, topic.name.clone()));
        }
        for (shard, kind, name) in doomed {
            let name = name.into();
            let command = AdminCommand::Delete { kind, name };
            self.ask(shard, wrap(PubsubCommand::Admin(Box::new(command))))?;
        }
        self.delete_queues()?;
        self.nothing_resides()
    }

    /// Takes note of which subscriptions there are; those known must be.
    fn look_around(&mut self) -> Checked {
        self.model.lapse(self.now);
        for at in 0..self.plan.subscriptions.len() {
            let found = self.resource(at)?;
            let orders = self.model.orders;
            let reader = &mut self.model.readers[at];
            let there = found.as_ref().is_some_and(|found| !is_detached(found));
            match reader.alive {
                Sure::Yes => check(there || reader.wild, || {
                    format!("subscription {at} is gone")
                })?,
                Sure::No => check(!there || reader.wild || reader.created == 0, || {
                    format!("subscription {at} was deleted, and is there")
                })?,
                Sure::Maybe => {}
            }
            if !there {
                // Whoever did it may have had no answer: by now at the latest.
                if reader.alive != Sure::No {
                    reader.deleted_at = self.now;
                }
                reader.alive = Sure::No;
                reader.wild = false;
            } else if reader.alive != Sure::Yes {
                // Whose it is is not known; it is emptied, and then it is.
                reader.alive = Sure::Maybe;
                (reader.wild, reader.found) = (true, true);
                reader.cut_by = None;
            }
            if let Some(found) = found.as_ref().filter(|_| there) {
                let is_cut = found.topic.is_none();
                check(!is_cut || reader.cut.is_some() || reader.wild, || {
                    format!("the topic of subscription {at} is gone")
                })?;
                reader.cut = reader.cut.or(Some(orders)).filter(|_| is_cut);
                reader.cut_by = reader.cut_by.filter(|_| is_cut);
            }
            self.clients.subscriptions[at] = found.map(|found| found.subscription_ref());
        }
        Ok(())
    }

    /// Counts, empties all subscriptions, and compares.
    fn audit(&mut self) -> Checked {
        self.lanes.heal();
        self.close_all()?;
        self.settle()?;
        // Streams that were opened meanwhile, or whose end found no room in its lane.
        for _ in 0..10 {
            self.close_all()?;
            self.settle()?;
        }
        self.audit_queues()?;
        self.look_around()?;
        for at in 0..self.plan.subscriptions.len() {
            if self.model.readers[at].alive != Sure::Yes || self.model.readers[at].wild {
                continue;
            }
            let resource = self
                .resource(at)?
                .ok_or("a subscription that went during an audit")?;
            let count = resource.available + resource.outstanding;
            self.model.lapse(self.now);
            let (least, most) = self.model.backlog(at);
            let plan = &self.plan.subscriptions[at];
            // A seek brings back what is on its way to the dead letters, and then that comes back.
            // One that came back may stay longer than the others.
            let unclear = self.model.readers[at].sought || self.plan.short_retentions;
            let doubled = plan.dead_letters_to.is_some() && unclear;
            let exact = !self.plan.topics[plan.topic].dead_letters && !doubled;
            check(!exact || (least..=most).contains(&count), || {
                format!("subscription {at} has {count} messages, not {least} to {most}")
            })?;
        }
        self.drain()?;
        // Dead letters last: what was emptied before may have gone there.
        for at in 0..self.plan.subscriptions.len() {
            let now = self.now;
            if self.model.readers[at].alive != Sure::No {
                self.model.lapse(now);
                self.model.emptied(at, now)?;
                let orders = self.model.orders;
                let reader = &mut self.model.readers[at];
                if reader.alive == Sure::Maybe {
                    // It was made at some time, of which this is the latest.
                    (reader.alive, reader.created, reader.created_at) = (Sure::Yes, orders, now);
                }
            }
        }
        Ok(())
    }

    fn drain(&mut self) -> Checked {
        let mut empty_turns = 0;
        for turn in 0..DRAIN_TURNS_MAX {
            let mut left = 0;
            for at in 0..self.plan.subscriptions.len() {
                let Some(resource) = self.resource(at)? else {
                    continue;
                };
                left += resource.available + resource.outstanding;
                if resource.available > 0 {
                    let found = resource.subscription_ref();
                    self.clients.subscriptions[at] = Some(found);
                    self.pull_from(at, found, 0)?;
                }
            }
            self.settle_calls()?;
            self.acknowledge_all()?;
            self.settle_calls()?;
            // What went to another shard during this turn, or came back from there, is to be emptied
            // too.
            empty_turns = if left == 0 && self.on_their_way() == 0 {
                empty_turns + 1
            } else {
                0
            };
            if empty_turns == 2 {
                return Ok(());
            }
            self.now += if turn % 4 == 3 { 20_000 } else { 250 };
            self.note_time();
        }
        Err("the subscriptions can't be emptied".to_owned())
    }
}
