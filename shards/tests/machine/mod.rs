//! What simulations share: shards with their disks, a clock, the lanes between cores, and what goes
//! wrong with all of these. What clients do, and what they were promised, is each simulation's own.

pub mod clock;
pub mod disk;
pub mod faults;
pub mod lanes;
#[path = "../common/memory_journal.rs"]
pub mod memory_journal;
pub mod numbered;
pub mod seeds;
pub mod time;
pub mod world;

use clock::Clock;
use disk::Disk;
use lclq_shards::command::{Reply, Token};
use lclq_shards::{Millis, ShardConfig};
use std::fmt::Debug;

pub const START: Millis = 1_700_000_000_000;

pub type Violation = String;
pub type Checked = Result<(), Violation>;

pub fn check(holds: bool, what: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(what()) }
}

/// The number that a variable of the environment holds.
pub fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is not a number: {text}")),
    )
}

/// One kind of simulation.
pub trait Simulation {
    type Plan: Setup;
    type Call: Request;
    type Judge: Judge<Self::Plan, Self::Call>;
    type Clients: Clients<Self::Plan, Self::Call>;
}

/// What a seed's plan says of the machine.
pub trait Setup: Clone {
    /// Keeps the choices of a run apart from those of other kinds.
    const SALT: u64;

    fn shards(&self) -> u16;
    fn cores(&self) -> usize;
    fn lane_frames_max(&self) -> usize;
    fn is_durable(&self) -> bool;
    /// Batches that a crash of the machine may lose.
    fn tail_batches_max(&self) -> usize;
    /// Whether the clock may have been set when everything starts again.
    fn clock_steps(&self) -> bool;
    /// Whether hosts hear late of what a disk has done.
    fn has_slow_disks(&self) -> bool;
    /// The longest of the long pauses, ms; 0 where there are none.
    fn pause_ms_max(&self) -> Millis;
    fn config(&self, shard: u16) -> ShardConfig;
}

/// A request of a client under way.
pub trait Request: Debug {
    fn core(&self) -> usize;
    fn shard(&self) -> u16;
    /// Whether a shard has seen it.
    fn has_arrived(&self) -> bool;
    /// Its client has gone: it may or may not be answered.
    fn cancel(&mut self);
}

/// Knows what clients were promised. Times are true ones; what shards say in wall times it has to
/// translate.
pub trait Judge<P, C> {
    fn new(plan: &P) -> Self;
    /// A shard was started, or the clock was set.
    fn set_clock(&mut self, clock: &Clock);
    /// A shard is about to see a request.
    fn asked(&mut self, call: &mut C, now: Millis);
    fn answered(&mut self, call: &C, reply: &Reply, now: Millis) -> Checked;
    /// There will be no answer; it may have been done.
    fn lost(&mut self, call: &C);
    /// A shard's disk has lost what is since a time.
    fn lost_tail(&mut self, shard: u16, since: Millis);
    /// A shard died and has started again.
    fn crashed(&mut self, shard: u16, disk: &Disk);
}

/// The clients of a run.
pub trait Clients<P, C> {
    fn new(plan: &P) -> Self;
    /// A request goes out.
    fn requested(&mut self, _call: &C, _token: Token) {}
    /// There was no room for a request in its lane.
    fn overloaded(&mut self, _plan: &P, _call: &C) {}
    fn answered(&mut self, plan: &P, call: &C, reply: Reply);
    /// References to what is on a shard are no good any more.
    fn forget_shard(&mut self, plan: &P, shard: u16);
    /// The process died.
    fn forget(&mut self) {}
}
