//! The real binary under load is killed with SIGKILL and started again, over and over: nothing
//! acknowledged is lost, nothing deleted comes back, nothing is doubled, groups keep their order.
//!
//! The seed is printed; `LCLQ_CRASH_SEED` sets it and `LCLQ_CRASH_KILLS` the number of kills per
//! test. (Threads and the system's scheduling make a run with the same seed similar, not equal.)

#![cfg(unix)]

mod crash {
    pub mod ledger;
    pub mod load;
}
mod support;

use crash::load::World;
use support::killing::{Durability, Killing, must_be_noticed};

/// Longer than any run of the server.
const LEASE_S: u32 = 120;

fn crash(durability: Durability, kills: u64, forgetful: bool) {
    let world = World::new(LEASE_S, false);
    let workers = world.workers();
    let killing = Killing {
        durability,
        kills,
        forgetful,
        store: None,
    };
    killing.run(&world, workers);
}

#[test]
fn nothing_acknowledged_is_lost_when_killed_with_full_durability() {
    crash(Durability::Full, 30, false);
}

#[test]
fn nothing_acknowledged_is_lost_when_killed_with_normal_durability() {
    crash(Durability::Normal, 30, false);
}

/// The canary: a store that forgets must not pass.
#[test]
fn a_forgetful_store_is_noticed() {
    must_be_noticed(|| crash(Durability::Normal, 12, true));
}
