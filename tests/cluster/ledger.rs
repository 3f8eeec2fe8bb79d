//! Clients of all kinds work at one node while others come, are killed, stand still and leave, and hold them
//! together to the ledger that data directories are held to.

use crate::crash::load::{Refusals, World};
use crate::nodes::{Store, shards_of};
use crate::support::Server;
use crate::support::any_seed;
use crate::support::killing::{Load, SHARDS};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use std::time::{Duration, Instant};

/// Leases outlive the node that gave them and the time that clients work; what is leased at the end comes back.
const LEASE_S: u32 = 12;
/// What a node waits for before it gets its share, and that on a busy machine.
const SHARE_WAIT: Duration = Duration::from_secs(10);
/// Nodes that are started before one gets a share in time.
const STARTS_MAX: usize = 20;
/// Longer than a node may be silent and what taking over takes.
const STANDS_STILL: Duration = Duration::from_secs(7);

/// How a node ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Killed,
    /// It stands still until others have taken over, goes on, and finds that out.
    StandsStill,
    Leaves,
}

fn node(store: &Store) -> Server {
    store.node_of(&SHARDS.to_string()).start()
}

/// A node that has a share.
fn other(store: &Store) -> Server {
    for _ in 0..STARTS_MAX {
        let node = node(store);
        let until = Instant::now() + SHARE_WAIT;
        while Instant::now() < until {
            if shards_of(&node) > 0 {
                return node;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        node.stop();
    }
    panic!("no node gets a shard");
}

#[test]
fn nothing_acknowledged_is_lost_while_nodes_come_and_go() {
    let seed = any_seed();
    println!("seed {seed}");
    let mut rng = SmallRng::seed_from_u64(seed);
    let store = Store::postgres();
    let world = World::new(LEASE_S, true).refused(Refusals::Doubts);
    let mut workers = world.workers();
    let front = node(&store);
    world.set_up(&front);
    for end in [End::Killed, End::StandsStill, End::Killed, End::Leaves] {
        let other = other(&store);
        world.restarted(&front, &mut rng);
        world.stop(false);
        let time = Duration::from_millis(rng.random_range(300..1_200));
        std::thread::scope(|scope| {
            for worker in &mut workers {
                let (front, world) = (&front, &world);
                let mut rng = SmallRng::seed_from_u64(rng.random());
                // An answer that nobody knows of ends a client's work, as a server's death does.
                scope.spawn(move || world.work(worker, front, &mut rng));
            }
            std::thread::sleep(time);
            println!("{end:?}, with {} shards, after {time:?}", shards_of(&other));
            match end {
                End::Killed => {
                    other.kill();
                    // What it gave out of standard queues last may be given out again.
                    world.restarted(&front, &mut rng);
                }
                End::Leaves => other.stop(),
                End::StandsStill => {
                    assert!(other.signal("-STOP"));
                    std::thread::sleep(STANDS_STILL);
                    world.restarted(&front, &mut rng);
                    assert!(other.signal("-CONT"));
                    std::thread::sleep(Duration::from_millis(500));
                    other.stop();
                }
            }
            std::thread::sleep(Duration::from_millis(700));
            world.stop(true);
        });
        world.ended();
    }
    // What clients still have comes back once its lease is over.
    world.restarted(&front, &mut rng);
    world.drain(&front);
    world.summarise();
    front.stop();
}
