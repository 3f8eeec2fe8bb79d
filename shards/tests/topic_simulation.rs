//! Seeded simulations of topics and subscriptions, against a model of what publishers and
//! subscribers were promised. See `simulation.rs` for the variables that run other seeds.

mod machine;
mod topic_simulation {
    pub mod calls;
    pub mod clients;
    pub mod model;
    pub mod plan;
    pub mod run;
    pub mod wire;
    pub mod world;
}

use machine::disk::Sabotage;
use machine::number;
use topic_simulation::plan::Plan;
use topic_simulation::run::{Worth, run};

/// Seeds that run where nobody says otherwise.
const SEEDS: u64 = 200;

#[test]
fn no_seed_breaks_a_promise_to_subscribers() {
    if let Some(seed) = number("LCLQ_SIMULATION_SEED") {
        let plan = Plan::of(seed);
        eprintln!("{plan:#?}");
        run(seed, plan, Sabotage::None, true)
            .unwrap_or_else(|violation| panic!("seed {seed}: {violation}"));
        return;
    }
    let mut total = Worth::default();
    let mut failures = Vec::new();
    for seed in 0..number("LCLQ_SIMULATION_SEEDS").unwrap_or(SEEDS) {
        match run(seed, Plan::of(seed), Sabotage::None, false) {
            Ok(worth) => {
                total.published += worth.published;
                total.delivered += worth.delivered;
                total.acked += worth.acked;
                total.transfers += worth.transfers;
                total.seeks += worth.seeks;
                total.ended += worth.ended;
            }
            Err(violation) => failures.push(format!("seed {seed}: {violation}")),
        }
    }
    println!("{total:?}");
    let failed = failures.len();
    assert!(
        failures.is_empty(),
        "{failed} seeds failed:\n{}",
        failures.join("\n")
    );
    // Runs in which nothing happens prove nothing.
    assert!(
        total.published > 10_000 && total.delivered > 20_000,
        "{total:?}"
    );
    assert!(total.acked > 10_000 && total.transfers > 100, "{total:?}");
    assert!(total.seeks > 100 && total.ended > 100, "{total:?}");
}

fn is_noticed(sabotage: Sabotage) {
    let plans = (0..).map(|seed| (seed, Plan::of(seed)));
    let crashing =
        plans.filter(|(_, plan)| plan.crash_one + plan.crash_all > 0 && plan.tail_batches_max == 0);
    let noticed = crashing
        .take(60)
        .any(|(seed, plan)| run(seed, plan, sabotage, false).is_err());
    assert!(noticed, "{sabotage:?} went unnoticed");
}

#[test]
fn a_journal_that_loses_a_published_message_is_noticed() {
    is_noticed(Sabotage::LosesPublishes(50));
}

#[test]
fn a_journal_that_loses_an_acknowledgement_is_noticed() {
    is_noticed(Sabotage::LosesAcks(20));
}
