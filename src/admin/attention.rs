//! `GET /attention`: what somebody should look at, found by going through all queues and subscriptions.
//!
//! Going through a hundred thousand of them takes a core a tenth of a second or two. So what was found
//! is kept, and found anew only where a hundred times as long has passed, by one of those who ask:
//! looking takes no more than a hundredth of a core, however many look.

use super::Admin;
use super::answers::AdminResult;
use super::pubsub;
use super::queues::{ask_shard, existing, unanswered};
use super::route::{Asked, Route, Scope};
use crate::mesh::wall_clock;
use crate::runtime::yield_now;
use http::Method;
use lclq_shards::QueueName;
use lclq_shards::attributes::{QueueAttribute, parse_redrive_policy};
use lclq_shards::command::{Description, QueueCommand, Refusal, Reply};
use lclq_shards::pubsub::command::{AdminCommand, Kind, Resource};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A message that waits for longer is worth a look.
const OLD_MS: u64 = 5 * 60_000;
/// Findings that are shown.
const SHOWN_MAX: usize = 50;
/// Findings of one sort that are kept while others are looked for; the greatest stay.
const KEPT_MAX: usize = 1000;
/// Dead-letter queues that are looked into.
const TARGETS_MAX: usize = 10_000;
/// Pushes that failed since the last that was taken, so that an endpoint's failing is told: one that
/// restarts fails now and then.
const FAILING_MIN: u64 = 3;
/// What a shard is asked for at once.
const SLICE: usize = 500;
/// What was found counts for so long at least.
const FRESH_FOR: Duration = Duration::from_secs(3);
/// And for so many times as long as it took.
const REST: u32 = 100;

/// What is wrong.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Sort {
    /// Messages are in a queue that others send their dead letters to.
    DeadLetters,
    /// A push endpoint takes nothing.
    PushesFail,
    /// A FIFO queue gives nothing out: its oldest message is old, and in flight or behind one that is.
    StuckGroup,
    /// A queue's dead letters go to one that doesn't exist.
    NoDeadLetterQueue,
    /// Nobody reads it: its oldest message is old.
    Unread,
    /// A subscription is cut off its topic.
    Detached,
}

/// Something to look at.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Finding {
    sort: Sort,
    /// A queue's ARN, or a subscription's full name.
    of: String,
    name: String,
    /// Messages, or pushes that failed since the endpoint last took one.
    count: u64,
    /// Age of the oldest message, ms.
    oldest_age_ms: Option<u64>,
    /// ARN of the dead-letter queue that doesn't exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
}

/// What somebody should look at.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
struct AttentionView {
    /// When it was looked for, ms since 1970.
    at: u64,
    /// Queues that there were then.
    queues: u64,
    /// Subscriptions that there were then.
    subscriptions: u64,
    /// Age of the oldest message of all queues, ms.
    oldest_of_queues_ms: Option<u64>,
    /// Age of the oldest message of all subscriptions that isn't acknowledged, ms.
    oldest_of_subscriptions_ms: Option<u64>,
    /// The worst first; no more than 50.
    findings: Vec<Finding>,
    /// How many more there are, of those that were counted.
    more: usize,
}

/// What one look found.
#[derive(Clone, Debug)]
struct Kept {
    at: Instant,
    took: Duration,
    view: AttentionView,
}

impl Kept {
    fn is_fresh(&self) -> bool {
        self.at.elapsed() < FRESH_FOR.max(self.took * REST)
    }
}

#[derive(Debug, Default)]
struct Shared {
    /// Held for moments, and by nothing that can panic.
    kept: Mutex<Option<Kept>>,
    /// Held by whoever looks.
    turn: tokio::sync::Mutex<()>,
}

/// What was found last. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attention(Arc<Shared>);

