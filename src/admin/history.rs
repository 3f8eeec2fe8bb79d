//! `GET /history`: the last minutes in figures, so that who looks now sees what was.
//!
//! One core samples each second what `stats` and `operations` add up, into a ring of the process, and each
//! minute into another, which reaches back for a day.

use super::Admin;
use super::answers::AdminResult;
use super::events::wait;
use super::route::{Asked, Route, Scope};
use super::{stats, watched};
use crate::interceptors::About;
use crate::mesh::wall_clock;
use crate::observe::{Observers, Outcome};
use crate::runtime::spawn_local;
use http::Method;
use lclq_shards::figures::{Buckets, TIME_BOUNDS_US};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Time between samples.
pub(super) const SAMPLE_EVERY: Duration = Duration::from_secs(1);
/// Samples that are kept: ten minutes of them.
pub(super) const SAMPLES_MAX: usize = 600;

/// Time between samples of the longer ring.
const MINUTE: Duration = Duration::from_secs(60);
/// Samples that it keeps: a day of them, which take 200 KB once it is full.
const MINUTES_MAX: usize = 24 * 60;

type Times = Buckets<{ TIME_BOUNDS_US.len() }>;

/// The server's figures at one moment.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
struct Sample {
    /// ms since 1970.
    at: u64,
    /// Messages that were sent to queues or published to topics, since the start, like those that
    /// follow.
    sent: u64,
    /// Messages that queues and subscriptions gave out, each time.
    received: u64,
    /// Messages that clients deleted or acknowledged.
    deleted: u64,
    /// Requests that were answered, whatever came of them.
    requests: u64,
    client_errors: u64,
    server_errors: u64,
    /// Requests and connections that were refused because of a limit.
    throttled: u64,
    /// Messages of queues and subscriptions that can be had now, like those that follow.
    visible: u64,
    in_flight: u64,
    delayed: u64,
    memory_bytes: u64,
    connections: u64,
    /// Half of the answers since the sample before took no longer, us; the bound of a bucket. Null
    /// where there were none, and where that is a long poll's time. What waits for messages isn't
    /// among them.
    p50_us: Option<u64>,
    /// 99 % of them took no longer, us.
    p99_us: Option<u64>,
}

/// Samples of a process. Clones are the same ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct History(Arc<Mutex<Rings>>);

#[derive(Debug, Default)]
struct Rings {
    seconds: VecDeque<Sample>,
    minutes: VecDeque<Sample>,
}

fn keep(samples: &mut VecDeque<Sample>, samples_max: usize, sample: Sample) {
    if samples.len() >= samples_max {
        samples.pop_front();
    }
    samples.push_back(sample);
}

impl History {
    fn rings(&self) -> MutexGuard<'_, Rings> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, sample: Sample) {
        keep(&mut self.rings().seconds, SAMPLES_MAX, sample);
    }

    fn keep_minute(&self, sample: Sample) {
        keep(&mut self.rings().minutes, MINUTES_MAX, sample);
    }

    fn after(&self, at: u64, every: Every) -> Vec<Sample> {
        let rings = self.rings();
        let samples = match every {
            Every::Second => &rings.seconds,
            Every::Minute => &rings.minutes,
        };
        let from = samples.partition_point(|sample| sample.at <= at);
        samples.range(from..).copied().collect()
    }
}

/// Samples until the server stops; on one core of the process.
pub(super) fn start(admin: &Rc<Admin>) {
    let admin = admin.clone();
    spawn_local(async move {
        let mut before = Times::default();
        let mut before_minute = Times::default();
        let mut next_minute = Instant::now();
        let mut next = Instant::now();
        loop {
            // A server that can't answer for its shards is shown with a gap.
            if let Some((sample, times)) = sample(&admin, &mut before).await {
                admin.history.keep(sample);
                if Instant::now() >= next_minute {
                    let since = difference(&times, &before_minute);
                    before_minute = times;
                    next_minute = (next_minute + MINUTE).max(Instant::now());
                    admin.history.keep_minute(Sample {
                        p50_us: quantile(&since, 50),
                        p99_us: quantile(&since, 99),
                        ..sample
                    });
                }
            }
            watched::sample(&admin).await;
            next = (next + SAMPLE_EVERY).max(Instant::now());
            if !wait(&admin.shutdown, next, None).await {
                return;
            }
        }
    });
}

/// A sample, and the times of all answers so far.
async fn sample(admin: &Admin, before: &mut Times) -> Option<(Sample, Times)> {
    let (mut traffic, mut now, mut limited) = ((0, 0, 0), (0, 0, 0, 0), 0);
    for shard in 0..admin.mesh.shards() {
        let shard = stats::of_shard(&admin.mesh, shard).await.ok()?;
        traffic.0 += shard.sqs.sent + shard.pubsub.sent;
        traffic.1 += shard.sqs.received + shard.pubsub.received;
        traffic.2 += shard.sqs.deleted + shard.pubsub.deleted;
        now.0 += shard.messages.visible + shard.available;
        now.1 += shard.messages.in_flight + shard.outstanding;
        now.2 += shard.messages.delayed;
        now.3 += shard.resident_bytes;
        limited += shard.throttles.memory + shard.throttles.in_flight + shard.throttles.waiting;
    }
    let asked = Requests::of(&admin.observers);
    let since = difference(&asked.times, before);
    *before = asked.times;
    let cores = 0..admin.connections.cores();
    let open = cores.map(|core| admin.connections.open_on(core) as u64);
    let sample = Sample {
        at: wall_clock(),
        sent: traffic.0,
        received: traffic.1,
        deleted: traffic.2,
        requests: asked.all,
        client_errors: asked.refused,
        server_errors: asked.failed,
        visible: now.0,
        in_flight: now.1,
        delayed: now.2,
        memory_bytes: now.3,
        connections: open.sum(),
        p50_us: quantile(&since, 50),
        p99_us: quantile(&since, 99),
        throttled: throttled(admin, limited),
    };
    Some((sample, asked.times))
}

