//! Seeded simulations of the engine: shards, disks, lanes and clients that do what they can do at
//! their worst, against a model of what the clients were promised.
//!
//! `LCLQ_SIMULATION_SEED=<seed>` runs one seed and prints what happens in it;
//! `LCLQ_SIMULATION_SEEDS=<n>` runs more than the usual number, `LCLQ_SIMULATION_SECONDS=<s>` as
//! many as that time holds, `LCLQ_SIMULATION_FROM=<seed>` others than the first.

mod machine;
mod simulation {
    pub mod audit;
    pub mod calls;
    pub mod clients;
    pub mod message;
    pub mod observing;
    pub mod oracle;
    pub mod plan;
    pub mod run;
    pub mod world;
}

use machine::disk::Sabotage;
use machine::number;
use machine::seeds::run_seeds;
use simulation::plan::Plan;
use simulation::run::{Options, Worth, run};

#[test]
fn no_seed_breaks_a_promise() {
    if let Some(seed) = number("LCLQ_SIMULATION_SEED") {
        let plan = Plan::of(seed);
        eprintln!("{plan:#?}");
        let options = Options {
            trace: true,
            ..Options::default()
        };
        run(seed, plan, options).unwrap_or_else(|violation| panic!("seed {seed}: {violation}"));
        return;
    }
    let (total, seeds): (Worth, u64) =
        run_seeds(|seed| run(seed, Plan::of(seed), Options::default()));
    println!("{total:?}");
    // Runs in which nothing happens prove nothing.
    assert!(total.sent > 50 * seeds, "{total:?}");
    assert!(total.delivered > 50 * seeds, "{total:?}");
    assert!(total.transfers > seeds, "{total:?}");
    assert!(total.commits > 50 * seeds, "{total:?}");
}

/// Runs seeds with a defect until one is noticed; answers how many it took.
fn seeds_until_noticed(sabotage: Sabotage, fits: impl Fn(&Plan) -> bool) -> u64 {
    let plans = (0..)
        .map(|seed| (seed, Plan::of(seed)))
        .filter(|(_, plan)| fits(plan));
    for (tried, (seed, plan)) in plans.take(60).enumerate() {
        if run(
            seed,
            plan,
            Options {
                sabotage,
                ..Options::default()
            },
        )
        .is_err()
        {
            return tried as u64 + 1;
        }
    }
    panic!("{sabotage:?} went unnoticed");
}

#[test]
fn a_journal_that_loses_an_insert_is_noticed() {
    let crashes = |plan: &Plan| plan.crash_one + plan.crash_all > 0 && plan.tail_batches_max == 0;
    seeds_until_noticed(Sabotage::LosesInserts(50), crashes);
}

#[test]
fn a_shard_that_misses_that_the_clock_was_set_back_is_noticed() {
    seeds_until_noticed(Sabotage::MissesSteps, |plan| plan.clock_steps);
}

#[test]
fn memory_that_deleted_queues_keep_is_noticed() {
    seeds_until_noticed(Sabotage::KeepsAQueue, |_| true);
}

#[test]
fn receives_that_are_not_given_back_are_noticed() {
    seeds_until_noticed(Sabotage::GivesNothingBack, |plan| plan.goes);
}

#[test]
fn a_journal_that_loses_delays_is_noticed() {
    let fits = |plan: &Plan| {
        let fifo = plan.queues.iter().any(|queue| queue.fifo);
        plan.delay_changes && plan.crash_one + plan.crash_all > 0 && fifo
    };
    seeds_until_noticed(Sabotage::LosesDelays, fits);
}

#[test]
fn a_journal_that_loses_a_delete_is_noticed() {
    let crashes = |plan: &Plan| plan.crash_one + plan.crash_all > 0 && plan.tail_batches_max == 0;
    seeds_until_noticed(Sabotage::LosesDeletes(20), crashes);
}

#[test]
fn a_journal_that_forgets_deduplication_is_noticed() {
    let fits = |plan: &Plan| {
        let fifo = plan.queues.iter().any(|queue| queue.fifo);
        plan.crash_one + plan.crash_all > 0 && plan.repeats && fifo
    };
    seeds_until_noticed(Sabotage::LosesDedup(5), fits);
}

#[test]
fn a_journal_that_forgets_what_arrived_is_noticed() {
    let fits = |plan: &Plan| {
        let moves = (0..plan.queues.len()).any(|queue| plan.messages_move(queue));
        plan.crash_one + plan.crash_all > 0 && moves && plan.tail_batches_max == 0
    };
    seeds_until_noticed(Sabotage::LosesInbox(3), fits);
}

/// A short run is repeated with a crash at each of its commits, just before and just after the disk
/// has it.
#[test]
fn a_crash_at_any_commit_breaks_no_promise() {
    let mut left = 4;
    for seed in 0.. {
        if left == 0 {
            break;
        }
        let plan = Plan {
            crash_one: 0,
            crash_all: 0,
            durable: true,
            tail_batches_max: 0,
            ..Plan::of(seed)
        };
        let options = Options {
            steps_max: 800,
            ..Options::default()
        };
        let whole = run(seed, plan.clone(), options).unwrap_or_else(|violation| {
            panic!("seed {seed}: {violation}");
        });
        if whole.commits > 200 || whole.commits < 40 || whole.transfers == 0 {
            continue;
        }
        left -= 1;
        for commit in 0..whole.commits {
            for before in [true, false] {
                let options = Options {
                    crash_at: Some((commit, before)),
                    ..options
                };
                run(seed, plan.clone(), options).unwrap_or_else(|violation| {
                    panic!("seed {seed}, crash at commit {commit} (before: {before}): {violation}");
                });
            }
        }
    }
}
