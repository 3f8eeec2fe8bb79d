//! What stays in memory of messages that nobody subscribes to.

use super::load::fill;
use super::options::{Flat, Options, Retained};
use lclq_loadtest::pubsub::Admin;
use lclq_loadtest::report::{Bound, Report};
use lclq_loadtest::server::Server;
use std::io;
use std::time::Instant;

/// Memory that a run may leave behind, MiB.
const GROWTH_MIB_MAX: f64 = 16.0;
/// Messages before the first look: the server's buffers have their size then.
const FIRST_MESSAGES: usize = 100_000;
const RETENTION_S: u64 = 600;

/// A topic without subscriptions and without retention keeps nothing.
pub fn flat(options: &Options, how: &Flat, report: &mut Report) -> io::Result<()> {
    let server = Server::start(&options.setup())?;
    let mut admin = Admin::connect(server.pubsub.as_deref().expect("lclq has one"))?;
    admin.create_topic("flat", 0)?;
    fill(&server, "flat", FIRST_MESSAGES, how.body_bytes)?;
    let (before, begun) = (server.resident_bytes()?, Instant::now());
    fill(&server, "flat", how.messages, how.body_bytes)?;
    let rate = how.messages as f64 / begun.elapsed().as_secs_f64();
    let after = server.resident_bytes()?;
    let name = format!("{} of {} B", how.messages, how.body_bytes);
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let mut add = |text: &str, value: f64, unit, bound| {
        report.add("flat", format!("{name}: {text}"), value, unit, bound);
    };
    add("published", rate, "messages/s", Bound::None);
    add("memory before", mib(before), "MiB", Bound::None);
    let grown = mib(after) - mib(before);
    add("memory grown", grown, "MiB", Bound::AtMost(GROWTH_MIB_MAX));
    Ok(())
}

/// What a retained message takes.
pub fn retained(options: &Options, how: &Retained, report: &mut Report) -> io::Result<()> {
    let server = Server::start(&options.setup())?;
    let mut admin = Admin::connect(server.pubsub.as_deref().expect("lclq has one"))?;
    admin.create_topic("retained", RETENTION_S)?;
    let before = server.resident_bytes()?;
    fill(&server, "retained", how.messages, how.body_bytes)?;
    let grown = server.resident_bytes()?.saturating_sub(before) as f64;
    let each = grown / how.messages as f64;
    let name = format!(
        "{} of {} B retained by the topic",
        how.messages, how.body_bytes
    );
    report.add(
        "retained",
        format!("{name}: memory beyond the body"),
        each - how.body_bytes as f64,
        "B/message",
        Bound::AtMost(120.0),
    );
    Ok(())
}
