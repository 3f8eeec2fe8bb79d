//! Series of single queues, topics and subscriptions, and of what is left over.

use super::families::{self, Family};
use super::pace::Pace;
use super::text::{Text, labels};
use super::{Metrics, Scrape};
use crate::admin::answers::{AdminError, AdminResult};
use crate::mesh::Mesh;
use crate::pubsub::push::PushOutcome;
use lclq_shards::Millis;
use lclq_shards::command::{Command, QueueCommand, Reply};
use lclq_shards::figures::{FiguresOf, RECEIVES_BOUNDS, ResourceFigures, Traffic};

/// Figures that a shard is asked for at a time: it takes some tens of microseconds.
const SLICE_FIGURES_MAX: usize = 100;
/// Series that are written before the pace is looked at.
pub(super) const STEP_SERIES_MAX: usize = 64;
/// What a sum is called. No queue, topic or subscription can have the name.
const OTHERS: &str = "(others)";

/// A queue, topic or subscription with series of its own.
pub(super) struct Shown {
    pub figures: ResourceFigures,
    /// Its labels as messages' and queues' families have them, written.
    labels: String,
    /// The same as subscriptions' families have them.
    subscription_labels: String,
}

impl Shown {
    /// The last part of its id.
    pub fn name(&self) -> &str {
        let id = &*self.figures.id;
        id.rsplit(['/', ':']).next().unwrap_or(id)
    }

    fn labels(&self, family: &Family) -> &str {
        if family.labels[0] == families::SUBSCRIPTION_BACKLOG.labels[0] {
            &self.subscription_labels
        } else {
            &self.labels
        }
    }
}

/// Those of one kind.
#[derive(Default)]
pub(super) struct Resources {
    pub shown: Vec<Shown>,
    /// There are others.
    pub has_others: bool,
}

