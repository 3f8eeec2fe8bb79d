//! What the clients of a run may believe: a plain model, kept from what they asked and were told.
//!
//! The model doesn't predict what the engine does. It knows for each message whether it is surely
//! there, surely gone, or whether there is no telling (an answer was lost, a purge was under way),
//! and complains when the engine does what can't be true.

use super::calls::{Asked, Call, Known, LeaseUse};
use super::plan::Plan;
use crate::machine::clock::Clock;
use crate::machine::disk::Disk;
use crate::machine::numbered::{Map, Numbered};
use crate::machine::{Checked, check};
use lclq_shards::Millis;
use lclq_shards::command::LeaseRef;
use std::collections::BTreeSet;
use std::ops::Index;

/// The longest delay of a message, ms: no restart makes one longer.
const DELAY_MS_MAX: Millis = 15 * 60 * 1000;

/// Whether a message was ever there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// Its request is under way.
    Pending,
    /// No telling.
    Maybe,
    /// It was acknowledged, or seen.
    There,
    /// It was refused, or a duplicate.
    Never,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Removed {
    No,
    Maybe,
    Yes,
}

/// A message group.
pub type Group = u8;

/// What makes a message a duplicate: the number in its id, and its group where that counts.
pub type DedupId = (u64, Option<Group>);

/// A shard and a sequence number.
pub type Place = (u16, u64);

/// A message that a client sent, over all its moves.
#[derive(Debug)]
pub struct Life {
    /// Queue where it was seen last.
    pub queue: usize,
    pub group: Option<Group>,
    pub dedup_key: Option<DedupId>,
    /// Its time of sending, and when that was learnt: moves and restarts give it others.
    pub sent_at: Millis,
    pub told_at: Millis,
    /// The first of its times of sending.
    pub made_at: Millis,
    /// The delay that it was sent with, if it was.
    pub own_delay_s: Option<u32>,
    /// The shortest and the longest delay that its queue may have given it as it came, s.
    pub delay_s: (u32, u32),
    /// Somebody was given it.
    pub received: bool,
    /// When the shard saw it, and its place among all that shards were asked.
    pub at: Millis,
    pub order: u64,
    pub fate: Fate,
    pub removed: Removed,
    pub removed_at: Millis,
    /// A lost tail may have lost or doubled it; nothing is said about it until an audit finds it.
    pub wild: bool,
    pub home: Option<Place>,
}

/// A place that a message has or had: a shard and a sequence number.
#[derive(Debug)]
pub struct Home {
    pub number: u64,
    pub queue: usize,
    /// Receive counts must exceed this.
    pub floor: u32,
    pub received_at: Millis,
    pub busy_until: Millis,
    /// When a client last changed the lease, and in what order.
    pub changed: (Millis, u64),
    /// A client has wanted to change a lease of it, whether or not that was answered.
    pub change_asked: bool,
    pub attempt: Option<Box<str>>,
    /// A receive that was given back, perhaps.
    pub given_back: Option<(u32, Millis)>,
    /// The floor is the count: nothing that was given out, or given back, is unknown.
    pub counted: bool,
    pub removed: bool,
    /// When that was answered.
    pub removed_at: Millis,
    /// Deletes whose outcome isn't known.
    pub deletes_open: u32,
}

/// A message that opened a deduplication window.
#[derive(Clone, Debug)]
pub struct Accepted {
    pub number: u64,
    pub order: u64,
    pub at: Millis,
}

/// A delay that a queue may have or have had.
#[derive(Clone, Copy)]
struct Delay {
    order: u64,
    delay_s: u32,
    /// Order from which on it surely wasn't the queue's any more.
    until: u64,
}

/// The homes of all messages.
pub struct Homes(Vec<Map<u64, Home>>);

impl Homes {
    fn of(shards: u16) -> Self {
        Self((0..shards).map(|_| Map::default()).collect())
    }

