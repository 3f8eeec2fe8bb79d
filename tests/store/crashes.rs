//! Killed and started again, over and over, with the ledger that data directories are held to.

use super::crash::load::World;
use super::support::killing::{Durability, Killing};
use super::{Postgres, store};

/// Leases outlive their server: longer than it lives, and short, so that what is leased at the end comes
/// back.
pub const KEPT_LEASE_S: u32 = 8;

#[test]
fn nothing_acknowledged_is_lost_when_killed_on_a_store() {
    let postgres = Postgres::shared();
    let world = World::new(KEPT_LEASE_S, true);
    let killing = Killing {
        durability: Durability::Full,
        kills: 15,
        forgetful: false,
        store: Some(store(&postgres)),
    };
    killing.run(&world, world.workers());
}
