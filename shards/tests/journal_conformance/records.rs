//! Changes, one of each kind.

use lclq_shards::journal::*;
use lclq_shards::moves::{Address, MoveStatus, MoveTask, Transfer};
use lclq_shards::pubsub::{
    DeadLetterSettings, RetrySettings, SchemaRecord, SubscriptionRecord, SubscriptionSettings,
    TopicRecord, TopicSettings,
};
use lclq_shards::{DEDUPLICATION_WINDOW_MS, DedupEntry, Draft, Millis, Payload, QueueName};

pub const NOW: Millis = 1_700_000_000_000;

pub fn reserve(sequence: u64, queue_id: u64) -> Op {
    Op::Reserve { sequence, queue_id }
}

pub fn payload(text: &str) -> Payload {
    Draft {
        id: [7; 16],
        sent_at: NOW,
        body: text.as_bytes(),
        ..Draft::default()
    }
    .build()
}

pub fn name(text: &str) -> QueueName {
    QueueName::new("us-east-1", "000000000000", text)
}

pub fn queue(id: u64, purged_below: u64) -> Op {
    let task = MoveTask {
        id: [3; 16],
        destination: Some(name("elsewhere")),
        messages_per_s_max: Some(20),
        moved: 1,
        to_move: 9,
        started_at: NOW,
        status: MoveStatus::Running,
        failure: Some("why".to_owned()),
    };
    Op::PutQueue(Box::new(QueueRecord {
        id,
        name: name(&format!("q{id}")),
        attributes: Default::default(),
        tags: [("team".to_owned(), "zoë".to_owned())].into(),
        created_at: NOW,
        modified_at: NOW + 1,
        purged_below,
        moves: vec![task],
        dedup_secret: None,
    }))
}

pub fn message(sequence: u64, queue_id: u64) -> MessageRecord {
    MessageRecord {
        sequence,
        queue_id,
        payload: payload(&format!("message {sequence}")),
        available_at: NOW + sequence,
        receive_count: 1,
        base_count: 4,
        first_received_at: NOW + 2,
    }
}

pub fn insert(sequence: u64, queue_id: u64) -> Op {
    Op::Insert(message(sequence, queue_id))
}

pub fn dedup(sequence: u64, queue_id: u64, key: u128) -> Op {
    let entry = DedupEntry {
        message_id: [9; 16],
        sequence,
        expires_at: NOW + DEDUPLICATION_WINDOW_MS + sequence,
    };
    Op::Dedup {
        queue_id,
        key,
        entry,
    }
}

/// A transfer as it is handed over: the lowest number that its source keeps isn't stored.
pub fn transfer(target: u16, number: u64, oldest: u64) -> Op {
    let (to, from) = match number % 3 {
        0 => (Address::Queue(name("to")), Address::Queue(name("from"))),
        1 => {
            let subscription = Address::Subscription {
                subscription: "projects/p/subscriptions/s".into(),
                id: Some(number),
            };
            let topic = "projects/p/topics/dead".into();
            (Address::Topic { topic }, subscription)
        }
        _ => {
            let subscription = "projects/p/subscriptions/old".into();
            let from = Address::Subscription {
                subscription,
                id: None,
            };
            (Address::Queue(name("to")), from)
        }
    };
    Op::OutboxPut(Box::new(Transfer {
        source: 0,
        target,
        number,
        oldest,
        to,
        from,
        payload: payload(&format!("transfer {number}")),
        receive_count: 3,
        first_received_at: NOW,
        task: number.is_multiple_of(2).then_some([5; 16]),
        returned: number % 2 == 1,
    }))
}

pub fn confirmed(target: u16, up_to: u64) -> Op {
    Op::OutboxDelete { target, up_to }
}

pub fn inbox(source: u16, up_to: u64) -> Op {
    Op::Inbox { source, up_to }
}

pub fn topic(id: u64, version: &str) -> Op {
    Op::PutTopic(Box::new(TopicRecord {
        id,
        name: format!("projects/p/topics/t{id}").into(),
        deleted: id % 2 == 1,
        created_at: NOW,
        settings: TopicSettings {
            retention_ms: Some(id * 1000),
        },
        spec: version.as_bytes().into(),
        policy: b"\0policy".as_slice().into(),
    }))
}

pub fn subscription(id: u64, topic_id: u64, version: &str) -> Op {
    let settings = SubscriptionSettings {
        ack_deadline_s: 17,
        ordering: true,
        exactly_once: true,
        filter: "attributes.a = \"b\"".into(),
        retention_ms: 600_000,
        retain_acked: true,
        expiration_ms: None,
        dead_letter: Some(DeadLetterSettings {
            topic: "projects/p/topics/dead".into(),
            attempts_max: 5,
        }),
        retry: Some(RetrySettings {
            backoff_ms_min: 10,
            backoff_ms_max: 600,
        }),
        detached: true,
    };
    Op::PutSubscription(Box::new(SubscriptionRecord {
        id,
        name: format!("projects/p/subscriptions/s{id}").into(),
        topic_id,
        created_at: NOW,
        floor: 12,
        snapshot_expires_at: (id % 2 == 1).then_some(NOW + id),
        settings,
        spec: version.as_bytes().into(),
        policy: b"".as_slice().into(),
    }))
}

pub fn schema(id: u64, version: &str) -> Op {
    Op::PutSchema(Box::new(SchemaRecord {
        id,
        name: format!("projects/p/schemas/c{id}").into(),
        created_at: NOW,
        spec: version.as_bytes().into(),
        policy: b"".as_slice().into(),
    }))
}

pub fn publish(sequence: u64, topic_id: u64) -> Op {
    Op::Publish(PublishedRecord {
        sequence,
        topic_id,
        published_at: NOW + sequence,
        bytes: format!("published {sequence}").into_bytes().into(),
        returned: sequence % 2 == 1,
    })
}

pub fn unpublish(sequence: u64, has_rows: bool) -> Op {
    Op::Unpublish { sequence, has_rows }
}

pub fn delivery(sequence: u64, subscription_id: u64, acked: bool, failures: u32) -> Op {
    Op::Delivery {
        subscription_id,
        sequence,
        acked,
        failures,
    }
}