    pub fn get(&self, (shard, sequence): &Place) -> Option<&Home> {
        self.0[usize::from(*shard)].get(sequence)
    }

    pub fn get_mut(&mut self, (shard, sequence): &Place) -> Option<&mut Home> {
        self.of_shard(*shard).get_mut(sequence)
    }

    fn of_shard(&mut self, shard: u16) -> &mut Map<u64, Home> {
        &mut self.0[usize::from(shard)]
    }
}

impl Index<&Place> for Homes {
    type Output = Home;

    fn index(&self, place: &Place) -> &Home {
        self.get(place).expect("a known home")
    }
}

pub struct Oracle {
    pub plan: Plan,
    pub clock: Clock,
    /// The shard of each queue, and whether messages of it can come to others, or from them.
    shards: Vec<u16>,
    pub moves: Vec<bool>,
    pub lives: Numbered<Life>,
    pub homes: Homes,
    /// Sequence numbers by queue and message group, in order.
    pub groups: Map<(usize, Group), BTreeSet<u64>>,
    pub accepted: Map<(usize, DedupId), Vec<Accepted>>,
    /// When queues were purged or deleted, by order.
    pub barriers: Map<usize, Vec<u64>>,
    /// The shortest and the longest retention that each queue may have had, s.
    pub retentions_s: Vec<(u32, u32)>,
    /// The shortest that any queue may have had to which a queue's messages can move, s.
    nearby_retention_s: Vec<u32>,
    delays: Vec<Vec<Delay>>,
    orders: u64,
    /// Messages given out, for a look at what a run was worth.
    pub delivered: u64,
}

impl Oracle {
    pub fn of(plan: Plan) -> Self {
        let retentions_s = plan
            .queues
            .iter()
            .map(|queue| (queue.retention_s, queue.retention_s))
            .collect();
        let delays = plan.queues.iter().map(|queue| {
            vec![Delay {
                order: 0,
                delay_s: queue.delay_s,
                until: u64::MAX,
            }]
        });
        let delays = delays.collect();
        let queues = 0..plan.queues.len();
        let name = |queue: usize| &plan.queues[queue].name;
        let mut oracle = Self {
            shards: queues
                .clone()
                .map(|queue| name(queue).shard(plan.shards))
                .collect(),
            moves: queues.map(|queue| plan.messages_move(queue)).collect(),
            homes: Homes::of(plan.shards),
            clock: Clock::new(plan.shards),
            plan,
            retentions_s,
            delays,
            nearby_retention_s: Vec::new(),
            lives: Numbered::default(),
            groups: Map::default(),
            accepted: Map::default(),
            barriers: Map::default(),
            orders: 0,
            delivered: 0,
        };
        oracle.note_retentions();
        oracle
    }

    /// Retentions have changed.
    fn note_retentions(&mut self) {
        let queues = || self.plan.queues.iter().zip(&self.retentions_s);
        let nearby = self.plan.queues.iter().map(|queue| {
            let near = queues().filter(|(other, _)| other.component == queue.component);
            near.map(|(_, (least, _))| *least).min().unwrap_or(0)
        });
        self.nearby_retention_s = nearby.collect();
    }

    /// The shortest and the longest delay that a queue may have or have had since `order`, s.
    pub fn delays_s(&self, queue: usize, order: u64) -> (u32, u32) {
        let since = self.delays[queue].iter().filter(|one| one.until >= order);
        let since = since.map(|one| one.delay_s);
        let most = since.clone().max().unwrap_or(u32::MAX);
        (since.min().unwrap_or(0), most)
    }

    fn delay_asked(&mut self, queue: usize, order: u64, delay_s: u32) {
        self.delays[queue].push(Delay {
            order,
            delay_s,
            until: u64::MAX,
        });
    }

    /// A request that set a queue's delay is done and lasts: earlier delays have gone.
    pub fn delay_set(&mut self, queue: usize, order: u64) {
        let now = self.orders;
        for one in &mut self.delays[queue] {
            if one.order < order {
                one.until = one.until.min(now);
            }
        }
    }

