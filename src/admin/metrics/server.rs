//! Series of the server as a whole: requests, connections, journals, cores.

use super::Metrics;
use super::families;
use super::pace::Pace;
use super::text::Text;
use crate::net::Spoken;
use crate::observe::{Outcome, Wire};
use lclq_shards::figures::{Buckets, SIZE_BOUNDS, ShardStats, TIME_BOUNDS_US};

/// Times are counted in microseconds and shown in seconds.
const US_PER_S: f64 = 1e6;

const SENDS: [&str; 3] = ["SendMessage", "SendMessageBatch", "Publish"];
const RECEIVES: [&str; 2] = ["ReceiveMessage", "Pull"];

type Times = Buckets<{ TIME_BOUNDS_US.len() }>;

/// What was asked, and how long it took.
pub(super) async fn requests(metrics: &Metrics, text: &mut Text, pace: &mut Pace<'_>) {
    let seen: Vec<_> = metrics.observers.seen().collect();
    text.family(&families::API_REQUESTS);
    for seen in &seen {
        let (dialect, endpoint) = (seen.operation.dialect(), seen.operation.name());
        for wire in Wire::of(dialect) {
            for outcome in Outcome::ALL {
                let count = seen.outcomes[wire.index()][outcome as usize];
                if count > 0 {
                    let values = [dialect.name(), wire.name(), endpoint, outcome.name()];
                    text.sample(&values, count as f64);
                }
            }
        }
    }
    text.family(&families::REFUSALS);
    for (api, about, enforced, count) in metrics.settings.refusals.counts() {
        if count > 0 {
            let mode = if enforced { "enforce" } else { "report" };
            text.sample(&[api, about.name(), mode], count as f64);
        }
    }
    pace.step().await;
    text.family(&families::API_LATENCY);
    let (mut sends, mut receives) = (Times::default(), Times::default());
    for seen in &seen {
        let endpoint = seen.operation.name();
        let values = [seen.operation.dialect().name(), endpoint];
        text.histogram(&values, &seen.times, &TIME_BOUNDS_US, US_PER_S);
        if SENDS.contains(&endpoint) {
            sends.add_all(&seen.times);
        }
        if RECEIVES.contains(&endpoint) {
            receives.add_all(&seen.times);
        }
        pace.step().await;
    }
    let backend = [metrics.settings.backend];
    text.family(&families::SEND_LATENCY);
    text.histogram(&backend, &sends, &TIME_BOUNDS_US, US_PER_S);
    text.family(&families::RECEIVE_LATENCY);
    text.histogram(&backend, &receives, &TIME_BOUNDS_US, US_PER_S);
}

/// Counts over all shards, connections, and what was refused.
pub(super) fn totals(metrics: &Metrics, totals: &ShardStats, text: &mut Text) {
    for (family, count) in [
        (&families::QUEUE_COUNT, totals.queues),
        (&families::TOPIC_COUNT, totals.topics),
        (&families::SUBSCRIPTION_COUNT, totals.subscriptions),
        (&families::WAITING_RECEIVES, totals.waiters),
        (&families::MEMORY, totals.resident_bytes),
    ] {
        text.family(family);
        text.sample(&[], count as f64);
    }
    if let Some(bytes) = metrics.mesh.memory_bytes_max() {
        text.family(&families::MEMORY_MAX);
        text.sample(&[], bytes as f64);
    }
    let connections: Vec<_> = metrics.connections.seen().collect();
    text.family(&families::CONNECTIONS);
    for (endpoint, seen) in &connections {
        for spoken in Spoken::ALL {
            let open = seen.open[spoken as usize] as f64;
            text.sample(&[endpoint, spoken.name()], open);
        }
    }
    text.family(&families::CONNECTIONS_ACCEPTED);
    for (endpoint, seen) in &connections {
        text.sample(&[endpoint], seen.accepted as f64);
    }
    text.family(&families::BYTES_IN);
    for (endpoint, seen) in &connections {
        text.sample(&[endpoint], seen.bytes_in as f64);
    }
    text.family(&families::BYTES_OUT);
    for (endpoint, seen) in &connections {
        text.sample(&[endpoint], seen.bytes_out as f64);
    }
    text.family(&families::THROTTLED);
    for (reason, count) in [
        ("memory", totals.throttles.memory),
        ("in_flight", totals.throttles.in_flight),
        ("waiting", totals.throttles.waiting),
        ("request_memory", metrics.settings.bodies.refused()),
        ("overloaded", metrics.mesh.seen().overloaded),
        (
            "connections",
            connections.iter().map(|(_, seen)| seen.refused).sum(),
        ),
    ] {
        text.sample(&[reason], count as f64);
    }
}

/// Journals, and lanes between cores.
pub(super) fn mesh(metrics: &Metrics, text: &mut Text) {
    let seen = metrics.mesh.seen();
    text.family(&families::JOURNAL_UP);
    let up = metrics.mesh.journal_down().is_none();
    text.sample(&[], f64::from(u8::from(up)));
    let (backend, journals) = (metrics.settings.backend, &seen.journals);
    text.family(&families::BACKEND_ERRORS);
    for (operation, count) in [
        ("commit", journals.commits_failed),
        ("checkpoint", journals.checkpoints_failed),
    ] {
        text.sample(&[backend, operation], count as f64);
    }
    text.family(&families::COMMIT_TIME);
    text.histogram(&[], &journals.commits, &TIME_BOUNDS_US, US_PER_S);
    text.family(&families::COMMIT_SIZE);
    text.histogram(&[], &journals.changes, &SIZE_BOUNDS, 1.0);
    text.family(&families::CHECKPOINT_TIME);
    text.histogram(&[], &journals.checkpoints, &TIME_BOUNDS_US, US_PER_S);
    text.family(&families::LOG_PAGES);
    text.sample(&[], journals.log_pages as f64);
    for (family, value) in [
        (&families::LOG_RECORDS_OPEN, journals.log.records_open),
        (&families::LOG_BYTES, journals.log.log_bytes),
        (&families::LOG_KEPT_BYTES, journals.kept_bytes),
        (&families::LOG_LAPS, journals.log.laps),
    ] {
        text.family(family);
        text.sample(&[], value as f64);
    }
    text.family(&families::LOG_SILENCE);
    let silent = metrics.mesh.silent_journal();
    text.sample(&[], silent.map_or(0.0, |(_, time)| time.as_secs_f64()));
    let own = (0..metrics.mesh.shards()).filter(|shard| metrics.mesh.runs(*shard));
    for (family, value) in [
        (&families::CLUSTER_SHARDS, own.count() as u64),
        (&families::CLUSTER_TAKEN, seen.taken),
        (&families::CLUSTER_FORWARDED, seen.forwarded),
        (&families::CLUSTER_PARKED, seen.parked),
    ] {
        text.family(family);
        text.sample(&[], value as f64);
    }
    text.family(&families::LANE_DEPTH);
    for (core, depths) in seen.lane_depths.iter().enumerate() {
        text.histogram(&[&core.to_string()], depths, &SIZE_BOUNDS, 1.0);
    }
    let mut turns = Times::default();
    for of_core in &*metrics.settings.turns {
        of_core.add_to(&mut turns);
    }
    text.family(&families::SCRAPE_TURN);
    text.histogram(&[], &turns, &TIME_BOUNDS_US, US_PER_S);
    text.family(&families::BUILD_INFO);
    text.sample(&[env!("CARGO_PKG_VERSION")], 1.0);
}
