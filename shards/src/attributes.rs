//! Queue attributes: their names, defaults, and the typed form that the engine works with.
//!
//! Values arrive validated and in canonical text (`30`, `true`); what is wrong with a client's text
//! is the dialect's business to say.

use crate::{Millis, QueueName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

macro_rules! queue_attributes {
    ($($(#[$doc:meta])* $variant:ident = $default:expr;)*) => {
        /// An attribute that a client can set on a queue.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        pub enum QueueAttribute { $($(#[$doc])* $variant,)* }

        impl QueueAttribute {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name on the wire.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant),)* }
            }

            /// The value that a queue has when none was set; `None` where there is no value then.
            pub fn default_value(self) -> Option<&'static str> {
                match self { $(Self::$variant => $default,)* }
            }

            /// Looks a name up.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $(stringify!($variant) => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

queue_attributes! {
    /// 0-43200 s.
    VisibilityTimeout = Some("30");
    /// 1024-1048576 bytes.
    MaximumMessageSize = Some("1048576");
    /// 60-1209600 s.
    MessageRetentionPeriod = Some("345600");
    /// 0-900 s.
    DelaySeconds = Some("0");
    /// 0-20 s.
    ReceiveMessageWaitTimeSeconds = Some("0");
    /// Key id; stored only.
    KmsMasterKeyId = None;
    /// 60-86400 s; stored only.
    KmsDataKeyReusePeriodSeconds = None;
    /// Boolean; stored only.
    SqsManagedSseEnabled = Some("true");
    /// JSON with deadLetterTargetArn and maxReceiveCount.
    RedrivePolicy = None;
    /// JSON with redrivePermission and sourceQueueArns.
    RedriveAllowPolicy = None;
    /// Boolean, fixed at creation.
    FifoQueue = None;
    /// Boolean; FIFO only.
    ContentBasedDeduplication = None;
    /// `queue` or `messageGroup`; FIFO only.
    DeduplicationScope = None;
    /// `perQueue` or `perMessageGroupId`; FIFO only.
    FifoThroughputLimit = None;
    /// JSON; stored only.
    Policy = None;
}

/// Attributes that were set, in canonical text.
pub type AttributeMap = BTreeMap<QueueAttribute, String>;

/// Where messages go that were received too often.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Redrive {
    /// The dead-letter queue.
    pub target: QueueName,
    /// A message received this many times goes there instead of out a further time.
    pub max_receive_count: u32,
}

/// The attributes that decide how a queue behaves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueueConfig {
    /// FIFO rather than standard.
    pub fifo: bool,
    /// Deduplicate by the body's SHA-256 where a message names no deduplication id.
    pub content_based_deduplication: bool,
    /// Deduplicate within a message group rather than within the queue.
    pub deduplicate_per_group: bool,
    /// Lease of a received message, seconds.
    pub visibility_timeout_s: u32,
    /// Largest message, bytes of body and attributes.
    pub message_bytes_max: u32,
    /// Messages older than this are dropped, seconds.
    pub retention_s: u32,
    /// Delay of a message that names none, seconds.
    pub delay_s: u32,
    /// Wait of a receive that names none, seconds.
    pub receive_wait_s: u32,
    /// Dead-lettering, if set.
    pub redrive: Option<Redrive>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RedrivePolicyText {
    dead_letter_target_arn: String,
    max_receive_count: serde_json::Value,
}

/// Receives of a message before it goes to a dead-letter queue, at most.
pub const RECEIVE_COUNT_MAX: u64 = 1000;

/// Reads a RedrivePolicy value; the count may be a number or a string of digits, 1 to
/// [`RECEIVE_COUNT_MAX`].
pub fn parse_redrive_policy(text: &str) -> Option<Redrive> {
    let policy: RedrivePolicyText = serde_json::from_str(text).ok()?;
    let max_receive_count = match &policy.max_receive_count {
        serde_json::Value::Number(number) => number.as_u64()?,
        serde_json::Value::String(text) => text.parse().ok()?,
        _ => return None,
    };
    (1..=RECEIVE_COUNT_MAX)
        .contains(&max_receive_count)
        .then_some(())?;
    Some(Redrive {
        target: QueueName::from_arn(&policy.dead_letter_target_arn)?,
        max_receive_count: max_receive_count as u32,
    })
}

impl QueueConfig {
    /// When a FIFO queue gives out a message for the first time. Its delay is the queue's alone, and
    /// the one of now: a change acts on the messages that are there. Source: the service's
    /// documentation of DelaySeconds.
    pub(crate) fn fifo_available_at(&self, sent_at: Millis) -> Millis {
        sent_at + Millis::from(self.delay_s) * 1000
    }

    /// Reads the typed form. Text that the dialect should have refused counts as not set.
    pub fn derive(attributes: &AttributeMap) -> Self {
        use QueueAttribute::*;
        let text = |which: QueueAttribute| {
            attributes
                .get(&which)
                .map(String::as_str)
                .or(which.default_value())
        };
        let number = |which| {
            text(which)
                .and_then(|text| text.parse::<u32>().ok())
                .unwrap_or(0)
        };
        let is = |which, value| text(which) == Some(value);
        Self {
            fifo: is(FifoQueue, "true"),
            content_based_deduplication: is(ContentBasedDeduplication, "true"),
            deduplicate_per_group: is(DeduplicationScope, "messageGroup"),
            visibility_timeout_s: number(VisibilityTimeout),
            message_bytes_max: number(MaximumMessageSize),
            retention_s: number(MessageRetentionPeriod),
            delay_s: number(DelaySeconds),
            receive_wait_s: number(ReceiveMessageWaitTimeSeconds),
            redrive: attributes
                .get(&RedrivePolicy)
                .and_then(|text| parse_redrive_policy(text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn defaults_are_those_of_the_service() {
        let config = QueueConfig::derive(&AttributeMap::new());
        assert_eq!(config.visibility_timeout_s, 30);
        assert_eq!(config.message_bytes_max, 1_048_576);
        assert_eq!(config.retention_s, 345_600);
        assert!(!config.fifo && config.redrive.is_none());
    }

    #[test]
    fn redrive_counts_are_numbers_or_digits() {
        for count in ["3", "\"3\""] {
            let text = format!(
                r#"{{"deadLetterTargetArn":"arn:aws:sqs:r:1:dlq","maxReceiveCount":{count}}}"#
            );
            let redrive = parse_redrive_policy(&text).unwrap();
            assert_eq!(
                (redrive.max_receive_count, &*redrive.target.name),
                (3, "dlq")
            );
        }
        for count in ["0", "1001", "-1", "1.5", "null", "\"x\""] {
            let text = format!(
                r#"{{"deadLetterTargetArn":"arn:aws:sqs:r:1:dlq","maxReceiveCount":{count}}}"#
            );
            assert_eq!(parse_redrive_policy(&text), None, "{count}");
        }
    }

    proptest! {
        #[test]
        fn no_redrive_policy_panics(text in ".{0,80}") {
            let _ = parse_redrive_policy(&text);
        }
    }
}