/// Requests and connections that were refused since the start because of a limit, `limited` of them by
/// shards.
fn throttled(admin: &Admin, limited: u64) -> u64 {
    let by_quotas = admin.interceptors.refusals.counts();
    let by_quotas = by_quotas
        .filter(|(_, about, enforced, _)| *about == About::Limit && *enforced)
        .map(|(.., count)| count);
    limited
        + admin.mesh.seen().overloaded
        + by_quotas.sum::<u64>()
        + admin.metrics.connections_refused()
}

/// Requests to all operations.
#[derive(Default)]
struct Requests {
    all: u64,
    refused: u64,
    failed: u64,
    times: Times,
}

impl Requests {
    fn of(observers: &Observers) -> Self {
        let mut sum = Self::default();
        for seen in observers.seen() {
            for wire in seen.outcomes {
                sum.all += wire.iter().sum::<u64>();
                sum.refused += wire[Outcome::Refused as usize];
                sum.failed += wire[Outcome::Failed as usize];
            }
            // Their time is mostly their clients' wish.
            if !WAITING.contains(&seen.operation.name()) {
                sum.times.add_all(&seen.times);
            }
        }
        sum
    }
}

/// Operations that may wait for messages.
const WAITING: [&str; 3] = ["ReceiveMessage", "Pull", "StreamingPull"];

fn difference(now: &Times, before: &Times) -> Times {
    let mut since = *now;
    for (count, before) in since.counts.iter_mut().zip(before.counts) {
        *count = count.saturating_sub(before);
    }
    since.above = since.above.saturating_sub(before.above);
    since
}

fn quantile(times: &Times, of_hundred: u64) -> Option<u64> {
    super::operations::quantile(&times.cumulative(), of_hundred)
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct After {
    /// Only samples later than this, ms since 1970.
    #[serde(default)]
    pub after: u64,
}

/// How far samples lie apart.
#[derive(Deserialize, JsonSchema, Clone, Copy, Default, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Every {
    /// The last ten minutes.
    #[default]
    Second,
    /// The last day.
    Minute,
}

#[derive(Deserialize, JsonSchema)]
struct OfServer {
    #[serde(flatten)]
    after: After,
    /// `second` for the last ten minutes, `minute` for the last day; `second` where absent.
    #[serde(default)]
    every: Every,
}

/// What was, in samples.
#[derive(Serialize, JsonSchema)]
struct HistoryView {
    /// How far samples lie apart, ms.
    every_ms: u64,
    /// As many as are kept at most.
    samples_max: usize,
    /// The earliest first.
    samples: Vec<Sample>,
}

async fn show(admin: Rc<Admin>, asked: Asked<OfServer>) -> AdminResult<HistoryView> {
    let query = &asked.query;
    let (apart, samples_max) = match query.every {
        Every::Second => (SAMPLE_EVERY, SAMPLES_MAX),
        Every::Minute => (MINUTE, MINUTES_MAX),
    };
    Ok(HistoryView {
        every_ms: apart.as_millis() as u64,
        samples_max,
        samples: admin.history.after(query.after.after, query.every),
    })
}

pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(
        Method::GET,
        "/history",
        Scope::Read,
        (
            "getHistory",
            "The last ten minutes in figures, second by second, or the last day, minute by minute",
        ),
        show,
    )]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(at: u64) -> Sample {
        Sample {
            at,
            sent: 0,
            received: 0,
            deleted: 0,
            requests: 0,
            client_errors: 0,
            server_errors: 0,
            throttled: 0,
            visible: 0,
            in_flight: 0,
            delayed: 0,
            memory_bytes: 0,
            connections: 0,
            p50_us: None,
            p99_us: None,
        }
    }

    #[test]
    fn the_ring_keeps_the_last_and_gives_those_that_are_new() {
        let history = History::default();
        for n in 0..SAMPLES_MAX as u64 + 5 {
            history.keep(at(n));
        }
        let all = history.after(0, Every::Second);
        assert_eq!((all.len(), all[0].at), (SAMPLES_MAX, 5));
        let new = history.after(SAMPLES_MAX as u64 + 2, Every::Second);
        assert_eq!(new.len(), 2);
        for n in 0..MINUTES_MAX as u64 + 1 {
            history.keep_minute(at(n));
        }
        let day = history.after(0, Every::Minute);
        assert_eq!((day.len(), day[0].at), (MINUTES_MAX, 1));
    }

    #[test]
    fn times_are_those_since_the_sample_before() {
        let mut now = Times::default();
        now.add(&TIME_BOUNDS_US, 15);
        let before = now;
        assert_eq!(quantile(&difference(&now, &before), 50), None);
        now.add(&TIME_BOUNDS_US, 900);
        assert_eq!(quantile(&difference(&now, &before), 50), Some(1000));
    }
}
