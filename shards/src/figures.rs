//! Figures for operators: what has passed, counted where it passes, and how it is read.

use crate::Millis;
use crate::command::Counts;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering};

/// Adds to a figure that no other thread writes: no locked instruction is needed.
#[inline]
pub fn count(figure: &AtomicU64, more: u64) {
    figure.store(
        figure.load(Ordering::Relaxed).wrapping_add(more),
        Ordering::Relaxed,
    );
}

/// Upper bounds of times, us: from what an answer takes at best to longer than any long poll.
pub const TIME_BOUNDS_US: [u64; 21] = [
    10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000,
    500_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000, 20_000_000, 60_000_000,
];

/// Upper bounds of numbers of things that are dealt with together.
pub const SIZE_BOUNDS: [u64; 14] = [
    1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 16_384,
];

/// Upper bounds of how often a message was received before it was done with.
pub const RECEIVES_BOUNDS: [u64; 8] = [1, 2, 3, 4, 5, 10, 20, 100];

/// Counts of values by their bucket, written by one thread.
#[derive(Debug)]
pub struct Histogram<const N: usize> {
    buckets: [AtomicU64; N],
    above: AtomicU64,
    sum: AtomicU64,
}

impl<const N: usize> Default for Histogram<N> {
    fn default() -> Self {
        Self {
            buckets: std::array::from_fn(|_| AtomicU64::new(0)),
            above: AtomicU64::new(0),
            sum: AtomicU64::new(0),
        }
    }
}

impl<const N: usize> Histogram<N> {
    /// Counts a value. The bounds are the same each time, and ascending.
    #[inline]
    pub fn add(&self, bounds: &[u64; N], value: u64) {
        let bucket = bounds.iter().position(|bound| value <= *bound);
        count(bucket.map_or(&self.above, |at| &self.buckets[at]), 1);
        count(&self.sum, value);
    }

    /// Adds what was counted to `sums`.
    pub fn add_to(&self, sums: &mut Buckets<N>) {
        for (sum, bucket) in sums.counts.iter_mut().zip(&self.buckets) {
            *sum += bucket.load(Ordering::Relaxed);
        }
        sums.above += self.above.load(Ordering::Relaxed);
        sums.sum += self.sum.load(Ordering::Relaxed);
    }
}

/// What a histogram has counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Buckets<const N: usize> {
    /// Values by bucket, not cumulative.
    #[serde(with = "crate::wire::counts")]
    pub counts: [u64; N],
    /// Values above the last bound.
    pub above: u64,
    /// All values together.
    pub sum: u64,
}

impl<const N: usize> Default for Buckets<N> {
    fn default() -> Self {
        Self {
            counts: [0; N],
            above: 0,
            sum: 0,
        }
    }
}

impl<const N: usize> Buckets<N> {
    /// Counts a value, as [`Histogram::add`] does.
    #[inline]
    pub fn add(&mut self, bounds: &[u64; N], value: u64) {
        self.sum += value;
        // Most are here, and then there is nothing to search.
        if value <= bounds[0] {
            self.counts[0] += 1;
            return;
        }
        match bounds.iter().position(|bound| value <= *bound) {
            Some(at) => self.counts[at] += 1,
            None => self.above += 1,
        }
    }

    /// Adds another's counts.
    pub fn add_all(&mut self, other: &Self) {
        for (sum, count) in self.counts.iter_mut().zip(&other.counts) {
            *sum += count;
        }
        self.above += other.above;
        self.sum += other.sum;
    }

    /// For each bound how many values are not above it, and last how many there are in all.
    pub fn cumulative(&self) -> Vec<u64> {
        let mut so_far = 0;
        let counts = self.counts.iter().chain([&self.above]);
        let sums = counts.map(|count| {
            so_far += count;
            so_far
        });
        sums.collect()
    }

    /// Values in all.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum::<u64>() + self.above
    }
}

/// What has passed through a queue, a topic or a subscription, or through all of a shard, since the
/// shard's start.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Traffic {
    /// Messages accepted.
    pub sent: u64,
    /// Their bytes, as they count against limits.
    pub sent_bytes: u64,
    /// Messages given out, each time.
    pub received: u64,
    /// Receives and pulls that were answered with nothing.
    pub empty_receives: u64,
    /// Messages deleted or acknowledged by clients.
    pub deleted: u64,
    /// Messages that clients gave back before their time.
    pub returned: u64,
    /// Leases that ran out.
    pub expired: u64,
    /// Messages that went to a dead-letter queue or topic.
    pub dead_lettered: u64,
}

