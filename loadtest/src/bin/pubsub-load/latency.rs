//! From publish to delivery while nothing else happens.

use super::options::{Latency, Options};
use super::probe::Probe;
use hdrhistogram::Histogram;
use lclq_loadtest::report::{Bound, Report};
use lclq_loadtest::server::Server;
use std::io;
use std::time::{Duration, Instant};

const WARMUP_MESSAGES: usize = 100;

/// Measures.
pub fn latency(options: &Options, how: &Latency, report: &mut Report) -> io::Result<()> {
    let server = Server::start(&options.setup())?;
    let mut probe = Probe::open(&server, "latency")?;
    let mut latencies_us = Histogram::<u64>::new(3).map_err(io::Error::other)?;
    for number in 0..WARMUP_MESSAGES + how.messages {
        let next = Instant::now() + Duration::from_millis(how.every_ms);
        let taken = probe.once()?;
        if number >= WARMUP_MESSAGES {
            latencies_us.saturating_record(taken.as_micros() as u64);
        }
        probe.rest(next)?;
    }
    for (quantile, text, bound) in [
        (0.5, "p50", Bound::AtMost(0.2)),
        (0.99, "p99", Bound::AtMost(1.0)),
        (1.0, "max", Bound::None),
    ] {
        let latency = latencies_us.value_at_quantile(quantile) as f64 / 1000.0;
        let name = format!("publish to delivery, every {} ms: {text}", how.every_ms);
        report.add("latency", name, latency, "ms", bound);
    }
    Ok(())
}
