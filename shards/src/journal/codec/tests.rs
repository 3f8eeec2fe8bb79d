//! What is written is read back, and whatever bytes there are, reading them harms nobody.

use super::*;
use crate::attributes::QueueAttribute;
use crate::dedup::DedupEntry;
use crate::moves::{Address, MoveStatus, MoveTask, Transfer};
use crate::records::*;
use crate::{Draft, Payload, QueueName, Section};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::strategy::ValueTree;

/// Kinds of changes; [`kind`] numbers them.
const KINDS: usize = 22;

/// A change that is added has to be numbered here, and then made by [`any_op`].
fn kind(op: &Op) -> usize {
    match op {
        Op::PutQueue(_) => 0,
        Op::DropQueue(_) => 1,
        Op::Insert(_) => 2,
        Op::Received { .. } => 3,
        Op::Leased { .. } => 4,
        Op::Delete(_) => 5,
        Op::Dedup { .. } => 6,
        Op::OutboxPut(_) => 7,
        Op::OutboxDelete { .. } => 8,
        Op::Inbox { .. } => 9,
        Op::Reserve { .. } => 10,
        Op::PutTopic(_) => 11,
        Op::DropTopic(_) => 12,
        Op::PutSubscription(_) => 13,
        Op::DropSubscription(_) => 14,
        Op::PutSchema(_) => 15,
        Op::DropSchema(_) => 16,
        Op::Publish(_) => 17,
        Op::Unpublish { .. } => 18,
        Op::Delivery { .. } => 19,
        Op::ResetDeliveries { .. } => 20,
        Op::Nothing => 21,
    }
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        any::<u64>(),
        0..200u64,
        Just(u64::MAX),
        (7u64 << 32)..(9 << 32)
    ]
}

fn text() -> impl Strategy<Value = Box<str>> {
    "[a-zé/]{0,12}".prop_map(String::into_boxed_str)
}

fn blob() -> impl Strategy<Value = crate::payload::SharedBytes> {
    vec(any::<u8>(), 0..40).prop_map(Into::into)
}

fn name() -> impl Strategy<Value = QueueName> {
    (text(), text(), text()).prop_map(|(region, account, name)| QueueName {
        region,
        account,
        name,
    })
}

fn payload() -> impl Strategy<Value = Payload> {
    let group = option::of(vec(any::<u8>(), 0..200));
    (
        any::<[u8; 16]>(),
        0u64..1 << 47,
        vec(any::<u8>(), 0..40),
        group,
    )
        .prop_map(|(id, sent_at, body, group)| {
            let sections = group.iter().map(|bytes| (Section::Group, &bytes[..]));
            Draft {
                id,
                sent_at,
                body: &body,
                sections: sections.collect(),
                ..Draft::default()
            }
            .build()
        })
}

fn address() -> impl Strategy<Value = Address> {
    prop_oneof![
        name().prop_map(Address::Queue),
        text().prop_map(|topic| Address::Topic { topic }),
        (text(), option::of(number()))
            .prop_map(|(subscription, id)| Address::Subscription { subscription, id }),
    ]
}

fn queue() -> impl Strategy<Value = Op> {
    let task =
        (any::<[u8; 16]>(), option::of(name()), number()).prop_map(|(id, destination, moved)| {
            MoveTask {
                id,
                destination,
                messages_per_s_max: Some(3),
                moved,
                to_move: 4,
                started_at: 5,
                status: MoveStatus::Cancelled,
                failure: Some("why".to_owned()),
            }
        });
    (
        (number(), name(), number(), number()),
        option::of(any::<[u8; 16]>()),
        vec(task, 0..3),
        text(),
    )
        .prop_map(
            |((id, name, created_at, purged_below), dedup_secret, moves, tag)| {
                Op::PutQueue(Box::new(QueueRecord {
                    id,
                    name,
                    attributes: [(QueueAttribute::DelaySeconds, tag.to_string())].into(),
                    tags: [(tag.to_string(), "v".to_owned())].into(),
                    created_at,
                    modified_at: 1,
                    purged_below,
                    moves,
                    dedup_secret,
                }))
            },
        )
}

fn message() -> impl Strategy<Value = Op> {
    (
        (number(), number(), payload(), number()),
        (any::<u32>(), any::<u32>(), number()),
    )
        .prop_map(
            |(
                (sequence, queue_id, payload, available_at),
                (receive_count, base_count, first_received_at),
            )| {
                Op::Insert(MessageRecord {
                    sequence,
                    queue_id,
                    payload,
                    available_at,
                    receive_count,
                    base_count,
                    first_received_at,
                })
            },
        )
}

