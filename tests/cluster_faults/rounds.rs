//! Rounds of each fault under load, and what came of them.

use crate::cluster::Cluster;
use crate::crash::load::{Refusals, World};
use crate::faults::{FAULTS, Fault};
use crate::lines::{Lines, notices_what_is_broken};
use crate::network::take_away;
use crate::support::Client;
use crate::support::any_seed;
use crate::support::killing::Load;
use crate::watch::{Figures, Watch, words};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use std::net::SocketAddr;
use std::panic::catch_unwind;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Rounds of each fault where `LCLQ_FAULT_ROUNDS` says nothing else.
const ROUNDS: u32 = 2;
/// Rounds after which everything is taken out and counted.
const ROUNDS_TO_A_DRAIN: u32 = 25;
/// Longer than any fault lasts.
const LEASE_S: u32 = 30;
/// Between two steps of a client: the machine is to be busy and not full.
const PAUSE: Duration = Duration::from_millis(10);
/// Between two moments at which leases may be over.
const UNSURE_PAUSE: Duration = Duration::from_millis(10);
/// Before a fault, milliseconds.
const QUIET_MS: std::ops::Range<u64> = 200..1_000;

/// Runs the faults that the command line names, or all.
pub fn run() -> ExitCode {
    let names: Vec<String> = std::env::args().skip(1).collect();
    if names == ["--list"] {
        FAULTS.iter().for_each(|(name, _)| println!("{name}"));
        return ExitCode::SUCCESS;
    }
    let mut wanted = Vec::new();
    for name in &names {
        let Some(fault) = FAULTS.iter().find(|(known, _)| known == name) else {
            let known = FAULTS.map(|(known, _)| known).join(", ");
            eprintln!("no fault is called {name}; there are {known}");
            return ExitCode::from(2);
        };
        wanted.push(*fault);
    }
    if wanted.is_empty() {
        wanted = FAULTS.to_vec();
    }
    let rounds = std::env::var("LCLQ_FAULT_ROUNDS").ok();
    let rounds = rounds.map_or(ROUNDS, |text| {
        text.parse().expect("LCLQ_FAULT_ROUNDS: a number")
    });
    notices_what_is_broken();
    end_in_order();
    let (mut passed, mut failed) = (0, 0);
    for (name, fault) in wanted {
        let began = Instant::now();
        match Run::new(name, fault).and_then(|run| run.finish(rounds)) {
            Ok(line) => {
                passed += 1;
                println!("{name}: passed; {line}; {} s", began.elapsed().as_secs());
            }
            Err(failures) => {
                failed += 1;
                println!(
                    "{name}: FAILED ({} s)\n  {failures}",
                    began.elapsed().as_secs()
                );
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    match failed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Takes machines away where the process is asked to end.
fn end_in_order() {
    let asked = [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM];
    let mut signals = signal_hook::iterator::Signals::new(asked).expect("signals can be heard");
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            take_away();
            std::process::exit(130);
        }
    });
}

/// A cluster and clients of all kinds.
struct Run {
    name: &'static str,
    fault: Fault,
    cluster: Cluster,
    nodes: Vec<SocketAddr>,
    watch: Arc<Watch>,
    world: World,
    lines: Lines,
    rng: SmallRng,
    times: Vec<Duration>,
}

impl Run {
    fn new(name: &'static str, fault: Fault) -> Result<Self, String> {
        let seed = any_seed();
        println!("{name}: seed {seed}");
        let watch = Arc::new(Watch::default());
        let cluster = catch_unwind(|| Cluster::start(&watch, fault.has_standby()));
        let cluster = cluster.map_err(|panic| words(&*panic))??;
        let nodes = cluster.addresses();
        let of_world = watch.clone();
        let world = World::new(LEASE_S, true)
            .refused(Refusals::All)
            .paced(PAUSE)
            .observed(Box::new(move |client, request, asked, answer| {
                of_world.note(client, request, asked, answer);
            }));
        world.make_queues(cluster.client(0));
        let lines = Lines::new(&nodes, &watch);
        lines.set_up();
        Ok(Self {
            name,
            fault,
            cluster,
            nodes,
            watch,
            world,
            lines,
            rng: SmallRng::seed_from_u64(seed),
            times: Vec::new(),
        })
    }

    /// Answers figures, or what has failed.
    fn finish(mut self, rounds: u32) -> Result<String, String> {
        let mut workers = self.world.workers();
        let mut done = 0;
        while done < rounds {
            let some = ROUNDS_TO_A_DRAIN.min(rounds - done);
            self.some_rounds(some, &mut workers);
            if self.watch.failures().is_empty() {
                let world = &self.world;
                let client = self.cluster.client(0);
                // What clients still have comes back once its lease is over.
                world.leases_may_be_over();
                self.watch.over(|| world.drain_by(client));
            }
            let failures = self.watch.failures();
            if !failures.is_empty() {
                return Err(self.told(&failures));
            }
            done += some;
            if done < rounds {
                println!("{}: {done} of {rounds} rounds", self.name);
            }
        }
        let figures = self.watch.figures();
        let line = self.line(&figures);
        if !self.fault.may_refuse() && figures.refused > 0 {
            let told = format!("{} requests were refused; {line}", figures.refused);
            return Err(self.told(&[told]));
        }
        Ok(line)
    }

    /// What has failed, and where all that was logged is.
    fn told(&mut self, failures: &[String]) -> String {
        let rounds = self.times.len();
        let logs = Path::new(env!("CARGO_TARGET_TMPDIR")).join(self.name);
        let written = match self.cluster.write_logs(&logs) {
            Ok(()) => format!("logs are in {}", logs.display()),
            Err(error) => format!("logs can't be written: {error}"),
        };
        let failures = failures.join("\n  ");
        format!("after {rounds} rounds: {failures}\n  {written}")
    }

    fn some_rounds(&mut self, rounds: u32, workers: &mut [crate::crash::load::Worker]) {
        let (over, unsure) = (AtomicBool::new(false), AtomicBool::new(false));
        let Self {
            fault,
            cluster,
            nodes,
            watch,
            world,
            lines,
            rng,
            times,
            ..
        } = self;
        let (nodes, world, lines, watch) = (&*nodes, &*world, &*lines, &**watch);
        let (over, unsure) = (&over, &unsure);
        world.leases_may_be_over();
        world.stop(false);
        std::thread::scope(|scope| {
            for (number, worker) in workers.iter_mut().enumerate() {
                let mut rng = SmallRng::seed_from_u64(rng.random());
                let work = move || {
                    for turn in number.. {
                        if over.load(Ordering::Relaxed) {
                            return;
                        }
                        let client = Client::new(nodes[turn % nodes.len()]);
                        world.work_by(worker, client, &mut rng);
                        std::thread::sleep(PAUSE);
                    }
                };
                scope.spawn(move || watch.over(work));
            }
            for work in lines.workers(rng) {
                scope.spawn(move || watch.over(work));
            }
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    if unsure.load(Ordering::Relaxed) {
                        world.leases_may_be_over();
                    }
                    std::thread::sleep(UNSURE_PAUSE);
                }
            });
            watch.over(|| {
                for _ in 0..rounds {
                    std::thread::sleep(Duration::from_millis(rng.random_range(QUIET_MS)));
                    unsure.store(fault.loses_leases(), Ordering::Relaxed);
                    times.push(fault.round(cluster, rng));
                    unsure.store(false, Ordering::Relaxed);
                    world.leases_may_be_over();
                    if !watch.failures().is_empty() {
                        break;
                    }
                }
            });
            world.stop(true);
            if watch.failures().is_empty() {
                watch.over(|| lines.drain());
            }
            lines.end();
            over.store(true, Ordering::Relaxed);
        });
    }

    fn line(&mut self, figures: &Figures) -> String {
        self.times.sort();
        let seconds = |time: Duration| format!("{:.2} s", time.as_secs_f64());
        let median = self.times[self.times.len() / 2];
        let most = self.times[self.times.len() - 1];
        let totals = self.world.totals();
        format!(
            "{} rounds; {}: median {}, most {}; longest request {}, of those done {}; {} answered, {} refused; \
             {} sent and {} deleted of the ledger's, {} in groups",
            self.times.len(),
            self.fault.what_is_timed(),
            seconds(median),
            seconds(most),
            seconds(figures.longest),
            seconds(figures.longest_done),
            figures.answered,
            figures.refused,
            totals.sent,
            totals.deleted,
            self.lines.count(),
        )
    }
}
