//! Topics and their messages, subscriptions, snapshots and schemas as they are kept.

use crate::Millis;
use crate::payload::SharedBytes;
use serde::{Deserialize, Serialize};

/// What the engine acts on of a topic's settings.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct TopicSettings {
    /// How long messages are kept for seeking whether acknowledged or not, ms.
    pub retention_ms: Option<u64>,
}

/// What the engine acts on of a subscription's settings.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SubscriptionSettings {
    /// Lease of a delivery, s.
    pub ack_deadline_s: u32,
    /// Messages with an ordering key are delivered in order.
    pub ordering: bool,
    /// Only the newest delivery of a message can be acknowledged, and an acknowledged message is
    /// not delivered again.
    pub exactly_once: bool,
    /// Only messages that match are delivered; empty for all. Must have been parsed before.
    pub filter: Box<str>,
    /// How long messages are kept, ms.
    pub retention_ms: u64,
    /// Acknowledged messages are kept for seeking.
    pub retain_acked: bool,
    /// Time without use after which the subscription is deleted, ms; `None` for never.
    pub expiration_ms: Option<u64>,
    /// Where messages go that were delivered too often.
    pub dead_letter: Option<DeadLetterSettings>,
    /// Delay of redeliveries; `None` for at once.
    pub retry: Option<RetrySettings>,
    /// Cut off its topic.
    pub detached: bool,
}

impl Default for SubscriptionSettings {
    fn default() -> Self {
        Self {
            ack_deadline_s: 10,
            ordering: false,
            exactly_once: false,
            filter: "".into(),
            retention_ms: 7 * 24 * 60 * 60 * 1000,
            retain_acked: false,
            expiration_ms: Some(31 * 24 * 60 * 60 * 1000),
            dead_letter: None,
            retry: None,
            detached: false,
        }
    }
}

/// A dead-letter policy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DeadLetterSettings {
    /// Name of the topic.
    pub topic: Box<str>,
    /// Deliveries before a message goes there.
    pub attempts_max: u32,
}

/// A retry policy: the delay doubles with each delivery, from the least to the most.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RetrySettings {
    /// Least delay, ms.
    pub backoff_ms_min: u64,
    /// Most delay, ms.
    pub backoff_ms_max: u64,
}

/// A topic as it is kept.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TopicRecord {
    /// Id; never used twice within a shard.
    pub id: u64,
    /// Name.
    pub name: Box<str>,
    /// Deleted, and kept only because subscriptions or snapshots still hold its messages.
    pub deleted: bool,
    /// When it was made, ms since 1970.
    pub created_at: Millis,
    /// The engine's part.
    pub settings: TopicSettings,
    /// The dialect's part; kept beside the record.
    #[serde(skip, default = "empty")]
    pub spec: SharedBytes,
    /// The dialect's access policy; kept beside the record.
    #[serde(skip, default = "empty")]
    pub policy: SharedBytes,
}

/// A subscription or snapshot as it is kept.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SubscriptionRecord {
    /// Id; never used twice within a shard.
    pub id: u64,
    /// Name.
    pub name: Box<str>,
    /// Id of the topic.
    pub topic_id: u64,
    /// When it was made, ms since 1970.
    pub created_at: Millis,
    /// Messages with a smaller sequence number are not its own, or acknowledged.
    pub floor: u64,
    /// When it expires, ms since 1970, if it is a snapshot.
    pub snapshot_expires_at: Option<Millis>,
    /// The engine's part.
    pub settings: SubscriptionSettings,
    /// The dialect's part; kept beside the record.
    #[serde(skip, default = "empty")]
    pub spec: SharedBytes,
    /// The dialect's access policy; kept beside the record.
    #[serde(skip, default = "empty")]
    pub policy: SharedBytes,
}

/// A schema as it is kept; the engine knows no more of it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SchemaRecord {
    /// Id; never used twice within a shard.
    pub id: u64,
    /// Name.
    pub name: Box<str>,
    /// When it was made, ms since 1970.
    pub created_at: Millis,
    /// The dialect's part; kept beside the record.
    #[serde(skip, default = "empty")]
    pub spec: SharedBytes,
    /// The dialect's access policy; kept beside the record.
    #[serde(skip, default = "empty")]
    pub policy: SharedBytes,
}

/// A published message as it is kept.
#[derive(Clone, PartialEq, Debug)]
pub struct PublishedRecord {
    /// Sequence number.
    pub sequence: u64,
    /// Id of its topic.
    pub topic_id: u64,
    /// When it was published, ms since 1970.
    pub published_at: Millis,
    /// `PubsubMessage` in protobuf.
    pub bytes: SharedBytes,
    /// A dead letter that came back to its subscription: the topic does not retain it.
    pub returned: bool,
}

fn empty() -> SharedBytes {
    SharedBytes::from([])
}
