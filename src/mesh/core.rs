//! One core's part of the mesh.

use super::lane::{Answer, Request, Sender};
use super::pending::{Pending, core_of, transfer_source, transfer_token};
use crate::runtime::{Doorbell, DoorbellWaiter, Sleep, spawn_local};
use lclq_shards::command::{Command, Refusal, Reply, ShardStats, Token};
use lclq_shards::{Millis, Outgoing, ShardHost};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Requests that are taken from one lane before the others have their turn.
const LANE_TURN_MAX: usize = 256;

/// Lanes to and from one other core.
pub(super) struct Lanes {
    pub requests_out: Sender<Request>,
    pub replies_in: rtrb::Consumer<Answer>,
    pub requests_in: rtrb::Consumer<Request>,
    pub replies_out: Sender<Answer>,
}

struct Inner {
    core: usize,
    cores: usize,
    shards: u16,
    /// By shard; those of other cores are `None`.
    hosts: RefCell<Vec<Option<ShardHost>>>,
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
    /// The same of requests; the flushing task rings when this core's ready tasks have run.
    flush_due: Cell<bool>,
    flusher: RefCell<Option<Waker>>,
    journals_down: Arc<JournalsDown>,
}

/// Shards of all cores whose journals can't write at the moment, and why.
#[derive(Default)]
pub(super) struct JournalsDown(Mutex<BTreeMap<u16, String>>);

impl JournalsDown {
    fn note(&self, shard: u16, reason: Option<&str>) {
        let mut down = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match reason {
            Some(reason) => {
                tracing::error!(shard, reason, "can't write the journal; refusing changes");
                down.insert(shard, reason.to_owned());
            }
            None => {
                tracing::info!(shard, "the journal is written again");
                down.remove(&shard);
            }
        }
    }

    fn any(&self) -> Option<String> {
        let down = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (shard, reason) = down.first_key_value()?;
        Some(format!("shard {shard}: {reason}"))
    }
}

/// A core's handle on the mesh. Clones are cheap and stay on their core.
#[derive(Clone)]
pub struct Mesh {
    inner: Rc<Inner>,
}

/// Milliseconds since 1970, the clock that shards are driven by.
pub fn wall_clock() -> Millis {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_millis() as Millis)
}

impl Mesh {
    /// Starts this core's part: the tasks that serve other cores and that keep time.
    pub(super) fn start(
        core: usize,
        cores: usize,
        hosts: Vec<Option<ShardHost>>,
        lanes: Vec<Option<Lanes>>,
        bell: Doorbell,
        waiter: DoorbellWaiter,
        journals_down: Arc<JournalsDown>,
    ) -> Self {
        let mesh = Self {
            inner: Rc::new(Inner {
                core,
                cores,
                shards: hosts.len() as u16,
                hosts: RefCell::new(hosts),
                lanes: lanes.into_iter().map(RefCell::new).collect(),
                pending: RefCell::new(Pending::new(core)),
                tick_at: Cell::new(0),
                ticker: RefCell::new(None),
                bell,
                stopping: Cell::new(false),
                unflushed: Cell::new(false),
                flush_due: Cell::new(false),
                flusher: RefCell::new(None),
                journals_down,
            }),
        };
        spawn_local(mesh.clone().serve_lanes(waiter));
        spawn_local(mesh.clone().flush_requests());
        spawn_local(mesh.clone().keep_time());
        mesh
    }

