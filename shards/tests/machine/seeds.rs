//! Which seeds run, on as many threads as the machine has CPUs.

use super::{Violation, number};
use std::ops::AddAssign;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Seeds that run where nobody says otherwise.
const SEEDS: u64 = 200;

/// Failures that are told in the end; there is nothing to learn from more.
const FAILURES_TOLD_MAX: usize = 400;

/// Runs seeds from `LCLQ_SIMULATION_FROM` (0) on: `LCLQ_SIMULATION_SEEDS` of them, or as many as
/// `LCLQ_SIMULATION_SECONDS` hold. Answers what all were worth, and how many there were.
pub fn run_seeds<W>(run: impl Fn(u64) -> Result<W, Violation> + Sync) -> (W, u64)
where
    W: AddAssign + Default + Send,
{
    let from = number("LCLQ_SIMULATION_FROM").unwrap_or(0);
    let seconds = number("LCLQ_SIMULATION_SECONDS");
    let seeds = match (number("LCLQ_SIMULATION_SEEDS"), seconds) {
        (Some(seeds), _) => seeds,
        (None, Some(_)) => u64::MAX - from,
        (None, None) => SEEDS,
    };
    let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let next = AtomicU64::new(0);
    let total = Mutex::new((W::default(), 0, Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while until.is_none_or(|until| Instant::now() < until) {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= seeds {
                        break;
                    }
                    let seed = from + at;
                    let result = run(seed);
                    let mut total = total.lock().expect("no thread panics with it");
                    total.1 += 1;
                    match result {
                        Ok(worth) => total.0 += worth,
                        Err(violation) => {
                            // Long runs want to be looked at before they end.
                            eprintln!("seed {seed}: {violation}");
                            total.2.push((seed, violation));
                        }
                    }
                }
            });
        }
    });
    let (worth, ran, mut failures) = total.into_inner().expect("no thread panicked with it");
    failures.sort_unstable();
    let told: Vec<String> = failures
        .iter()
        .take(FAILURES_TOLD_MAX)
        .map(|(seed, violation)| format!("seed {seed}: {violation}"))
        .collect();
    let failed = failures.len();
    println!("{ran} seeds from {from}, {failed} failed");
    assert!(
        failures.is_empty(),
        "{failed} of {ran} seeds failed:\n{}",
        told.join("\n")
    );
    (worth, ran)
}
