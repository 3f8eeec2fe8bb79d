//! The shards of a run, their disks and clock, the lanes between their cores, and what goes wrong.

use super::calls::Call;
use super::clients::Clients;
use super::disk::{Disk, Sabotage};
use super::lanes::{Frame, Lanes};
use super::oracle::{Checked, Oracle, Violation, check};
use super::plan::Plan;
use fastrand::Rng;
use lclq_shards::command::{Command, Refusal, Reply, Token};
use lclq_shards::{Millis, Outgoing, ShardConfig, ShardHost};
use std::collections::{BTreeMap, HashMap};

pub const START: Millis = 1_700_000_000_000;
/// Tokens of transfers; the source and the target are in the low bits.
const TRANSFER_BIT: Token = 1 << 63;

pub struct Member {
    pub host: ShardHost,
    pub disk: Disk,
    pub disk_works_at: Millis,
}

pub struct World {
    pub plan: Plan,
    pub rng: Rng,
    pub now: Millis,
    pub members: Vec<Member>,
    pub lanes: Lanes<Call>,
    pub calls: BTreeMap<Token, Call>,
    pub oracle: Oracle,
    pub clients: Clients,
    /// Highest transfer number sent and acknowledged, by source and target.
    pub transfers: HashMap<(u16, u16), (u64, u64)>,
    next_token: Token,
    /// Commits so far, and the one at which everything dies: before or after it is durable.
    pub commits: u64,
    pub crash_at: Option<(u64, bool)>,
    pub trace: bool,
    /// Where the answer to a question of the audit goes.
    answer: Option<(Token, Option<Reply>)>,
}

macro_rules! trace {
    ($world:expr, $($arg:tt)*) => {
        if $world.trace {
            eprintln!("{:>8} {}", $world.now - crate::simulation::world::START, format!($($arg)*));
        }
    };
}

impl World {
    pub fn new(plan: Plan, seed: u64, sabotage: Sabotage) -> Self {
        let members = (0..plan.shards).map(|shard| {
            let disk = Disk::new(sabotage);
            let host = open(&plan, shard, &disk, START);
            Member {
                host,
                disk,
                disk_works_at: 0,
            }
        });
        Self {
            rng: Rng::with_seed(seed ^ 0x5eed),
            now: START,
            members: members.collect(),
            lanes: Lanes::new(plan.cores, plan.lane_frames_max),
            calls: BTreeMap::new(),
            oracle: Oracle::new(plan.clone()),
            clients: Clients::new(&plan),
            transfers: HashMap::new(),
            next_token: 1,
            commits: 0,
            crash_at: None,
            trace: false,
            answer: None,
            plan,
        }
    }

    pub fn core_of(&self, shard: u16) -> usize {
        usize::from(shard) % self.plan.cores
    }

    /// Sends a client's request on its way.
    pub fn request(&mut self, call: Call, command: Command) -> Checked {
        let token = self.next_token;
        self.next_token += 1;
        let (from, to, shard) = (call.core, self.core_of(call.shard), call.shard);
        trace!(self, "#{token} shard {shard}: {call:?}");
        if call.long_poll {
            self.clients.polls.push(token);
        }
        self.calls.insert(token, call);
        let frame = Frame::Command {
            shard,
            token,
            command,
        };
        if self.lanes.request(from, to, frame).is_err() {
            let call = self.calls.remove(&token).expect("just put in");
            self.oracle
                .answered(&call, &Reply::Refused(Refusal::Overloaded), self.now)?;
        }
        Ok(())
    }

    /// A client gives a long poll up.
    pub fn cancel(&mut self, token: Token) {
        if let Some(call) = self.calls.get(&token) {
            let (from, to, shard) = (call.core, self.core_of(call.shard), call.shard);
            trace!(self, "#{token} cancelled");
            let _ = self.lanes.request(from, to, Frame::Cancel { shard, token });
        }
    }

