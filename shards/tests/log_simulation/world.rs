//! One run: the processes, the log, the clients, and what happens next.

use super::chain::{Chain, Had};
use super::clients::{Asked, Call, Clients, QUEUES, SUBSCRIPTIONS, name, number_in};
use super::oracle::Oracle;
use super::owners::{Process, Role, is_safe};
use super::plan::Plan;
use crate::common::START;
use crate::common::log_owner::{Sabotage, kept_by};
use crate::common::shared_log::{Defect, Fault, SharedLog};
use crate::common::topics::{TOPIC, admin};
use crate::{Checked, Mutant, Violation, check};
use fastrand::Rng;
use lclq_shards::attributes::QueueAttribute;
use lclq_shards::command::*;
use lclq_shards::journal::{Claim, Kept};
use lclq_shards::pubsub::command::*;
use lclq_shards::pubsub::{SubscriptionSettings, TopicSettings};
use lclq_shards::{Millis, Outgoing, ShardHost};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::AddAssign;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// When epochs' seconds begin.
const EPOCHS_SINCE: Millis = START - 500_000;
/// Turns in which everything comes to rest once nothing goes wrong any more.
const REST_TURNS_MAX: usize = 3000;

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
    }
}

pub struct World {
    pub plan: Plan,
    pub rng: Rng,
    pub now: Millis,
    pub log: SharedLog,
    pub processes: Vec<Process>,
    pub chain: Chain,
    pub oracle: Oracle,
    pub clients: Clients,
    /// Epochs of owners.
    epochs: BTreeSet<u64>,
    calls: BTreeMap<Token, Call>,
    next_token: Token,
    mutant: Mutant,
    trace: bool,
    worth: Worth,
    /// Records were missing when it was last looked at.
    missed: bool,
}

