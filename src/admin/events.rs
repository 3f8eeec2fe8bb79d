//! `GET /events`: what goes on, as server-sent events: counts each second, and changes of resources
//! as they are made.
//!
//! Changes are read from one bounded ring of the process, so a subscriber has no buffer of its own:
//! one that reads slowly is told by `missed` how many changes it has lost. An event's id goes into
//! `Last-Event-ID`, as a browser does by itself; after a restart of the server the ids are others,
//! and `missed` has no number.

use super::Admin;
use super::answers::{AdminBody, AdminError, AdminResult, event_stream};
use super::route::Asked;
use super::stats::{self, Stats};
use crate::mesh::{Events, Versions};
use crate::runtime::{Shutdown, sleep_until};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::Response;
use lclq_shards::{Change, NameChange, NameSpace};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Those who may follow at once, of events and of messages, in the whole process.
const SUBSCRIBERS_MAX: usize = 64;
/// Time between counts.
const COUNTS_EVERY: Duration = Duration::from_secs(1);
/// Comments that keep proxies from giving a silent connection up.
pub(super) const HEARTBEAT_EVERY: Duration = Duration::from_secs(15);

/// Those who follow, on all cores.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subscribers(Arc<AtomicUsize>);

/// One of them, until dropped.
pub(super) struct Subscriber(Subscribers);

impl Subscribers {
    pub(super) fn enter(&self) -> AdminResult<Subscriber> {
        let before = self.0.fetch_add(1, Ordering::SeqCst);
        // It leaves again when dropped.
        let entered = Subscriber(self.clone());
        if before >= SUBSCRIBERS_MAX {
            return Err(AdminError::unavailable(format!(
                "{SUBSCRIBERS_MAX} follow already"
            )));
        }
        Ok(entered)
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct EventsQuery {
    /// Only these kinds of events, separated by commas: stats, resource. Both where absent.
    kinds: Option<String>,
    /// As the header Last-Event-ID, for clients that can't set it.
    last_event_id: Option<String>,
}

/// A change of a resource, as an event's data.
#[derive(Serialize, JsonSchema)]
struct ResourceEvent<'a> {
    /// `created`, `changed` or `deleted`.
    change: &'static str,
    /// `queue`, `topic`, `subscription`, `snapshot` or `schema`.
    kind: &'static str,
    name: &'a str,
    /// Of a queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
    /// Of a queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
    /// Of the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<&'a str>,
}

impl<'a> ResourceEvent<'a> {
    fn of(change: &'a NameChange) -> Self {
        let full = &*change.name;
        let mut event = Self {
            change: match change.change {
                Change::Created => "created",
                Change::Changed => "changed",
                Change::Deleted => "deleted",
            },
            kind: match change.space {
                NameSpace::Queue => "queue",
                NameSpace::Topic => "topic",
                NameSpace::Subscription => "subscription",
                NameSpace::Snapshot => "snapshot",
                NameSpace::Schema => "schema",
            },
            name: full.rsplit('/').next().unwrap_or(full),
            region: None,
            account: None,
            project: None,
        };
        let mut parts = full.split('/');
        if change.space == NameSpace::Queue {
            event.region = parts.next();
            event.account = parts.next();
        } else {
            event.project = parts.nth(1);
        }
        event
    }
}

/// One event in the form of its protocol. JSON has no line breaks in it.
pub(super) fn event(out: &mut String, kind: &str, id: Option<&str>, data: &impl Serialize) {
    out.push_str("event: ");
    out.push_str(kind);
    if let Some(id) = id {
        out.push_str("\nid: ");
        out.push_str(id);
    }
    out.push_str("\ndata: ");
    out.push_str(&serde_json::to_string(data).unwrap_or_default());
    out.push_str("\n\n");
}

struct Following {
    admin: Rc<Admin>,
    versions: Arc<Versions>,
    changed: watch::Receiver<u64>,
    run: String,
    seen: u64,
    missed_before: bool,
    has_stats: bool,
    has_resources: bool,
    counts_at: Instant,
    heartbeat_at: Instant,
    first: bool,
    _subscriber: Subscriber,
}

pub(super) async fn follow(
    admin: Rc<Admin>,
    asked: Asked<EventsQuery>,
) -> AdminResult<Response<AdminBody>> {
    let (mut has_stats, mut has_resources) = (false, false);
    match &asked.query.kinds {
        None => (has_stats, has_resources) = (true, true),
        Some(kinds) => {
            for kind in kinds.split(',') {
                match kind.trim() {
                    "stats" => has_stats = true,
                    "resource" => has_resources = true,
                    other => {
                        let said =
                            format!("there are no events {other}; there are: stats, resource");
                        return Err(AdminError::bad_request(said));
                    }
                }
            }
        }
    }
    let subscriber = admin.subscribers.enter()?;
    let versions = admin.mesh.versions().clone();
    let run = admin.run.clone();
    let header = asked.head.headers.get("last-event-id");
    let header = header.and_then(|id| id.to_str().ok());
    let given = header.or(asked.query.last_event_id.as_deref());
    let last = versions.events().last();
    let (seen, missed_before) = match given {
        None => (last, false),
        Some(id) => match place(id, &run, last) {
            Some(seen) => (seen, false),
            None => (last, true),
        },
    };
    let now = Instant::now();
    let following = Following {
        changed: versions.events().watch(),
        versions,
        run,
        seen,
        missed_before,
        has_stats,
        has_resources,
        counts_at: now,
        heartbeat_at: now + HEARTBEAT_EVERY,
        first: true,
        _subscriber: subscriber,
        admin,
    };
    let pieces = stream::unfold(following, |mut following| async move {
        let piece = following.next().await?;
        Some((Bytes::from(piece), following))
    });
    Ok(event_stream(pieces.boxed_local()))
}

/// How far somebody had come, by an id of this run.
fn place(id: &str, run: &str, last: u64) -> Option<u64> {
    let (of, number) = id.split_once('-')?;
    let number = number.parse().ok().filter(|number| *number <= last)?;
    (of == run).then_some(number)
}

impl Following {
    /// The next events; `None` when the server stops.
    async fn next(&mut self) -> Option<String> {
        let mut out = String::new();
        if std::mem::take(&mut self.first) {
            // How long a browser waits before it comes again, ms.
            out.push_str("retry: 1000\n\n");
        }
        loop {
            self.changed.mark_unchanged();
            if std::mem::take(&mut self.missed_before) {
                event(&mut out, "missed", None, &json!({ "events": null }));
            }
            if self.has_resources {
                self.resources(&mut out);
            }
            let now = Instant::now();
            if self.has_stats && now >= self.counts_at {
                self.counts_at = now + COUNTS_EVERY;
                match stats::of_all(&self.admin).await {
                    Ok(counts) => event(&mut out, "stats", None, &StatsEvent::of(counts)),
                    // It stops, or can't keep up: the next second has counts again.
                    Err(_) => out.push_str(": no counts\n\n"),
                }
            }
            if out.is_empty() && now >= self.heartbeat_at {
                out.push_str(": alive\n\n");
            }
            if !out.is_empty() {
                self.heartbeat_at = now + HEARTBEAT_EVERY;
                return Some(out);
            }
            let until = match self.has_stats {
                true => self.counts_at.min(self.heartbeat_at),
                false => self.heartbeat_at,
            };
            let changed = self.has_resources.then_some(&mut self.changed);
            if !wait(&self.admin.shutdown, until, changed).await {
                return None;
            }
        }
    }

