//! One core's part of the mesh: what it asks, and how it answers the others.

mod call;
mod elsewhere;
mod routing;
mod serving;
mod taking;
mod ticking;

pub use call::Call;

use super::REQUESTS_KEPT_MAX;
use super::answers_first::AnswersFirst;
use super::away::Away;
use super::figures::{CoreFigures, MeshFigures, MeshSeen};
use super::hosts::Hosts;
use super::journals_down::JournalsDown;
use super::lane::{Answer, Receiver, Request, Sender};
use super::ownership::{Owner, Ownership};
use super::pending::{Forgotten, Pending, core_of, transfer_token};
use super::real_wait::RealWait;
use super::test_clock::{ClockError, Order, TestClock};
use super::versions::Versions;
use crate::runtime::{Doorbell, DoorbellWaiter, spawn_local, wall_clock};
use lclq_shards::command::{Command, Refusal, Reply, ShardStats, Token};
use lclq_shards::{Millis, Outgoing, ShardHost};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

/// Lanes to and from one other core.
pub(super) struct Lanes {
    pub requests_out: Sender<Request>,
    pub replies_in: Receiver<Answer>,
    pub requests_in: Receiver<Request>,
    pub replies_out: Sender<Answer>,
}

struct Inner {
    core: usize,
    cores: usize,
    ownership: Arc<Ownership>,
    versions: Arc<Versions>,
    hosts: Hosts,
    /// By core; the own place is `None`.
    lanes: Vec<RefCell<Option<Lanes>>>,
    pending: RefCell<Pending>,
    /// When the ticking task means to wake, and how to make it wake earlier.
    tick_at: Cell<Millis>,
    ticker: RefCell<Option<Waker>>,
    bell: Doorbell,
    stopping: Cell<bool>,
    /// Replies to other cores were put into lanes whose bells have not rung yet.
    unflushed: Cell<bool>,
    journals_down: Arc<JournalsDown>,
    answers_first: AnswersFirst,
    test_clock: Arc<TestClock>,
    figures: MeshFigures,
    memory_bytes_max: Option<u64>,
    /// What it has to do with other nodes, if there may be any.
    away: Option<Away>,
    /// The last of its questions that this core has answered.
    clock_answered: Cell<u64>,
}

/// What all cores share.
#[derive(Clone)]
pub(super) struct Shared {
    pub ownership: Arc<Ownership>,
    pub versions: Arc<Versions>,
    pub journals_down: Arc<JournalsDown>,
    pub test_clock: Arc<TestClock>,
    pub figures: MeshFigures,
    /// Bound on what messages may take, bytes.
    pub memory_bytes_max: Option<u64>,
}

/// A core's handle on the mesh. Clones are cheap and stay on their core.
#[derive(Clone)]
pub struct Mesh {
    inner: Rc<Inner>,
}

impl Mesh {
    /// Starts this core's part: the tasks that serve other cores and that keep time.
    pub(super) fn start(
        core: usize,
        hosts: Vec<Option<ShardHost>>,
        lanes: Vec<Option<Lanes>>,
        bell: Doorbell,
        waiter: DoorbellWaiter,
        shared: Shared,
        away: Option<Away>,
    ) -> Self {
        let answers_first = AnswersFirst::new(lanes.len());
        let mesh = Self {
            inner: Rc::new(Inner {
                core,
                cores: lanes.len(),
                ownership: shared.ownership,
                versions: shared.versions,
                hosts: Hosts::new(hosts),
                lanes: lanes.into_iter().map(RefCell::new).collect(),
                pending: RefCell::new(Pending::new(core)),
                tick_at: Cell::new(0),
                ticker: RefCell::new(None),
                bell,
                stopping: Cell::new(false),
                unflushed: Cell::new(false),
                journals_down: shared.journals_down,
                answers_first,
                test_clock: shared.test_clock,
                figures: shared.figures,
                memory_bytes_max: shared.memory_bytes_max,
                away,
                clock_answered: Cell::new(0),
            }),
        };
        spawn_local(mesh.clone().serve_lanes(waiter));
        spawn_local(mesh.clone().keep_time());
        mesh
    }

    /// Number of shards in all.
    pub fn shards(&self) -> u16 {
        self.inner.ownership.shards()
    }

