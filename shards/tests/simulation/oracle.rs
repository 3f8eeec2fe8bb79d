//! What the clients of a run may believe: a plain model, kept from what they asked and were told.
//!
//! The model doesn't predict what the engine does. It knows for each message whether it is surely
//! there, surely gone, or whether there is no telling (an answer was lost, a purge was under way),
//! and complains when the engine does what can't be true.

use super::calls::{Asked, Call, Known, LeaseUse};
use super::plan::Plan;
use crate::machine::disk::Disk;
use crate::machine::{Checked, check};
use lclq_shards::Millis;
use lclq_shards::command::LeaseRef;
use std::collections::{BTreeMap, BTreeSet, HashMap};

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

/// A message that a client sent, over all its moves.
#[derive(Debug)]
pub struct Life {
    /// Queue where it was seen last.
    pub queue: usize,
    pub group: Option<String>,
    pub dedup_key: Option<String>,
    pub sent_at: Millis,
    /// The first of its times of sending: moves give it others.
    pub made_at: Millis,
    pub delay_s: u32,
    /// When the shard saw it, and its place among all that shards were asked.
    pub at: Millis,
    pub order: u64,
    pub fate: Fate,
    pub removed: Removed,
    pub removed_at: Millis,
    /// A lost tail may have lost or doubled it; nothing is said about it until an audit finds it.
    pub wild: bool,
    pub home: Option<(u16, u64)>,
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
    pub attempt: Option<Box<str>>,
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

pub struct Oracle {
    pub plan: Plan,
    pub lives: BTreeMap<u64, Life>,
    pub homes: BTreeMap<(u16, u64), Home>,
    /// Homes by queue and message group, in order.
    pub groups: HashMap<(usize, String), BTreeSet<(u16, u64)>>,
    pub accepted: HashMap<(usize, String), Vec<Accepted>>,
    /// When queues were purged or deleted, by order.
    pub barriers: HashMap<usize, Vec<u64>>,
    pub ids: HashMap<[u8; 16], u64>,
    /// The shortest and the longest retention that each queue may have had, s.
    pub retentions_s: Vec<(u32, u32)>,
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
        Self {
            plan,
            retentions_s,
            lives: BTreeMap::new(),
            homes: BTreeMap::new(),
            groups: HashMap::new(),
            accepted: HashMap::new(),
            barriers: HashMap::new(),
            ids: HashMap::new(),
            orders: 0,
            delivered: 0,
        }
    }

    pub fn shard_of(&self, queue: usize) -> u16 {
        self.plan.queues[queue].name.shard(self.plan.shards)
    }

    /// A shard is about to see a request.
    pub fn note_asked(&mut self, call: &mut Call, now: Millis) {
        self.orders += 1;
        call.order = self.orders;
        call.at = now;
        let (shard, queue) = (call.shard, call.queue);
        match &mut call.asked {
            Asked::Send(numbers) => {
                for number in numbers {
                    let life = self.lives.get_mut(number).expect("sent by the workload");
                    (life.order, life.at) = (call.order, now);
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
                }
            }
            Asked::SetAttributes(retention_s) => {
                let (least, most) = &mut self.retentions_s[queue];
                *least = (*least).min(*retention_s);
                *most = (*most).max(*retention_s);
            }
            Asked::Purge(hit) | Asked::DeleteQueue(hit) => {
                *hit = self.hit_by_purge(queue, now);
                self.barriers.entry(queue).or_default().push(call.order);
            }
            _ => {}
        }
    }

    /// Messages that a purge of the queue takes with it, and whether surely.
    fn hit_by_purge(&mut self, queue: usize, now: Millis) -> Vec<(u64, bool)> {
        let component = self.plan.queues[queue].component;
        let alone = !self.plan.messages_move(queue);
        let mut hit = Vec::new();
        for (number, life) in &self.lives {
            let near = self.plan.queues[life.queue].component == component;
            let seen = life.order > 0;
            if !near || !seen || life.fate == Fate::Never || life.removed == Removed::Yes {
                continue;
            }
            let home = life.home.and_then(|home| self.homes.get(&home));
            let held = home
                .is_some_and(|home| home.busy_until > now && !home.removed && home.queue == queue);
            hit.push((*number, alone || held));
        }
        for (number, _) in &hit {
            self.lives.get_mut(number).expect("just seen").removed = Removed::Maybe;
        }
        hit
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
        let latest = home.floor == lease.receive_count && home.received_at == lease.received_at;
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
        let life = &self.lives[&home.number];
        life.fate == Fate::There
            && life.removed == Removed::No
            && !life.wild
            && life.home == Some((shard, sequence))
            && !home.removed
            && home.deletes_open == 0
            && !self.plan.evicts()
            && !self.may_be_expired(life, now)
            // What is in flight stays where it is.
            && (!self.plan.messages_move(home.queue) || home.busy_until > now)
    }

    /// Whether a message may be past its retention, in whatever queue it is.
    pub fn may_be_expired(&self, life: &Life, now: Millis) -> bool {
        let component = self.plan.queues[life.queue].component;
        let near = self
            .plan
            .queues
            .iter()
            .zip(&self.retentions_s)
            .filter(|(queue, _)| queue.component == component);
        let retention_s = near.map(|(_, (least, _))| *least).min().unwrap_or(0);
        now >= life.sent_at + Millis::from(retention_s) * 1000
    }

    /// A message was seen at a place.
    pub fn settle_home(&mut self, number: u64, queue: usize, shard: u16, sequence: u64) -> Checked {
        let home = self.homes.entry((shard, sequence)).or_insert_with(|| Home {
            number,
            queue,
            floor: 0,
            received_at: 0,
            busy_until: 0,
            changed: (0, 0),
            attempt: None,
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
        let life = self.lives.get_mut(&number).expect("a known message");
        life.home = Some((shard, sequence));
        life.queue = queue;
        if let Some(group) = &life.group {
            let key = (queue, group.clone());
            self.groups
                .entry(key)
                .or_default()
                .insert((shard, sequence));
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
                let life = self.lives.get_mut(number).expect("sent by the workload");
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
                        .get_mut(number)
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
        for ((of, sequence), home) in &mut self.homes {
            if *of == shard {
                home.busy_until = 0;
                home.changed = (0, 0);
                home.received_at = 0;
                home.attempt = None;
                home.floor = disk.durable_count(*sequence).min(home.floor);
            }
        }
    }

    /// A shard has lost what happened since then.
    pub fn note_lost_tail(&mut self, shard: u16, since: Millis) {
        for life in self.lives.values_mut() {
            let component = self.plan.queues[life.queue].component;
            let mut queues = self.plan.queues.iter();
            let queue = &self.plan.queues[life.queue];
            let moves = self
                .plan
                .queues
                .iter()
                .filter(|q| q.component == component)
                .count()
                > 1;
            let touches = queues.any(|queue| {
                queue.component == component && queue.name.shard(self.plan.shards) == shard
            });
            let here = queue.name.shard(self.plan.shards) == shard;
            if moves && touches {
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
        for ((of, _), home) in &mut self.homes {
            // Whatever home the message has since: it is back in this one.
            if *of == shard && home.removed_at >= since {
                home.removed = false;
            }
        }
        for ((queue, _), accepted) in &mut self.accepted {
            if self.plan.queues[*queue].name.shard(self.plan.shards) == shard {
                accepted.retain(|one| one.at < since);
            }
        }
    }
}