    fn resources(&mut self, out: &mut String) {
        let events: &Events = self.versions.events();
        let since = events.since(self.seen);
        if since.missed > 0 {
            let data = json!({ "events": since.missed });
            event(out, "missed", None, &data);
        }
        self.seen = since.last;
        for (number, change) in &since.changes {
            let id = format!("{}-{number}", self.run);
            event(out, "resource", Some(&id), &ResourceEvent::of(change));
        }
    }
}

/// Waits until then, or for a change. Answers `false` when the server stops.
pub(super) async fn wait(
    shutdown: &Shutdown,
    until: Instant,
    changed: Option<&mut watch::Receiver<u64>>,
) -> bool {
    let mut stopping = std::pin::pin!(shutdown.wait());
    let mut time = std::pin::pin!(sleep_until(until));
    let mut changed = std::pin::pin!(async {
        match changed {
            Some(changed) => {
                let _ = changed.changed().await;
            }
            None => std::future::pending().await,
        }
    });
    std::future::poll_fn(|cx| {
        if stopping.as_mut().poll(cx).is_ready() {
            return Poll::Ready(false);
        }
        if time.as_mut().poll(cx).is_ready() || changed.as_mut().poll(cx).is_ready() {
            return Poll::Ready(true);
        }
        Poll::Pending
    })
    .await
}

/// Counts of one moment, as an event's data.
#[derive(Serialize, JsonSchema)]
struct StatsEvent {
    /// ms since 1970.
    at: u64,
    #[serde(flatten)]
    stats: Stats,
}

impl StatsEvent {
    fn of(stats: Stats) -> Self {
        Self {
            at: crate::mesh::wall_clock(),
            stats,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_good_in_its_own_run() {
        assert_eq!(place("ab-7", "ab", 9), Some(7));
        assert_eq!(place("ab-10", "ab", 9), None, "that has never been");
        assert_eq!(place("cd-7", "ab", 9), None);
        assert_eq!(place("7", "ab", 9), None);
    }

    #[test]
    fn a_resource_is_told_by_its_names() {
        let told = |space, name: &str| {
            let change = NameChange {
                space,
                name: name.into(),
                change: Change::Deleted,
            };
            json!(ResourceEvent::of(&change))
        };
        assert_eq!(
            told(NameSpace::Queue, "us-east-1/000000000000/q"),
            json!({ "change": "deleted", "kind": "queue", "name": "q",
                    "region": "us-east-1", "account": "000000000000" })
        );
        assert_eq!(
            told(NameSpace::Topic, "projects/p/topics/t"),
            json!({ "change": "deleted", "kind": "topic", "name": "t", "project": "p" })
        );
    }

    #[test]
    fn no_more_follow_than_may() {
        let subscribers = Subscribers::default();
        let all: Vec<_> = (0..SUBSCRIBERS_MAX).map(|_| subscribers.enter()).collect();
        assert!(all.iter().all(Result::is_ok));
        assert!(subscribers.enter().is_err());
        drop(all);
        assert!(subscribers.enter().is_ok());
    }
}
