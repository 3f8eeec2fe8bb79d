//! How a run begins and ends: nothing goes wrong, and everything comes to rest.

use super::clients::{SUBSCRIPTIONS, TOPICS_SHARD, number_in};
use super::owners::Role;
use super::queues::attributes;
use super::world::World;
use crate::common::shared_log::Fault;
use crate::common::topics::{TOPIC, admin};
use crate::{Checked, Violation, check};
use lclq_shards::command::*;
use lclq_shards::pubsub::command::*;
use lclq_shards::pubsub::{SubscriptionSettings, TopicSettings};
use lclq_shards::{Millis, Outgoing, ShardHost};
use std::collections::BTreeMap;

/// Turns in which everything comes to rest once nothing goes wrong any more.
const REST_TURNS_MAX: usize = 3000;
/// Between two turns in which transfers are yet to be sent again.
const TURN_MS: Millis = 50;

impl World {
    /// Lets everything that is under way come to its end, without faults.
    pub fn rest(&mut self) -> Checked {
        for shard in 0..self.lines.len() {
            while self.lines[shard].log.work_late(0) {
                self.look_at_logs()?;
            }
        }
        self.links.heal();
        for node in &mut self.nodes {
            (node.sleeps_until, node.store_cut_until) = (0, 0);
        }
        let mut busy = Vec::new();
        for _ in 0..REST_TURNS_MAX {
            busy.clear();
            let is_owned = (0..self.plan.shards).all(|shard| self.newest_owner(shard).is_some());
            for seat in 0..self.seats.len() {
                let client = self.seats[seat].client;
                while self.log(seat).work(client, Fault::None) {
                    self.look_at_logs()?;
                }
                self.poll(seat)?;
                let is_open = self.log(seat).waiting(client) > 0;
                let (name, of) = (self.name(seat), &mut self.seats[seat]);
                let takes = matches!(of.role, Role::Taking(_));
                let writes = of.host().is_some_and(|host| !host.is_idle());
                let moves = of.host().map_or(0, |host| host.on_their_way());
                if is_open || takes || writes || (is_owned && moves > 0) {
                    busy.push((name, is_open, takes, moves, of.seen()));
                }
            }
            while self.deliver_frame()? {}
            self.look_at_logs()?;
            if busy.is_empty() && self.links.is_empty() {
                return Ok(());
            }
            self.now += TURN_MS;
        }
        Err(format!("no rest: {busy:?}"))
    }

    /// Asks the newest owner of a shard, and gives it time.
    fn ask(&mut self, shard: u16, command: Command) -> Result<Option<Reply>, Violation> {
        let Some(newest) = self.newest_owner(shard) else {
            return Ok(None);
        };
        let (token, clock) = (self.token(), self.clock(newest));
        let mut found = None;
        if let Some(host) = self.seats[newest].host() {
            host.apply(clock, token, command);
        }
        for _ in 0..REST_TURNS_MAX {
            self.flush(newest, true)?;
            while let Some(outgoing) = self.seats[newest].host().and_then(ShardHost::next_outgoing)
            {
                match outgoing {
                    Outgoing::Reply(of, reply) if of == token => found = Some(reply),
                    other => self.goes_out(newest, other)?,
                }
            }
            if found.is_some() {
                self.pump(newest)?;
                return Ok(found.filter(|it| !matches!(it, Reply::Refused(Refusal::JournalDown))));
            }
            self.log(newest)
                .work(self.seats[newest].client, Fault::None);
            self.look_at_logs()?;
        }
        Err("a question was not answered".to_owned())
    }

    pub fn make_everything(&mut self) -> Checked {
        for queue in self.plan.queues.clone() {
            let create = QueueCommand::Create {
                name: queue.name.clone(),
                attributes: attributes(&self.plan.queues, &queue),
                tags: Default::default(),
                recreate_after_ms: 0,
            };
            let made = self.ask(queue.shard, Command::Queue(Box::new(create)))?;
            check(matches!(made, Some(Reply::Queue(_))), || {
                format!("{queue:?} can't be made: {made:?}")
            })?;
        }
        if !self.plan.topics {
            return Ok(());
        }
        let retention_ms = self.rng.bool().then_some(60_000);
        let create = admin(AdminCommand::CreateTopic {
            name: TOPIC.into(),
            spec: SharedBytes::from([]),
            settings: TopicSettings { retention_ms },
        });
        self.ask(TOPICS_SHARD, create)?;
        for subscription in SUBSCRIPTIONS {
            let settings = SubscriptionSettings {
                retain_acked: self.rng.bool(),
                ordering: self.rng.bool(),
                exactly_once: self.rng.bool(),
                retention_ms: if self.rng.bool() { 30_000 } else { 600_000 },
                ..SubscriptionSettings::default()
            };
            let create = admin(AdminCommand::CreateSubscription {
                name: subscription.into(),
                topic: TOPIC.into(),
                spec: SharedBytes::from([]),
                settings,
            });
            self.ask(TOPICS_SHARD, create)?;
        }
        Ok(())
    }

    /// Nothing goes wrong any more: one owner of each shard is left, and has all that was promised.
    pub fn end(&mut self) -> Checked {
        self.note(|| "nothing goes wrong any more".to_owned());
        self.rest()?;
        for shard in 0..self.plan.shards {
            self.end_of(shard)?;
        }
        // Dead letters that waited for an owner.
        self.rest()?;
        self.audit()
    }

    /// Who believes to be the owner and isn't finds out as it writes; a wait that nobody ends does.
    fn end_of(&mut self, shard: u16) -> Checked {
        for _ in 0..self.nodes.len() * 4 {
            let seats = (0..self.nodes.len()).map(|node| self.seat(node, shard));
            if seats.clone().all(|seat| self.seats[seat].is_idle()) {
                let first = self.seat(0, shard);
                self.begin_taking(first);
                self.rest()?;
            }
            let probe = QueueCommand::Create {
                name: lclq_shards::QueueName::new("us-east-1", "000000000000", "probe"),
                attributes: Default::default(),
                tags: Default::default(),
                recreate_after_ms: 0,
            };
            if self.ask(shard, Command::Queue(Box::new(probe)))?.is_some() {
                return Ok(());
            }
            self.rest()?;
        }
        Err(format!("nobody gets to own shard {shard}"))
    }

    fn audit(&mut self) -> Checked {
        for shard in 0..self.plan.shards {
            check(!self.lines[usize::from(shard)].log.misses_some(), || {
                "an owner didn't put back what the store had lost".to_owned()
            })?;
            let newest = self.newest_owner(shard);
            for node in 0..self.nodes.len() {
                let seat = self.seat(node, shard);
                if Some(seat) != newest {
                    self.ends(seat, false);
                }
            }
        }
        let mut found: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for (number, queue) in self.plan.queues.clone().into_iter().enumerate() {
            let resolve = Command::Queue(Box::new(QueueCommand::Resolve(queue.name)));
            let Some(Reply::Queue(place)) = self.ask(queue.shard, resolve)? else {
                continue;
            };
            let mut after = 0;
            loop {
                let peek = QueueCommand::Peek {
                    queue: place,
                    after,
                    near: None,
                    messages_max: 100,
                };
                let peek = Command::Queue(Box::new(peek));
                let Some(Reply::Peeked(page)) = self.ask(queue.shard, peek)? else {
                    return Err("the owner doesn't answer".to_owned());
                };
                let Some(last) = page.last() else { break };
                after = last.sequence;
                for peeked in page {
                    let message = number_in(peeked.payload.body())?;
                    found.entry(message).or_default().push(number);
                }
            }
        }
        self.oracle.audit(&found)
    }
}
