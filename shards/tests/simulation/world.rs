//! What makes the machine run this simulation.

use super::calls::Call;
use super::clients::Clients;
use super::oracle::Oracle;
use super::plan::Plan;
use crate::machine::clock::Clock;
use crate::machine::disk::Disk;
use crate::machine::{self, Checked, Judge, Request, Setup, Simulation};
use lclq_shards::command::Reply;
use lclq_shards::{Millis, ShardConfig};

pub struct Queues;

pub type World = machine::world::World<Queues>;

impl Simulation for Queues {
    type Plan = Plan;
    type Call = Call;
    type Judge = Oracle;
    type Clients = Clients;
}

impl Setup for Plan {
    const SALT: u64 = 0x5eed;

    fn shards(&self) -> u16 {
        self.shards
    }

    fn cores(&self) -> usize {
        self.cores
    }

    fn lane_frames_max(&self) -> usize {
        self.lane_frames_max
    }

    fn is_durable(&self) -> bool {
        self.durable
    }

    fn tail_batches_max(&self) -> usize {
        self.tail_batches_max
    }

    fn clock_steps(&self) -> bool {
        self.clock_steps
    }

    fn has_slow_disks(&self) -> bool {
        self.slow_disk
    }

    fn pause_ms_max(&self) -> Millis {
        if self.long_pauses { 400_000 } else { 0 }
    }

    fn config(&self, shard: u16) -> ShardConfig {
        let mut config = ShardConfig::new(shard, self.shards);
        config.in_flight_max = self.in_flight_max;
        config.memory_bytes_max = self.memory_bytes_max;
        config.eviction = self.eviction;
        config
    }
}

impl Request for Call {
    fn core(&self) -> usize {
        self.core
    }

    fn shard(&self) -> u16 {
        self.shard
    }

    fn has_arrived(&self) -> bool {
        self.order > 0
    }

    fn cancel(&mut self) {
        self.cancelled = true;
    }
}

impl Judge<Plan, Call> for Oracle {
    fn new(plan: &Plan) -> Self {
        Oracle::of(plan.clone())
    }

    fn set_clock(&mut self, clock: &Clock) {
        self.clock = clock.clone();
    }

    fn asked(&mut self, call: &mut Call, now: Millis) {
        self.note_asked(call, now);
    }

    fn answered(&mut self, call: &Call, reply: &Reply, now: Millis) -> Checked {
        self.check_answer(call, reply, now)
    }

    fn lost(&mut self, call: &Call) {
        self.note_lost(call);
    }

    fn lost_tail(&mut self, shard: u16, since: Millis) {
        self.note_lost_tail(shard, since);
    }

    fn crashed(&mut self, shard: u16, disk: &Disk) {
        self.note_crash(shard, disk);
    }
}