impl Attention {
    fn kept(&self) -> MutexGuard<'_, Option<Kept>> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fresh(&self) -> Option<AttentionView> {
        let kept = self.kept();
        let fresh = kept.as_ref().filter(|kept| kept.is_fresh());
        fresh.map(|kept| kept.view.clone())
    }

    /// What was found last, if it counts still or somebody else looks; else what `look` finds.
    async fn view(
        &self,
        look: impl Future<Output = AdminResult<AttentionView>>,
    ) -> AdminResult<AttentionView> {
        if let Some(view) = self.fresh() {
            return Ok(view);
        }
        let _turn = match self.0.turn.try_lock() {
            Ok(turn) => turn,
            Err(_) => {
                let before = self.kept().as_ref().map(|kept| kept.view.clone());
                if let Some(view) = before {
                    return Ok(view);
                }
                self.0.turn.lock().await
            }
        };
        // Whoever had the turn before may have found something.
        if let Some(view) = self.fresh() {
            return Ok(view);
        }
        let began = Instant::now();
        let view = look.await?;
        *self.kept() = Some(Kept {
            at: Instant::now(),
            took: began.elapsed(),
            view: view.clone(),
        });
        Ok(view)
    }
}

async fn show(admin: Rc<Admin>, _: Asked) -> AdminResult<AttentionView> {
    let attention = &admin.attention;
    attention.view(look(&admin)).await
}

async fn look(admin: &Admin) -> AdminResult<AttentionView> {
    let mut found = Found::default();
    of_queues(admin, &mut found).await?;
    of_subscriptions(admin, &mut found).await?;
    Ok(found.view())
}

#[derive(Default)]
struct Found {
    queues: u64,
    subscriptions: u64,
    oldest_of_queues_ms: Option<u64>,
    oldest_of_subscriptions_ms: Option<u64>,
    by_sort: BTreeMap<Sort, Vec<Finding>>,
}

impl Found {
    fn add(&mut self, finding: Finding) {
        let of_sort = self.by_sort.entry(finding.sort).or_default();
        of_sort.push(finding);
        if of_sort.len() >= 2 * KEPT_MAX {
            worst_first(of_sort);
            of_sort.truncate(KEPT_MAX);
        }
    }

    /// Some of each sort, so that none hides the others.
    fn view(mut self) -> AttentionView {
        let all: usize = self.by_sort.values().map(Vec::len).sum();
        let of_each = SHOWN_MAX / self.by_sort.len().max(1);
        for of_sort in self.by_sort.values_mut() {
            worst_first(of_sort);
            of_sort.truncate(of_each);
        }
        let findings: Vec<Finding> = self.by_sort.into_values().flatten().collect();
        AttentionView {
            at: wall_clock(),
            queues: self.queues,
            subscriptions: self.subscriptions,
            oldest_of_queues_ms: self.oldest_of_queues_ms,
            oldest_of_subscriptions_ms: self.oldest_of_subscriptions_ms,
            more: all - findings.len(),
            findings,
        }
    }
}

fn worst_first(findings: &mut [Finding]) {
    findings.sort_by(|one, other| {
        let rank = |of: &Finding| (of.count, of.oldest_age_ms);
        rank(other)
            .cmp(&rank(one))
            .then_with(|| one.of.cmp(&other.of))
    });
}

/// Where a queue's dead letters go.
pub(super) fn target_of(queue: &Description) -> Option<QueueName> {
    let policy = queue.attributes.get(&QueueAttribute::RedrivePolicy)?;
    Some(parse_redrive_policy(policy)?.target)
}

