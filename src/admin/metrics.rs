//! `/metrics`: Prometheus' text format, and OpenMetrics where a scraper asks for it.

use super::Admin;
use super::answers::{AdminError, AdminResult};
use super::process::Process;
use super::stats::{self, Stats};
use crate::http::ReplyBody;
use crate::observe::{BOUNDS_US, Outcome};
use http::Response;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use lclq_shards::command::{Command, Description, QueueCommand, Reply};
use std::fmt::Write;

/// Queues with series of their own; the others are summed in one, so that many queues don't make a
/// scrape long.
const QUEUES_SHOWN_MAX: usize = 1000;
/// What a sum of queues is called. No queue can have the name.
const OTHERS: &str = "(others)";

const PROMETHEUS: HeaderValue =
    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

pub(super) async fn answer(admin: &Admin, head: &Parts) -> AdminResult<Response<ReplyBody>> {
    let accept = head
        .headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    let open = accept.is_some_and(|accept| accept.contains("application/openmetrics-text"));
    let stats = stats::of_all(admin).await?;
    let shown = queues(admin).await?;
    let mut text = Text::new(open);
    requests(admin, &mut text);
    messages(&stats, &mut text);
    depths(&stats, &shown, &mut text);
    process(admin, &mut text);
    let mut answer = Response::new(ReplyBody::new(text.finish()));
    let format = if open { OPEN_METRICS } else { PROMETHEUS };
    answer.headers_mut().insert(CONTENT_TYPE, format);
    Ok(answer)
}

/// The queues that are shown, the same number of each shard.
async fn queues(admin: &Admin) -> AdminResult<Vec<Description>> {
    let shards = admin.mesh.shards();
    let mut shown = Vec::new();
    for shard in 0..shards {
        let command = QueueCommand::ListAll {
            after: None,
            queues_max: QUEUES_SHOWN_MAX.div_ceil(usize::from(shards)),
        };
        let command = Command::Queue(Box::new(command));
        match admin.mesh.call(shard, command).await {
            Reply::DescribedAll(queues) => shown.extend(queues),
            _ => {
                return Err(AdminError::unavailable(format!(
                    "shard {shard} does not answer"
                )));
            }
        }
    }
    shown.truncate(QUEUES_SHOWN_MAX);
    Ok(shown)
}

fn requests(admin: &Admin, text: &mut Text) {
    let seen: Vec<_> = admin.observers.seen().collect();
    text.family(
        "lclq_api_requests",
        Kind::Counter,
        "Requests answered, by how they ended.",
    );
    for seen in &seen {
        for outcome in Outcome::ALL {
            let count = seen.outcomes[outcome as usize];
            if count > 0 {
                let labels = [
                    ("api", seen.operation.dialect().name()),
                    ("operation", seen.operation.name()),
                    ("status", outcome.name()),
                ];
                text.sample("", &labels, count as f64);
            }
        }
    }
    text.family(
        "lclq_api_latency_seconds",
        Kind::Histogram,
        "From a request's arrival to its answer, long polls' waiting included; a stream's until it begins.",
    );
    for seen in &seen {
        let api = ("api", seen.operation.dialect().name());
        let operation = ("operation", seen.operation.name());
        for (at, count) in seen.buckets.iter().enumerate() {
            let bound = BOUNDS_US.get(at).map(|us| format!("{}", *us as f64 / 1e6));
            let le = bound.as_deref().unwrap_or("+Inf");
            text.sample("_bucket", &[api, operation, ("le", le)], *count as f64);
        }
        let all = seen.buckets[BOUNDS_US.len()] as f64;
        text.sample("_sum", &[api, operation], seen.sum_us as f64 / 1e6);
        text.sample("_count", &[api, operation], all);
    }
}

fn messages(stats: &Stats, text: &mut Text) {
    for (name, help, count) in [
        ("lclq_messages_sent", "Messages accepted.", stats.sent),
        (
            "lclq_messages_received",
            "Messages given out, each time.",
            stats.received,
        ),
        (
            "lclq_messages_deleted",
            "Messages deleted or acknowledged.",
            stats.deleted,
        ),
        (
            "lclq_messages_to_dlq",
            "Messages moved to a dead-letter queue or topic.",
            stats.dead_lettered,
        ),
        (
            "lclq_messages_dropped",
            "Messages dropped for age or for room.",
            stats.dropped,
        ),
    ] {
        text.family(name, Kind::Counter, help);
        text.sample("", &[], count as f64);
    }
    for (name, help, count) in [
        ("lclq_queue_count", "Queues.", stats.queues),
        ("lclq_topic_count", "Topics.", stats.topics),
        (
            "lclq_subscription_count",
            "Subscriptions and snapshots.",
            stats.subscriptions,
        ),
        (
            "lclq_waiting_receives",
            "Long polls and streams that wait for messages.",
            stats.waiters,
        ),
        (
            "lclq_memory_bytes",
            "Memory that messages take.",
            stats.memory_bytes,
        ),
    ] {
        text.family(name, Kind::Gauge, help);
        text.sample("", &[], count as f64);
    }
}

