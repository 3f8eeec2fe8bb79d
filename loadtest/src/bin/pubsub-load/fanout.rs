//! Publishing to a topic with many subscriptions: a message is stored once.

use super::load::{Load, Until, run};
use super::options::{Fanout, Options};
use lclq_loadtest::pubsub::Admin;
use lclq_loadtest::report::{Bound, Report};
use lclq_loadtest::server::Server;
use std::io;
use std::time::{Duration, Instant};

/// Measures.
pub fn fanout(options: &Options, how: &Fanout, report: &mut Report) -> io::Result<()> {
    let server = Server::start(&options.setup())?;
    let mut admin = Admin::connect(server.pubsub.as_deref().expect("lclq has one"))?;
    admin.create_topic("fanout", 0)?;
    for number in 0..how.subscriptions {
        admin.create_subscription(&format!("fanout-{number}"), "fanout")?;
    }
    let load = Load {
        connections: 2,
        streams: 2,
        batch: 1,
        body_bytes: how.body_bytes,
        topics: vec!["fanout".to_owned()],
        rest: false,
        rate: None,
        warmup: Duration::ZERO,
        until: Until::Calls(how.messages as u64),
    };
    let (resident, cpu, begun) = (server.resident_bytes()?, server.cpu()?, Instant::now());
    run(&load, &server)?;
    let elapsed = begun.elapsed().as_secs_f64();
    let cpu = server.cpu()?.saturating_sub(cpu).as_secs_f64();
    let grown = server.resident_bytes()?.saturating_sub(resident) as f64;
    let deliveries = (how.messages * how.subscriptions) as f64;
    let name = format!(
        "{} B to {} subscriptions",
        how.body_bytes, how.subscriptions
    );
    let mut add = |text: &str, value: f64, unit, bound| {
        report.add("fanout", format!("{name}: {text}"), value, unit, bound);
    };
    add(
        "server's CPU",
        cpu * 1e9 / deliveries,
        "ns/delivery",
        Bound::None,
    );
    add(
        "messages",
        how.messages as f64 / elapsed,
        "messages/s",
        Bound::None,
    );
    add(
        "deliveries made",
        deliveries / elapsed,
        "deliveries/s",
        Bound::None,
    );
    let each = grown / how.messages as f64;
    add("memory", each, "B/message", Bound::None);
    // Stored once, only the entry of each subscription comes on top of one body.
    let beyond = (each - how.body_bytes as f64) / how.subscriptions as f64;
    add(
        "memory beyond one body",
        beyond,
        "B/delivery",
        Bound::AtMost(120.0),
    );
    Ok(())
}