fn transfer() -> impl Strategy<Value = Op> {
    (
        (any::<u16>(), any::<u16>(), number()),
        (address(), address(), payload()),
        (any::<u32>(), number(), any::<bool>()),
        option::of(any::<[u8; 16]>()),
    )
        .prop_map(
            |(
                (source, target, number),
                (to, from, payload),
                (receive_count, first_received_at, returned),
                task,
            )| {
                Op::OutboxPut(Box::new(Transfer {
                    source,
                    target,
                    number,
                    oldest: 0,
                    to,
                    from,
                    payload,
                    receive_count,
                    first_received_at,
                    task,
                    returned,
                }))
            },
        )
}

fn topic() -> impl Strategy<Value = Op> {
    (
        number(),
        text(),
        any::<bool>(),
        option::of(number()),
        blob(),
        blob(),
    )
        .prop_map(|(id, name, deleted, retention_ms, spec, policy)| {
            Op::PutTopic(Box::new(TopicRecord {
                id,
                name,
                deleted,
                created_at: 3,
                settings: TopicSettings { retention_ms },
                spec,
                policy,
            }))
        })
}

fn subscription() -> impl Strategy<Value = Op> {
    (
        (number(), text(), number(), number()),
        option::of(number()),
        (any::<bool>(), any::<u32>(), text()),
        (blob(), blob()),
    )
        .prop_map(
            |(
                (id, name, topic_id, floor),
                snapshot_expires_at,
                (exactly_once, attempts_max, filter),
                (spec, policy),
            )| {
                Op::PutSubscription(Box::new(SubscriptionRecord {
                    id,
                    topic_id,
                    created_at: 4,
                    floor,
                    snapshot_expires_at,
                    settings: SubscriptionSettings {
                        exactly_once,
                        filter,
                        dead_letter: Some(DeadLetterSettings {
                            topic: name.clone(),
                            attempts_max,
                        }),
                        ..SubscriptionSettings::default()
                    },
                    name,
                    spec,
                    policy,
                }))
            },
        )
}

fn schema() -> impl Strategy<Value = Op> {
    (number(), text(), blob(), blob()).prop_map(|(id, name, spec, policy)| {
        Op::PutSchema(Box::new(SchemaRecord {
            id,
            name,
            created_at: 9,
            spec,
            policy,
        }))
    })
}

fn publish() -> impl Strategy<Value = Op> {
    (number(), number(), number(), any::<bool>(), blob()).prop_map(
        |(sequence, topic_id, published_at, returned, bytes)| {
            Op::Publish(PublishedRecord {
                sequence,
                topic_id,
                published_at,
                bytes,
                returned,
            })
        },
    )
}

fn dedup() -> impl Strategy<Value = Op> {
    (
        number(),
        any::<u128>(),
        any::<[u8; 16]>(),
        number(),
        number(),
    )
        .prop_map(
            |(queue_id, key, message_id, sequence, expires_at)| Op::Dedup {
                queue_id,
                key,
                entry: DedupEntry {
                    message_id,
                    sequence,
                    expires_at,
                },
            },
        )
}

fn small() -> impl Strategy<Value = Op> {
    (
        number(),
        number(),
        any::<u32>(),
        any::<u16>(),
        any::<bool>(),
    )
        .prop_flat_map(|(sequence, id, count, shard, flag)| {
            prop::sample::select(vec![
                Op::DropQueue(id),
                Op::Received {
                    sequence,
                    receive_count: count,
                    first_received_at: id,
                },
                Op::Leased {
                    sequence,
                    received_at: id,
                    until: id.wrapping_add(1),
                },
                Op::Delete(sequence),
                Op::OutboxDelete {
                    target: shard,
                    up_to: sequence,
                },
                Op::Inbox {
                    source: shard,
                    up_to: sequence,
                },
                Op::Reserve {
                    sequence,
                    queue_id: id,
                },
                Op::DropTopic(id),
                Op::DropSubscription(id),
                Op::DropSchema(id),
                Op::Unpublish {
                    sequence,
                    has_rows: flag,
                },
                Op::Delivery {
                    subscription_id: id,
                    sequence,
                    acked: flag,
                    failures: if flag { NEVER_HAD } else { count },
                },
                Op::ResetDeliveries {
                    subscription_id: id,
                },
                Op::Nothing,
            ])
        })
}

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        2 => queue(),
        2 => message(),
        2 => transfer(),
        2 => topic(),
        2 => subscription(),
        2 => schema(),
        2 => publish(),
        2 => dedup(),
        20 => small(),
    ]
}