/// Runs a seed; a panic is as much a failure as a broken promise.
pub fn run(seed: u64, plan: Plan, mutant: Mutant, trace: bool) -> Result<Worth, Violation> {
    let result = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(seed, plan, mutant, trace);
        world.live()?;
        Ok(Worth {
            records: world.chain.put,
            acknowledged: world.oracle.acknowledged,
            delivered: world.oracle.delivered,
            compared: world.chain.compared,
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
        Self {
            rng: Rng::with_seed(seed ^ 0x10_5eed),
            now: START,
            log: SharedLog::new(false, defect),
            processes: (0..plan.owners).map(|_| Process::idle()).collect(),
            chain: Chain::default(),
            oracle: Oracle::default(),
            clients: Clients::default(),
            epochs: BTreeSet::new(),
            calls: BTreeMap::new(),
            next_token: 1,
            mutant,
            trace,
            worth: Worth::default(),
            missed: false,
            plan,
        }
    }

    fn note(&self, what: impl FnOnce() -> String) {
        if self.trace {
            eprintln!("{:>8} {}", self.now - START, what());
        }
    }

    fn sabotage(&self) -> Sabotage {
        match self.mutant {
            Mutant::Shard(sabotage) => sabotage,
            _ => Sabotage::None,
        }
    }

    fn live(&mut self) -> Checked {
        self.begin_taking(0);
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
        ];
        let total: u32 = weights.iter().sum();
        let mut pick = self.rng.u32(..total);
        let what = weights.iter().position(|weight| {
            let is_it = pick < *weight;
            pick = pick.saturating_sub(*weight);
            is_it
        });
        let process = self.rng.usize(..self.processes.len());
        match what {
            Some(0) => self.ask_somebody()?,
            Some(1) => self.work_store(process),
            Some(2) => self.poll(process)?,
            Some(3) => self.pass_time()?,
            Some(4) => {
                let most = if self.plan.long_pauses { 40_000 } else { 3000 };
                self.processes[process].sleeps_until = self.now + self.rng.u64(1..most);
                self.note(|| format!("{process} sleeps"));
            }
            Some(5) => self.crash(process),
            Some(6) => {
                if self.processes[process].is_idle() && self.processes[process].is_awake(self.now) {
                    self.begin_taking(process);
                }
            }
            Some(7) => {
                let at = self.rng.usize(..100);
                self.log.work_late(at);
            }
            _ => self.fail_over(),
        }
        self.look_at_log()
    }

    fn look_at_log(&mut self) -> Checked {
        let keeps_leases = self.sabotage() != Sabotage::HoldsNothing;
        let (log, rng) = (&self.log, &mut self.rng);
        if self.trace {
            for record in log.put_since(self.chain.put as usize) {
                eprintln!("         {:?} is put in", record.place);
            }
        }
        self.chain.look(log, keeps_leases, || rng.u8(..3) == 0)?;
        if self.log.take_lost_for_good() {
            self.note(|| "records are lost for good".to_owned());
            self.worth.lost_for_good += 1;
            self.oracle.lost_for_good();
            self.missed = false;
        }
        let misses = self.log.misses_some();
        self.worth.healed += u64::from(self.missed && !misses);
        self.missed = misses;
        Ok(())
    }

    /// A client asks whom it believes to be the owner.
    fn ask_somebody(&mut self) -> Checked {
        let now = self.now;
        let owners = (0..self.processes.len()).filter(|at| {
            let process = &self.processes[*at];
            process.epoch().is_some() && process.is_awake(now)
        });
        let owners: Vec<usize> = owners.collect();
        let newest = owners
            .iter()
            .copied()
            .max_by_key(|at| self.processes[*at].epoch());
        let Some(newest) = newest else { return Ok(()) };
        let any = self.rng.u8(..100) < if self.plan.stale_clients { 50 } else { 10 };
        let process = if any {
            owners[self.rng.usize(..owners.len())]
        } else {
            newest
        };
        self.client_asks(process)
    }

    fn token(&mut self) -> Token {
        self.next_token += 1;
        self.next_token
    }

    /// Brings a call to a process.
    pub fn call(&mut self, process: usize, asked: Asked, command: Command) -> Checked {
        let (token, now) = (self.token(), self.now);
        self.note(|| format!("#{token} at {process}: {asked:?}"));
        self.calls.insert(token, Call { process, asked });
        if let Some(host) = self.processes[process].host() {
            host.apply(now, token, command);
        }
        if self.rng.u8(..4) > 0 {
            self.flush(process, false)?;
        }
        self.pump(process)
    }

    /// Asks what is answered at once, unless the process can't answer any more.
    pub fn look(&mut self, process: usize, command: Command) -> Result<Option<Reply>, Violation> {
        let (token, now) = (self.token(), self.now);
        self.pump(process)?;
        let Some(host) = self.processes[process].host() else {
            return Ok(None);
        };
        host.apply(now, token, command);
        let mut found = None;
        let mut others = Vec::new();
        while let Some(outgoing) = host.next_outgoing() {
            match outgoing {
                Outgoing::Reply(of, reply) if of == token => found = Some(reply),
                Outgoing::Reply(of, reply) => others.push((of, reply)),
                Outgoing::Transfer(_) => return Err("a transfer to nowhere".to_owned()),
            }
        }
        if found.is_none() {
            let asked = Asked::Anything;
            self.calls.insert(token, Call { process, asked });
        }
        for (of, reply) in others {
            if let Some(call) = self.calls.remove(&of) {
                self.answered(call, reply)?;
            }
        }
        Ok(found)
    }

    /// Closes a batch, perhaps, having looked at what it makes; with `polls` after taking up what the
    /// journal has to say.
    fn flush(&mut self, process: usize, polls: bool) -> Checked {
        let now = self.now;
        let Some(before) = self.processes[process].seen() else {
            return Ok(());
        };
        let Some(host) = self.processes[process].host() else {
            return Ok(());
        };
        let kept: Kept = kept_by(host);
        if polls {
            host.poll_journal();
        } else {
            host.flush();
        }
        let Some(seen) = self.processes[process].seen() else {
            return Ok(());
        };
        if let Some(place) = seen.latest
            && seen.batches > before.batches
        {
            self.chain.closes(place, Had { kept, now });
        }
        self.worth.laps += u64::from(seen.low > before.low);
        if self.plan.lag_max == 0 && seen.acknowledged != before.acknowledged {
            is_safe(&self.log, &seen)?;
        }
        Ok(())
    }

    fn pump(&mut self, process: usize) -> Checked {
        while let Some(outgoing) = self.processes[process]
            .host()
            .and_then(ShardHost::next_outgoing)
        {
            let Outgoing::Reply(token, reply) = outgoing else {
                return Err("a transfer to nowhere".to_owned());
            };
            let Some(call) = self.calls.remove(&token) else {
                return Err(format!("an answer to nothing, #{token}: {reply:?}"));
            };
            self.note(|| format!("#{token} answered by {process}: {reply:?}"));
            self.answered(call, reply)?;
        }
        if self.processes[process].is_fenced() {
            self.note(|| format!("{process} is fenced off"));
            self.worth.fenced += 1;
            self.ends(process, false);
        }
        Ok(())
    }

    fn poll(&mut self, process: usize) -> Checked {
        let now = self.now;
        if !self.processes[process].is_awake(now) {
            return Ok(());
        }
        let sabotage = self.sabotage();
        if let Some(epoch) = self.processes[process].take(now, sabotage)? {
            self.note(|| format!("{process} is the owner, in epoch {epoch}"));
            self.worth.take_overs += 1;
            check(self.epochs.insert(epoch), || {
                format!("epoch {epoch} is given out a second time")
            })?;
        }
        if let Some(host) = self.processes[process].host() {
            host.tick(now);
            self.flush(process, true)?;
        }
        self.pump(process)
    }

    fn work_store(&mut self, process: usize) {
        let fault = if self.rng.u32(..100) < self.plan.faults_percent {
            [Fault::LosesAnswer, Fault::LosesRequest, Fault::IsLate][self.rng.usize(..3)]
        } else {
            Fault::None
        };
        self.log.work(self.processes[process].client, fault);
    }

    fn pass_time(&mut self) -> Checked {
        self.now += match self.rng.u8(..20) {
            0 => self.rng.u64(1..20_000),
            _ => self.rng.u64(1..400),
        };
        for process in 0..self.processes.len() {
            if self.processes[process].is_awake(self.now) {
                let now = self.now;
                if let Some(host) = self.processes[process].host() {
                    host.tick(now);
                }
                self.pump(process)?;
            }
        }
        Ok(())
    }

    fn begin_taking(&mut self, process: usize) {
        let seconds = (self.now - EPOCHS_SINCE) / 1000;
        let claim = Claim {
            least_epoch: match self.mutant {
                Mutant::TakesEpochsBack => 0,
                _ => seconds,
            },
            owner: self.next_token.to_le_bytes().into(),
            limits: self.plan.limits,
        };
        self.next_token += 1;
        self.note(|| format!("{process} takes over"));
        self.processes[process].begin(&self.log, claim);
    }

    fn crash(&mut self, process: usize) {
        if !self.processes[process].is_idle() {
            self.note(|| format!("{process} crashes"));
            let late = self.rng.bool();
            self.ends(process, late);
        }
    }

    fn ends(&mut self, process: usize, late: bool) {
        self.log.disconnect(self.processes[process].client, late);
        self.processes[process].role = Role::Idle;
        let calls = std::mem::take(&mut self.calls);
        for (token, call) in calls {
            if call.process == process {
                self.lost(call);
            } else {
                self.calls.insert(token, call);
            }
        }
    }

    /// The store's replica takes over: all that is under way is cut off, and perhaps more is lost.
    fn fail_over(&mut self) {
        for process in &self.processes {
            while self.log.waiting(process.client) > 0 {
                let fault = [Fault::LosesRequest, Fault::IsLate][self.rng.usize(..2)];
                self.log.work(process.client, fault);
            }
        }
        // A claim is of its time: it ends with the connection.
        for process in 0..self.processes.len() {
            if matches!(self.processes[process].role, Role::Taking(_)) {
                self.ends(process, false);
            }
        }
        let lag = self.rng.u64(..=self.plan.lag_max);
        let untrims = self.rng.bool();
        let tail = self.log.tail();
        self.note(|| format!("the store fails over at {tail:?}, and loses {lag}"));
        self.log.fail_over(lag, untrims);
        // Epochs that were given out lately may be lost; by the time that the store is back their
        // seconds are over.
        let ahead = self.chain.epoch_max + 8;
        self.now = self.now.max(EPOCHS_SINCE + ahead * 1000);
    }

    /// Lets everything that is under way come to its end, without faults.
    fn rest(&mut self) -> Checked {
        while self.log.work_late(0) {
            self.look_at_log()?;
        }
        let mut busy = Vec::new();
        for _ in 0..REST_TURNS_MAX {
            busy.clear();
            for process in 0..self.processes.len() {
                self.processes[process].sleeps_until = 0;
                let client = self.processes[process].client;
                while self.log.work(client, Fault::None) {
                    self.look_at_log()?;
                }
                self.poll(process)?;
                let is_open = self.log.waiting(client) > 0;
                let of = &mut self.processes[process];
                let takes = matches!(of.role, Role::Taking(_));
                let writes = of.host().is_some_and(|host| !host.is_idle());
                if is_open || takes || writes {
                    busy.push((process, is_open, takes, of.seen()));
                }
            }
            self.look_at_log()?;
            if busy.is_empty() {
                return Ok(());
            }
        }
        Err(format!("no rest: {busy:?}"))
    }

    /// Asks the newest owner, and gives it time.
    fn ask(&mut self, command: Command) -> Result<Option<Reply>, Violation> {
        let owners = 0..self.processes.len();
        let newest = owners
            .filter(|at| self.processes[*at].epoch().is_some())
            .max_by_key(|at| self.processes[*at].epoch());
        let Some(newest) = newest else {
            return Ok(None);
        };
        let (token, now) = (self.token(), self.now);
        let mut found = None;
        if let Some(host) = self.processes[newest].host() {
            host.apply(now, token, command);
        }
        for _ in 0..REST_TURNS_MAX {
            self.flush(newest, true)?;
            while let Some(host) = self.processes[newest].host()
                && let Some(outgoing) = host.next_outgoing()
            {
                match outgoing {
                    Outgoing::Reply(of, reply) if of == token => found = Some(reply),
                    Outgoing::Reply(of, reply) => {
                        if let Some(call) = self.calls.remove(&of) {
                            self.answered(call, reply)?;
                        }
                    }
                    Outgoing::Transfer(_) => return Err("a transfer to nowhere".to_owned()),
                }
            }
            if found.is_some() {
                self.pump(newest)?;
                return Ok(found.filter(|it| !matches!(it, Reply::Refused(Refusal::JournalDown))));
            }
            self.log.work(self.processes[newest].client, Fault::None);
            self.look_at_log()?;
        }
        Err("a question was not answered".to_owned())
    }

    fn make_everything(&mut self) -> Checked {
        for queue in 0..QUEUES.len() {
            let fifo = (queue == 1).then(|| (QueueAttribute::FifoQueue, "true".to_owned()));
            let create = QueueCommand::Create {
                name: name(queue),
                attributes: fifo.into_iter().collect(),
                tags: Default::default(),
                recreate_after_ms: 0,
            };
            self.ask(Command::Queue(Box::new(create)))?;
        }
        if !self.plan.topics {
            return Ok(());
        }
        let retention_ms = self.rng.bool().then_some(60_000);
        self.ask(admin(AdminCommand::CreateTopic {
            name: TOPIC.into(),
            spec: SharedBytes::from([]),
            settings: TopicSettings { retention_ms },
        }))?;
        for subscription in SUBSCRIPTIONS {
            let settings = SubscriptionSettings {
                retain_acked: self.rng.bool(),
                ordering: self.rng.bool(),
                exactly_once: self.rng.bool(),
                retention_ms: if self.rng.bool() { 30_000 } else { 600_000 },
                ..SubscriptionSettings::default()
            };
            self.ask(admin(AdminCommand::CreateSubscription {
                name: subscription.into(),
                topic: TOPIC.into(),
                spec: SharedBytes::from([]),
                settings,
            }))?;
        }
        Ok(())
    }

    /// Nothing goes wrong any more: one owner is left, and has all that was promised.
    fn end(&mut self) -> Checked {
        self.note(|| "nothing goes wrong any more".to_owned());
        self.rest()?;
        // Who believes to be the owner and isn't finds out as it writes; a wait that nobody ends does.
        for _ in 0..self.processes.len() * 4 {
            if self.processes.iter().all(Process::is_idle) {
                self.begin_taking(0);
                self.rest()?;
            }
            let probe = QueueCommand::Create {
                name: name(0),
                attributes: Default::default(),
                tags: Default::default(),
                recreate_after_ms: 0,
            };
            if self.ask(Command::Queue(Box::new(probe)))?.is_some() {
                return self.audit();
            }
            self.rest()?;
        }
        Err("nobody gets to own the shard".to_owned())
    }

    fn audit(&mut self) -> Checked {
        check(!self.log.misses_some(), || {
            "an owner didn't put back what the store had lost".to_owned()
        })?;
        let newest = self.processes.iter().filter_map(Process::epoch).max();
        for process in 0..self.processes.len() {
            if self.processes[process].epoch() != newest {
                self.ends(process, false);
            }
        }
        let mut found: BTreeMap<u64, u32> = BTreeMap::new();
        for queue in 0..QUEUES.len() {
            let resolve = QueueCommand::Resolve(name(queue));
            let Some(Reply::Queue(place)) = self.ask(Command::Queue(Box::new(resolve)))? else {
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
                let Some(Reply::Peeked(page)) = self.ask(Command::Queue(Box::new(peek)))? else {
                    return Err("the owner doesn't answer".to_owned());
                };
                let Some(last) = page.last() else { break };
                after = last.sequence;
                for peeked in page {
                    *found.entry(number_in(peeked.payload.body())?).or_default() += 1;
                }
            }
        }
        self.oracle.audit(&found)
    }
}
