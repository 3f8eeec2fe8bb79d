//! Takes shards over beside the cores and gives them to their cores.

use super::core::Shared;
use super::orders::{Order, Orders};
use super::ownership::Owner;
use super::setup::MeshPlan;
use crate::cluster::Takes;
use std::sync::Arc;

pub(super) struct Taker {
    pub plan: Arc<MeshPlan>,
    pub shared: Shared,
    pub orders: Arc<Orders>,
    pub cores: usize,
}

impl Taker {
    fn core_of(&self, shard: u16) -> usize {
        usize::from(shard) % self.cores
    }
}

impl Takes for Taker {
    fn open(&self, shard: u16) -> Result<u64, String> {
        let core = self.core_of(shard);
        let bell = self.orders.bell(core).ok_or("its core has not begun")?;
        let figures = &self.shared.figures.journals[usize::from(shard)];
        let opened = self.plan.load_host(shard, bell, figures.clone());
        let host = opened.map_err(|error| error.to_string())?;
        let epoch = host.epoch();
        self.orders.give(core, Order::Open(shard, Box::new(host)));
        Ok(epoch)
    }

    fn close(&self, shard: u16) {
        self.orders.give(self.core_of(shard), Order::Close(shard));
    }

    fn route(&self, shard: u16, peer: Option<u16>) {
        let to = peer.map_or(Owner::Nobody, Owner::Node);
        let from = self.shared.ownership.owner(shard);
        // A core that has it says itself when it hasn't any more.
        if !matches!(from, Owner::Core(_))
            && from != to
            && self.shared.ownership.change(shard, from, to)
        {
            self.orders.rerouted(shard);
        }
    }

    fn poke(&self, peers: Vec<u16>) {
        if !peers.is_empty() {
            self.orders.give(0, Order::Poke(peers));
        }
    }

    fn gone(&self, peer: u16) {
        for core in 0..self.cores {
            self.orders.give(core, Order::Gone(peer));
        }
    }

    fn reach(&self, peers: Vec<u16>) {
        if !peers.is_empty() {
            self.orders.give(0, Order::Reach(peers));
        }
    }

    fn shards(&self) -> u16 {
        self.shared.ownership.shards()
    }
}
