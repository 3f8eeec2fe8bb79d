//! Nodes that own shards whose logs are in one store: messages and answers get lost or come late, nodes sleep and
//! go on, are cut off from each other and from the store and have clocks of their own, stores fail over and lose
//! their tail, and clients ask whom they believe to be the owner. Dead letters go from shard to shard, to whom the
//! sender believes to own the other.
//!
//! What is held against what happens: the oracle's word on every answer, and the logs themselves; after each
//! record that comes into one, what a reader makes of it is what its owner's engine has to keep.

#[path = "log_simulation/chain.rs"]
mod chain;
#[path = "log_simulation/clients.rs"]
mod clients;
mod common;
#[path = "log_simulation/ending.rs"]
mod ending;
#[path = "log_simulation/links.rs"]
mod links;
#[path = "log_simulation/oracle.rs"]
mod oracle;
#[path = "log_simulation/owners.rs"]
mod owners;
#[path = "log_simulation/plan.rs"]
mod plan;
#[path = "log_simulation/queues.rs"]
mod queues;
#[path = "machine/seeds.rs"]
mod seeds;
#[path = "log_simulation/serving.rs"]
mod serving;
#[path = "log_simulation/world.rs"]
mod world;

use common::log_owner::Sabotage;
use common::shared_log::Defect;
use lclq_shards::Draft;
use lclq_shards::command::{Delivery, LeaseRef};
use oracle::{Given, Oracle};
use plan::Plan;
use world::{Worth, run};

type Violation = String;
type Checked = Result<(), Violation>;

fn check(holds: bool, what: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(what()) }
}

/// The number that a variable of the environment holds.
fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is not a number: {text}")),
    )
}

/// A defect that has to be noticed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mutant {
    None,
    /// Of the store.
    Store(Defect),
    /// Between a shard and its journal.
    Shard(Sabotage),
    /// Epochs are counted on from what the store has.
    TakesEpochsBack,
    /// Between shards: what another sends is answered before it is written down.
    AnswersTransfersAtOnce,
}

#[test]
fn no_seed_breaks_a_promise() {
    if let Some(seed) = number("LCLQ_SIMULATION_SEED") {
        let worth = run(seed, Plan::of(seed), Mutant::None, true);
        println!("seed {seed}: {worth:?}");
        worth.expect("no promise is broken");
        return;
    }
    let (worth, seeds) = seeds::run_seeds(|seed| run(seed, Plan::of(seed), Mutant::None, false));
    println!("{worth:?}");
    if seeds < 100 {
        return;
    }
    // That all of it happens.
    let Worth {
        records,
        take_overs,
        fenced,
        laps,
        healed,
        lost_for_good,
        acknowledged,
        delivered,
        compared,
        transfers,
        dead_letters,
        cuts,
    } = worth;
    assert!(records > 20 * seeds && acknowledged > 10 * seeds && delivered > 5 * seeds);
    assert!(take_overs > 2 * seeds && fenced > seeds / 4 && compared > seeds);
    assert!(laps > seeds / 8, "{laps} laps");
    assert!(healed > seeds / 50 && lost_for_good > seeds / 50);
    assert!(transfers > 2 * seeds && dead_letters > seeds && cuts > seeds);
}

/// Seeds until a defect is noticed, of those whose plan makes it possible.
fn is_noticed(mutant: Mutant, seeds_max: usize, fits: impl Fn(&Plan) -> bool) {
    let plans = (0..).map(|seed| (seed, Plan::of(seed)));
    let plans = plans.filter(|(_, plan)| fits(plan)).take(seeds_max);
    for (tried, (seed, plan)) in plans.enumerate() {
        if let Err(violation) = run(seed, plan, mutant, false) {
            println!("{mutant:?} after {} seeds: {violation}", tried + 1);
            return;
        }
    }
    panic!("{mutant:?} went unnoticed");
}

#[test]
fn a_log_without_a_chain_is_noticed() {
    is_noticed(Mutant::Store(Defect::NoChain), 60, |_| true);
}

#[test]
fn a_trim_that_takes_the_last_record_is_noticed() {
    is_noticed(Mutant::Store(Defect::TrimsTheLast), 60, |plan| plan.laps);
}

#[test]
fn a_record_that_counts_before_it_is_safe_is_noticed() {
    let fits = |plan: &Plan| plan.lag_max == 0 && plan.fail_over > 0;
    is_noticed(Mutant::Store(Defect::PresentIsAppended), 60, fits);
}

#[test]
fn fifo_messages_that_go_out_too_early_are_noticed() {
    is_noticed(Mutant::Shard(Sabotage::HoldsNothing), 60, |_| true);
}

#[test]
fn laps_that_leave_something_out_are_noticed() {
    is_noticed(Mutant::Shard(Sabotage::LosesCarried), 60, |plan| plan.laps);
}

#[test]
fn an_epoch_that_is_given_out_again_is_noticed() {
    let fits = |plan: &Plan| plan.lag_max > 0 && plan.fail_over > 0;
    is_noticed(Mutant::TakesEpochsBack, 60, fits);
}

#[test]
fn dead_letters_that_are_answered_too_early_are_noticed() {
    let fits = |plan: &Plan| plan.shards > 1;
    is_noticed(Mutant::AnswersTransfersAtOnce, 60, fits);
}

#[test]
fn dead_letters_that_are_taken_twice_are_noticed() {
    let fits = |plan: &Plan| plan.shards > 1;
    is_noticed(Mutant::Shard(Sabotage::ForgetsTransfers), 60, fits);
}

/// Later owners know what the log says; that it doesn't end with their records excuses none of them.
#[test]
fn the_oracle_lets_earlier_owners_alone_give_out_what_was_removed() {
    let lease = LeaseRef {
        sequence: 7,
        slot: 0,
        receive_count: 1,
        received_at: 1000,
    };
    let given = |number: u64| {
        let delivery = Delivery {
            shard: 0,
            payload: Draft::default().build(),
            lease,
            first_received_at: 1000,
        };
        [(number, delivery)]
    };
    let queues = queues::queues(1, 1, 0);
    let mut oracle = Oracle::of(queues, 0);
    for (number, queue, group) in [(1, 0, None), (2, 1, Some(0))] {
        oracle.sends(number, queue, group, 1000);
        oracle.sent(number, number).expect("it is new");
        oracle.deletes(number, queue);
        for epoch in [6, 5, 8] {
            oracle.deleted(number, queue, epoch).expect("it was there");
        }
    }
    let mut gives = |number: u64, epoch| {
        let given = Given {
            queue: number as usize - 1,
            epoch,
            ahead_ms: 0,
            visibility_ms: 5000,
            messages: &given(number),
        };
        oracle.received(&given, 1000).is_ok()
    };
    assert!(gives(1, 4));
    assert!([5, 6, 7, 8, 9].into_iter().all(|epoch| !gives(1, epoch)));
    assert!([4, 5, 9].into_iter().all(|epoch| !gives(2, epoch)));
    oracle.lost_for_good();
    for number in [1, 2] {
        let given = Given {
            queue: number as usize - 1,
            epoch: 9,
            ahead_ms: 0,
            visibility_ms: 5000,
            messages: &given(number),
        };
        assert!(oracle.received(&given, 1000).is_ok());
    }
}
