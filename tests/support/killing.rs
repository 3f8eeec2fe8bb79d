//! Kills the server under a load, starts it again on the same data, and has the load check what it
//! brings back, over and over.

use super::{Launch, Server, any_seed, io_uring_works};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use std::panic::{UnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

/// Shards of the data directory.
pub const SHARDS: u16 = 3;

/// The name of a queue on a given shard.
pub fn queue_on(shard: u16, purpose: &str, suffix: &str) -> String {
    let on_it = |name: &String| {
        let full = lclq_shards::QueueName::new("us-east-1", "000000000000", name);
        full.shard(SHARDS) == shard
    };
    (0..)
        .map(|n| format!("{purpose}-{n}{suffix}"))
        .find(on_it)
        .expect("some name falls on the shard")
}

/// Kills within which all that a load does has to happen, however few were asked for.
const KILLS_FOR_EVERYTHING_MAX: u64 = 60;

/// Kills beyond those asked for after which lives become a length longer.
const KILLS_PER_LENGTHENING: u32 = 5;

/// Clients that work until the server dies, and know what it has promised them.
pub trait Load: Sync {
    /// A client; keeps what it knows from one run of the server to the next.
    type Worker: Send;

    /// Makes what the clients work with, on a server that has nothing yet.
    fn set_up(&self, server: &Server);

    /// The server runs again, or for the first time; nobody works yet.
    fn restarted(&self, server: &Server, rng: &mut SmallRng);

    /// The server is gone.
    fn ended(&self) {}

    /// Takes everything out of a server on which nobody works, and sees that it is what should be
    /// there.
    fn drain(&self, server: &Server);

    /// Works until the server dies or [`Load::stop`] is told.
    fn work(&self, worker: &mut Self::Worker, server: &Server, rng: &mut SmallRng);

    /// Tells workers to stop, or that they may go on.
    fn stop(&self, stop: bool);

    /// Whether all that the load does has happened. A load in which nothing happens proves nothing.
    fn is_complete(&self) -> bool {
        true
    }

    /// Prints what there was.
    fn summarise(&self);
}

/// What answers wait for. A killed process loses nothing either way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durability {
    Full,
    Normal,
    /// One or the other, from run to run.
    Either,
}

/// How often, and on what.
pub struct Killing {
    pub durability: Durability,
    /// Kills where `LCLQ_CRASH_KILLS` says nothing else.
    pub kills: u64,
    /// The data directory is once put back to what it was a few kills ago, which must be noticed.
    pub forgetful: bool,
    /// URL of a store that nobody else uses; without one, a data directory is made.
    pub store: Option<String>,
}

impl Killing {
    /// Runs a load to its end.
    pub fn run<L: Load>(self, load: &L, mut workers: Vec<L::Worker>) {
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
        let seed = number("LCLQ_CRASH_SEED").unwrap_or_else(any_seed);
        let kills = number("LCLQ_CRASH_KILLS").filter(|_| !self.forgetful);
        let kills = kills.unwrap_or(self.kills);
        println!("{:?}: LCLQ_CRASH_SEED={seed}", self.durability);
        let mut rng = SmallRng::seed_from_u64(seed);
        let io_uring_works = io_uring_works();
        let directory = tempfile::tempdir().expect("a directory");
        let data = directory.path().join("data");
        let (mut made, mut drains) = (false, 0);
        let before = directory.path().join("before");
        let mut killed = 0;
        for kill in 0..kills.max(KILLS_FOR_EVERYTHING_MAX) {
            // A busy machine comes to little in a few short runs.
            if kill >= kills && (self.forgetful || load.is_complete()) {
                break;
            }
            killed = kill + 1;
            if self.forgetful && kill == kills / 2 {
                copy_files(&data, &before);
            } else if self.forgetful && kill == kills / 2 + 3 {
                std::fs::remove_dir_all(&data).expect("our own directory");
                copy_files(&before, &data);
            }
            let io_uring = kill % 2 == 1 && io_uring_works;
            let cores = rng.random_range(1..=3);
            let full = match self.durability {
                Durability::Full => true,
                Durability::Normal => false,
                Durability::Either => rng.random(),
            };
            let starting = self.launch(&data, !made, io_uring, cores, full).spawn();
            if !self.forgetful && rng.random_ratio(1, 6) {
                // Before it is ready, the making of the directory included.
                std::thread::sleep(Duration::from_micros(rng.random_range(0..30_000)));
                starting.kill();
                load.ended();
                continue;
            }
            let server = starting
                .ready()
                .unwrap_or_else(|refused| panic!("kill {kill}: {refused:?}"));
            if !made {
                load.set_up(&server);
                made = true;
            }
            load.restarted(&server, &mut rng);
            if kill % 5 == 4 {
                load.drain(&server);
                drains += 1;
            }
            load.stop(false);
            // A slow machine gets longer lives where something hasn't happened yet.
            let times = 1 + kill.saturating_sub(kills) as u32 / KILLS_PER_LENGTHENING;
            let time = Duration::from_micros(rng.random_range(5_000..250_000)) * times;
            std::thread::scope(|scope| {
                for worker in &mut workers {
                    let server = &server;
                    let mut rng = SmallRng::seed_from_u64(rng.random());
                    scope.spawn(move || load.work(worker, server, &mut rng));
                }
                std::thread::sleep(time);
                if rng.random_ratio(1, 8) {
                    // In the middle of an orderly end.
                    server.terminate();
                    std::thread::sleep(Duration::from_micros(rng.random_range(0..10_000)));
                }
                server.kill_now();
                load.stop(true);
            });
            server.kill();
            load.ended();
        }
        let server = self.launch(&data, false, false, 2, true).start();
        load.restarted(&server, &mut rng);
        load.drain(&server);
        server.stop();
        println!(
            "{:?}: {killed} kills, {} drains",
            self.durability,
            drains + 1
        );
        load.summarise();
        assert!(
            load.is_complete(),
            "not everything happened in {killed} kills"
        );
    }

    fn launch(&self, data: &Path, first: bool, io_uring: bool, cores: u32, full: bool) -> Launch {
        let mut launch = Launch::new();
        launch = match &self.store {
            None => launch.data_dir(data),
            Some(url) => launch.flag("--store", url),
        };
        launch = launch
            .flag("--durability", if full { "full" } else { "normal" })
            .flag("--runtime", if io_uring { "io-uring" } else { "epoll" })
            .flag("--cores", cores.to_string());
        if first {
            launch = launch.flag("--shards", SHARDS.to_string());
        }
        launch
    }
}

/// Sees that a load finds a promise broken, and doesn't fail for another reason.
pub fn must_be_noticed(crash: impl FnOnce() + UnwindSafe) {
    let panic = catch_unwind(crash).expect_err("a forgetful store went unnoticed");
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    let text = text.unwrap_or_default();
    for unrelated in ["did not start", "neither ready nor gone", "doesn't end"] {
        assert!(!text.contains(unrelated), "{text}");
    }
}

fn copy_files(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a directory");
    for entry in std::fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
    }
}