    pub fn shard_of(&self, queue: usize) -> u16 {
        self.shards[queue]
    }

    /// A shard is about to see a request.
    pub fn note_asked(&mut self, call: &mut Call, now: Millis) {
        self.orders += 1;
        call.order = self.orders;
        call.at = now;
        let (shard, queue) = (call.shard, call.queue);
        let delay_s = self.delays_s(queue, call.order);
        let deletes = matches!(call.asked, Asked::DeleteQueue(_));
        match &mut call.asked {
            Asked::Send(numbers) => {
                for number in numbers {
                    let life = self.lives.get_mut(*number).expect("sent by the workload");
                    (life.order, life.at) = (call.order, now);
                    life.delay_s = life.own_delay_s.map_or(delay_s, |own| (own, own));
                }
            }
            Asked::Delete(uses) => {
                for using in uses {
                    using.known = self.knows(shard, queue, &using.lease, now);
                    if let Some(home) = self.homes.get_mut(&(shard, using.lease.sequence)) {
                        home.deletes_open += 1;
                    }
                }
            }
            Asked::Change(uses) => {
                for (using, _) in uses {
                    using.known = self.knows(shard, queue, &using.lease, now);
                    if let Some(home) = self.homes.get_mut(&(shard, using.lease.sequence)) {
                        home.change_asked = true;
                        // What is given back is left alone if this comes first.
                        home.counted &= home.given_back.is_none();
                    }
                }
            }
            Asked::GiveBack(leases) => {
                for lease in leases {
                    self.given_back(shard, lease, now);
                }
            }
            Asked::SetAttributes(retention_s, delay_s) => {
                if let Some(delay_s) = *delay_s {
                    self.delay_asked(queue, call.order, delay_s);
                }
                let (least, most) = &mut self.retentions_s[queue];
                *least = (*least).min(*retention_s);
                *most = (*most).max(*retention_s);
                self.note_retentions();
            }
            Asked::Purge(hit) | Asked::DeleteQueue(hit) => {
                *hit = self.hit_by_purge(queue, now);
                self.barriers.entry(queue).or_default().push(call.order);
                if deletes {
                    // It may be made again.
                    let delay_s = self.plan.queues[queue].delay_s;
                    self.delay_asked(queue, call.order, delay_s);
                }
            }
            _ => {}
        }
    }

    /// Messages that a purge of the queue takes with it, and whether surely.
    fn hit_by_purge(&mut self, queue: usize, now: Millis) -> Vec<(u64, bool)> {
        let component = self.plan.queues[queue].component;
        let alone = !self.moves[queue];
        let mut hit = Vec::new();
        for (number, life) in self.lives.iter() {
            let near = self.plan.queues[life.queue].component == component;
            let seen = life.order > 0;
            if !near || !seen || life.fate == Fate::Never || life.removed == Removed::Yes {
                continue;
            }
            let home = life.home.and_then(|home| self.homes.get(&home));
            let held = home
                .is_some_and(|home| home.busy_until > now && !home.removed && home.queue == queue);
            hit.push((number, alone || held));
        }
        for (number, _) in &hit {
            self.lives.get_mut(*number).expect("just seen").removed = Removed::Maybe;
        }
        hit
    }

    /// A receive reached nobody, which its shard is about to be told.
    fn given_back(&mut self, shard: u16, lease: &LeaseRef, now: Millis) {
        let Some(home) = self.homes.get_mut(&(shard, lease.sequence)) else {
            return;
        };
        if (home.floor, home.received_at) != (lease.receive_count, lease.received_at) {
            return;
        }
        // One from before a receive that was given back is over, and so is left alone.
        let before = home
            .given_back
            .is_some_and(|(count, at)| lease.receive_count < count && lease.received_at <= at);
        if before {
            return;
        }
        // Over, repeated by another client, or changed by one, it is left alone.
        let is_held = home.attempt.is_some() || home.change_asked;
        home.counted &= home.busy_until > now && !is_held;
        home.given_back = Some((lease.receive_count, lease.received_at));
        home.floor -= 1;
        home.busy_until = 0;
    }