async fn of_queues(admin: &Admin, found: &mut Found) -> AdminResult<()> {
    // Dead-letter queues, each with one of the queues that it is for.
    let mut targets: BTreeMap<QueueName, QueueName> = BTreeMap::new();
    for shard in 0..admin.mesh.shards() {
        let mut after = None;
        loop {
            let command = QueueCommand::ListAll {
                after,
                queues_max: SLICE,
            };
            let Reply::DescribedAll(queues) = ask_shard(admin, shard, command).await else {
                return Err(unanswered(shard));
            };
            let now = wall_clock();
            for queue in &queues {
                found.queues += 1;
                let age = queue.oldest_at.map(|at| now.saturating_sub(at));
                found.oldest_of_queues_ms = found.oldest_of_queues_ms.max(age);
                if let Some(finding) = of_queue(queue, age) {
                    found.add(finding);
                }
                if let Some(target) = target_of(queue)
                    && targets.len() < TARGETS_MAX
                {
                    targets.entry(target).or_insert_with(|| queue.name.clone());
                }
            }
            if queues.len() < SLICE {
                break;
            }
            after = queues.last().map(|queue| queue.name.key().into());
            yield_now().await;
        }
    }
    let is_target = |finding: &Finding| {
        QueueName::from_arn(&finding.of).is_some_and(|name| targets.contains_key(&name))
    };
    if let Some(unread) = found.by_sort.get_mut(&Sort::Unread) {
        // Of dead letters it is said that they are there, not that nobody reads them.
        unread.retain(|finding| !is_target(finding));
    }
    for (at, (name, source)) in targets.iter().enumerate() {
        if at % SLICE == SLICE - 1 {
            yield_now().await;
        }
        let Some(queue) = existing(admin, name).await? else {
            found.add(Finding {
                sort: Sort::NoDeadLetterQueue,
                of: source.arn(),
                name: source.name.to_string(),
                count: 0,
                oldest_age_ms: None,
                target: Some(name.arn()),
            });
            continue;
        };
        let command = QueueCommand::Describe(queue);
        let queue = match ask_shard(admin, queue.shard, command).await {
            Reply::Described(queue) => queue,
            // Deleted meanwhile.
            Reply::Stale(_) | Reply::Refused(Refusal::NoQueue) => continue,
            _ => return Err(unanswered(queue.shard)),
        };
        let count = queue.counts.visible + queue.counts.in_flight;
        if count > 0 {
            let now = wall_clock();
            found.add(Finding {
                sort: Sort::DeadLetters,
                of: name.arn(),
                name: name.name.to_string(),
                count,
                oldest_age_ms: queue.oldest_at.map(|at| now.saturating_sub(at)),
                target: None,
            });
        }
    }
    Ok(())
}

fn of_queue(queue: &Description, age: Option<u64>) -> Option<Finding> {
    if age? <= OLD_MS {
        return None;
    }
    let counts = queue.counts;
    let (sort, count) = if queue.name.name.ends_with(".fifo") && counts.in_flight > 0 {
        (Sort::StuckGroup, counts.visible + counts.in_flight)
    } else if counts.visible > 0 {
        (Sort::Unread, counts.visible)
    } else {
        return None;
    };
    Some(Finding {
        sort,
        of: queue.name.arn(),
        name: queue.name.name.to_string(),
        count,
        oldest_age_ms: age,
        target: None,
    })
}

async fn of_subscriptions(admin: &Admin, found: &mut Found) -> AdminResult<()> {
    for shard in 0..admin.mesh.shards() {
        let mut after: Option<Box<str>> = None;
        loop {
            let command = AdminCommand::List {
                kind: Kind::Subscription,
                prefix: "projects/".into(),
                after,
                resources_max: SLICE,
            };
            let Reply::Resources(all) = pubsub::ask_shard(admin, shard, command).await else {
                return Err(unanswered(shard));
            };
            for resource in &all {
                found.subscriptions += 1;
                let age = resource.oldest_at.map(|at| wall_clock().saturating_sub(at));
                found.oldest_of_subscriptions_ms = found.oldest_of_subscriptions_ms.max(age);
                let pubsub = admin.pubsub.as_ref();
                let failing = pubsub.map_or(0, |one| one.push_seen().failing(&resource.name));
                if let Some(finding) = of_subscription(resource, age, failing) {
                    found.add(finding);
                }
            }
            if all.len() < SLICE {
                break;
            }
            after = all.last().map(|last| last.name.clone());
            yield_now().await;
        }
    }
    Ok(())
}

fn of_subscription(resource: &Resource, age: Option<u64>, failing: u64) -> Option<Finding> {
    let settings = resource.subscription.as_ref();
    let is_detached = settings.is_some_and(|settings| settings.detached);
    let waits = resource.available + resource.outstanding > 0;
    let (sort, count) = if is_detached {
        (Sort::Detached, 0)
    } else if failing >= FAILING_MIN && waits {
        (Sort::PushesFail, failing)
    } else if age.is_some_and(|age| age > OLD_MS) && resource.available > 0 {
        (Sort::Unread, resource.available)
    } else {
        return None;
    };
    let name = resource.name.rsplit('/').next().unwrap_or_default();
    Some(Finding {
        sort,
        of: resource.name.to_string(),
        name: name.to_owned(),
        count,
        oldest_age_ms: age,
        target: None,
    })
}

pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(
        Method::GET,
        "/attention",
        Scope::Read,
        (
            "getAttention",
            "What somebody should look at: dead letters, messages that nobody reads, pushes that fail",
        ),
        show,
    )]
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use futures_util::future::join_all;
    use std::cell::Cell;

    fn finding(sort: Sort, n: u64) -> Finding {
        Finding {
            sort,
            of: format!("arn:{n:05}"),
            name: n.to_string(),
            count: n,
            oldest_age_ms: None,
            target: None,
        }
    }

    #[test]
    fn of_each_sort_the_worst_is_shown_and_the_others_are_counted() {
        let mut found = Found::default();
        for n in 0..500 {
            found.add(finding(Sort::Unread, n));
        }
        found.add(finding(Sort::DeadLetters, 1));
        let view = found.view();
        assert_eq!(view.findings[0].sort, Sort::DeadLetters);
        assert_eq!(view.findings[1].count, 499);
        assert_eq!((view.findings.len(), view.more), (26, 475));
        let mut found = Found::default();
        for n in 0..5 * KEPT_MAX as u64 {
            found.add(finding(Sort::Unread, n));
        }
        assert!(found.by_sort[&Sort::Unread].len() < 2 * KEPT_MAX);
        assert_eq!(found.view().findings[0].count, 5 * KEPT_MAX as u64 - 1);
    }
    #[test]
    fn an_endpoint_that_fails_now_and_then_is_not_told() {
        let pushed = |available| Resource {
            kind: Kind::Subscription,
            name: "projects/p/subscriptions/s".into(),
            shard: 0,
            slot: 0,
            id: 1,
            version: 1,
            spec: Default::default(),
            policy: Default::default(),
            created_at: 0,
            topic: None,
            subscription: None,
            topic_settings: None,
            expires_at: None,
            available,
            outstanding: 0,
            oldest_at: None,
            streams: 0,
            attached: 0,
            traffic: Default::default(),
        };
        assert!(of_subscription(&pushed(1), None, FAILING_MIN - 1).is_none());
        let told = of_subscription(&pushed(1), None, FAILING_MIN).unwrap();
        assert_eq!((told.sort, told.count), (Sort::PushesFail, FAILING_MIN));
        // Nothing is left to push.
        assert!(of_subscription(&pushed(0), None, FAILING_MIN).is_none());
    }

    #[test]
    fn however_many_ask_at_once_one_of_them_looks() {
        const ASKERS: usize = 5;
        let attention = Attention::default();
        let looks = Cell::new(0);
        let ask = || {
            attention.view(async {
                looks.set(looks.get() + 1);
                tokio::task::yield_now().await;
                Ok(AttentionView {
                    at: looks.get(),
                    ..AttentionView::default()
                })
            })
        };
        let asked_at_once = || {
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            let all = join_all((0..ASKERS).map(|_| ask()));
            let all = runtime.unwrap().block_on(all).into_iter();
            all.map(|view| view.unwrap().at).collect::<Vec<_>>()
        };
        // The others wait for the first look, and what it found counts for a while.
        assert_eq!(asked_at_once(), [1; ASKERS]);
        assert_eq!(asked_at_once(), [1; ASKERS]);
        // Of a later one, they don't wait.
        let kept = attention.kept().take();
        *attention.kept() = kept.map(|kept| Kept {
            took: Duration::ZERO,
            at: kept.at.checked_sub(FRESH_FOR).unwrap(),
            ..kept
        });
        assert_eq!(asked_at_once(), [2, 1, 1, 1, 1]);
        assert_eq!(looks.get(), 2);
    }

    #[test]
    fn where_a_look_fails_or_whoever_looked_goes_away_the_next_looks() {
        let attention = Attention::default();
        let failing = async { Err(unanswered(0)) };
        let good = async { Ok(AttentionView::default()) };
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let (never, failed, found) = runtime.unwrap().block_on(async {
            let mut gone = Box::pin(attention.view(std::future::pending()));
            let never = gone.as_mut().now_or_never();
            let mut next = Box::pin(attention.view(failing));
            assert!(next.as_mut().now_or_never().is_none());
            drop(gone);
            (never, next.await, attention.view(good).await)
        });
        assert!(never.is_none());
        assert!(failed.is_err());
        assert!(found.is_ok());
    }
}