fn depths(stats: &Stats, shown: &[Description], text: &mut Text) {
    type Count = fn(&Description) -> u64;
    let families: [(&str, &str, u64, Count); 3] = [
        (
            "lclq_queue_depth",
            "Messages that can be received.",
            stats.visible,
            |queue| queue.counts.visible,
        ),
        (
            "lclq_in_flight_messages",
            "Messages received and not yet deleted.",
            stats.in_flight,
            |queue| queue.counts.in_flight,
        ),
        (
            "lclq_delayed_messages",
            "Messages that wait for their delay.",
            stats.delayed,
            |queue| queue.counts.delayed,
        ),
    ];
    let are_all = shown.len() as u64 >= stats.queues;
    for (name, help, all, count) in families {
        text.family(name, Kind::Gauge, help);
        let mut rest = all;
        for queue in shown {
            let labels = [
                ("queue_name", &*queue.name.name),
                ("region", &*queue.name.region),
                ("account", &*queue.name.account),
            ];
            let count = count(queue);
            text.sample("", &labels, count as f64);
            // Counts of shards and of queues are not of the same moment.
            rest = rest.saturating_sub(count);
        }
        if !are_all {
            let labels = [("queue_name", OTHERS), ("region", ""), ("account", "")];
            text.sample("", &labels, rest as f64);
        }
    }
}

fn process(admin: &Admin, text: &mut Text) {
    text.family(
        "lclq_journal_up",
        Kind::Gauge,
        "Whether every journal can be written.",
    );
    let up = admin.mesh.journal_down().is_none();
    text.sample("", &[], f64::from(u8::from(up)));
    text.family("lclq_build_info", Kind::Gauge, "The version.");
    text.sample("", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    let process = Process::now();
    let figures = [
        (
            "process_cpu_seconds",
            Kind::Counter,
            "Time on CPUs.",
            process.cpu_seconds,
        ),
        (
            "process_resident_memory_bytes",
            Kind::Gauge,
            "Memory in use.",
            process.resident_bytes.map(|bytes| bytes as f64),
        ),
        (
            "process_open_fds",
            Kind::Gauge,
            "Open file descriptors.",
            process.open_descriptors.map(|count| count as f64),
        ),
    ];
    for (name, kind, help, value) in figures {
        if let Some(value) = value {
            text.family(name, kind, help);
            text.sample("", &[], value);
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// The text as it is written. Source of the formats:
/// <https://prometheus.io/docs/instrumenting/exposition_formats/>.
struct Text {
    out: String,
    open: bool,
    /// Of the present family: its name in samples.
    name: String,
}

impl Text {
    fn new(open: bool) -> Self {
        Self {
            out: String::new(),
            open,
            name: String::new(),
        }
    }

    /// Begins a family. Counters are named without their `_total`.
    fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let kind_name = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let total = if kind == Kind::Counter { "_total" } else { "" };
        self.name = format!("{name}{total}");
        // OpenMetrics names a counter's family without the suffix that its samples have.
        let family = if self.open { name } else { &self.name };
        // Writing to a String can't fail.
        let _ = writeln!(
            self.out,
            "# HELP {family} {help}\n# TYPE {family} {kind_name}"
        );
    }

    fn sample(&mut self, suffix: &str, labels: &[(&str, &str)], value: f64) {
        let _ = write!(self.out, "{}{suffix}", self.name);
        for (at, (label, value)) in labels.iter().enumerate() {
            let before = if at == 0 { '{' } else { ',' };
            let _ = write!(self.out, "{before}{label}=\"");
            for char in value.chars() {
                match char {
                    '\\' => self.out.push_str("\\\\"),
                    '"' => self.out.push_str("\\\""),
                    '\n' => self.out.push_str("\\n"),
                    char => self.out.push(char),
                }
            }
            self.out.push('"');
        }
        if !labels.is_empty() {
            self.out.push('}');
        }
        let _ = writeln!(self.out, " {value}");
    }

    fn finish(mut self) -> String {
        if self.open {
            self.out.push_str("# EOF\n");
        }
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_formats() {
        let write = |open| {
            let mut text = Text::new(open);
            text.family("lclq_sent", Kind::Counter, "Sent.");
            text.sample("", &[("queue", "a\"b\\c\nd"), ("x", "")], 3.0);
            text.family("lclq_depth", Kind::Gauge, "Depth.");
            text.sample("", &[], 0.5);
            text.finish()
        };
        assert_eq!(
            write(false),
            "# HELP lclq_sent_total Sent.\n# TYPE lclq_sent_total counter\n\
             lclq_sent_total{queue=\"a\\\"b\\\\c\\nd\",x=\"\"} 3\n\
             # HELP lclq_depth Depth.\n# TYPE lclq_depth gauge\nlclq_depth 0.5\n"
        );
        assert!(write(true).starts_with("# HELP lclq_sent Sent.\n# TYPE lclq_sent counter\n"));
        assert!(write(true).ends_with("lclq_depth 0.5\n# EOF\n"));
    }
}
