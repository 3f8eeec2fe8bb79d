//! All parts, with what is asked of them.

use super::drain::drain;
use super::fanout::fanout;
use super::idle::idle;
use super::latency::latency;
use super::memory::{flat, retained};
use super::options::{Drain, Fanout, Flat, Latency, Options, Part, Publish, Retained, Streams};
use super::publish::{Wanted, publish};
use super::streams::streams;
use clap::{Args, Command};
use lclq_loadtest::report::{Bound, Report};
use std::io;

/// Messages of a large request.
const BATCH: usize = 100;
const DRAIN_PER_S_MIN: f64 = 800_000.0;
/// Rate with the most messages waiting, of the rate with few.
const BACKLOG_RATIO_MIN: f64 = 0.8;

/// Runs what is asked for. Answers whether all bounds that are to be checked are met.
pub fn run(options: &Options) -> io::Result<bool> {
    let mut report = Report::default();
    match &options.part {
        Part::Publish(how) => publish(options, how, Wanted::NOTHING, &mut report)?,
        Part::Drain(how) => drain(options, how, Bound::None, &mut report).map(drop)?,
        Part::Latency(how) => latency(options, how, &mut report)?,
        Part::Fanout(how) => fanout(options, how, &mut report)?,
        Part::Flat(how) => flat(options, how, &mut report)?,
        Part::Retained(how) => retained(options, how, &mut report)?,
        Part::Streams(how) => streams(options, how, &mut report)?,
        Part::Idle(how) => idle(options, how, &mut report)?,
        Part::Targets => targets(options, &mut report)?,
    }
    if options.json {
        println!("{}", report.json());
    }
    Ok(!options.check || report.all_met())
}

fn targets(options: &Options, report: &mut Report) -> io::Result<()> {
    for (batch, subscriptions, ratio, messages_per_s) in [
        (1, 0, Bound::AtLeast(0.85), Bound::None),
        (1, 1, Bound::AtLeast(0.75), Bound::None),
        (BATCH, 0, Bound::None, Bound::AtLeast(1_200_000.0)),
        (BATCH, 1, Bound::None, Bound::AtLeast(700_000.0)),
    ] {
        let how = Publish {
            batch,
            subscriptions,
            ..defaults()
        };
        let wanted = Wanted {
            ratio,
            messages_per_s,
        };
        publish(options, &how, wanted, report)?;
    }
    let wanted = Bound::AtLeast(DRAIN_PER_S_MIN);
    let mut rates = Vec::new();
    for (messages, rounds) in [(1000, 21), (200_000, 3), (1_000_000, 1)] {
        let how = Drain {
            messages,
            rounds,
            ..defaults()
        };
        // So few are gone before the stream has found its pace: told, not asked for.
        let wanted = if messages > BATCH * 100 {
            wanted
        } else {
            Bound::None
        };
        rates.push(drain(options, &how, wanted, report)?);
    }
    report.add(
        "drain",
        "rate with 1000000 waiting, of that with 200000",
        rates[2] / rates[1],
        "x",
        Bound::AtLeast(BACKLOG_RATIO_MIN),
    );
    latency(options, &defaults::<Latency>(), report)?;
    fanout(options, &defaults::<Fanout>(), report)?;
    flat(options, &defaults::<Flat>(), report)?;
    retained(options, &defaults::<Retained>(), report)?;
    streams(options, &defaults::<Streams>(), report)
}

/// What the command line gives a part that nothing is said of.
fn defaults<A: Args>() -> A {
    let command = A::augment_args(Command::new("defaults"));
    A::from_arg_matches(&command.get_matches_from(["defaults"])).expect("every flag has a default")
}