    /// Delivers one frame. Answers whether there was one.
    pub fn deliver_frame(&mut self) -> Result<bool, Violation> {
        let Some(frame) = self.lanes.take(&mut self.rng, self.now) else {
            return Ok(false);
        };
        match frame {
            Frame::Command {
                shard,
                token,
                command,
            } => {
                if let Some(call) = self.calls.get_mut(&token) {
                    self.oracle.asked(call, self.now);
                }
                trace!(self, "#{token} reaches shard {shard}");
                let now = self.now;
                let host = &mut self.members[usize::from(shard)].host;
                host.apply(now, token, command);
                if self.rng.u8(..4) > 0 {
                    host.flush();
                }
                self.pump(shard)?;
            }
            Frame::Cancel { shard, token } => {
                self.members[usize::from(shard)].host.cancel(token);
                // Either its answer was on its way before, or there never is one.
                if let Some(call) = self.calls.get_mut(&token) {
                    call.cancelled = true;
                }
            }
            Frame::Answer { call, reply } => self.clients.answered(&self.plan, &call, reply),
            Frame::TransferAnswer {
                source,
                target,
                reply,
            } => {
                self.transfer_answered(source, target, reply);
                self.pump(source)?;
            }
        }
        Ok(true)
    }

    fn transfer_answered(&mut self, source: u16, target: u16, reply: Reply) {
        let host = &mut self.members[usize::from(source)].host;
        match reply {
            Reply::Transferred(ack) => {
                let numbers = self.transfers.entry((source, target)).or_default();
                numbers.1 = numbers.1.max(ack.up_to);
                host.acked(ack);
            }
            _ => host.transfer_failed(self.now),
        }
        host.flush();
    }

    /// Passes on all that a shard has put out.
    pub fn pump(&mut self, shard: u16) -> Checked {
        while let Some(outgoing) = self.members[usize::from(shard)].host.next_outgoing() {
            match outgoing {
                Outgoing::Reply(token, reply) => self.reply(shard, token, reply)?,
                Outgoing::Transfer(transfer) => {
                    let (source, target) = (transfer.source, transfer.target);
                    check(source == shard && target != shard, || {
                        format!("{transfer:?}")
                    })?;
                    trace!(
                        self,
                        "transfer {} from {source} to {target}", transfer.number
                    );
                    let numbers = self.transfers.entry((source, target)).or_default();
                    numbers.0 = numbers.0.max(transfer.number);
                    let token = TRANSFER_BIT | Token::from(source) << 16 | Token::from(target);
                    let command = Command::Transfer(transfer);
                    let (from, to) = (self.core_of(source), self.core_of(target));
                    let frame = Frame::Command {
                        shard: target,
                        token,
                        command,
                    };
                    if self.lanes.request(from, to, frame).is_err() {
                        let now = self.now;
                        self.members[usize::from(source)].host.transfer_failed(now);
                    }
                }
            }
        }
        Ok(())
    }

    fn reply(&mut self, shard: u16, token: Token, reply: Reply) -> Checked {
        if let Some((asked, answer)) = &mut self.answer
            && *asked == token
        {
            *answer = Some(reply);
            return Ok(());
        }
        if token & TRANSFER_BIT != 0 {
            let source = (token >> 16) as u16;
            trace!(self, "transfer of {source} answered by {shard}: {reply:?}");
            let (from, to) = (self.core_of(shard), self.core_of(source));
            let frame = Frame::TransferAnswer {
                source,
                target: shard,
                reply,
            };
            self.lanes.reply(from, to, frame);
            return Ok(());
        }
        let Some(call) = self.calls.remove(&token) else {
            return Err(format!("an answer to nothing, #{token}: {reply:?}"));
        };
        trace!(self, "#{token} answered: {reply:?}");
        self.oracle.answered(&call, &reply, self.now)?;
        let (from, to) = (self.core_of(shard), call.core);
        let frame = Frame::Answer {
            call: Box::new(call),
            reply,
        };
        self.lanes.reply(from, to, frame);
        Ok(())
    }

    /// Asks a shard something that it answers at once and that changes nothing.
    pub fn ask(&mut self, shard: u16, command: Command) -> Result<Reply, Violation> {
        let token = self.next_token;
        self.next_token += 1;
        self.answer = Some((token, None));
        let now = self.now;
        self.members[usize::from(shard)]
            .host
            .apply(now, token, command);
        self.pump(shard)?;
        let answer = self.answer.take().and_then(|(_, reply)| reply);
        answer.ok_or_else(|| "a question was not answered at once".to_owned())
    }

