//! What cores are told to do with shards while they run: a few words a minute, so a lock and a flag do.

use crate::runtime::Doorbell;
use lclq_shards::LoadedHost;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// What a core is to do.
pub(super) enum Order {
    /// Runs a shard from now on, which was taken over.
    Open(u16, Box<LoadedHost>),
    /// Closes a shard that it runs.
    Close(u16),
    /// Looks at what waits for a shard, which somebody else runs from now on, or nobody.
    Rerouted(u16),
    /// Has other nodes look.
    Poke(Vec<u16>),
    /// Another node is gone: what is under way there won't be answered.
    Gone(u16),
    /// Has connections to other nodes.
    Reach(Vec<u16>),
    /// Another node has changed something in a shard.
    Changed,
}

/// The orders of one core.
#[derive(Default)]
struct Inbox {
    any: AtomicBool,
    orders: Mutex<Vec<Order>>,
    bell: OnceLock<Doorbell>,
}

/// The orders of all cores. Bounded by the shards: each has one that opens, closes or reroutes it at a time, but
/// for what a core that doesn't get on leaves lying.
pub(super) struct Orders(Box<[Inbox]>);

impl Orders {
    pub fn new(cores: usize) -> Self {
        Self((0..cores).map(|_| Inbox::default()).collect())
    }

    /// A core has begun.
    pub fn attach(&self, core: usize, bell: Doorbell) {
        let _ = self.0[core].bell.set(bell);
    }

    /// How a core is woken, once it has begun.
    pub fn bell(&self, core: usize) -> Option<Doorbell> {
        self.0[core].bell.get().cloned()
    }

    pub fn give(&self, core: usize, order: Order) {
        let inbox = &self.0[core];
        let mut orders = inbox.orders.lock().unwrap_or_else(PoisonError::into_inner);
        orders.push(order);
        // Under the lock, so that no order lies there without it.
        inbox.any.store(true, Ordering::Release);
        drop(orders);
        if let Some(bell) = inbox.bell.get() {
            bell.ring();
        }
    }

    /// Tells all cores that a shard is run by somebody else.
    pub fn rerouted(&self, shard: u16) {
        for core in 0..self.0.len() {
            self.give(core, Order::Rerouted(shard));
        }
    }

    /// What a core is to do. One load where there is nothing.
    pub fn take(&self, core: usize) -> Vec<Order> {
        let inbox = &self.0[core];
        if !inbox.any.load(Ordering::Acquire) {
            return Vec::new();
        }
        let mut orders = inbox.orders.lock().unwrap_or_else(PoisonError::into_inner);
        inbox.any.store(false, Ordering::Release);
        std::mem::take(&mut *orders)
    }
}
