//! The real binary under a load of topics and subscriptions is killed with SIGKILL and started
//! again, over and over: every acknowledged publish is on every subscription that matches until it
//! is acknowledged there, what was acknowledged never comes back, ordering keys keep their order,
//! and dead letters arrive once. Over REST and gRPC streams.
//!
//! The seed is printed; see `crash.rs` for the variables.

#![cfg(unix)]

mod support;
mod topic_crash {
    pub mod calls;
    pub mod ledger;
    pub mod load;
    pub mod plan;
    pub mod workers;
}

use support::killing::{Durability, Killing, must_be_noticed};
use topic_crash::load::World;

fn crash(durability: Durability, kills: u64, forgetful: bool) {
    let world = World::new();
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
fn every_subscription_keeps_what_was_acknowledged_when_killed_with_full_durability() {
    crash(Durability::Full, 30, false);
}

#[test]
fn every_subscription_keeps_what_was_acknowledged_when_killed_with_normal_durability() {
    crash(Durability::Normal, 30, false);
}

/// The canary: a store that forgets must not pass.
#[test]
fn a_forgetful_store_is_noticed() {
    must_be_noticed(|| crash(Durability::Normal, 12, true));
}
