//! One run: the nodes, the logs, the clients, and what happens next.

use super::chain::Chain;
use super::clients::{Call, Clients};
use super::links::Links;
use super::oracle::Oracle;
use super::owners::{Node, Role, Seat};
use super::plan::Plan;
use crate::common::START;
use crate::common::log_owner::Sabotage;
use crate::common::shared_log::{Defect, Fault, SharedLog};
use crate::{Checked, Mutant, Violation};
use fastrand::Rng;
use lclq_shards::Millis;
use lclq_shards::command::Token;
use lclq_shards::journal::Claim;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::AddAssign;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// When epochs' seconds begin.
const EPOCHS_SINCE: Millis = START - 500_000;
/// Longer than a lease lasts.
const CUT_MS_MAX: Millis = 30_000;

/// What a run was worth.
#[derive(Default, Debug, Clone, Copy)]
pub struct Worth {
    pub records: u64,
    pub take_overs: u64,
    pub fenced: u64,
    pub laps: u64,
    /// Times that an owner put back what the store had lost.
    pub healed: u64,
    pub lost_for_good: u64,
    pub acknowledged: u64,
    pub delivered: u64,
    pub compared: u64,
    /// Dead letters, however often they were sent to another shard, and how often clients got some.
    pub transfers: u64,
    pub dead_letters: u64,
    /// Cuts between nodes, and between nodes and the store.
    pub cuts: u64,
}

impl AddAssign for Worth {
    fn add_assign(&mut self, other: Self) {
        self.records += other.records;
        self.take_overs += other.take_overs;
        self.fenced += other.fenced;
        self.laps += other.laps;
        self.healed += other.healed;
        self.lost_for_good += other.lost_for_good;
        self.acknowledged += other.acknowledged;
        self.delivered += other.delivered;
        self.compared += other.compared;
        self.transfers += other.transfers;
        self.dead_letters += other.dead_letters;
        self.cuts += other.cuts;
    }
}

/// A shard's log in the store, and what is known of it.
pub struct Line {
    pub log: SharedLog,
    pub chain: Chain,
    /// Epochs of owners.
    pub epochs: BTreeSet<u64>,
    /// Records were missing when it was last looked at.
    missed: bool,
    /// The highest epoch that there was when records were lost for good.
    pub lost_epoch: u64,
}

pub struct World {
    pub plan: Plan,
    pub rng: Rng,
    /// The true time, which is the store's.
    pub now: Millis,
    pub lines: Vec<Line>,
    pub nodes: Vec<Node>,
    /// One for each node and shard.
    pub seats: Vec<Seat>,
    pub links: Links,
    pub oracle: Oracle,
    pub clients: Clients,
    pub calls: BTreeMap<Token, Call>,
    /// Transfers that a seat has taken and not answered: the seat, and whom to answer.
    pub transfers: BTreeMap<Token, Arrived>,
    next_token: Token,
    pub mutant: Mutant,
    trace: bool,
    pub worth: Worth,
}

/// A transfer at a seat.
#[derive(Clone, Copy)]
pub struct Arrived {
    pub seat: usize,
    pub source: u16,
    pub from: usize,
}

/// Takes out what is of something.
pub fn taken_out<V>(from: &mut BTreeMap<Token, V>, is_its: impl Fn(&V) -> bool) -> Vec<V> {
    let all = std::mem::take(from).into_iter();
    let (out, left): (BTreeMap<_, _>, _) = all.partition(|(_, it)| is_its(it));
    *from = left;
    out.into_values().collect()
}

/// Runs a seed; a panic is as much a failure as a broken promise.
pub fn run(seed: u64, plan: Plan, mutant: Mutant, trace: bool) -> Result<Worth, Violation> {
    let result = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(seed, plan, mutant, trace);
        world.live()?;
        Ok(Worth {
            records: world.lines.iter().map(|line| line.chain.put).sum(),
            compared: world.lines.iter().map(|line| line.chain.compared).sum(),
            acknowledged: world.oracle.acknowledged,
            delivered: world.oracle.delivered,
            dead_letters: world.oracle.dead_letters,
            ..world.worth
        })
    }));
    result.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("panic: {}", text.unwrap_or_default()))
    })
}

