//! The texts in which records are kept. A journal of any earlier version has to load: what changes
//! these texts needs a migration, or a default for what is missing.

use super::QueueRecord;
use super::sqlite::Envelope;
use crate::QueueName;
use crate::attributes::QueueAttribute;
use crate::moves::{Address, MoveStatus, MoveTask};
use crate::pubsub::{
    DeadLetterSettings, RetrySettings, SchemaRecord, SubscriptionRecord, SubscriptionSettings,
    TopicRecord, TopicSettings,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// `record` is written as `text`, and read from it.
#[track_caller]
fn golden<T: Serialize + DeserializeOwned + PartialEq + Debug>(record: &T, text: &str) {
    assert_eq!(serde_json::to_string(record).unwrap(), text);
    assert_eq!(&serde_json::from_str::<T>(text).unwrap(), record);
}

fn name(name: &str) -> QueueName {
    QueueName::new("us-east-1", "000000000000", name)
}

#[test]
fn queues() {
    let statuses = [
        MoveStatus::Running,
        MoveStatus::Completed,
        MoveStatus::Cancelled,
        MoveStatus::Failed,
    ];
    let task = |status| MoveTask {
        id: [1; 16],
        destination: Some(name("d")),
        messages_per_s_max: Some(5),
        moved: 1,
        to_move: 2,
        started_at: 3,
        status,
        failure: None,
    };
    let all = QueueAttribute::ALL.iter();
    let record = QueueRecord {
        id: 1,
        name: name("q"),
        attributes: all.map(|which| (*which, "v".to_owned())).collect(),
        tags: [("k".to_owned(), "v".to_owned())].into(),
        created_at: 4,
        modified_at: 5,
        purged_below: 6,
        moves: statuses.into_iter().map(task).collect(),
        dedup_secret: None,
    };
    golden(&record, include_str!("golden/queue.json").trim_end());
}

#[test]
fn transfers() {
    let addresses = [
        Address::Queue(name("q")),
        Address::Topic {
            topic: "projects/p/topics/t".into(),
        },
        Address::Subscription {
            subscription: "projects/p/subscriptions/s".into(),
            id: Some(9),
        },
    ];
    let envelopes: Vec<Envelope> = addresses
        .into_iter()
        .map(|to| Envelope {
            to,
            from: Address::Queue(name("from")),
            task: Some([2; 16]),
            returned: true,
        })
        .collect();
    golden(&envelopes, include_str!("golden/envelopes.json").trim_end());
    // As journals had it before ids were noted.
    let old = r#"{"subscription":"projects/p/subscriptions/s"}"#;
    let address: Address = serde_json::from_str(old).unwrap();
    assert!(matches!(address, Address::Subscription { id: None, .. }));
}

#[test]
fn topics() {
    let bytes = |bytes: &[u8]| bytes.into();
    golden(
        &TopicRecord {
            id: 1,
            name: "projects/p/topics/t".into(),
            deleted: true,
            created_at: 2,
            settings: TopicSettings {
                retention_ms: Some(3),
            },
            spec: bytes(b""),
            policy: bytes(b""),
        },
        include_str!("golden/topic.json").trim_end(),
    );
    golden(
        &SubscriptionRecord {
            id: 1,
            name: "projects/p/subscriptions/s".into(),
            topic_id: 2,
            created_at: 3,
            floor: 4,
            snapshot_expires_at: Some(5),
            settings: SubscriptionSettings {
                ack_deadline_s: 6,
                ordering: true,
                exactly_once: true,
                filter: "hasPrefix(attributes.a, \"b\")".into(),
                retention_ms: 7,
                retain_acked: true,
                expiration_ms: Some(8),
                dead_letter: Some(DeadLetterSettings {
                    topic: "projects/p/topics/d".into(),
                    attempts_max: 9,
                }),
                retry: Some(RetrySettings {
                    backoff_ms_min: 10,
                    backoff_ms_max: 11,
                }),
                detached: true,
            },
            spec: bytes(b""),
            policy: bytes(b""),
        },
        include_str!("golden/subscription.json").trim_end(),
    );
    golden(
        &SchemaRecord {
            id: 1,
            name: "projects/p/schemas/s".into(),
            created_at: 2,
            spec: bytes(b""),
            policy: bytes(b""),
        },
        include_str!("golden/schema.json").trim_end(),
    );
}
