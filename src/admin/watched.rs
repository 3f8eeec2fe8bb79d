//! Figures of the queues, topics and subscriptions that somebody looks at: from the first look on they
//! are sampled with the server's own, so that a reload shows the minutes before it.

use super::Admin;
use super::answers::{AdminError, AdminResult};
use super::history::{After, SAMPLE_EVERY, SAMPLES_MAX};
use super::pubsub::{Project, find};
use super::queues::{Place, ask_shard, resolved};
use super::route::{Asked, Route, Scope};
use crate::mesh::wall_clock;
use http::Method;
use lclq_shards::QueueName;
use lclq_shards::command::{QueueCommand, Reply};
use lclq_shards::pubsub::command::Kind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Those that are sampled at a time. The one that was looked at longest ago gives way.
const WATCHED_MAX: usize = 32;
/// How long after the last look.
const WATCHED_FOR: Duration = Duration::from_secs(600);

/// A resource that is looked at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Watch {
    Queue(QueueName),
    /// A topic or a subscription, by its full name.
    Pubsub(Kind, String),
}

/// A resource's figures at one moment.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
struct ResourceSample {
    /// ms since 1970.
    at: u64,
    /// Messages that were sent or published, since the server's start, like those that follow.
    sent: u64,
    /// Messages that were given out, each time.
    received: u64,
    /// Messages that clients deleted or acknowledged.
    deleted: u64,
    /// Messages that can be had now, like those that follow.
    visible: u64,
    in_flight: u64,
    delayed: u64,
    /// Time since the oldest message was sent or published, ms.
    oldest_age_ms: Option<u64>,
}

#[derive(Debug)]
struct Kept {
    looked_at: Instant,
    samples: VecDeque<ResourceSample>,
}

/// Those of a process. Clones are the same ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watched(Arc<Mutex<HashMap<Watch, Kept>>>);

impl Watched {
    fn all(&self) -> MutexGuard<'_, HashMap<Watch, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What has been seen since then, and will be from now on.
    fn look(&self, watch: Watch, after: u64, now: Instant) -> Vec<ResourceSample> {
        let mut all = self.all();
        if !all.contains_key(&watch) && all.len() >= WATCHED_MAX {
            let first = all.iter().min_by_key(|(_, kept)| kept.looked_at);
            if let Some(first) = first.map(|(watch, _)| watch.clone()) {
                all.remove(&first);
            }
        }
        let kept = all.entry(watch).or_insert_with(|| Kept {
            looked_at: now,
            samples: VecDeque::new(),
        });
        kept.looked_at = now;
        let from = kept.samples.partition_point(|sample| sample.at <= after);
        kept.samples.range(from..).copied().collect()
    }

    /// Those that somebody looked at lately.
    fn due(&self, now: Instant) -> Vec<Watch> {
        let mut all = self.all();
        all.retain(|_, kept| now.saturating_duration_since(kept.looked_at) < WATCHED_FOR);
        all.keys().cloned().collect()
    }

    fn keep(&self, watch: &Watch, sample: Option<ResourceSample>) {
        let mut all = self.all();
        let (Some(kept), Some(sample)) = (all.get_mut(watch), sample) else {
            // It is gone, so what another of its name does isn't its own.
            all.remove(watch);
            return;
        };
        if kept.samples.len() >= SAMPLES_MAX {
            kept.samples.pop_front();
        }
        kept.samples.push_back(sample);
    }
}

/// Samples each one that is looked at.
pub(super) async fn sample(admin: &Admin) {
    for watch in admin.watched.due(Instant::now()) {
        match of(admin, &watch).await {
            Ok(sample) => admin.watched.keep(&watch, Some(sample)),
            Err(error) if error.status == http::StatusCode::NOT_FOUND => {
                admin.watched.keep(&watch, None);
            }
            // A shard that doesn't answer now does so again, or the server stops.
            Err(_) => {}
        }
    }
}

async fn of(admin: &Admin, watch: &Watch) -> AdminResult<ResourceSample> {
    let at = wall_clock();
    match watch {
        Watch::Queue(name) => {
            let queue = resolved(admin, name).await?;
            let command = QueueCommand::Describe(queue);
            let Reply::Described(queue) = ask_shard(admin, queue.shard, command).await else {
                return Err(AdminError::not_found("the queue is gone"));
            };
            Ok(ResourceSample {
                at,
                sent: queue.traffic.sent,
                received: queue.traffic.received,
                deleted: queue.traffic.deleted,
                visible: queue.counts.visible,
                in_flight: queue.counts.in_flight,
                delayed: queue.counts.delayed,
                oldest_age_ms: queue.oldest_at.map(|oldest| at.saturating_sub(oldest)),
            })
        }
        Watch::Pubsub(kind, name) => {
            let resource = find(admin, *kind, name).await?;
            Ok(ResourceSample {
                at,
                sent: resource.traffic.sent,
                received: resource.traffic.received,
                deleted: resource.traffic.deleted,
                visible: resource.available,
                in_flight: resource.outstanding,
                delayed: 0,
                oldest_age_ms: resource.oldest_at.map(|oldest| at.saturating_sub(oldest)),
            })
        }
    }
}