impl World {
    fn new(seed: u64, plan: Plan, mutant: Mutant, trace: bool) -> Self {
        let defect = match mutant {
            Mutant::Store(defect) => defect,
            _ => Defect::None,
        };
        let line = |_| Line {
            log: SharedLog::new(false, defect),
            chain: Chain::default(),
            epochs: BTreeSet::new(),
            missed: false,
            lost_epoch: 0,
        };
        let seats = plan.nodes * usize::from(plan.shards);
        Self {
            rng: Rng::with_seed(seed ^ 0x10_5eed),
            now: START,
            lines: (0..plan.shards).map(line).collect(),
            nodes: vec![Node::default(); plan.nodes],
            seats: (0..seats).map(|_| Seat::idle()).collect(),
            links: Links::new(plan.nodes),
            oracle: Oracle::of(plan.queues.clone(), plan.skew_between()),
            clients: Clients::default(),
            calls: BTreeMap::new(),
            transfers: BTreeMap::new(),
            next_token: 1,
            mutant,
            trace,
            worth: Worth::default(),
            plan,
        }
    }

    pub fn note(&self, what: impl FnOnce() -> String) {
        if self.trace {
            eprintln!("{:>8} {}", self.now - START, what());
        }
    }

    pub fn sabotage(&self) -> Sabotage {
        match self.mutant {
            Mutant::Shard(sabotage) => sabotage,
            _ => Sabotage::None,
        }
    }

    pub fn token(&mut self) -> Token {
        self.next_token += 1;
        self.next_token
    }

    pub fn seat(&self, node: usize, shard: u16) -> usize {
        node * usize::from(self.plan.shards) + usize::from(shard)
    }

    pub fn node_of(&self, seat: usize) -> usize {
        seat / usize::from(self.plan.shards)
    }

    pub fn shard_of(&self, seat: usize) -> u16 {
        (seat % usize::from(self.plan.shards)) as u16
    }

    pub fn line(&mut self, seat: usize) -> &mut Line {
        let shard = self.shard_of(seat);
        &mut self.lines[usize::from(shard)]
    }

    pub fn log(&self, seat: usize) -> &SharedLog {
        &self.lines[usize::from(self.shard_of(seat))].log
    }

    /// What a seat's node takes the time to be.
    pub fn clock(&self, seat: usize) -> Millis {
        let ahead_ms = self.nodes[self.node_of(seat)].ahead_ms;
        self.now.saturating_add_signed(ahead_ms)
    }

    pub fn is_awake(&self, seat: usize) -> bool {
        self.nodes[self.node_of(seat)].sleeps_until <= self.now
    }

