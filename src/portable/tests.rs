//! Lines there and back, and lines that nobody wrote.

use super::{Framer, Line, Unframer, to_line};
use lclq_shards::attributes::QueueAttribute;
use lclq_shards::journal::QueueRecord;
use lclq_shards::moves::{Address, MoveStatus, MoveTask, Transfer};
use lclq_shards::portable::{Holder, Piece, PortableMessage, PortablePublished};
use lclq_shards::pubsub::{
    DeadLetterSettings, RetrySettings, SchemaRecord, SubscriptionRecord, SubscriptionSettings,
    TopicRecord, TopicSettings,
};
use lclq_shards::{DedupEntry, Draft, Payload, QueueName, Section};
use md5::{Digest, Md5};
use proptest::prelude::*;
use serde_json::{Value, json};

fn name(name: &str) -> QueueName {
    QueueName::new("us-east-1", "000000000000", name)
}

fn payload(body: &[u8]) -> Payload {
    Draft {
        id: [7; 16],
        body_md5: Md5::digest(body).into(),
        sent_at: 1_700_000_000_123,
        body,
        sections: [
            (Section::Group, &b"group"[..]),
            (Section::Deduplication, b"id"),
            (Section::Trace, b"Root=1"),
            (Section::DeadLetterSource, b"arn:aws:sqs:r:1:q"),
            (Section::AttributesMd5, &[1; 16]),
            (Section::Attributes, &[0, 255, 3]),
            (Section::SystemAttributesMd5, &[2; 16]),
        ]
        .into_iter()
        .collect(),
    }
    .build()
}

fn one_of_each() -> Vec<Piece> {
    let settings = SubscriptionSettings {
        filter: "attributes.a = \"b\"".into(),
        dead_letter: Some(DeadLetterSettings {
            topic: "projects/p/topics/dead".into(),
            attempts_max: 5,
        }),
        retry: Some(RetrySettings {
            backoff_ms_min: 10_000,
            backoff_ms_max: 600_000,
        }),
        ..Default::default()
    };
    let message = |body: &[u8]| PortableMessage {
        sequence: 5,
        payload: payload(body),
        available_at: 6,
        in_flight_until: 7,
        receive_count: 8,
        base_count: 3,
        first_received_at: 9,
    };
    vec![
        Piece::Queue(Box::new(QueueRecord {
            id: 1,
            name: name("q.fifo"),
            attributes: [(QueueAttribute::FifoQueue, "true".to_owned())].into(),
            tags: [("k".to_owned(), "v".to_owned())].into(),
            created_at: 1,
            modified_at: 2,
            purged_below: 3,
            moves: vec![MoveTask {
                id: [3; 16],
                destination: Some(name("d")),
                messages_per_s_max: Some(5),
                moved: 1,
                to_move: 2,
                started_at: 3,
                status: MoveStatus::Running,
                failure: None,
            }],
            dedup_secret: Some([4; 16]),
        })),
        Piece::Topic(Box::new(TopicRecord {
            id: 2,
            name: "projects/p/topics/tea".into(),
            deleted: false,
            created_at: 3,
            settings: TopicSettings {
                retention_ms: Some(600_000),
            },
            spec: b"spec\xff"[..].into(),
            policy: b"policy"[..].into(),
        })),
        Piece::Subscription(Box::new(SubscriptionRecord {
            id: 3,
            name: "projects/p/subscriptions/sub".into(),
            topic_id: 2,
            created_at: 4,
            floor: 5,
            snapshot_expires_at: None,
            settings,
            spec: b"s"[..].into(),
            policy: b""[..].into(),
        })),
        Piece::Schema(Box::new(SchemaRecord {
            id: 4,
            name: "projects/p/schemas/shape".into(),
            created_at: 5,
            spec: b"s"[..].into(),
            policy: b"p"[..].into(),
        })),
        Piece::Dedup {
            queue_id: 1,
            key: 77,
            entry: DedupEntry {
                message_id: [5; 16],
                sequence: 0,
                expires_at: 6,
            },
        },
        Piece::Message {
            queue_id: 1,
            message: message(b"text \xf0\x9f\x8d\xb5 \"and\" more\n"),
        },
        Piece::Message {
            queue_id: 1,
            message: message(b"no text \xff"),
        },
        Piece::Published {
            topic_id: 2,
            message: PortablePublished {
                sequence: 9,
                published_at: 10,
                bytes: b"\x0a\x03tea"[..].into(),
                returned: true,
                holders: vec![Holder {
                    subscription_id: 3,
                    acked: true,
                    failures: 2,
                    until: 11,
                }],
            },
        },
        Piece::Transfer(Box::new(Transfer {
            source: 0,
            target: 0,
            number: 0,
            oldest: 0,
            to: Address::Queue(name("d")),
            from: Address::Subscription {
                subscription: "projects/p/subscriptions/sub".into(),
                id: Some(3),
            },
            payload: payload(b"moving"),
            receive_count: 1,
            first_received_at: 2,
            task: Some([6; 16]),
            returned: false,
        })),
    ]
}

