//! The shards of a run, the lanes between their cores, and what goes wrong.

use super::calls::{Asked, Call};
use super::clients::Clients;
use super::disk::{Disk, Sabotage};
use super::lanes::{Frame, Lanes};
use super::model::{Checked, Model, Violation, check};
use super::plan::Plan;
use fastrand::Rng;
use lclq_shards::command::{Command, Refusal, Reply, Token};
use lclq_shards::pubsub::command::PubsubCommand;
use lclq_shards::{Millis, Outgoing, ShardConfig, ShardHost};
use std::collections::{BTreeMap, HashMap};

pub const START: Millis = 1_700_000_000_000;
/// Tokens of transfers; the source is in the low bits.
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
    pub model: Model,
    pub clients: Clients,
    /// Highest transfer number sent and acknowledged, by source and target.
    pub transfers: HashMap<(u16, u16), (u64, u64)>,
    next_token: Token,
    pub trace: bool,
    answer: Option<(Token, Option<Reply>)>,
}

macro_rules! trace {
    ($world:expr, $($arg:tt)*) => {
        if $world.trace {
            eprintln!("{:>8} {}", $world.now - START, format!($($arg)*));
        }
    };
}

pub fn wrap(command: PubsubCommand) -> Command {
    Command::Pubsub(Box::new(command))
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
            rng: Rng::with_seed(seed ^ 0x70_5eed),
            now: START,
            members: members.collect(),
            lanes: Lanes::new(plan.cores, plan.lane_frames_max),
            calls: BTreeMap::new(),
            model: Model::new(plan.clone()),
            clients: Clients::new(&plan),
            transfers: HashMap::new(),
            next_token: 1,
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
        trace!(self, "#{token} {call:?}");
        self.calls.insert(token, call);
        let frame = Frame::Command {
            shard,
            token,
            command,
        };
        if self.lanes.request(from, to, frame).is_err() {
            let call = self.calls.remove(&token).expect("just put in");
            let refused = Reply::Refused(Refusal::Overloaded);
            self.model.answered(&call, &refused, self.now)?;
            self.clients.answered(&call, refused);
        }
        Ok(())
    }

    pub fn cancel(&mut self, token: Token) {
        let call = &self.calls[&token];
        let (from, to, shard) = (call.core, self.core_of(call.shard), call.shard);
        let _ = self.lanes.request(from, to, Frame::Cancel { shard, token });
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
                    self.model.asked(call, self.now);
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
                if let Some(call) = self.calls.get_mut(&token) {
                    call.cancelled = true;
                }
            }
            Frame::Answer { call, reply } => self.clients.answered(&call, reply),
            Frame::TransferAnswer {
                source,
                target,
                reply,
            } => {
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
                self.pump(source)?;
            }
        }
        Ok(true)
    }

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
                    let token = TRANSFER_BIT | Token::from(source);
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
            let source = token as u16;
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
        self.model.answered(&call, &reply, self.now)?;
        let (from, to) = (self.core_of(shard), call.core);
        let frame = Frame::Answer {
            call: Box::new(call),
            reply,
        };
        self.lanes.reply(from, to, frame);
        Ok(())
    }

    /// Asks a shard something that changes nothing.
    pub fn ask(&mut self, shard: u16, command: Command) -> Result<Reply, Violation> {
        let token = self.next_token;
        self.next_token += 1;
        self.answer = Some((token, None));
        let now = self.now;
        self.members[usize::from(shard)]
            .host
            .apply(now, token, command);
        self.pump(shard)?;
        // What it tells of may be on its way to the disk.
        for _ in 0..3 {
            if self
                .answer
                .as_ref()
                .is_some_and(|(_, reply)| reply.is_none())
            {
                self.work_off(shard)?;
            }
        }
        let answer = self.answer.take().and_then(|(_, reply)| reply);
        answer.ok_or_else(|| "a question was not answered".to_owned())
    }

    pub fn work_disk(&mut self, shard: u16) -> Checked {
        let member = &mut self.members[usize::from(shard)];
        member.disk.complete();
        if self.rng.bool() {
            member.host.poll_journal();
        }
        self.pump(shard)
    }

    pub fn heal_disks(&mut self, all: bool) {
        for member in &mut self.members {
            if member.disk_works_at > 0 && (all || member.disk_works_at <= self.now) {
                member.disk_works_at = 0;
                member.disk.journal.set_failing(false);
            }
        }
    }

    pub fn fail_disk(&mut self, shard: u16, until: Millis) {
        let member = &mut self.members[usize::from(shard)];
        trace!(self, "the disk of shard {shard} fails");
        member.disk.journal.set_failing(true);
        member.disk_works_at = until;
    }

    pub fn tick(&mut self, shard: u16) -> Checked {
        let host = &mut self.members[usize::from(shard)].host;
        if host.next_due().is_some_and(|due| due <= self.now) {
            host.tick(self.now);
            host.flush();
            self.pump(shard)?;
        }
        Ok(())
    }

    /// Lets a shard do what it has to do at this time. Answers whether there may be more.
    pub fn work_off(&mut self, shard: u16) -> Result<bool, Violation> {
        let at = usize::from(shard);
        self.tick(shard)?;
        self.members[at].host.flush();
        let busy = self.members[at].disk.complete();
        self.members[at].host.poll_journal();
        self.pump(shard)?;
        Ok(busy || !self.members[at].host.is_idle())
    }

    pub fn note_time(&mut self) {
        for member in &self.members {
            member.disk.journal.set_now(self.now);
        }
    }

    pub fn crash_one(&mut self, shard: u16) -> Checked {
        trace!(self, "shard {shard} crashes");
        self.restart(shard);
        let now = self.now;
        for other in (0..self.plan.shards).filter(|other| *other != shard) {
            self.members[usize::from(other)].host.transfer_failed(now);
        }
        self.pump(shard)
    }

    pub fn crash_all(&mut self) -> Checked {
        trace!(self, "everything crashes");
        for frame in self.lanes.drain() {
            if let Frame::Command { token, .. } = frame
                && let Some(call) = self.calls.remove(&token)
            {
                self.model.lost(&call);
            }
        }
        if self.plan.tail_batches_max > 0 {
            for shard in 0..self.plan.shards {
                let batches = self.rng.usize(0..=self.plan.tail_batches_max);
                let disk = &self.members[usize::from(shard)].disk;
                disk.crash();
                if let Some(since) = disk.lose_tail(batches) {
                    trace!(
                        self,
                        "shard {shard} loses what is since {}",
                        since.saturating_sub(START)
                    );
                    self.model.lost_tail(shard, since);
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
        self.model.crashed(shard);
        self.clients.forget_shard(&self.plan, shard);
        let model = &mut self.model;
        self.calls.retain(|_, call| {
            let lost = call.shard == shard && call.order > 0;
            if lost {
                model.lost(call);
            }
            !lost
        });
    }

    /// Whether only calls are open that wait without a limit of time.
    pub fn only_waits_open(&self) -> bool {
        self.calls
            .values()
            .all(|call| call.cancelled || matches!(call.asked, Asked::StreamPull(_)))
    }
}

fn open(plan: &Plan, shard: u16, disk: &Disk, now: Millis) -> ShardHost {
    let config = ShardConfig::new(shard, plan.shards);
    if !plan.durable {
        return ShardHost::in_memory(config, now);
    }
    if plan.tail_batches_max > 0 {
        disk.journal.keep_history(plan.tail_batches_max);
    }
    disk.journal.set_now(now);
    ShardHost::open(config, Box::new(disk.clone()), now).expect("a journal in memory opens")
}
