//! Unary Publish: how close lclq comes to a server that does nothing.

use super::load::{Load, Outcome, Until, run};
use super::options::{Options, Publish};
use lclq_loadtest::pubsub::Admin;
use lclq_loadtest::report::{Bound, Report};
use lclq_loadtest::server::Server;
use std::io;
use std::time::Duration;

/// What is asked of publishing.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Of the no-op server's calls per second.
    pub ratio: Bound,
    pub messages_per_s: Bound,
}

impl Wanted {
    pub const NOTHING: Wanted = Wanted {
        ratio: Bound::None,
        messages_per_s: Bound::None,
    };
}

/// Measures, several times, and reports medians.
pub fn publish(
    options: &Options,
    how: &Publish,
    wanted: Wanted,
    report: &mut Report,
) -> io::Result<()> {
    let noop = options.setup().binary.with_file_name("noop-grpc-server");
    let (mut ours, mut references) = (Vec::new(), Vec::new());
    for _ in 0..how.rounds.max(1) {
        if !how.rest {
            let server = Server::start_noop(&options.setup(), &noop, how.batch)?;
            references.push(run(&load(how), &server)?);
        }
        let server = Server::start(&options.setup())?;
        let mut admin = Admin::connect(server.pubsub.as_deref().expect("lclq has one"))?;
        for topic in topics(how) {
            admin.create_topic(&topic, 0)?;
            for number in 0..how.subscriptions {
                admin.create_subscription(&format!("{topic}-{number}"), &topic)?;
            }
        }
        ours.push(run(&load(how), &server)?);
    }
    let over = if how.rest { "REST, " } else { "" };
    let name = format!(
        "{over}{} of {} B, {} topics with {} subscriptions",
        how.batch, how.body_bytes, how.topics, how.subscriptions
    );
    let mine = middle(&mut ours);
    report.add(
        "publish",
        format!("{name}: messages"),
        mine.messages_per_s,
        "messages/s",
        wanted.messages_per_s,
    );
    report.add(
        "publish",
        format!("{name}: calls"),
        mine.calls_per_s,
        "calls/s",
        Bound::None,
    );
    if !references.is_empty() {
        let reference = middle(&mut references);
        report.add(
            "publish",
            format!("{name}: calls to the no-op server"),
            reference.calls_per_s,
            "calls/s",
            Bound::None,
        );
        report.add(
            "publish",
            format!("{name}: of the no-op server's"),
            mine.calls_per_s / reference.calls_per_s,
            "x",
            wanted.ratio,
        );
        report.add(
            "publish",
            format!(
                "{name}: server's CPU, to {:.2} of the no-op server",
                reference.cpu_us
            ),
            mine.cpu_us,
            "us/call",
            Bound::None,
        );
    }
    for (quantile, text) in [(0.5, "p50"), (0.99, "p99"), (1.0, "max")] {
        let latency = mine.latencies_us.value_at_quantile(quantile) as f64 / 1000.0;
        report.add(
            "publish",
            format!("{name}: {text}"),
            latency,
            "ms",
            Bound::None,
        );
    }
    Ok(())
}

fn topics(how: &Publish) -> Vec<String> {
    (0..how.topics.max(1)).map(|n| format!("load{n}")).collect()
}

fn load(how: &Publish) -> Load {
    Load {
        connections: how.connections,
        streams: how.streams,
        batch: how.batch,
        body_bytes: how.body_bytes,
        topics: topics(how),
        rest: how.rest,
        rate: how.rate,
        warmup: Duration::from_secs_f64(how.warmup_seconds),
        until: Until::Time(Duration::from_secs_f64(how.seconds)),
    }
}

/// The run with the median rate.
fn middle(outcomes: &mut [Outcome]) -> &Outcome {
    outcomes.sort_by(|one, other| one.calls_per_s.total_cmp(&other.calls_per_s));
    &outcomes[outcomes.len() / 2]
}
