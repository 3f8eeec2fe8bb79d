//! One stream that is idle but for keepalives and a message now and then.

use super::options::{Idle, Options};
use super::probe::Probe;
use lclq_loadtest::report::{Bound, Report};
use lclq_loadtest::server::Server;
use std::io;
use std::time::{Duration, Instant};

/// Slower than this a delivery has stalled, ms.
const DELIVERY_MS_MAX: f64 = 50.0;

/// Measures.
pub fn idle(options: &Options, how: &Idle, report: &mut Report) -> io::Result<()> {
    let server = Server::start(&options.setup())?;
    let mut probe = Probe::open(&server, "idle")?;
    probe.once()?;
    let cpu = server.cpu()?;
    let started = Instant::now();
    let until = started + Duration::from_secs(how.seconds);
    let every = |seconds: u64| Duration::from_secs(seconds.max(1));
    let (mut keep_at, mut publish_at) = (
        started + every(how.keepalive_seconds),
        started + every(how.publish_seconds),
    );
    let (mut slowest, mut count, mut keepalives) = (Duration::ZERO, 0, 0);
    while keep_at.min(publish_at) < until {
        probe.rest(keep_at.min(publish_at))?;
        if keep_at <= publish_at {
            keep_at += every(how.keepalive_seconds);
            keepalives += 1;
            probe.keep_alive()?;
        } else {
            publish_at += every(how.publish_seconds);
            count += 1;
            slowest = slowest.max(probe.once()?);
        }
    }
    probe.rest(until)?;
    let name = format!("{} s, {count} messages", how.seconds);
    report.add(
        "idle",
        format!("{name}: slowest delivery"),
        slowest.as_secs_f64() * 1000.0,
        "ms",
        Bound::AtMost(DELIVERY_MS_MAX),
    );
    report.add(
        "idle",
        format!("{name}: keepalives answered, of {keepalives}"),
        probe.empty_responses as f64,
        "",
        Bound::AtLeast(f64::from(keepalives)),
    );
    let cpu = server.cpu()?.saturating_sub(cpu).as_secs_f64();
    report.add(
        "idle",
        format!("{name}: server's CPU"),
        cpu / started.elapsed().as_secs_f64() * 100.0,
        "% of a core",
        Bound::None,
    );
    Ok(())
}