fn head() -> impl Strategy<Value = Head> {
    (number(), 0..1u64 << 32, number(), number()).prop_map(|(position, epoch, low, lap)| Head {
        position,
        epoch,
        low,
        lap,
    })
}

fn read_back(bytes: &[u8]) -> Result<(Head, Vec<Op>, Vec<Op>), Malformed> {
    let record = Record::read(bytes)?;
    let (mut changes, mut carried) = (Vec::new(), Vec::new());
    record.changes(&mut |op| changes.push(op))?;
    record.carried(&mut |op| carried.push(op))?;
    Ok((record.head, changes, carried))
}

/// Without what is written as nothing.
fn something(ops: &[Op]) -> Vec<Op> {
    let some = ops.iter().filter(|op| **op != Op::Nothing);
    some.cloned().collect()
}

/// Gives bytes the checksum that fits them, so that what is behind it is looked at.
fn summed(mut bytes: Vec<u8>) -> Vec<u8> {
    if let Some(first) = bytes.first_mut() {
        *first = FORMAT;
    }
    end(bytes)
}

#[test]
fn every_kind_of_change_is_tried() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = [false; KINDS];
    for _ in 0..4000 {
        let op = any_op().new_tree(&mut runner).unwrap().current();
        seen[kind(&op)] = true;
    }
    assert_eq!(seen, [true; KINDS]);
}

#[test]
fn a_record_is_laid_out_as_the_docs_say() {
    let head = Head {
        position: 300,
        epoch: 2,
        low: 1,
        lap: 0,
    };
    let sequence = (2 << 32) + 5;
    let bytes = write_batch(head, &[Op::Delete(sequence)], &[Op::DropTopic(3)]);
    let expected = [
        // Format, kind, position, epoch, low, lap.
        &[1, 0, 0xac, 2, 2, 1, 0][..],
        // Two bytes of changes: a tag, and 5 from where the epoch's numbers begin.
        &[2, 6, 10],
        // What is carried: 3 is far below.
        &[13, 0xf9, 0xff, 0xff, 0xff, 0x3f],
    ]
    .concat();
    assert_eq!(bytes[..bytes.len() - SUM_BYTES], expected);
    assert_eq!(bytes, end(expected));
    let fence = write_fence(head, b"me");
    assert_eq!(fence, end(vec![1, 1, 0xac, 2, 2, 1, 0, b'm', b'e']));
    assert_eq!(Record::read(&fence).unwrap().owner(), Some(&b"me"[..]));
}

/// One change of each kind, always the same.
fn samples() -> Vec<Op> {
    let name = QueueName::new("us-east-1", "000000000000", "q");
    let payload = Draft {
        id: [1; 16],
        body_md5: [2; 16],
        sent_at: 1_700_000_000_000,
        body: b"body",
        sections: [(Section::Group, &b"g"[..])].into_iter().collect(),
    }
    .build();
    let blob = |bytes: &[u8]| bytes.into();
    let transfer = |to, from, task| {
        Op::OutboxPut(Box::new(Transfer {
            source: 1,
            target: 300,
            number: 7 << 32,
            oldest: 0,
            to,
            from,
            payload: payload.clone(),
            receive_count: 2,
            first_received_at: 3,
            task,
            returned: false,
        }))
    };
    let subscription = |id| Address::Subscription {
        subscription: "s".into(),
        id,
    };
    let sequence = (7 << 32) + 1;
    let queue_id = 7 << 32;
    vec![
        Op::PutQueue(Box::new(QueueRecord {
            id: queue_id,
            name: name.clone(),
            attributes: Default::default(),
            tags: Default::default(),
            created_at: 1,
            modified_at: 2,
            purged_below: 3,
            moves: Vec::new(),
            dedup_secret: None,
        })),
        Op::DropQueue(queue_id),
        Op::Insert(MessageRecord {
            sequence,
            queue_id,
            payload: payload.clone(),
            available_at: 4,
            receive_count: 5,
            base_count: 6,
            first_received_at: 7,
        }),
        Op::Received {
            sequence,
            receive_count: 8,
            first_received_at: 9,
        },
        Op::Leased {
            sequence,
            received_at: 10,
            until: 11,
        },
        Op::Delete(sequence),
        Op::Dedup {
            queue_id,
            key: 12,
            entry: DedupEntry {
                message_id: [13; 16],
                sequence,
                expires_at: 14,
            },
        },
        transfer(Address::Queue(name), subscription(Some(15)), Some([16; 16])),
        transfer(
            Address::Topic { topic: "t".into() },
            subscription(None),
            None,
        ),
        Op::OutboxDelete {
            target: 17,
            up_to: sequence,
        },
        Op::Inbox {
            source: 18,
            up_to: sequence,
        },
        Op::Reserve { sequence, queue_id },
        Op::PutTopic(Box::new(TopicRecord {
            id: 19,
            name: "t".into(),
            deleted: false,
            created_at: 20,
            settings: TopicSettings { retention_ms: None },
            spec: blob(b"spec"),
            policy: blob(b"policy"),
        })),
        Op::DropTopic(21),
        Op::PutSubscription(Box::new(SubscriptionRecord {
            id: 22,
            name: "s".into(),
            topic_id: 19,
            created_at: 23,
            floor: 24,
            snapshot_expires_at: None,
            settings: SubscriptionSettings::default(),
            spec: blob(b""),
            policy: blob(b"p"),
        })),
        Op::DropSubscription(25),
        Op::PutSchema(Box::new(SchemaRecord {
            id: 26,
            name: "c".into(),
            created_at: 27,
            spec: blob(b"s"),
            policy: blob(b""),
        })),
        Op::DropSchema(28),
        Op::Publish(PublishedRecord {
            sequence,
            topic_id: 19,
            published_at: 29,
            bytes: blob(b"published"),
            returned: true,
        }),
        Op::Unpublish {
            sequence,
            has_rows: true,
        },
        Op::Delivery {
            subscription_id: 22,
            sequence,
            acked: true,
            failures: NEVER_HAD,
        },
        Op::ResetDeliveries {
            subscription_id: 22,
        },
        Op::Nothing,
    ]
}