    /// A disk does its work, and the host takes note, perhaps, and perhaps everything dies.
    pub fn work_disk(&mut self, shard: u16) -> Checked {
        let at = usize::from(shard);
        if self.members[at].disk.journal.is_busy() {
            let dies = self.crash_at.filter(|(commit, _)| *commit == self.commits);
            self.commits += 1;
            if dies.is_some_and(|(_, before)| before) {
                return self.crash_all();
            }
            self.members[at].disk.complete();
            if dies.is_some() {
                return self.crash_all();
            }
        }
        if self.plan.slow_disk && self.rng.bool() {
            return Ok(());
        }
        self.poll_disk(shard)
    }

    pub fn poll_disk(&mut self, shard: u16) -> Checked {
        self.members[usize::from(shard)].host.poll_journal();
        self.pump(shard)
    }

    pub fn fail_disk(&mut self, shard: u16, until: Millis) {
        let member = &mut self.members[usize::from(shard)];
        trace!(self, "the disk of shard {shard} fails");
        member.disk.journal.set_failing(true);
        member.disk_works_at = until;
    }

    pub fn heal_disks(&mut self, all: bool) {
        for member in &mut self.members {
            if member.disk_works_at > 0 && (all || member.disk_works_at <= self.now) {
                member.disk_works_at = 0;
                member.disk.journal.set_failing(false);
            }
        }
    }

    /// Ticks the shard if something is due.
    pub fn tick(&mut self, shard: u16) -> Checked {
        let host = &mut self.members[usize::from(shard)].host;
        if host.next_due().is_some_and(|due| due <= self.now) {
            host.tick(self.now);
            host.flush();
            self.pump(shard)?;
        }
        Ok(())
    }

    /// One shard dies and comes back; the others go on.
    pub fn crash_one(&mut self, shard: u16) -> Checked {
        trace!(self, "shard {shard} crashes");
        self.restart(shard);
        let now = self.now;
        for other in (0..self.plan.shards).filter(|other| *other != shard) {
            // Their transfers to it will not be answered.
            self.members[usize::from(other)].host.transfer_failed(now);
        }
        self.pump(shard)
    }

    /// The process dies, or the machine, and comes back.
    pub fn crash_all(&mut self) -> Checked {
        trace!(self, "everything crashes");
        for frame in self.lanes.drain() {
            if let Frame::Command { token, .. } = frame
                && let Some(call) = self.calls.remove(&token)
            {
                self.oracle.lost(&call);
            }
        }
        self.clients.forget();
        for shard in 0..self.plan.shards {
            if self.plan.tail_batches_max > 0 {
                let batches = self.rng.usize(0..=self.plan.tail_batches_max);
                let disk = &self.members[usize::from(shard)].disk;
                disk.crash();
                if let Some(since) = disk.lose_tail(batches) {
                    trace!(
                        self,
                        "shard {shard} loses {batches} batches, since {}",
                        since.saturating_sub(START)
                    );
                    self.oracle.lost_tail(shard, since);
                    // What it has sent it may have forgotten to have sent.
                    for ((source, _), numbers) in &mut self.transfers {
                        if *source == shard {
                            numbers.0 = 0;
                        }
                    }
                }
            }
        }
        for shard in 0..self.plan.shards {
            self.restart(shard);
        }
        for shard in 0..self.plan.shards {
            self.pump(shard)?;
        }
        Ok(())
    }

    fn restart(&mut self, shard: u16) {
        let member = &mut self.members[usize::from(shard)];
        member.disk.crash();
        member.host = open(&self.plan, shard, &member.disk, self.now);
        self.oracle.crashed(shard, &member.disk);
        self.clients.forget_shard(&self.plan, shard);
        let oracle = &mut self.oracle;
        self.calls.retain(|_, call| {
            let lost = call.shard == shard && call.order > 0;
            if lost {
                oracle.lost(call);
            }
            !lost
        });
    }
}

fn open(plan: &Plan, shard: u16, disk: &Disk, now: Millis) -> ShardHost {
    let mut config = ShardConfig::new(shard, plan.shards);
    config.in_flight_max = plan.in_flight_max;
    config.memory_bytes_max = plan.memory_bytes_max;
    config.eviction = plan.eviction;
    if !plan.durable {
        return ShardHost::in_memory(config, now);
    }
    if plan.tail_batches_max > 0 {
        disk.journal.keep_history(plan.tail_batches_max);
    }
    disk.journal.set_now(now);
    ShardHost::open(config, Box::new(disk.clone()), now).expect("a journal in memory opens")
}
