//! What a profile has happen, and how often.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest time that anything is put off, ms.
const DELAY_MS_MAX: u64 = 600_000;
/// Messages that a receive may be drawn from beyond those it asks for, at most.
const DEPTH_MAX: u8 = 100;

/// How a server behaves that is busy, far away and made of many.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProfileSettings {
    /// What chance begins with: the same requests to a queue or a subscription, in the same order,
    /// suffer the same.
    pub seed: u64,
    /// Standard queues, and quotas of FIFO queues.
    pub sqs: SqsProfile,
    /// Topics and subscriptions.
    pub pubsub: PubsubProfile,
}

/// What happens to SQS. Shares are from 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SqsProfile {
    /// The share of received messages that are given out again although they are in flight.
    pub duplicated: f64,
    /// The share of deleted messages that come once more.
    pub back_after_delete: f64,
    /// The time within which such a message comes again, ms.
    pub again_ms_max: u64,
    /// The share of receives whose messages are drawn from further on in the queue.
    pub reordered: f64,
    /// How many more messages they are drawn from.
    pub reorder_depth: u8,
    /// The share of receives that get fewer messages than they could.
    pub fewer: f64,
    /// The share of short polls that find nothing, whatever there is.
    pub empty: f64,
    /// How old the counts of messages may be that a queue's attributes tell, ms.
    pub stale_counts_ms_max: u64,
    /// The time that a purge takes at most, ms.
    pub purge_ms_max: u64,
    /// The time that it takes at most until a deleted queue is gone, ms.
    pub delete_queue_ms_max: u64,
    /// Requests of each kind (sending, receiving, deleting, changing) that a FIFO queue takes per
    /// second.
    pub fifo_requests_per_s: u32,
    /// The same of a FIFO queue of high throughput.
    pub fifo_high_throughput_requests_per_s: u32,
}

impl Default for SqsProfile {
    fn default() -> Self {
        Self {
            duplicated: 0.02,
            back_after_delete: 0.01,
            again_ms_max: 2_000,
            reordered: 0.3,
            reorder_depth: 10,
            fewer: 0.3,
            empty: 0.1,
            stale_counts_ms_max: 60_000,
            purge_ms_max: 60_000,
            delete_queue_ms_max: 60_000,
            fifo_requests_per_s: 300,
            fifo_high_throughput_requests_per_s: 18_000,
        }
    }
}

/// What happens to Pub/Sub. Shares are from 0 to 1. Subscriptions with exactly-once delivery get
/// nothing twice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PubsubProfile {
    /// The share of deliveries (of one message or many) that are made again, all of one at once,
    /// although the messages are leased.
    pub duplicated: f64,
    /// The share of requests whose acknowledgements are lost: what they acknowledge comes again.
    pub acknowledgements_lost: f64,
    /// The time within which messages come again, ms.
    pub again_ms_max: u64,
    /// The share of pulls that get fewer messages than they could.
    pub fewer: f64,
    /// The share of pulls that don't wait and find nothing, whatever there is.
    pub empty: f64,
    /// Requests that make, change, read or delete resources, of a project and in a minute.
    pub admin_requests_per_minute: u32,
}

impl Default for PubsubProfile {
    fn default() -> Self {
        Self {
            duplicated: 0.02,
            acknowledgements_lost: 0.01,
            again_ms_max: 2_000,
            fewer: 0.3,
            empty: 0.1,
            admin_requests_per_minute: 6_000,
        }
    }
}

impl ProfileSettings {
    /// What is wrong with it, by key.
    pub fn check(&self) -> Result<(), String> {
        let (sqs, pubsub) = (&self.sqs, &self.pubsub);
        for (key, share) in [
            ("sqs.duplicated", sqs.duplicated),
            ("sqs.back_after_delete", sqs.back_after_delete),
            ("sqs.reordered", sqs.reordered),
            ("sqs.fewer", sqs.fewer),
            ("sqs.empty", sqs.empty),
            ("pubsub.duplicated", pubsub.duplicated),
            ("pubsub.acknowledgements_lost", pubsub.acknowledgements_lost),
            ("pubsub.fewer", pubsub.fewer),
            ("pubsub.empty", pubsub.empty),
        ] {
            if !(0.0..=1.0).contains(&share) {
                return Err(format!("{key}: {share} is not between 0 and 1"));
            }
        }
        for (key, ms) in [
            ("sqs.again_ms_max", sqs.again_ms_max),
            ("sqs.stale_counts_ms_max", sqs.stale_counts_ms_max),
            ("sqs.purge_ms_max", sqs.purge_ms_max),
            ("sqs.delete_queue_ms_max", sqs.delete_queue_ms_max),
            ("pubsub.again_ms_max", pubsub.again_ms_max),
        ] {
            if ms > DELAY_MS_MAX {
                return Err(format!("{key}: {ms} is more than {DELAY_MS_MAX}"));
            }
        }
        if sqs.reorder_depth > DEPTH_MAX {
            return Err(format!("sqs.reorder_depth: more than {DEPTH_MAX}"));
        }
        for (key, rate) in [
            ("sqs.fifo_requests_per_s", sqs.fifo_requests_per_s),
            (
                "sqs.fifo_high_throughput_requests_per_s",
                sqs.fifo_high_throughput_requests_per_s,
            ),
            (
                "pubsub.admin_requests_per_minute",
                pubsub.admin_requests_per_minute,
            ),
        ] {
            if rate == 0 {
                return Err(format!("{key}: 1 or more"));
            }
        }
        Ok(())
    }
}