    /// A receive may have given out messages that nobody was told of.
    pub fn uncount(&mut self, queue: usize) {
        let shard = self.shards[queue];
        for home in self.homes.of_shard(shard).values_mut() {
            home.counted &= home.queue != queue;
        }
    }

    /// What is known of a lease when it is used.
    fn knows(&self, shard: u16, queue: usize, lease: &LeaseRef, now: Millis) -> Known {
        let Some(home) = self.homes.get(&(shard, lease.sequence)) else {
            return Known::Unsure;
        };
        if home.removed {
            return Known::Gone;
        }
        if home.queue != queue || !self.surely_there(shard, lease.sequence, now) {
            return Known::Unsure;
        }
        if home.given_back == Some((lease.receive_count, lease.received_at)) {
            return Known::Unsure;
        }
        let latest = home.floor == lease.receive_count && home.received_at == lease.received_at;
        // One from before a receive that was given back is over, even of the same millisecond.
        let before = home
            .given_back
            .is_some_and(|(count, at)| lease.receive_count < count && lease.received_at <= at);
        let latest = latest && !before;
        if latest && home.busy_until > now {
            Known::Current
        } else {
            Known::Over
        }
    }

    /// Whether a message must be where the model has it.
    pub fn surely_there(&self, shard: u16, sequence: u64, now: Millis) -> bool {
        let Some(home) = self.homes.get(&(shard, sequence)) else {
            return false;
        };
        let life = &self.lives[home.number];
        life.fate == Fate::There
            && life.removed == Removed::No
            && !life.wild
            && life.home == Some((shard, sequence))
            && !home.removed
            && home.deletes_open == 0
            && !self.plan.evicts()
            && !self.may_be_expired(life, now)
            // What is in flight stays where it is.
            && (!self.moves[home.queue] || home.busy_until > now)
    }

    /// Whether a message may be past its retention, in whatever queue it is.
    pub fn may_be_expired(&self, life: &Life, now: Millis) -> bool {
        let retention_s = self.nearby_retention_s[life.queue];
        // A move writes it down anew, by the clock of then.
        let early_ms = if self.moves[life.queue] {
            self.clock.rise_after(life.told_at)
        } else {
            self.clock.rise_since(life.told_at)
        };
        now + early_ms >= life.sent_at + Millis::from(retention_s) * 1000
    }

    /// When a message that nobody has received becomes visible in the queue that it was sent to, by
    /// the clock: at the earliest and at the latest. A FIFO queue's delay is the one of now, and
    /// counts from the time of sending, which is before the shard sees it.
    pub fn available_at(&self, shard: u16, life: &Life, order: u64) -> (Millis, Millis) {
        let sent_at = self.clock.stored(shard, life.made_at);
        if self.plan.queues[life.queue].fifo {
            let (least, most) = self.delays_s(life.queue, order);
            let after = |delay_s: u32| sent_at + Millis::from(delay_s) * 1000;
            return (after(least), after(most));
        }
        let after = |delay_s: u32| {
            if delay_s == 0 {
                return 0;
            }
            let under_way_ms = life.at - life.made_at;
            let available_at = sent_at + under_way_ms + Millis::from(delay_s) * 1000;
            match self.clock.started_after(shard, life.at) {
                Some(start) => available_at.min(start + DELAY_MS_MAX),
                None => available_at,
            }
        };
        (after(life.delay_s.0), after(life.delay_s.1))
    }