/// The last minutes of a resource, a sample each second since somebody first looked.
#[derive(Serialize, JsonSchema)]
struct ResourceHistory {
    /// How far samples lie apart, ms.
    every_ms: u64,
    /// As many as are kept at most.
    samples_max: usize,
    /// The earliest first.
    samples: Vec<ResourceSample>,
}

#[derive(Deserialize, JsonSchema)]
struct OfQueue {
    #[serde(flatten)]
    place: Place,
    #[serde(flatten)]
    after: After,
}

#[derive(Deserialize, JsonSchema)]
struct OfPubsub {
    #[serde(flatten)]
    project: Project,
    #[serde(flatten)]
    after: After,
}

/// Looks, and has the first sample there at once.
async fn look(admin: &Admin, watch: Watch, after: u64) -> AdminResult<ResourceHistory> {
    let is_new = !admin.watched.all().contains_key(&watch);
    if is_new {
        let first = of(admin, &watch).await?;
        admin.watched.look(watch.clone(), 0, Instant::now());
        admin.watched.keep(&watch, Some(first));
    }
    Ok(ResourceHistory {
        every_ms: SAMPLE_EVERY.as_millis() as u64,
        samples_max: SAMPLES_MAX,
        samples: admin.watched.look(watch, after, Instant::now()),
    })
}

async fn of_queue(admin: Rc<Admin>, asked: Asked<OfQueue>) -> AdminResult<ResourceHistory> {
    let queue = asked.query.place.queue(&admin, asked.part(0));
    look(&admin, Watch::Queue(queue), asked.query.after.after).await
}

async fn of_pubsub(
    admin: &Admin,
    kind: Kind,
    asked: Asked<OfPubsub>,
) -> AdminResult<ResourceHistory> {
    let full = asked.query.project.full(kind, asked.part(0));
    look(admin, Watch::Pubsub(kind, full), asked.query.after.after).await
}

async fn of_topic(admin: Rc<Admin>, asked: Asked<OfPubsub>) -> AdminResult<ResourceHistory> {
    of_pubsub(&admin, Kind::Topic, asked).await
}

async fn of_subscription(admin: Rc<Admin>, asked: Asked<OfPubsub>) -> AdminResult<ResourceHistory> {
    of_pubsub(&admin, Kind::Subscription, asked).await
}

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::GET,
            "/queues/{queue}/history",
            Scope::Read,
            (
                "getQueueHistory",
                "A queue's last ten minutes in figures, since somebody first asked for them",
            ),
            of_queue,
        ),
        Route::new(
            Method::GET,
            "/topics/{topic}/history",
            Scope::Read,
            (
                "getTopicHistory",
                "A topic's last ten minutes in figures, since somebody first asked for them",
            ),
            of_topic,
        ),
        Route::new(
            Method::GET,
            "/subscriptions/{subscription}/history",
            Scope::Read,
            (
                "getSubscriptionHistory",
                "A subscription's last ten minutes in figures, since somebody first asked for them",
            ),
            of_subscription,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(n: usize) -> Watch {
        Watch::Queue(QueueName::new("r", "a", &format!("q{n}")))
    }

    fn at(at: u64) -> ResourceSample {
        ResourceSample {
            at,
            sent: 0,
            received: 0,
            deleted: 0,
            visible: 0,
            in_flight: 0,
            delayed: 0,
            oldest_age_ms: None,
        }
    }

    #[test]
    fn what_is_looked_at_is_kept_and_no_more_than_may() {
        let watched = Watched::default();
        let start = Instant::now();
        for n in 0..=WATCHED_MAX {
            let now = start + Duration::from_secs(n as u64);
            assert!(watched.look(watch(n), 0, now).is_empty());
        }
        let late = start + Duration::from_secs(WATCHED_MAX as u64);
        let due = watched.due(late);
        assert!(due.len() == WATCHED_MAX && !due.contains(&watch(0)));
        for n in 1..=SAMPLES_MAX as u64 + 3 {
            watched.keep(&watch(2), Some(at(n)));
        }
        let kept = watched.look(watch(2), 0, late);
        assert_eq!((kept.len(), kept[0].at), (SAMPLES_MAX, 4));
        assert_eq!(watched.look(watch(2), SAMPLES_MAX as u64, late).len(), 3);
        watched.keep(&watch(2), None);
        assert!(watched.look(watch(2), 0, late).is_empty());
        assert!(watched.due(late + WATCHED_FOR).is_empty());
    }
}