    /// The core this handle belongs to.
    pub fn core(&self) -> usize {
        self.inner.core
    }

    /// Asks a shard. The answer comes through the returned future; dropping it gives a long poll
    /// up.
    pub fn call(&self, shard: u16, command: Command) -> Call {
        let inner = &self.inner;
        let long_poll = command.may_wait();
        if inner.stopping.get() && long_poll {
            return Call::answered(Reply::Refused(Refusal::Stopping));
        }
        let Some(token) = inner.pending.borrow_mut().open(long_poll) else {
            self.figures().refused();
            return Call::answered(Reply::Refused(Refusal::Overloaded));
        };
        let waits_by_itself = long_poll.then(|| RealWait::of(&command)).flatten();
        let call = Call::waiting(self.clone(), shard, token, waits_by_itself);
        if long_poll && let Some(away) = &inner.away {
            self.note_poll(away, shard, token, &command);
        }
        let Owner::Core(owner) = self.owner(shard) else {
            self.pass_on(shard, token, command, Instant::now());
            return call;
        };
        if owner == inner.core {
            self.apply(shard, token, command);
        } else {
            let mut lanes = inner.lanes[owner].borrow_mut();
            let lanes = lanes.as_mut().expect("lanes to every other core");
            let request = Request::Command {
                shard,
                token,
                command,
            };
            match lanes.requests_out.try_send(request, REQUESTS_KEPT_MAX) {
                Ok(()) => {
                    lanes.requests_out.flush();
                }
                Err(_) => {
                    self.figures().refused();
                    let _ = inner.pending.borrow_mut().forget(token);
                    return Call::answered(Reply::Refused(Refusal::Overloaded));
                }
            }
        }
        call
    }

    /// Asks every shard the same and answers their replies in the order of shards.
    pub async fn call_all(&self, command: impl Fn(u16) -> Command) -> Vec<Reply> {
        let calls: Vec<Call> = (0..self.shards())
            .map(|shard| self.call(shard, command(shard)))
            .collect();
        let mut replies = Vec::with_capacity(calls.len());
        for call in calls {
            replies.push(call.await);
        }
        replies
    }

    /// Counts of this core's own shards.
    pub fn own_stats(&self) -> Vec<(u16, ShardStats)> {
        let hosts = self.inner.hosts.borrow();
        let stats = hosts.iter().map(|(shard, host)| (shard, host.stats()));
        stats.collect()
    }

    fn figures(&self) -> &CoreFigures {
        &self.inner.figures.cores[self.inner.core]
    }

    /// What cores and journals have done.
    pub fn seen(&self) -> MeshSeen {
        self.inner.figures.seen()
    }

    /// Memory that messages may take in all, bytes.
    pub fn memory_bytes_max(&self) -> Option<u64> {
        self.inner.memory_bytes_max
    }

    /// The shard whose store has acknowledged nothing for longest though something waits for it, and for
    /// how long that has been.
    pub fn silent_journal(&self) -> Option<(u16, Duration)> {
        let journals = self.inner.figures.journals.iter().enumerate();
        let silent = journals.filter_map(|(shard, of)| Some((shard as u16, of.silent_for()?)));
        silent.max_by_key(|(_, time)| *time)
    }

    /// Why a journal can't write, if one can't, whatever core its shard is on.
    pub fn journal_down(&self) -> Option<String> {
        self.inner.journals_down.any()
    }

    /// Has a test's clock stop, go on or jump ahead, and waits until what that makes due is done.
    ///
    /// # Errors
    /// Where it would go back, or what is due doesn't come to an end.
    pub async fn drive_clock(&self, order: Order) -> Result<(), ClockError> {
        self.inner.test_clock.drive(order).await
    }

    /// Answers the long polls of this core and lets no new ones wait.
    pub fn stop(&self) {
        self.inner.stopping.set(true);
        let polls = self.inner.pending.borrow().long_polls();
        for token in polls {
            let reply = Reply::Refused(Refusal::Stopping);
            let _ = self.inner.pending.borrow_mut().answer(token, reply);
        }
    }

