//! What makes the machine run this simulation.

use super::calls::Call;
use super::clients::Clients;
use super::model::Model;
use super::plan::Plan;
use crate::machine::clock::Clock;
use crate::machine::disk::Disk;
use crate::machine::{self, Checked, Judge, Request, Setup, Simulation};
use lclq_shards::command::{Command, Reply};
use lclq_shards::pubsub::command::PubsubCommand;
use lclq_shards::{Millis, ShardConfig};

pub struct Topics;

pub type World = machine::world::World<Topics>;

impl Simulation for Topics {
    type Plan = Plan;
    type Call = Call;
    type Judge = Model;
    type Clients = Clients;
}

impl Setup for Plan {
    const SALT: u64 = 0x70_5eed;

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
        true
    }

    fn pause_ms_max(&self) -> Millis {
        if self.long_pauses { 100_000 } else { 0 }
    }

    fn config(&self, shard: u16) -> ShardConfig {
        let mut config = ShardConfig::new(shard, self.shards);
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

impl Judge<Plan, Call> for Model {
    fn new(plan: &Plan) -> Self {
        Model::of(plan.clone())
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

    fn crashed(&mut self, shard: u16, _disk: &Disk) {
        self.note_crash(shard);
    }
}

pub fn wrap(command: PubsubCommand) -> Command {
    Command::Pubsub(Box::new(command))
}