impl Resources {
    /// Reads the figures of at most `most`. `counts` says how many there are by shard.
    pub async fn read(
        mesh: &Mesh,
        of: FiguresOf,
        counts: &[u64],
        most: usize,
        pace: &mut Pace<'_>,
    ) -> AdminResult<Self> {
        let mut read = Self::default();
        for (shard, quota) in quotas(counts, most).into_iter().enumerate() {
            // One more tells whether there are others.
            let mut left = quota + 1;
            let mut after = None;
            while left > 0 {
                let command = QueueCommand::Figures {
                    of,
                    after: after.take(),
                    figures_max: left.min(SLICE_FIGURES_MAX),
                };
                let command = Command::Queue(Box::new(command));
                let Reply::Figures(page) = mesh.call(shard as u16, command).await else {
                    return Err(AdminError::unavailable(format!(
                        "shard {shard} does not answer"
                    )));
                };
                left -= page.figures.len();
                for figures in page.figures {
                    read.shown.push(Shown::new(of, figures));
                }
                pace.step().await;
                match page.next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
            if left == 0 {
                read.has_others = true;
                read.shown.pop();
            }
        }
        Ok(read)
    }
}

impl Shown {
    pub(super) fn new(of: FiguresOf, figures: ResourceFigures) -> Self {
        let mut shown = Self {
            figures,
            labels: String::new(),
            subscription_labels: String::new(),
        };
        let written = |family: &Family, shown: &Self| {
            let mut written = String::with_capacity(128);
            let values = [&*shown.figures.id, shown.name()];
            labels(&mut written, family.labels, &values);
            written
        };
        shown.labels = written(&families::SENT, &shown);
        if of == FiguresOf::Subscriptions {
            shown.subscription_labels = written(&families::SUBSCRIPTION_BACKLOG, &shown);
        }
        shown
    }
}

/// How many of each shard's are shown: equal shares, and what one doesn't need goes to the others.
fn quotas(counts: &[u64], most: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_unstable_by_key(|shard| counts[*shard]);
    let mut quotas = vec![0; counts.len()];
    let mut left = most;
    for (at, shard) in order.into_iter().enumerate() {
        let share = left / (counts.len() - at);
        quotas[shard] = share.min(usize::try_from(counts[shard]).unwrap_or(usize::MAX));
        left -= quotas[shard];
    }
    quotas
}

/// Writes one series for each of some, and one for the others where `all` says what all have
/// together.
async fn each(
    text: &mut Text,
    pace: &mut Pace<'_>,
    family: &'static Family,
    resources: &Resources,
    rest: &[&str],
    value: impl Fn(&ResourceFigures) -> f64,
    all: Option<u64>,
) {
    let mut others = all.map(|all| all as f64);
    for (at, shown) in resources.shown.iter().enumerate() {
        let value = value(&shown.figures);
        text.sample_of(shown.labels(family), rest, value);
        others = others.map(|others| others - value);
        if at % STEP_SERIES_MAX == 0 {
            pace.step().await;
        }
    }
    if let Some(others) = others.filter(|_| resources.has_others) {
        let mut values = vec![OTHERS, OTHERS];
        values.extend(rest);
        // The sums of shards and the figures of single queues are not of the same moment.
        text.sample(&values, others.max(0.0));
    }
}

/// What a family shows of traffic.
type OfTraffic = (&'static Family, fn(&Traffic) -> u64);

/// Messages by queue, topic and subscription.
pub(super) async fn messages(scrape: &Scrape, text: &mut Text, pace: &mut Pace<'_>) {
    let (sqs, pubsub) = (&scrape.totals.sqs, &scrape.totals.pubsub);
    let of_topics: [OfTraffic; 2] = [
        (&families::SENT, |traffic| traffic.sent),
        (&families::SENT_BYTES, |traffic| traffic.sent_bytes),
    ];
    let of_subscriptions: [OfTraffic; 5] = [
        (&families::RECEIVED, |traffic| traffic.received),
        (&families::EMPTY_RECEIVES, |traffic| traffic.empty_receives),
        (&families::DELETED, |traffic| traffic.deleted),
        (&families::RETURNED, |traffic| traffic.returned),
        (&families::EXPIRED, |traffic| traffic.expired),
    ];
    let with = |resources, families: &[OfTraffic]| -> Vec<(OfTraffic, &Resources)> {
        families.iter().map(|family| (*family, resources)).collect()
    };
    let topics = with(&scrape.topics, &of_topics);
    let subscriptions = with(&scrape.subscriptions, &of_subscriptions);
    for ((family, count), resources) in topics.into_iter().chain(subscriptions) {
        text.family(family);
        let value = |figures: &ResourceFigures| count(&figures.traffic) as f64;
        let queues = &scrape.queues;
        each(
            text,
            pace,
            family,
            queues,
            &["sqs"],
            value,
            Some(count(sqs)),
        )
        .await;
        let all = Some(count(pubsub));
        each(text, pace, family, resources, &["pubsub"], value, all).await;
    }
    text.family(&families::TO_DLQ);
    let value = |figures: &ResourceFigures| figures.traffic.dead_lettered as f64;
    // Both sums would be one series: that of subscriptions has what is left of both.
    let all = scrape.totals.dead_lettered;
    let has_others = scrape.queues.has_others || scrape.subscriptions.has_others;
    for resources in [&scrape.queues, &scrape.subscriptions] {
        each(text, pace, &families::TO_DLQ, resources, &[], value, None).await;
    }
    if has_others {
        let both = scrape
            .queues
            .shown
            .iter()
            .chain(&scrape.subscriptions.shown);
        let shown: u64 = both.map(|shown| shown.figures.traffic.dead_lettered).sum();
        text.sample(&[OTHERS, OTHERS], all.saturating_sub(shown) as f64);
    }
    text.family(&families::DROPPED);
    text.sample(&[], scrape.totals.dropped as f64);
    text.family(&families::RECEIVES);
    let totals = &scrape.totals;
    for (dialect, receives) in [
        ("sqs", &totals.sqs_receives),
        ("pubsub", &totals.pubsub_receives),
    ] {
        text.histogram(&[dialect], receives, &RECEIVES_BOUNDS, 1.0);
    }
}

/// Seconds since a time; 0 where there is none.
pub(super) fn age_s(now: Millis, at: Option<Millis>) -> f64 {
    at.map_or(0.0, |at| now.saturating_sub(at) as f64 / 1000.0)
}

/// What queues hold.
pub(super) async fn queues(scrape: &Scrape, text: &mut Text, pace: &mut Pace<'_>) {
    type Gauge = (&'static Family, fn(&ResourceFigures) -> u64, u64);
    let all = &scrape.totals;
    let gauges: [Gauge; 4] = [
        (
            &families::QUEUE_DEPTH,
            |figures| figures.counts.visible,
            all.messages.visible,
        ),
        (
            &families::IN_FLIGHT,
            |figures| figures.counts.in_flight,
            all.messages.in_flight,
        ),
        (
            &families::DELAYED,
            |figures| figures.counts.delayed,
            all.messages.delayed,
        ),
        (&families::GROUPS, |figures| figures.groups, all.groups),
    ];
    for (family, value, all) in gauges {
        text.family(family);
        let value = |figures: &ResourceFigures| value(figures) as f64;
        each(text, pace, family, &scrape.queues, &[], value, Some(all)).await;
    }
    text.family(&families::OLDEST_AGE);
    let age = |figures: &ResourceFigures| age_s(scrape.now, figures.oldest_at);
    let queues = &scrape.queues;
    each(text, pace, &families::OLDEST_AGE, queues, &[], age, None).await;
}

/// What subscriptions hold and do.
pub(super) async fn subscriptions(
    metrics: &Metrics,
    scrape: &Scrape,
    text: &mut Text,
    pace: &mut Pace<'_>,
) {
    type Figure = (&'static Family, fn(&ResourceFigures) -> u64, u64);
    let all = &scrape.totals;
    let figures: [Figure; 6] = [
        (
            &families::SUBSCRIPTION_BACKLOG,
            |figures| figures.counts.visible + figures.counts.in_flight,
            all.available + all.outstanding,
        ),
        (
            &families::SUBSCRIPTION_OUTSTANDING,
            |figures| figures.counts.in_flight,
            all.outstanding,
        ),
        (
            &families::SUBSCRIPTION_KEYS,
            |figures| figures.groups,
            all.keys,
        ),
        (
            &families::SUBSCRIPTION_STREAMS,
            |figures| figures.streams,
            all.streams,
        ),
        (
            &families::SUBSCRIPTION_ACKS,
            |figures| figures.traffic.deleted,
            all.pubsub.deleted,
        ),
        (
            &families::SUBSCRIPTION_NACKS,
            |figures| figures.traffic.returned,
            all.pubsub.returned,
        ),
    ];
    let shown = &scrape.subscriptions;
    for (family, value, all) in figures {
        text.family(family);
        let value = |figures: &ResourceFigures| value(figures) as f64;
        each(text, pace, family, shown, &[], value, Some(all)).await;
    }
    text.family(&families::SUBSCRIPTION_OLDEST_AGE);
    let age = |figures: &ResourceFigures| age_s(scrape.now, figures.oldest_at);
    let family = &families::SUBSCRIPTION_OLDEST_AGE;
    each(text, pace, family, shown, &[], age, None).await;
    let Some(pubsub) = &metrics.pubsub else {
        return;
    };
    text.family(&families::SUBSCRIPTION_PUSHES);
    for (at, shown) in shown.shown.iter().enumerate() {
        if let Some(pushed) = pubsub.push_seen().seen(&shown.figures.id) {
            for outcome in PushOutcome::ALL {
                let count = pushed[outcome as usize] as f64;
                let labels = shown.labels(&families::SUBSCRIPTION_PUSHES);
                text.sample_of(labels, &[outcome.name()], count);
            }
        }
        if at % STEP_SERIES_MAX == 0 {
            pace.step().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::quotas;

    #[test]
    fn what_a_shard_does_not_need_goes_to_the_others() {
        assert_eq!(quotas(&[5, 100, 100], 65), [5, 30, 30]);
        assert_eq!(quotas(&[0, 3], 10), [0, 3]);
        assert_eq!(quotas(&[9, 9, 9], 7).iter().sum::<usize>(), 7);
        assert_eq!(quotas(&[4, 4], 0), [0, 0]);
    }
}
