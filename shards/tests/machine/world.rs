//! The shards of a run, and what goes from clients to them, between them, and back.

use super::clock::Clock;
use super::disk::{Disk, Sabotage};
use super::lanes::{Frame, Lanes};
use super::numbered::Map;
use super::{Checked, Clients, Judge, Request, START, Setup, Simulation, Violation, check};
use fastrand::Rng;
use lclq_shards::command::{Command, Refusal, Reply, Token};
use lclq_shards::pubsub::command::PubsubRefusal;
use lclq_shards::{Millis, Outgoing, ShardHost};
use std::collections::BTreeMap;

/// Memory that one request to publish needs at most, bytes.
const REQUEST_BYTES_MAX: u64 = 8000;

/// Tokens of transfers; the source is in the low bits.
const TRANSFER_BIT: Token = 1 << 63;

pub struct Member {
    pub host: ShardHost,
    pub disk: Disk,
    pub disk_works_at: Millis,
}

pub struct World<S: Simulation> {
    pub plan: S::Plan,
    pub rng: Rng,
    /// The true time, which nobody sets.
    pub now: Millis,
    pub clock: Clock,
    pub members: Vec<Member>,
    pub lanes: Lanes<S::Call>,
    pub calls: BTreeMap<Token, S::Call>,
    pub model: S::Judge,
    pub clients: S::Clients,
    /// Transfers, however often they were sent, and the latest from each shard to each.
    pub transfers: u64,
    latest_transfers: Map<(u16, u16), u64>,
    next_token: Token,
    /// Commits so far, and the one at which everything dies: before or after it is durable.
    pub commits: u64,
    pub crash_at: Option<(u64, bool)>,
    pub trace: bool,
    pub sabotage: Sabotage,
    /// Where the answer to a question of an audit goes.
    answer: Option<(Token, Option<Reply>)>,
}

impl<S: Simulation> World<S> {
    pub fn new(plan: S::Plan, seed: u64, sabotage: Sabotage) -> Self {
        let members = (0..plan.shards()).map(|shard| {
            let disk = Disk::new(sabotage);
            disk.journal.set_now(START);
            let host = open(&plan, shard, &disk, START);
            Member {
                host,
                disk,
                disk_works_at: 0,
            }
        });
        Self {
            rng: Rng::with_seed(seed ^ S::Plan::SALT),
            now: START,
            clock: Clock::new(plan.shards()),
            members: members.collect(),
            lanes: Lanes::new(plan.cores(), plan.lane_frames_max()),
            calls: BTreeMap::new(),
            model: judge::<S>(&plan),
            clients: S::Clients::new(&plan),
            transfers: 0,
            latest_transfers: Map::default(),
            next_token: 1,
            commits: 0,
            crash_at: None,
            trace: false,
            sabotage,
            answer: None,
            plan,
        }
    }

    /// What the clock shows.
    pub fn wall(&self) -> Millis {
        self.clock.shown(self.now)
    }

    /// Prints what happens, where that was asked for.
    pub(super) fn note(&self, what: impl FnOnce() -> String) {
        if self.trace {
            eprintln!("{:>8} {}", self.now - START, what());
        }
    }

    /// Messages that were sent to other shards and have not surely arrived there.
    pub fn on_their_way(&self) -> usize {
        let hosts = self.members.iter().map(|member| &member.host);
        hosts.map(ShardHost::on_their_way).sum()
    }

    pub fn core_of(&self, shard: u16) -> usize {
        usize::from(shard) % self.plan.cores()
    }