    /// Waits until all that was accepted is durable, then closes this core's shards.
    pub async fn close(&self, within: Duration) {
        let until = Instant::now() + within;
        loop {
            let idle = self
                .inner
                .hosts
                .borrow()
                .iter()
                .all(|(_, host)| host.is_idle());
            if idle || Instant::now() >= until {
                break;
            }
            crate::runtime::sleep(Duration::from_millis(2)).await;
        }
        // Dropping a host lets its journal finish and waits for it.
        let hosts = self.inner.hosts.borrow_mut().close();
        hosts.for_each(drop);
        self.say_goodbye();
    }

    /// Who runs a shard.
    #[inline]
    pub fn owner(&self, shard: u16) -> Owner {
        self.inner.ownership.owner(shard)
    }

    /// How often definitions have changed.
    pub fn versions(&self) -> &Arc<Versions> {
        &self.inner.versions
    }

    /// Has a shard of this core carry out a command.
    fn apply(&self, shard: u16, token: Token, command: Command) {
        let now = wall_clock();
        {
            let mut hosts = self.inner.hosts.borrow_mut();
            let Some(host) = hosts.of(shard) else {
                let is_closed = hosts.is_closed();
                drop(hosts);
                return match is_closed {
                    true => self.deliver(token, Reply::Refused(Refusal::Stopping)),
                    false => self.came_back(shard, token, Some(Box::new(command))),
                };
            };
            host.apply(now, token, command);
            host.flush();
        }
        self.pump(shard, now);
        self.flush_replies();
    }

    /// Sends replies to other cores on their way, with one ring for all.
    fn flush_replies(&self) {
        if self.inner.unflushed.replace(false) {
            for lanes in &self.inner.lanes {
                if let Some(lanes) = &mut *lanes.borrow_mut() {
                    lanes.replies_out.flush();
                }
            }
        }
    }

    /// Passes on all that a shard has put out, and sees to its deadlines.
    fn pump(&self, shard: u16, now: Millis) {
        loop {
            let outgoing = {
                let mut hosts = self.inner.hosts.borrow_mut();
                let Some(host) = hosts.of(shard) else {
                    return;
                };
                match self.inner.versions.next_outgoing(host) {
                    Some(outgoing) => outgoing,
                    None => {
                        if let Some(due) = host.next_due() {
                            self.tick_by(due);
                        }
                        return;
                    }
                }
            };
            match outgoing {
                Outgoing::Reply(token, reply @ Reply::Pulled(_)) if self.inner.cores > 1 => {
                    self.route_delivery(token, reply, now);
                }
                Outgoing::Reply(token, reply) => {
                    if let Reply::Published(_) = reply
                        && self.inner.cores > 1
                    {
                        self.inner.answers_first.note_answer(core_of(token), now);
                    }
                    self.route_reply(token, reply, now);
                }
                Outgoing::Transfer(transfer) => {
                    let (source, target) = (transfer.source, transfer.target);
                    let token = transfer_token(self.inner.core, source);
                    self.route_transfer(target, token, Command::Transfer(transfer), now);
                }
            }
        }
    }

    fn cancel_own(&self, shard: u16, token: Token) {
        let mut hosts = self.inner.hosts.borrow_mut();
        if let Some(host) = hosts.of(shard) {
            host.cancel(token);
        }
    }

    fn cancel(&self, shard: u16, token: Token) {
        let away = self.inner.away.as_ref();
        let is_elsewhere = away.is_some_and(|away| self.give_up_away(away, token));
        let forgotten = self.inner.pending.borrow_mut().forget(token);
        match forgotten {
            Forgotten::Waiting => {}
            Forgotten::Answered(reply) => return self.unwanted(reply),
            Forgotten::Nothing => return,
        }
        if is_elsewhere {
            return;
        }
        let Owner::Core(owner) = self.owner(shard) else {
            return;
        };
        if owner == self.inner.core {
            // The hosts may be in use further up the stack while a future is dropped.
            if self.inner.hosts.try_borrow_mut().is_ok() {
                self.cancel_own(shard, token);
            }
        } else if let Ok(mut lanes) = self.inner.lanes[owner].try_borrow_mut()
            && let Some(lanes) = lanes.as_mut()
        {
            // A full lane loses nothing but the cancellation: the wait ends by its deadline.
            let _ = lanes
                .requests_out
                .try_send(Request::Cancel { shard, token }, REQUESTS_KEPT_MAX);
            lanes.requests_out.flush();
        }
    }
}

#[cfg(test)]
mod tests;