#[test]
fn every_piece_comes_back_from_its_line() {
    let (mut framer, mut framed) = (Framer::new().unwrap(), Vec::new());
    for piece in one_of_each() {
        let text = to_line(3, piece).text();
        let mut rest = &text[..];
        while !rest.is_empty() {
            rest = &rest[framer.step(rest, &mut framed).unwrap()..];
        }
    }
    framer.finish(&mut framed).unwrap();
    // However it arrives.
    for length in [1, 7, framed.len()] {
        let (mut unframer, mut found) = (Unframer::new().unwrap(), Vec::new());
        for mut part in framed.chunks(length) {
            loop {
                let (taken, has_more) = unframer.step(part).unwrap();
                part = &part[taken..];
                while let Some(text) = unframer.line() {
                    let line = Line::read(text).unwrap();
                    found.push(line.into_piece().unwrap().unwrap());
                }
                if part.is_empty() && !has_more {
                    break;
                }
            }
        }
        assert!(unframer.is_whole());
        let expected: Vec<_> = one_of_each().into_iter().map(|piece| (3, piece)).collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn a_window_that_takes_too_much_memory_is_refused() {
    use zstd::stream::raw::CParameter;
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.set_parameter(CParameter::WindowLog(27)).unwrap();
    std::io::Write::write_all(&mut encoder, &[b'x'; 1 << 20]).unwrap();
    let frame = encoder.finish().unwrap();
    let mut unframer = Unframer::new().unwrap();
    assert!(unframer.step(&frame).is_err());
}

/// What a line says with one member at some depth replaced.
fn with(mut line: Value, path: &str, value: Value) -> Vec<u8> {
    *line.pointer_mut(path).expect("it has that member") = value;
    line.to_string().into_bytes()
}

#[test]
fn what_no_shard_has_is_refused() {
    let lines: Vec<Value> = one_of_each()
        .into_iter()
        .map(|piece| serde_json::from_slice(&to_line(0, piece).text()).unwrap())
        .collect();
    let absurd = json!(u64::MAX);
    for (at, path, value) in [
        (0, "/queue/name/name", json!("a/b")),
        (0, "/queue/name/region", json!("")),
        (0, "/queue/created_at", absurd.clone()),
        (0, "/queue/moves/0/moved", absurd.clone()),
        (1, "/record/name", json!("tea")),
        (1, "/record/settings/retention_ms", absurd.clone()),
        (2, "/record/name", json!("projects/p/topics/x")),
        (2, "/record/settings/retention_ms", absurd.clone()),
        (2, "/record/settings/retry/backoff_ms_max", absurd.clone()),
        (2, "/record/snapshot_expires_at", absurd.clone()),
        (3, "/record/created_at", absurd.clone()),
        (4, "/key", json!("77")),
        (4, "/expires_at", absurd.clone()),
        (5, "/sequence", absurd.clone()),
        (5, "/sent_at", absurd.clone()),
        (5, "/in_flight_until", absurd.clone()),
        (5, "/receive_count", json!(u32::MAX)),
        (5, "/id", json!("x")),
        (7, "/published_at", absurd.clone()),
        (7, "/message", json!("AAAA")),
        (7, "/holders/0/failures", json!(u32::MAX)),
        (8, "/to/name", json!("a b")),
        (8, "/first_received_at", absurd),
    ] {
        let text = with(lines[at].clone(), path, value);
        let read = Line::read(&text).and_then(Line::into_piece);
        assert!(read.is_err(), "{path}: {read:?}");
    }
}

proptest! {
    #[test]
    fn no_line_panics(text in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Line::read(&text).and_then(Line::into_piece);
    }

    #[test]
    fn no_frame_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), real in any::<bool>()) {
        let mut framed = Vec::new();
        if real {
            let mut framer = Framer::new().unwrap();
            framer.step(&bytes, &mut framed).unwrap();
            framer.finish(&mut framed).unwrap();
            framed.truncate(framed.len().saturating_sub(3));
        } else {
            framed = bytes;
        }
        let mut unframer = Unframer::new().unwrap();
        if unframer.step(&framed).is_ok() {
            while unframer.line().is_some() {}
            prop_assert!(!unframer.is_whole());
        }
    }
}