    /// Sends a client's request on its way.
    pub fn request(&mut self, call: S::Call, command: Command) -> Checked {
        let token = self.next_token;
        self.next_token += 1;
        let (from, to, shard) = (call.core(), self.core_of(call.shard()), call.shard());
        self.note(|| format!("#{token} {call:?}"));
        self.clients.requested(&call, token);
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
            self.clients.overloaded(&self.plan, &call);
        }
        Ok(())
    }

    /// A client gives a request up.
    pub fn cancel(&mut self, token: Token) {
        let Some(call) = self.calls.get(&token) else {
            return;
        };
        let (from, to, shard) = (call.core(), self.core_of(call.shard()), call.shard());
        self.note(|| format!("#{token} cancelled"));
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
                self.note(|| format!("#{token} reaches shard {shard}"));
                let now = self.wall();
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
                    call.cancel();
                }
            }
            Frame::Answer { call, reply } => self.clients.answered(&self.plan, &call, reply),
            Frame::TransferAnswer { source, reply } => {
                let now = self.wall();
                let host = &mut self.members[usize::from(source)].host;
                match reply {
                    Reply::Transferred(ack) => host.acked(ack),
                    _ => host.transfer_failed(now),
                }
                host.flush();
                self.pump(source)?;
            }
        }
        Ok(true)
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
                    self.note(|| format!("transfer {} from {source} to {target}", transfer.number));
                    let latest = self.latest_transfers.entry((source, target)).or_default();
                    self.transfers += u64::from(transfer.number > *latest);
                    *latest = transfer.number.max(*latest);
                    let token = TRANSFER_BIT | Token::from(source);
                    let command = Command::Transfer(transfer);
                    let (from, to) = (self.core_of(source), self.core_of(target));
                    let frame = Frame::Command {
                        shard: target,
                        token,
                        command,
                    };
                    if self.lanes.request(from, to, frame).is_err() {
                        let now = self.wall();
                        self.members[usize::from(source)].host.transfer_failed(now);
                    }
                }
            }
        }
        Ok(())
    }

    fn reply(&mut self, shard: u16, token: Token, mut reply: Reply) -> Checked {
        self.sabotage.falsify_answer(&mut reply);
        self.no_room(shard, &reply)?;
        if let Some((asked, answer)) = &mut self.answer
            && *asked == token
        {
            *answer = Some(reply);
            return Ok(());
        }
        if token & TRANSFER_BIT != 0 {
            let source = token as u16;
            let (from, to) = (self.core_of(shard), self.core_of(source));
            let frame = Frame::TransferAnswer { source, reply };
            self.lanes.reply(from, to, frame);
            return Ok(());
        }
        let Some(call) = self.calls.remove(&token) else {
            return Err(format!("an answer to nothing, #{token}: {reply:?}"));
        };
        self.note(|| format!("#{token} answered: {reply:?}"));
        self.model.answered(&call, &reply, self.now)?;
        let (from, to) = (self.core_of(shard), call.core());
        let frame = Frame::Answer {
            call: Box::new(call),
            reply,
        };
        self.lanes.reply(from, to, frame);
        Ok(())
    }

    /// Where there is said to be no room, there is little. Other answers may have waited for the disk.
    fn no_room(&self, shard: u16, reply: &Reply) -> Checked {
        let refused = Refusal::Pubsub(PubsubRefusal::MemoryFull);
        if !matches!(reply, Reply::Refused(refusal) if *refusal == refused) {
            return Ok(());
        }
        let taken = self.members[usize::from(shard)].host.stats().resident_bytes;
        let most = self.plan.config(shard).memory_bytes_max;
        check(taken + REQUEST_BYTES_MAX > most, || {
            format!("shard {shard} has no room, with {taken} of {most} bytes taken")
        })
    }

    /// Asks a shard something that changes nothing.
    pub fn ask(&mut self, shard: u16, command: Command) -> Result<Reply, Violation> {
        let token = self.next_token;
        self.next_token += 1;
        self.answer = Some((token, None));
        let now = self.wall();
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
}

fn judge<S: Simulation>(plan: &S::Plan) -> S::Judge {
    let mut judge = S::Judge::new(plan);
    judge.set_clock(&Clock::new(plan.shards()));
    judge
}

pub(super) fn open<P: Setup>(plan: &P, shard: u16, disk: &Disk, now: Millis) -> ShardHost {
    let mut config = plan.config(shard);
    disk.sabotage.falsify_config(&mut config);
    if !plan.is_durable() {
        return ShardHost::in_memory(config, now);
    }
    if plan.tail_batches_max() > 0 {
        disk.journal.keep_tail(plan.tail_batches_max());
    }
    ShardHost::open(config, Box::new(disk.clone()), now).expect("a journal in memory opens")
}
