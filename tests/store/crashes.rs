//! Killed and started again, over and over, with the ledger that data directories are held to.

use super::crash::load::World;
use super::support::killing::{Durability, Killing};
use super::{Postgres, store};

#[test]
fn nothing_acknowledged_is_lost_when_killed_on_a_store() {
    let postgres = Postgres::shared();
    let world = World::where_leases_stay();
    let killing = Killing {
        durability: Durability::Full,
        kills: 15,
        forgetful: false,
        store: Some(store(&postgres)),
    };
    killing.run(&world, world.workers());
}
