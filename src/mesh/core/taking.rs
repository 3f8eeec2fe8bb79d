//! Shards that come to this core and leave it while it runs.

use super::super::away::{Away, Closing};
use super::super::orders::Order;
use super::super::ownership::Owner;
use super::Mesh;
use crate::cluster::News;
use crate::runtime::Doorbell;
use lclq_shards::{LoadedHost, Millis, Outgoing, ShardHost};
use std::time::{Duration, Instant};

/// What telling the store that this node leaves may take.
const GOODBYE_WAIT: Duration = Duration::from_secs(3);
/// What getting all of a shard into the store may take before what is left is refused, and the next owner finds
/// what is there.
const CLOSING_MAX: Duration = Duration::from_secs(10);

impl Mesh {
    /// Has a bell rung whenever this core has got a shard, or somebody else has changed something in one.
    pub fn when_shards_change(&self, bell: Doorbell) {
        if let Some(away) = &self.inner.away {
            away.opened.borrow_mut().push(bell);
        }
    }

    /// Something has been changed in a shard by another node.
    pub fn shards_have_changed(&self) {
        if let Some(away) = &self.inner.away {
            for core in 0..self.inner.cores {
                away.orders.give(core, Order::Changed);
            }
        }
    }

    /// Does what it is told with shards.
    pub(super) fn carry_out_orders(&self, away: &Away, now: Millis) {
        for order in away.orders.take(self.inner.core) {
            match order {
                Order::Open(shard, loaded) => self.open_shard(away, shard, loaded, now),
                Order::Close(shard) => self.close_shard(away, shard),
                Order::Rerouted(shard) => self.follow(shard),
                Order::Poke(numbers) => self.poke(away, &numbers),
                Order::Gone(number) => self.break_off(away, number),
                Order::Reach(numbers) => self.reach(away, &numbers),
                Order::Changed => away.opened.borrow().iter().for_each(Doorbell::ring),
            }
        }
        if !away.closing.borrow().is_empty() {
            self.pump_closing(away, now);
        }
    }

    fn open_shard(&self, away: &Away, shard: u16, loaded: Box<LoadedHost>, now: Millis) {
        let host = loaded.into_host();
        let due = host.next_due();
        if !self.inner.hosts.borrow_mut().put(shard, host) {
            // This core has closed meanwhile: the next owner takes it up.
            return away.joined.tell(News::Closed(shard));
        }
        // Whatever was known of it may have been changed elsewhere.
        self.inner.versions.advance_all();
        let owner = Owner::Core(self.inner.core);
        self.inner.ownership.set(shard, owner);
        self.figures().taken();
        away.orders.rerouted(shard);
        if let Some(due) = due {
            self.tick_by(due);
        }
        // What its journal brought back, transfers above all.
        self.pump(shard, now);
        away.opened.borrow().iter().for_each(Doorbell::ring);
    }

    /// From here on, nothing comes to it, and it takes nothing up.
    fn leave_shard(&self, away: &Away, shard: u16) -> Option<ShardHost> {
        self.inner.ownership.set(shard, Owner::Nobody);
        let host = self.inner.hosts.borrow_mut().take(shard);
        self.inner.versions.advance_all();
        self.inner.journals_down.forget(shard);
        away.orders.rerouted(shard);
        host
    }

    fn close_shard(&self, away: &Away, shard: u16) {
        match self.leave_shard(away, shard) {
            Some(host) => away.closing.borrow_mut().push(Closing {
                shard,
                host: Box::new(host),
                since: Instant::now(),
            }),
            None => away.joined.tell(News::Closed(shard)),
        }
    }

    /// Another owner has it: what this one had to say, it has said.
    pub(super) fn lose_shard(&self, away: &Away, shard: u16) {
        if let Some(host) = self.leave_shard(away, shard) {
            away.joined.tell(News::Fenced(shard, host.epoch()));
        }
    }

    fn pump_closing(&self, away: &Away, now: Millis) {
        let mut closing = std::mem::take(&mut *away.closing.borrow_mut());
        closing.retain_mut(|closing| {
            let host = &mut *closing.host;
            host.poll_journal();
            self.pump_out(host, now);
            let is_late = closing.since.elapsed() >= CLOSING_MAX;
            if !host.is_idle() && host.fenced().is_none() && !is_late {
                // The journal rings when it has committed.
                return true;
            }
            if !host.is_idle() {
                host.give_up();
                self.pump_out(host, now);
            }
            away.joined.tell(News::Closed(closing.shard));
            false
        });
        away.closing.borrow_mut().append(&mut closing);
        self.flush_replies();
    }

    /// Passes on what a shard that leaves still has to say. Transfers are in its journal, and the next owner's.
    fn pump_out(&self, host: &mut ShardHost, now: Millis) {
        while let Some(outgoing) = self.inner.versions.next_outgoing(host) {
            if let Outgoing::Reply(token, reply) = outgoing {
                self.route_reply(token, reply, now);
            }
        }
    }

    /// Says that all is over, once the last core has closed.
    pub(super) fn say_goodbye(&self) {
        let Some(away) = &self.inner.away else {
            return;
        };
        away.closing.borrow_mut().clear();
        if away.joined.is_last_core() {
            let (done, is_done) = std::sync::mpsc::channel();
            away.joined.tell(News::Leave(done));
            let _ = is_done.recv_timeout(GOODBYE_WAIT);
        }
    }

    /// Waits until this node has taken over, once, what was to be had.
    pub async fn settled(&self) {
        if let Some(away) = &self.inner.away {
            away.joined.settled.wait().await;
        }
    }

    /// Hands over all shards to other nodes, if there are any.
    pub async fn hand_over(&self) {
        if let Some(away) = &self.inner.away {
            let done = crate::runtime::Shutdown::new();
            away.joined.tell(News::Drain(done.clone()));
            done.wait().await;
        }
    }
}
