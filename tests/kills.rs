//! Everything at once on one data directory, and SIGKILL at any moment: the loads of `crash.rs` and
//! `topic_crash.rs`, and beside them purges, visibility changes, repeated sends, move tasks, seeks,
//! snapshots and pushes. Cores, driver and durability change from run to run.
//!
//! The seed is printed; `LCLQ_CRASH_SEED` sets it, and `LCLQ_KILLS` the number of kills:
//!
//!     LCLQ_KILLS=500 cargo test --release --test kills -- --nocapture

#![cfg(unix)]

mod support;
#[path = "crash"]
mod crash {
    pub mod ledger;
    pub mod load;
}
#[path = "topic_crash"]
mod topic_crash {
    pub mod calls;
    pub mod ledger;
    pub mod load;
    pub mod plan;
    pub mod workers;
}
#[path = "kills"]
mod kills {
    pub mod belief;
    pub mod moves;
    pub mod pushes;
    pub mod queue;
    pub mod repeats;
    pub mod scene;
    pub mod seeks;
}

use kills::moves::Moves;
use kills::pushes::Pushes;
use kills::queue::Purged;
use kills::repeats::Repeats;
use kills::scene::Scene;
use kills::seeks::Seeks;
use rand::rngs::SmallRng;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use support::Server;
use support::killing::{Durability, Killing, Load};

/// Longer than any run of the server.
const LEASE_S: u32 = 120;
/// Kills where `LCLQ_KILLS` says nothing else.
const KILLS: u64 = 6;

struct Everything {
    queues: crash::load::World,
    topics: topic_crash::load::World,
    /// Each is worked on by one client, so none ever waits for its lock.
    scenes: Vec<Mutex<Box<dyn Scene>>>,
    stop: AtomicBool,
}

enum Worker {
    Queues(crash::load::Worker),
    Topics(topic_crash::workers::Worker),
    Scene(usize),
}

impl Everything {
    fn each(&self, mut what: impl FnMut(&mut dyn Scene)) {
        for scene in &self.scenes {
            what(scene.lock().expect("no check failed in it").as_mut());
        }
    }
}

impl Load for Everything {
    type Worker = Worker;

    fn set_up(&self, server: &Server) {
        self.queues.set_up(server);
        self.topics.set_up(server);
        self.each(|scene| scene.set_up(server));
    }

    fn restarted(&self, server: &Server, rng: &mut SmallRng) {
        self.queues.restarted(server, rng);
        self.topics.restarted(server, rng);
        self.each(|scene| scene.restarted(server));
    }

    fn ended(&self) {
        self.each(|scene| scene.ended());
    }

    fn drain(&self, server: &Server) {
        self.queues.drain(server);
        self.topics.drain(server);
        self.each(|scene| scene.drain(server));
    }

    fn work(&self, worker: &mut Worker, server: &Server, rng: &mut SmallRng) {
        match worker {
            Worker::Queues(worker) => self.queues.work(worker, server, rng),
            Worker::Topics(worker) => self.topics.work(worker, server, rng),
            Worker::Scene(at) => {
                let mut scene = self.scenes[*at].lock().expect("no check failed in it");
                let mut client = scene.client(server);
                while !self.stop.load(Ordering::Relaxed) {
                    if scene.step(&mut client, rng).is_err() {
                        return;
                    }
                }
            }
        }
    }

    fn stop(&self, stop: bool) {
        self.stop.store(stop, Ordering::Relaxed);
        self.queues.stop(stop);
        self.topics.stop(stop);
    }

    fn is_complete(&self) -> bool {
        let mut complete = self.topics.is_complete();
        self.each(|scene| complete &= scene.summary().1);
        complete
    }

    fn summarise(&self) {
        self.queues.summarise();
        self.topics.summarise();
        self.each(|scene| {
            println!("{}", scene.summary().0);
        });
    }
}

fn kills() -> u64 {
    let kills = std::env::var("LCLQ_KILLS").ok();
    kills.map_or(KILLS, |kills| kills.parse().expect("LCLQ_KILLS: a number"))
}

#[test]
fn nothing_promised_is_broken_by_kills_under_a_mixed_load() {
    let scenes: Vec<Box<dyn Scene>> = vec![
        Box::new(Purged::new()),
        Box::new(Repeats::new()),
        Box::new(Moves::new()),
        Box::new(Seeks::new()),
        Box::new(Pushes::new()),
    ];
    let world = Everything {
        queues: crash::load::World::new(LEASE_S, false),
        topics: topic_crash::load::World::new(),
        scenes: scenes.into_iter().map(Mutex::new).collect(),
        stop: AtomicBool::new(false),
    };
    let mut workers = Vec::new();
    workers.extend(world.queues.workers().into_iter().map(Worker::Queues));
    workers.extend(world.topics.workers().into_iter().map(Worker::Topics));
    workers.extend((0..world.scenes.len()).map(Worker::Scene));
    let killing = Killing {
        durability: Durability::Either,
        kills: kills(),
        forgetful: false,
        store: None,
    };
    let began = Instant::now();
    killing.run(&world, workers);
    println!("{:.0} s", began.elapsed().as_secs_f64());
}
