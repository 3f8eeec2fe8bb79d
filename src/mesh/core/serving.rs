//! What a core does when its bell rings: other cores' requests, and their replies to its own.

use super::super::lane::Request;
use super::super::pending::WRITTEN_TOKEN;
use super::super::test_clock::LOOKS_MAX;
use super::Mesh;
use crate::runtime::{DoorbellWaiter, fail_core, wall_clock};
use lclq_shards::Millis;
use lclq_shards::command::{Refusal, Reply};

/// Requests that are taken from one lane before the others have their turn.
const LANE_TURN_MAX: usize = 256;

impl Mesh {
    /// Serves the lanes whenever the bell rings: other cores' requests, their replies to ours, and
    /// completions of the journals.
    pub(super) async fn serve_lanes(self, mut waiter: DoorbellWaiter) {
        loop {
            while self.serve_lanes_once() {
                crate::runtime::yield_now().await;
            }
            waiter.wait().await;
        }
    }

    /// One round over everything. Answers whether there may be more to do at once.
    pub(super) fn serve_lanes_once(&self) -> bool {
        let now = wall_clock();
        let mut more = false;
        if let Some(away) = &self.inner.away {
            self.carry_out_orders(away, now);
        }
        for core in 0..self.inner.cores {
            if let Some(lanes) = &*self.inner.lanes[core].borrow() {
                self.figures().lane_looked_into(lanes.requests_in.len());
            }
            for _ in 0..LANE_TURN_MAX {
                let request = match &mut *self.inner.lanes[core].borrow_mut() {
                    Some(lanes) => lanes.requests_in.pop(),
                    None => break,
                };
                match request {
                    Some(Request::Command {
                        shard,
                        token,
                        command,
                    }) => {
                        let mut hosts = self.inner.hosts.borrow_mut();
                        match hosts.of(shard) {
                            Some(host) => host.apply(now, token, command),
                            None => {
                                let is_closed = hosts.is_closed();
                                drop(hosts);
                                let reply = match &self.inner.away {
                                    Some(_) if !is_closed => {
                                        Reply::Elsewhere(shard, Some(Box::new(command)))
                                    }
                                    _ => Reply::Refused(Refusal::Stopping),
                                };
                                self.route_reply(token, reply, now);
                            }
                        }
                    }
                    Some(Request::Cancel { shard, token }) => self.cancel_own(shard, token),
                    Some(Request::AnswersWritten) => self.answers_written(core),
                    None => break,
                }
            }
            if let Some(lanes) = &mut *self.inner.lanes[core].borrow_mut()
                && lanes.requests_in.owes_ring()
            {
                lanes.replies_out.ring();
            }
            self.take_replies(core, now);
        }
        for shard in 0..self.shards() {
            if self.inner.ownership.is_of_core(shard, self.inner.core) {
                let mut is_lost = false;
                if let Some(host) = self.inner.hosts.borrow_mut().of(shard) {
                    let was_down = host.down().is_some();
                    host.poll_journal();
                    is_lost = host.fenced().is_some();
                    if is_lost && self.inner.away.is_none() {
                        fail_core("another owner has one of its shards");
                    }
                    if !is_lost && was_down != host.down().is_some() {
                        self.inner.journals_down.note(shard, host.down());
                    }
                    more |= host.give_way();
                    host.flush();
                }
                self.pump(shard, now);
                if is_lost && let Some(away) = &self.inner.away {
                    self.lose_shard(away, shard);
                }
            }
        }
        for lanes in &self.inner.lanes {
            if let Some(lanes) = &mut *lanes.borrow_mut() {
                // What doesn't fit now fits when the other core has taken some; it rings then.
                lanes.requests_out.flush();
                lanes.replies_out.flush();
                more |= !lanes.requests_in.is_empty();
            }
        }
        let question = self.inner.test_clock.question();
        if question != self.inner.clock_answered.get() {
            self.answer_clock(question);
        }
        more
    }

    /// Deals with what is due by a test's clock, and says what is left to do.
    #[cold]
    pub(super) fn answer_clock(&self, question: u64) {
        let mut next = self.tick_hosts(wall_clock());
        for _ in 0..LOOKS_MAX {
            if next > wall_clock() {
                break;
            }
            next = self.tick_hosts(wall_clock());
        }
        let hosts = self.inner.hosts.borrow();
        let mut idle = hosts
            .iter()
            .all(|(_, host)| host.is_idle() && host.on_their_way() == 0);
        drop(hosts);
        for lanes in &self.inner.lanes {
            if let Some(lanes) = &mut *lanes.borrow_mut() {
                idle &= !lanes.requests_out.flush() & !lanes.replies_out.flush();
                idle &= lanes.requests_in.is_empty() && lanes.replies_in.is_empty();
            }
        }
        self.inner.clock_answered.set(question);
        let clock = &self.inner.test_clock;
        clock.answer(self.inner.core, question, next, idle);
    }

    pub(super) fn take_replies(&self, core: usize, now: Millis) {
        loop {
            let reply = match &mut *self.inner.lanes[core].borrow_mut() {
                Some(lanes) => lanes.replies_in.pop(),
                None => return,
            };
            let Some((token, reply)) = reply else { break };
            if token == WRITTEN_TOKEN {
                self.tell_when_written(core);
            } else {
                self.route_reply(token, reply, now);
            }
        }
        if let Some(lanes) = &mut *self.inner.lanes[core].borrow_mut()
            && lanes.replies_in.owes_ring()
        {
            lanes.requests_out.ring();
        }
    }
}