    /// A message was seen at a place.
    pub fn settle_home(&mut self, number: u64, queue: usize, shard: u16, sequence: u64) -> Checked {
        let home = self
            .homes
            .of_shard(shard)
            .entry(sequence)
            .or_insert_with(|| Home {
                number,
                queue,
                floor: 0,
                received_at: 0,
                busy_until: 0,
                changed: (0, 0),
                change_asked: false,
                attempt: None,
                given_back: None,
                counted: false,
                removed: false,
                removed_at: 0,
                deletes_open: 0,
            });
        check(home.number == number, || {
            format!(
                "sequence number {sequence} is of messages {} and {number}",
                home.number
            )
        })?;
        let life = self.lives.get_mut(number).expect("a known message");
        life.home = Some((shard, sequence));
        life.queue = queue;
        if let Some(group) = life.group {
            let places = self.groups.entry((queue, group)).or_default();
            places.insert(sequence);
        }
        Ok(())
    }

    /// A request will have no answer; it may have been carried out.
    pub fn note_lost(&mut self, call: &Call) {
        if let Asked::Send(numbers) = &call.asked {
            let fate = if call.order > 0 {
                Fate::Maybe
            } else {
                Fate::Never
            };
            for number in numbers {
                let life = self.lives.get_mut(*number).expect("sent by the workload");
                if life.fate == Fate::Pending {
                    life.fate = fate;
                }
            }
        }
        // Deletes stay open and purges stay possible until the next audit.
    }

    /// A request was not carried out.
    pub fn not_done(&mut self, call: &Call) {
        match &call.asked {
            Asked::Send(numbers) => {
                for number in numbers {
                    self.lives
                        .get_mut(*number)
                        .expect("sent by the workload")
                        .fate = Fate::Never;
                }
            }
            Asked::Delete(uses) if call.order > 0 => self.close_deletes(call.shard, uses),
            _ => {}
        }
    }

    pub fn close_deletes(&mut self, shard: u16, uses: &[LeaseUse]) {
        for using in uses {
            if let Some(home) = self.homes.get_mut(&(shard, using.lease.sequence)) {
                home.deletes_open = home.deletes_open.saturating_sub(1);
            }
        }
    }

    /// A shard has died: leases are gone, and receive counts that were not durable.
    pub fn note_crash(&mut self, shard: u16, disk: &Disk) {
        for (sequence, home) in self.homes.of_shard(shard) {
            home.busy_until = 0;
            home.changed = (0, 0);
            home.received_at = 0;
            home.attempt = None;
            (home.given_back, home.counted) = (None, false);
            if home.floor > 0 {
                home.floor = disk.durable_count(*sequence).min(home.floor);
            }
        }
    }

    /// A shard has lost what happened since then.
    pub fn note_lost_tail(&mut self, shard: u16, since: Millis) {
        let shards_of = |component: usize| {
            let queues = self.plan.queues.iter().zip(&self.shards);
            queues
                .filter_map(move |(queue, shard)| (queue.component == component).then_some(*shard))
        };
        let queues = self.plan.queues.iter();
        let touches: Vec<bool> = queues
            .map(|queue| shards_of(queue.component).any(|of| of == shard))
            .collect();
        for life in self.lives.values_mut() {
            let here = self.shards[life.queue] == shard;
            if self.moves[life.queue] && touches[life.queue] {
                life.wild |= life.fate != Fate::Never
                    && (life.removed != Removed::Yes || life.removed_at >= since);
            } else if here {
                if life.fate == Fate::There && life.at >= since {
                    life.fate = Fate::Maybe;
                }
                if life.removed == Removed::Yes && life.removed_at >= since {
                    life.removed = Removed::Maybe;
                }
            }
        }
        for home in self.homes.of_shard(shard).values_mut() {
            // Whatever home the message has since: it is back in this one.
            if home.removed_at >= since {
                home.removed = false;
            }
        }
        for ((queue, _), accepted) in &mut self.accepted {
            if self.shards[*queue] == shard {
                accepted.retain(|one| one.at < since);
            }
        }
    }
}