    /// Who believe to own a shard.
    pub fn owners(&self, shard: u16) -> impl Iterator<Item = usize> + '_ {
        let seats = (0..self.nodes.len()).map(move |node| self.seat(node, shard));
        seats.filter(|seat| self.seats[*seat].epoch().is_some())
    }

    pub fn newest_owner(&self, shard: u16) -> Option<usize> {
        self.owners(shard)
            .max_by_key(|seat| self.seats[*seat].epoch())
    }

    /// Whom a client believes to own a shard.
    pub fn some_owner(&mut self, shard: u16) -> Option<usize> {
        let owners: Vec<usize> = self
            .owners(shard)
            .filter(|seat| self.is_awake(*seat))
            .collect();
        let newest = owners
            .iter()
            .copied()
            .max_by_key(|seat| self.seats[*seat].epoch())?;
        let any = self.rng.u8(..100) < if self.plan.stale_clients { 50 } else { 10 };
        Some(if any {
            owners[self.rng.usize(..owners.len())]
        } else {
            newest
        })
    }

    fn live(&mut self) -> Checked {
        for node in 0..self.nodes.len() {
            self.set_clock(node);
        }
        for shard in 0..self.plan.shards {
            let seat = self.seat(usize::from(shard) % self.nodes.len(), shard);
            self.begin_taking(seat);
        }
        self.rest()?;
        self.make_everything()?;
        for _ in 0..self.plan.steps {
            self.step()?;
        }
        self.end()
    }

    fn step(&mut self) -> Checked {
        let plan = &self.plan;
        let weights = [
            plan.clients,
            plan.store,
            plan.poll,
            plan.time,
            plan.pause,
            plan.crash,
            plan.take_over,
            plan.late,
            plan.fail_over,
            plan.frames,
            plan.cut,
        ];
        let total: u32 = weights.iter().sum();
        let mut pick = self.rng.u32(..total);
        let what = weights.iter().position(|weight| {
            let is_it = pick < *weight;
            pick = pick.saturating_sub(*weight);
            is_it
        });
        let node = self.rng.usize(..self.nodes.len());
        match what {
            Some(0) => self.ask_somebody()?,
            Some(1) => {
                let seat = self.busy_seat();
                self.work_store(seat);
            }
            Some(2) => {
                let seat = self.busy_seat();
                self.poll(seat)?;
            }
            Some(3) => self.pass_time()?,
            Some(4) => {
                let most = if self.plan.long_pauses { 40_000 } else { 3000 };
                self.nodes[node].sleeps_until = self.now + self.rng.u64(1..most);
                self.note(|| format!("node {node} sleeps"));
            }
            Some(5) => self.crash(node),
            Some(6) => {
                let seat = self.rng.usize(..self.seats.len());
                if self.seats[seat].is_idle() && self.is_awake(seat) {
                    self.begin_taking(seat);
                }
            }
            Some(7) => {
                let at = self.rng.usize(..100);
                let line = self.rng.usize(..self.lines.len());
                self.lines[line].log.work_late(at);
            }
            Some(8) => self.fail_over(),
            Some(9) => drop(self.deliver_frame()?),
            _ => self.cut(node),
        }
        self.look_at_logs()
    }

    /// A seat that has something to do, if there is one.
    fn busy_seat(&mut self) -> usize {
        let first = self.rng.usize(..self.seats.len());
        let seats = (0..self.seats.len()).map(|step| (first + step) % self.seats.len());
        let mut busy = seats.filter(|seat| !self.seats[*seat].is_idle());
        busy.next().unwrap_or(first)
    }

    pub fn look_at_logs(&mut self) -> Checked {
        let keeps_leases = self.sabotage() != Sabotage::HoldsNothing;
        // What a clock ahead wrote down, an owner whose clock is behind takes to have happened when it began, and a
        // later one when that began.
        let is_exact = self.plan.skew_ms_max == 0;
        for shard in 0..self.lines.len() {
            let (line, rng) = (&mut self.lines[shard], &mut self.rng);
            if self.trace {
                for record in line.log.put_since(line.chain.put as usize) {
                    eprintln!("         {:?} is put into {shard}", record.place);
                }
            }
            line.chain
                .look(&line.log, keeps_leases, || is_exact && rng.u8(..3) == 0)?;
            if line.log.take_lost_for_good() {
                self.worth.lost_for_good += 1;
                self.oracle.lost_for_good();
                line.missed = false;
                line.lost_epoch = line.chain.epoch_max;
                self.note(|| format!("records of {shard} are lost for good"));
            }
            let line = &mut self.lines[shard];
            let misses = line.log.misses_some();
            self.worth.healed += u64::from(line.missed && !misses);
            line.missed = misses;
        }
        Ok(())
    }

    fn work_store(&mut self, seat: usize) {
        if self.nodes[self.node_of(seat)].store_cut_until > self.now {
            return;
        }
        let fault = if self.rng.u32(..100) < self.plan.faults_percent {
            [Fault::LosesAnswer, Fault::LosesRequest, Fault::IsLate][self.rng.usize(..3)]
        } else {
            Fault::None
        };
        self.log(seat).work(self.seats[seat].client, fault);
    }

    fn pass_time(&mut self) -> Checked {
        self.now += match self.rng.u8(..20) {
            0 => self.rng.u64(1..20_000),
            _ => self.rng.u64(1..400),
        };
        for seat in 0..self.seats.len() {
            if self.is_awake(seat) {
                let clock = self.clock(seat);
                if let Some(host) = self.seats[seat].host() {
                    host.tick(clock);
                }
                self.pump(seat)?;
            }
        }
        Ok(())
    }

    pub fn begin_taking(&mut self, seat: usize) {
        let seconds = (self.now - EPOCHS_SINCE) / 1000;
        let claim = Claim {
            least_epoch: match self.mutant {
                Mutant::TakesEpochsBack => 0,
                _ => seconds,
            },
            owner: self.token().to_le_bytes().into(),
            limits: self.plan.limits,
        };
        self.note(|| format!("{} takes over", self.name(seat)));
        let shard = usize::from(self.shard_of(seat));
        self.seats[seat].begin(&self.lines[shard].log, claim);
    }

    /// A seat, for people.
    pub fn name(&self, seat: usize) -> String {
        format!("node {} of {}", self.node_of(seat), self.shard_of(seat))
    }

    /// Until a node starts again, its clock goes like others.
    fn set_clock(&mut self, node: usize) {
        let most = self.plan.skew_ms_max as i64;
        self.nodes[node].ahead_ms = self.rng.i64(-most..=most);
    }

    fn crash(&mut self, node: usize) {
        self.note(|| format!("node {node} crashes"));
        let late = self.rng.bool();
        for shard in 0..self.plan.shards {
            let seat = self.seat(node, shard);
            self.ends(seat, late);
        }
        let is_lost = self.rng.bool();
        self.links.ends(node, is_lost);
        for other in 0..self.nodes.len() {
            self.connection_is_lost(other);
        }
        self.set_clock(node);
    }

    pub fn ends(&mut self, seat: usize, late: bool) {
        if self.seats[seat].is_idle() {
            return;
        }
        self.log(seat).disconnect(self.seats[seat].client, late);
        self.seats[seat].role = Role::Idle;
        for call in taken_out(&mut self.calls, |call| call.seat == seat) {
            self.lost(&call.asked);
        }
        self.transfers_are_refused(seat);
    }

    /// The store's replica takes over: all that is under way is cut off, and perhaps more is lost.
    fn fail_over(&mut self) {
        for seat in 0..self.seats.len() {
            let client = self.seats[seat].client;
            while self.log(seat).waiting(client) > 0 {
                let fault = [Fault::LosesRequest, Fault::IsLate][self.rng.usize(..2)];
                self.log(seat).work(client, fault);
            }
            // A claim is of its time: it ends with the connection.
            if matches!(self.seats[seat].role, Role::Taking(_)) {
                self.ends(seat, false);
            }
        }
        for shard in 0..self.lines.len() {
            let lag = self.rng.u64(..=self.plan.lag_max);
            let untrims = self.rng.bool();
            let tail = self.lines[shard].log.tail();
            self.note(|| format!("the store fails over at {tail:?} of {shard}, and loses {lag}"));
            self.lines[shard].log.fail_over(lag, untrims);
            // Epochs that were given out lately may be lost; by the time that the store is back their
            // seconds are over.
            let ahead = self.lines[shard].chain.epoch_max + 8;
            self.now = self.now.max(EPOCHS_SINCE + ahead * 1000);
        }
    }

    /// A node is cut off from another, one way or both, or from the store.
    fn cut(&mut self, node: usize) {
        let until = self.now + self.rng.u64(1..CUT_MS_MAX);
        if self.rng.u8(..3) == 0 {
            self.worth.cuts += 1;
            self.note(|| format!("node {node} is cut off from the store"));
            self.nodes[node].store_cut_until = until;
            return;
        }
        let other = self.rng.usize(..self.nodes.len());
        self.worth.cuts += u64::from(other != node);
        self.note(|| format!("node {node} is cut off from {other}"));
        self.links.cut(node, other, until);
        if self.rng.bool() {
            self.links.cut(other, node, until);
        }
        if self.rng.bool() {
            self.links.lose(node, other);
            self.connection_is_lost(node);
            self.connection_is_lost(other);
        }
    }
}