/// What is kept in a log has to be read by all later versions: these bytes stay.
#[test]
fn the_bytes_of_every_kind_stay() {
    let samples = samples();
    let mut seen = [false; KINDS];
    for op in &samples {
        seen[kind(op)] = true;
    }
    assert_eq!(seen, [true; KINDS]);
    let head = Head {
        position: 2,
        epoch: 7,
        low: 1,
        lap: 0,
    };
    let bytes = write_batch(head, &samples, &samples[2..3]);
    let shown: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(shown, include_str!("golden.hex").trim_end());
    let expected = (head, something(&samples), samples[2..3].to_vec());
    assert_eq!(read_back(&bytes), Ok(expected));
}

#[test]
fn a_record_of_another_format_is_told_as_such() {
    let head = Head {
        position: 1,
        epoch: 1,
        low: 1,
        lap: 0,
    };
    let mut bytes = write_fence(head, b"");
    bytes[0] = FORMAT + 1;
    let error = Record::read(&bytes).unwrap_err().to_string();
    assert!(error.contains("newer"), "{error}");
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        head in head(),
        changes in vec(any_op(), 0..12),
        carried in vec(any_op(), 0..4),
    ) {
        let bytes = write_batch(head, &changes, &carried);
        let expected = (head, something(&changes), something(&carried));
        prop_assert_eq!(read_back(&bytes), Ok(expected));
    }

    #[test]
    fn who_owns_it_is_read_back(head in head(), owner in vec(any::<u8>(), 0..2000)) {
        let bytes = write_fence(head, &owner);
        let record = Record::read(&bytes).unwrap();
        prop_assert_eq!(record.head, head);
        let kept = owner.len().min(OWNER_BYTES_MAX);
        prop_assert_eq!(record.owner(), Some(&owner[..kept]));
    }

    #[test]
    fn a_changed_bit_is_noticed(
        head in head(),
        ops in vec(any_op(), 0..4),
        bit in any::<prop::sample::Index>(),
    ) {
        let mut bytes = write_batch(head, &ops, &[]);
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(Record::read(&bytes).is_err());
    }

    #[test]
    fn a_record_that_ends_early_is_noticed(
        head in head(),
        ops in vec(any_op(), 1..4),
        length in any::<prop::sample::Index>(),
    ) {
        let bytes = write_batch(head, &ops, &[]);
        prop_assert!(Record::read(&bytes[..length.index(bytes.len())]).is_err());
    }

    /// Behind a checksum that fits, as a writer with a defect would leave them.
    #[test]
    fn no_bytes_do_harm(bytes in vec(any::<u8>(), 0..200)) {
        let _ = read_back(&bytes);
        let _ = read_back(&summed(bytes));
    }

    #[test]
    fn no_change_of_a_record_does_harm(
        head in head(),
        ops in vec(any_op(), 0..4),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = write_batch(head, &ops, &ops);
        bytes.truncate(bytes.len() - SUM_BYTES);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = read_back(&summed(bytes));
    }
}
