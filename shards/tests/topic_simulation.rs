//! Seeded simulations of topics and subscriptions, against a model of what publishers and
//! subscribers were promised. See `simulation.rs` for the variables that run other seeds.

mod machine;
mod topic_simulation {
    pub mod calls;
    pub mod clients;
    pub mod model;
    pub mod neighbours;
    pub mod plan;
    pub mod run;
    pub mod wire;
    pub mod world;
}

use lclq_shards::Eviction;
use machine::disk::Sabotage;
use machine::number;
use machine::seeds::run_seeds;
use topic_simulation::plan::{Plan, SubscriptionPlan};
use topic_simulation::run::{Worth, run};

#[test]
fn no_seed_breaks_a_promise_to_subscribers() {
    if let Some(seed) = number("LCLQ_SIMULATION_SEED") {
        let plan = Plan::of(seed);
        eprintln!("{plan:#?}");
        run(seed, plan, Sabotage::None, true)
            .unwrap_or_else(|violation| panic!("seed {seed}: {violation}"));
        return;
    }
    let (total, seeds): (Worth, u64) =
        run_seeds(|seed| run(seed, Plan::of(seed), Sabotage::None, false));
    println!("{total:?}");
    // Runs in which nothing happens prove nothing.
    assert!(total.published > 50 * seeds, "{total:?}");
    assert!(total.delivered > 100 * seeds, "{total:?}");
    assert!(total.acked > 50 * seeds, "{total:?}");
    assert!(total.unordered > seeds / 2, "{total:?}");
    assert!(total.transfers > seeds / 2, "{total:?}");
    assert!(
        total.seeks > seeds / 2 && total.ended > seeds / 2,
        "{total:?}"
    );
}

/// Plans that are tried until one notices a defect.
const PLANS_TRIED_MAX: usize = 200;

fn is_noticed(sabotage: Sabotage, fits: impl Fn(&Plan) -> bool) {
    let plans = (0..).map(|seed| (seed, Plan::of(seed)));
    let crashing =
        plans.filter(|(_, plan)| plan.crash_one + plan.crash_all > 0 && plan.tail_batches_max == 0);
    notices(sabotage, crashing.filter(|(_, plan)| fits(plan)));
}

fn notices(sabotage: Sabotage, plans: impl Iterator<Item = (u64, Plan)>) {
    let noticed = plans
        .take(PLANS_TRIED_MAX)
        .any(|(seed, plan)| run(seed, plan, sabotage, false).is_err());
    assert!(noticed, "{sabotage:?} went unnoticed");
}

#[test]
fn a_journal_that_loses_the_ends_of_snapshots_is_noticed() {
    is_noticed(Sabotage::LosesSnapshotEnds, |plan| {
        plan.snapshot_ms < 400_000 && plan.snapshot > 0 && plan.seek > 0
    });
}

#[test]
fn a_journal_that_loses_retentions_is_noticed() {
    is_noticed(Sabotage::LosesRetentions, |plan| plan.short_retentions);
}

#[test]
fn a_journal_that_loses_whose_a_dead_letter_was_is_noticed() {
    // It takes several things that few seeds have together.
    let bent = (0..).map(|seed| {
        let mut plan = Plan::of(seed);
        for subscription in &mut plan.subscriptions {
            subscription.settings.retain_acked = subscription.dead_letters_to.is_none();
        }
        (plan.durable, plan.tail_batches_max, plan.others_snapshots) = (true, 0, false);
        (plan.seek, plan.modify, plan.crash_one) = (3, 10, 3);
        (
            plan.make_dead_topic,
            plan.delete,
            plan.detach,
            plan.delete_topic,
        ) = (0, 0, 0, 0);
        (seed, plan)
    });
    notices(Sabotage::LosesWhoseItWas, bent);
}

#[test]
fn a_shard_that_misses_that_the_clock_was_set_back_is_noticed() {
    is_noticed(Sabotage::MissesSteps, |plan| plan.clock_steps);
}

#[test]
fn memory_that_deleted_subscriptions_keep_is_noticed() {
    let plans = (0..).map(|seed| (seed, Plan::of(seed)));
    notices(Sabotage::KeepsAQueue, plans);
}

/// Plans with queues beside the topics and not much memory for both.
fn bounded(eviction: Eviction) -> impl Iterator<Item = (u64, Plan)> {
    let plans = (0..).map(|seed| (seed, Plan::of(seed)));
    plans.filter(move |(_, plan)| plan.neighbours > 0 && plan.eviction == eviction)
}

#[test]
fn a_shard_that_gives_up_messages_out_of_turn_is_noticed() {
    notices(Sabotage::EvictsUnused, bounded(Eviction::OldestFirst));
}

#[test]
fn a_shard_that_refuses_what_there_is_room_for_is_noticed() {
    notices(Sabotage::LacksMemory, bounded(Eviction::Reject));
}

#[test]
fn a_journal_that_loses_a_message_beside_topics_is_noticed() {
    let crashing = |plan: &Plan| plan.crash_one + plan.crash_all > 0;
    let plans = bounded(Eviction::Reject).filter(move |(_, plan)| crashing(plan));
    notices(Sabotage::LosesInserts(10), plans);
}

/// Plans in which acknowledgements come out of order where that isn't allowed.
fn out_of_order() -> impl Iterator<Item = (u64, Plan)> {
    let plans = (0..).map(|seed| (seed, Plan::of(seed)));
    plans.filter(|(_, plan)| {
        let strict = |at: &SubscriptionPlan| at.settings.exactly_once && at.settings.ordering;
        plan.skips_acks && plan.subscriptions.iter().any(strict)
    })
}

#[test]
fn a_shard_that_takes_acknowledgements_in_any_order_is_noticed() {
    notices(Sabotage::TakesAcksInAnyOrder, out_of_order());
}

#[test]
fn a_shard_that_says_of_one_out_of_order_that_its_lease_is_over_is_noticed() {
    notices(Sabotage::SaysLeasesAreOver, out_of_order());
}

#[test]
fn a_journal_that_loses_a_published_message_is_noticed() {
    is_noticed(Sabotage::LosesPublishes(50), |_| true);
}

#[test]
fn a_journal_that_loses_an_acknowledgement_is_noticed() {
    is_noticed(Sabotage::LosesAcks(20), |_| true);
}