impl Traffic {
    /// Adds another's figures.
    pub fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.sent_bytes += other.sent_bytes;
        self.received += other.received;
        self.empty_receives += other.empty_receives;
        self.deleted += other.deleted;
        self.returned += other.returned;
        self.expired += other.expired;
        self.dead_lettered += other.dead_lettered;
    }
}

/// Requests that a shard has refused for a limit, since its start.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Throttles {
    /// There was no memory for a message.
    pub memory: u64,
    /// A queue had as many messages in flight as it may.
    pub in_flight: u64,
    /// As many calls waited or streams were open as may be.
    pub waiting: u64,
}

/// Counts over a shard.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ShardStats {
    /// Queues.
    pub queues: u64,
    /// Topics.
    pub topics: u64,
    /// Subscriptions and snapshots.
    pub subscriptions: u64,
    /// Messages of all queues by state.
    pub messages: Counts,
    /// Bytes that messages take in memory.
    pub resident_bytes: u64,
    /// Long polls that wait.
    pub waiters: u64,
    /// Messages accepted since the start.
    pub sent: u64,
    /// Messages given out since the start.
    pub received: u64,
    /// Messages deleted by clients since the start.
    pub deleted: u64,
    /// Messages dead-lettered since the start.
    pub dead_lettered: u64,
    /// Messages dropped for age or for room since the start.
    pub dropped: u64,
    /// What has passed through queues since the start, those that are gone included.
    pub sqs: Traffic,
    /// What has passed through topics and subscriptions since the start.
    pub pubsub: Traffic,
    /// How often messages of queues were received before clients deleted them.
    pub sqs_receives: Buckets<{ RECEIVES_BOUNDS.len() }>,
    /// How often messages of subscriptions were delivered before clients acknowledged them.
    pub pubsub_receives: Buckets<{ RECEIVES_BOUNDS.len() }>,
    /// Messages of all subscriptions that are neither acknowledged nor leased.
    pub available: u64,
    /// Messages of all subscriptions that are leased.
    pub outstanding: u64,
    /// Message groups of queues that have messages.
    pub groups: u64,
    /// Ordering keys of subscriptions that have messages.
    pub keys: u64,
    /// Open streams.
    pub streams: u64,
    /// Requests refused for a limit since the start.
    pub throttles: Throttles,
}

impl ShardStats {
    /// Adds another shard's.
    pub fn add(&mut self, other: &Self) {
        self.queues += other.queues;
        self.topics += other.topics;
        self.subscriptions += other.subscriptions;
        self.messages.visible += other.messages.visible;
        self.messages.in_flight += other.messages.in_flight;
        self.messages.delayed += other.messages.delayed;
        self.resident_bytes += other.resident_bytes;
        self.waiters += other.waiters;
        self.sent += other.sent;
        self.received += other.received;
        self.deleted += other.deleted;
        self.dead_lettered += other.dead_lettered;
        self.dropped += other.dropped;
        self.sqs.add(&other.sqs);
        self.pubsub.add(&other.pubsub);
        self.sqs_receives.add_all(&other.sqs_receives);
        self.pubsub_receives.add_all(&other.pubsub_receives);
        self.available += other.available;
        self.outstanding += other.outstanding;
        self.groups += other.groups;
        self.keys += other.keys;
        self.streams += other.streams;
        self.throttles.memory += other.throttles.memory;
        self.throttles.in_flight += other.throttles.in_flight;
        self.throttles.waiting += other.throttles.waiting;
    }
}

/// What has figures of its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum FiguresOf {
    /// Queues.
    Queues,
    /// Topics.
    Topics,
    /// Subscriptions, without snapshots.
    Subscriptions,
}

/// Figures of one queue, topic or subscription.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ResourceFigures {
    /// A queue's ARN, or the full name of a topic or a subscription.
    pub id: Box<str>,
    /// Messages by state. A subscription's visible ones are those that are neither acknowledged nor
    /// leased; a topic has none.
    pub counts: Counts,
    /// Memory that a queue's messages take; nothing of topics and subscriptions, which share theirs.
    pub bytes: u64,
    /// When its oldest message came that is neither deleted nor acknowledged, ms since 1970.
    pub oldest_at: Option<Millis>,
    /// Message groups or ordering keys that have messages; a topic's subscriptions.
    pub groups: u64,
    /// Open streams.
    pub streams: u64,
    /// What has passed.
    pub traffic: Traffic,
}

/// Some figures, in order of key.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
pub struct FiguresPage {
    /// The figures.
    pub figures: Vec<ResourceFigures>,
    /// After which key the next page begins, if there may be more.
    pub next: Option<Box<str>>,
}