    /// Number of shards in all.
    pub fn shards(&self) -> u16 {
        self.inner.shards
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
            return Call::answered(Reply::Refused(Refusal::Overloaded));
        };
        let call = Call {
            state: CallState::Waiting {
                mesh: self.clone(),
                shard,
                token,
            },
        };
        let owner = self.owner(shard);
        if owner == inner.core {
            self.apply(shard, token, command);
        } else {
            let mut lanes = inner.lanes[owner].borrow_mut();
            let lanes = lanes.as_mut().expect("lanes to every other core");
            match lanes.requests_out.try_send(Request::Command {
                shard,
                token,
                command,
            }) {
                Ok(()) => {
                    if lanes.requests_out.nudge() {
                        self.flush_later();
                    }
                }
                Err(_) => {
                    inner.pending.borrow_mut().forget(token);
                    return Call::answered(Reply::Refused(Refusal::Overloaded));
                }
            }
        }
        call
    }

    /// Asks every shard the same and answers their replies in the order of shards.
    pub async fn call_all(&self, command: impl Fn(u16) -> Command) -> Vec<Reply> {
        let calls: Vec<Call> = (0..self.inner.shards)
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
        hosts
            .iter()
            .enumerate()
            .filter_map(|(shard, host)| Some((shard as u16, host.as_ref()?.stats())))
            .collect()
    }

    /// Why a journal can't write, if one can't, whatever core its shard is on.
    pub fn journal_down(&self) -> Option<String> {
        self.inner.journals_down.any()
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
                .flatten()
                .all(ShardHost::is_idle);
            if idle || Instant::now() >= until {
                break;
            }
            crate::runtime::sleep(Duration::from_millis(2)).await;
        }
        // Dropping a host lets its journal finish and waits for it.
        let hosts = std::mem::take(&mut *self.inner.hosts.borrow_mut());
        drop(hosts);
    }

    fn owner(&self, shard: u16) -> usize {
        usize::from(shard) % self.inner.cores
    }

    /// Has a shard of this core carry out a command.
    fn apply(&self, shard: u16, token: Token, command: Command) {
        let now = wall_clock();
        {
            let mut hosts = self.inner.hosts.borrow_mut();
            let Some(host) = hosts.get_mut(usize::from(shard)).and_then(Option::as_mut) else {
                drop(hosts);
                return self.deliver(token, Reply::Refused(Refusal::Stopping));
            };
            host.apply(now, token, command);
            host.flush();
        }
        self.pump(shard, now);
        self.flush_replies();
    }

    /// Has the bells of running cores rung, for the requests in their lanes, when the tasks that are
    /// ready now have run: those that came in one go from the network cost one ring.
    fn flush_later(&self) {
        if !self.inner.flush_due.replace(true)
            && let Some(waker) = &*self.inner.flusher.borrow()
        {
            waker.wake_by_ref();
        }
    }

    async fn flush_requests(self) {
        loop {
            poll_fn(|cx| {
                if self.inner.flush_due.replace(false) {
                    return Poll::Ready(());
                }
                let mut flusher = self.inner.flusher.borrow_mut();
                match &mut *flusher {
                    Some(waker) => waker.clone_from(cx.waker()),
                    none => *none = Some(cx.waker().clone()),
                }
                Poll::Pending
            })
            .await;
            for lanes in &self.inner.lanes {
                if let Some(lanes) = &mut *lanes.borrow_mut() {
                    lanes.requests_out.flush();
                }
            }
        }
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
                let Some(host) = hosts.get_mut(usize::from(shard)).and_then(Option::as_mut) else {
                    return;
                };
                match host.next_outgoing() {
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
                Outgoing::Reply(token, reply) => self.route_reply(token, reply, now),
                Outgoing::Transfer(transfer) => {
                    let (source, target) = (transfer.source, transfer.target);
                    let token = transfer_token(self.inner.core, source);
                    self.route_transfer(target, token, Command::Transfer(transfer), now);
                }
            }
        }
    }

    fn route_reply(&self, token: Token, reply: Reply, now: Millis) {
        let core = core_of(token);
        if core != self.inner.core {
            let mut lanes = self.inner.lanes[core].borrow_mut();
            let lanes = lanes.as_mut().expect("lanes to every other core");
            lanes.replies_out.send((token, reply));
            self.inner.unflushed.set(true);
            return;
        }
        match transfer_source(token) {
            Some(source) => self.transfer_answered(source, reply, now),
            None => self.deliver(token, reply),
        }
    }

    fn deliver(&self, token: Token, reply: Reply) {
        // An answer that nobody waits for is dropped: a lease it holds ends by its deadline.
        let _ = self.inner.pending.borrow_mut().answer(token, reply);
    }

    fn route_transfer(&self, target: u16, token: Token, command: Command, now: Millis) {
        let owner = self.owner(target);
        if owner == self.inner.core {
            // Not a nested pump: the target's own effects go out when it is pumped next, which the
            // bell sees to.
            let mut hosts = self.inner.hosts.borrow_mut();
            if let Some(host) = hosts.get_mut(usize::from(target)).and_then(Option::as_mut) {
                host.apply(now, token, command);
                host.flush();
                self.inner.bell.ring();
            }
            return;
        }
        let sent = {
            let mut lanes = self.inner.lanes[owner].borrow_mut();
            let lanes = lanes.as_mut().expect("lanes to every other core");
            let request = Request::Command {
                shard: target,
                token,
                command,
            };
            let sent = lanes.requests_out.try_send(request);
            lanes.requests_out.flush();
            sent
        };
        if sent.is_err() {
            let source = transfer_source(token).expect("a transfer's token");
            self.transfer_answered(source, Reply::Refused(Refusal::Overloaded), now);
        }
    }

    fn transfer_answered(&self, source: u16, reply: Reply, now: Millis) {
        let mut hosts = self.inner.hosts.borrow_mut();
        let Some(host) = hosts.get_mut(usize::from(source)).and_then(Option::as_mut) else {
            return;
        };
        match reply {
            Reply::Transferred(ack) => {
                host.acked(ack);
                host.flush();
            }
            _ => host.transfer_failed(now),
        }
        if let Some(due) = host.next_due() {
            self.tick_by(due);
        }
    }

    /// Serves the lanes whenever the bell rings: other cores' requests, their replies to ours, and
    /// completions of the journals.
    async fn serve_lanes(self, mut waiter: DoorbellWaiter) {
        loop {
            while self.serve_lanes_once() {
                crate::runtime::yield_now().await;
            }
            waiter.wait().await;
        }
    }

    /// One round over everything. Answers whether there may be more to do at once.
    fn serve_lanes_once(&self) -> bool {
        let now = wall_clock();
        let mut more = false;
        for core in 0..self.inner.cores {
            for _ in 0..LANE_TURN_MAX {
                let request = match &mut *self.inner.lanes[core].borrow_mut() {
                    Some(lanes) => lanes.requests_in.pop(),
                    None => break,
                };
                match request {
                    Ok(Request::Command {
                        shard,
                        token,
                        command,
                    }) => {
                        let mut hosts = self.inner.hosts.borrow_mut();
                        match hosts.get_mut(usize::from(shard)).and_then(Option::as_mut) {
                            Some(host) => host.apply(now, token, command),
                            None => {
                                drop(hosts);
                                let reply = Reply::Refused(Refusal::Stopping);
                                self.route_reply(token, reply, now);
                            }
                        }
                    }
                    Ok(Request::Cancel { shard, token }) => self.cancel_own(shard, token),
                    Err(_) => break,
                }
            }
            self.take_replies(core, now);
        }
        for shard in 0..self.inner.shards {
            if self.owner(shard) == self.inner.core {
                if let Some(host) = &mut self.inner.hosts.borrow_mut()[usize::from(shard)] {
                    let was_down = host.down().is_some();
                    host.poll_journal();
                    if was_down != host.down().is_some() {
                        self.inner.journals_down.note(shard, host.down());
                    }
                    host.flush();
                }
                self.pump(shard, now);
            }
        }
        for lanes in &self.inner.lanes {
            if let Some(lanes) = &mut *lanes.borrow_mut() {
                lanes.requests_out.flush();
                // What doesn't fit now fits when the other core has taken some; it rings then.
                lanes.replies_out.flush();
                more |= !lanes.requests_in.is_empty();
            }
        }
        more
    }

    fn take_replies(&self, core: usize, now: Millis) {
        let mut was_full = false;
        loop {
            let reply = match &mut *self.inner.lanes[core].borrow_mut() {
                Some(lanes) => {
                    was_full |= lanes.replies_in.slots() == lanes.replies_in.buffer().capacity();
                    lanes.replies_in.pop()
                }
                None => return,
            };
            let Ok((token, reply)) = reply else { break };
            self.route_reply(token, reply, now);
        }
        if was_full && let Some(lanes) = &mut *self.inner.lanes[core].borrow_mut() {
            lanes.requests_out.ring();
        }
    }

    fn cancel_own(&self, shard: u16, token: Token) {
        let mut hosts = self.inner.hosts.borrow_mut();
        if let Some(host) = hosts.get_mut(usize::from(shard)).and_then(Option::as_mut) {
            host.cancel(token);
        }
    }

    fn cancel(&self, shard: u16, token: Token) {
        if !self.inner.pending.borrow_mut().forget(token) {
            return;
        }
        let owner = self.owner(shard);
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
                .try_send(Request::Cancel { shard, token });
            lanes.requests_out.flush();
        }
    }

    /// Makes sure that the shards are ticked by `due`.
    fn tick_by(&self, due: Millis) {
        if due < self.inner.tick_at.get() {
            self.inner.tick_at.set(due);
            if let Some(waker) = &*self.inner.ticker.borrow() {
                waker.wake_by_ref();
            }
        }
    }

    /// Ticks this core's shards when a deadline is due; sleeps otherwise.
    async fn keep_time(self) {
        loop {
            let now = wall_clock();
            if self.inner.tick_at.get() <= now {
                let mut next = Millis::MAX;
                for shard in 0..usize::from(self.inner.shards) {
                    if let Some(host) = self
                        .inner
                        .hosts
                        .borrow_mut()
                        .get_mut(shard)
                        .and_then(Option::as_mut)
                    {
                        if host.next_due().is_some_and(|due| due <= now) {
                            host.tick(now);
                        }
                        host.flush();
                        next = next.min(host.next_due().unwrap_or(Millis::MAX));
                    }
                }
                self.inner.tick_at.set(next);
                for shard in 0..self.inner.shards {
                    if self.owner(shard) == self.inner.core {
                        self.pump(shard, now);
                    }
                }
                self.flush_replies();
                if next <= now {
                    crate::runtime::yield_now().await;
                }
                continue;
            }
            let at = self.inner.tick_at.get();
            // A far deadline is looked at again now and then: the wall clock may be set.
            let pause = Duration::from_millis((at - now).min(60_000));
            let mut sleep = pin!(Sleep::until(Instant::now() + pause));
            poll_fn(|cx| {
                if self.inner.tick_at.get() < at {
                    return Poll::Ready(());
                }
                *self.inner.ticker.borrow_mut() = Some(cx.waker().clone());
                sleep.as_mut().poll(cx)
            })
            .await;
        }
    }
}

/// A request under way. Dropping it before it is answered cancels it if it is a long poll.
pub struct Call {
    state: CallState,
}

enum CallState {
    Waiting {
        mesh: Mesh,
        shard: u16,
        token: Token,
    },
    Answered(Option<Reply>),
}

impl Call {
    fn answered(reply: Reply) -> Self {
        Self {
            state: CallState::Answered(Some(reply)),
        }
    }
}

impl Future for Call {
    type Output = Reply;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Reply> {
        match &mut self.state {
            CallState::Waiting { mesh, token, .. } => {
                let reply = std::task::ready!(mesh.inner.pending.borrow_mut().poll(*token, cx));
                self.state = CallState::Answered(None);
                Poll::Ready(reply)
            }
            CallState::Answered(reply) => {
                Poll::Ready(reply.take().expect("polled after it was answered"))
            }
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if let CallState::Waiting { mesh, shard, token } = &self.state {
            mesh.cancel(*shard, *token);
        }
    }
}
