//! What keeping a log short costs: bytes written beside those of the same work without laps, and how long the log
//! gets beside what is live. Counts bytes, not time, so a busy machine doesn't matter.
//!
//! `cargo bench -p lclq-shards --bench laps`; exits with 1 beyond a bound. Each batch is of ten messages of 1,000
//! bytes. An ordinary queue has 100 messages or 1,000; a standing backlog has 20,000 (about 20 MiB) and is taken and
//! made anew all the time. Both are worked until the log has been through at least four laps.

#[path = "../tests/common/mod.rs"]
mod common;

use common::log_owner::LogOwner;
use common::receive;
use common::shared_log::{Defect, SharedLog};
use lclq_shards::command::*;
use lclq_shards::journal::LogLimits;
use std::process::ExitCode;

const BODY_BYTES: usize = 1000;
const BATCH: usize = 10;
const LAPS: u32 = 4;
/// Bytes that are counted by looking at each record of the log, now and then.
const STEPS_TO_A_LOOK: usize = 20;
/// More than any run takes.
const STEPS_MAX: usize = 100_000;

/// What a shard has written, and how long its log was.
#[derive(Default, Debug)]
struct Written {
    steps: usize,
    bytes: u64,
    log_max: u64,
    live: u64,
    laps: u32,
}

struct Worked {
    owner: LogOwner,
    log: SharedLog,
    queue: QueueRef,
    seen: usize,
    bytes: u64,
}

impl Worked {
    fn new(lap_extra_bytes: u64) -> Self {
        let log = SharedLog::new(false, Defect::None);
        let limits = LogLimits {
            lap_extra_bytes,
            ..LogLimits::default()
        };
        let mut owner = LogOwner::take_with(&log, limits);
        let create = QueueCommand::Create {
            name: lclq_shards::QueueName::new("us-east-1", "000000000000", "q"),
            attributes: Default::default(),
            tags: Default::default(),
            recreate_after_ms: 0,
        };
        let Reply::Queue(queue) = owner.ask(Command::Queue(Box::new(create))) else {
            panic!("it isn't made")
        };
        Self {
            owner,
            log,
            queue,
            seen: 0,
            bytes: 0,
        }
    }

    fn send(&mut self) {
        let body = "x".repeat(BODY_BYTES);
        let entries = (0..BATCH).map(|_| self.owner.driver.entry(&body, None, None));
        let (queue, entries) = (self.queue, entries.collect());
        self.owner.ask(Command::Send { queue, entries });
    }

    /// Receives and deletes ten.
    fn take(&mut self) {
        let asked = receive(self.queue, BATCH as u8, None, None);
        let Reply::Received(deliveries) = self.owner.ask(asked) else {
            panic!("nothing is received")
        };
        assert_eq!(deliveries.len(), BATCH);
        let entries = deliveries.iter().map(|delivery| delivery.lease).collect();
        let queue = self.queue;
        self.owner.ask(Command::Delete { queue, entries });
    }

    fn count(&mut self) {
        let put = self.log.put_since(self.seen);
        self.seen += put.len();
        self.bytes += put.iter().map(|it| it.bytes.len() as u64).sum::<u64>();
    }
}

/// Works a queue that always has so many messages: for so many steps, or until there were enough laps.
fn work(messages: usize, lap_extra_bytes: u64, steps: Option<usize>) -> Written {
    let mut worked = Worked::new(lap_extra_bytes);
    for _ in 0..messages / BATCH {
        worked.send();
    }
    worked.count();
    worked.bytes = 0;
    let mut written = Written::default();
    let mut low = worked.owner.seen.borrow().low;
    while written.steps < steps.unwrap_or(STEPS_MAX) {
        worked.send();
        worked.take();
        written.steps += 1;
        let now_low = worked.owner.seen.borrow().low;
        written.laps += u32::from(now_low != low);
        low = now_low;
        if steps.is_none() && written.steps.is_multiple_of(STEPS_TO_A_LOOK) {
            let records = worked.log.records();
            let bytes = records.iter().map(|it| it.bytes.len() as u64);
            written.log_max = written.log_max.max(bytes.sum());
        }
        worked.count();
        if steps.is_none() && written.laps >= LAPS {
            break;
        }
    }
    written.live = worked.owner.driver.host.stats().resident_bytes;
    written.bytes = worked.bytes;
    written
}

fn main() -> ExitCode {
    let mut missed = false;
    for (what, messages, more_max) in [
        ("ordinary queue", 100, 0.05),
        ("ordinary queue", 1_000, 0.05),
        ("standing backlog", 20_000, 0.70),
    ] {
        let laps = work(messages, LogLimits::default().lap_extra_bytes, None);
        let none = work(messages, 1 << 60, Some(laps.steps));
        let more = laps.bytes as f64 / none.bytes as f64 - 1.0;
        let extra = LogLimits::default().lap_extra_bytes;
        // What a log may have besides doesn't grow with what is live.
        let log = laps.log_max.saturating_sub(extra) as f64 / laps.live as f64;
        println!(
            "{what} of {messages}: {} laps in {} steps write {:.1} % more, at most {:.0} %; the log had at most {:.1} \
             MiB, 16 MiB and {log:.2} times what is live, at most 5",
            laps.laps,
            laps.steps,
            100.0 * more,
            100.0 * more_max,
            laps.log_max as f64 / f64::from(1 << 20),
        );
        assert!(laps.laps >= LAPS, "{laps:?}");
        missed |= more > more_max || log > 5.0;
    }
    match missed {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    }
}
