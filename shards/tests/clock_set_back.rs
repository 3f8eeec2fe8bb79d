//! A shard is opened again after the clock was set back: what it kept lies in the future.

mod common;

use common::memory_journal::MemoryJournal;
use common::topics::*;
use common::{Driver, START, bodies, receive};
use lclq_shards::attributes::QueueAttribute;
use lclq_shards::command::*;
use lclq_shards::pubsub::command::*;
use lclq_shards::pubsub::*;
use lclq_shards::{Millis, QueueName};

const DAY_MS: Millis = 86_400_000;
/// The clock of the second run.
const BACK: Millis = START - 10 * DAY_MS;

fn name() -> QueueName {
    QueueName::new("us-east-1", "000000000000", "q")
}

fn create(
    driver: &mut Driver,
    journal: &MemoryJournal,
    attributes: &[(QueueAttribute, &str)],
) -> QueueRef {
    let command = QueueCommand::Create {
        name: name(),
        attributes: attributes
            .iter()
            .map(|(key, value)| (*key, (*value).to_owned()))
            .collect(),
        tags: Default::default(),
        recreate_after_ms: 0,
    };
    queue(ask_durable(
        driver,
        journal,
        Command::Queue(Box::new(command)),
    ))
}

fn queue(reply: Reply) -> QueueRef {
    match reply {
        Reply::Queue(queue) => queue,
        other => panic!("{other:?}"),
    }
}

fn send(
    driver: &mut Driver,
    journal: &MemoryJournal,
    queue: QueueRef,
    delay_s: Option<u32>,
    dedup: Option<&str>,
) -> Sent {
    let mut entry = driver.entry("body", dedup, dedup);
    entry.delay_s = delay_s;
    let entries = [entry].into_iter().collect();
    match ask_durable(driver, journal, Command::Send { queue, entries }) {
        Reply::Sent(results) => results[0].unwrap(),
        other => panic!("{other:?}"),
    }
}

fn received(driver: &mut Driver, journal: &MemoryJournal, queue: QueueRef) -> Vec<String> {
    match ask_durable(driver, journal, receive(queue, 10, Some(0), None)) {
        Reply::Received(messages) => bodies(&messages),
        other => panic!("{other:?}"),
    }
}

/// The second run.
fn reopened(driver: Driver, journal: &MemoryJournal) -> (Driver, QueueRef) {
    drop(driver);
    journal.crash();
    let mut driver = open(journal, BACK);
    let resolve = QueueCommand::Resolve(name());
    let found = ask_durable(&mut driver, journal, Command::Queue(Box::new(resolve)));
    (driver, queue(found))
}

fn pass(driver: &mut Driver, journal: &MemoryJournal, ms: Millis) {
    driver.pass(ms);
    commit(driver, journal);
}

#[test]
fn a_delay_lasts_no_longer_than_it_was_asked_for() {
    let journal = MemoryJournal::new();
    let mut driver = open(&journal, START);
    let queue = create(&mut driver, &journal, &[]);
    send(&mut driver, &journal, queue, Some(900), None);
    let (mut driver, queue) = reopened(driver, &journal);
    pass(&mut driver, &journal, 899_999);
    assert!(received(&mut driver, &journal, queue).is_empty());
    pass(&mut driver, &journal, 1);
    assert_eq!(received(&mut driver, &journal, queue), ["body"]);
}

#[test]
fn a_retention_counts_from_now() {
    let journal = MemoryJournal::new();
    let mut driver = open(&journal, START);
    let retention = [(QueueAttribute::MessageRetentionPeriod, "60")];
    let queue = create(&mut driver, &journal, &retention);
    send(&mut driver, &journal, queue, None, None);
    let (mut driver, queue) = reopened(driver, &journal);
    pass(&mut driver, &journal, 59_999);
    assert_eq!(received(&mut driver, &journal, queue), ["body"]);
    pass(&mut driver, &journal, 1);
    assert!(received(&mut driver, &journal, queue).is_empty());
}

#[test]
fn a_deduplication_window_ends() {
    let journal = MemoryJournal::new();
    let mut driver = open(&journal, START);
    let fifo = [(QueueAttribute::FifoQueue, "true")];
    let queue = create(&mut driver, &journal, &fifo);
    let first = send(&mut driver, &journal, queue, None, Some("id"));
    let (mut driver, queue) = reopened(driver, &journal);
    let again = send(&mut driver, &journal, queue, None, Some("id"));
    assert_eq!(again.sequence, first.sequence);
    pass(&mut driver, &journal, 5 * 60_000);
    let later = send(&mut driver, &journal, queue, None, Some("id"));
    assert_ne!(later.sequence, first.sequence);
}

#[test]
fn published_messages_and_snapshots_end_and_can_be_sought() {
    const SUBSCRIPTION: &str = "projects/p/subscriptions/s";
    const SNAPSHOT: &str = "projects/p/snapshots/s";
    let journal = MemoryJournal::new();
    let mut driver = open(&journal, START);
    let topic = AdminCommand::CreateTopic {
        name: TOPIC.into(),
        spec: SharedBytes::from([]),
        settings: TopicSettings::default(),
    };
    let Reply::Resource(topic) = ask_durable(&mut driver, &journal, admin(topic)) else {
        panic!("no topic");
    };
    let subscription = AdminCommand::CreateSubscription {
        name: SUBSCRIPTION.into(),
        topic: TOPIC.into(),
        spec: SharedBytes::from([]),
        settings: SubscriptionSettings {
            retain_acked: true,
            expiration_ms: None,
            ..Default::default()
        },
    };
    ask_durable(&mut driver, &journal, admin(subscription));
    let publish = PubsubCommand::Publish {
        topic: topic.topic_ref(),
        messages: vec![message("a", "", &[])],
    };
    ask_durable(&mut driver, &journal, wrap(publish));
    let snapshot = AdminCommand::CreateSnapshot {
        name: SNAPSHOT.into(),
        subscription: SUBSCRIPTION.into(),
        spec: SharedBytes::from([]),
        lifetime_ms_max: 7 * DAY_MS,
        lifetime_ms_min: 3_600_000,
    };
    ask_durable(&mut driver, &journal, admin(snapshot));

    drop(driver);
    journal.crash();
    let mut driver = open(&journal, BACK);
    let get = |kind, name: &str| {
        admin(AdminCommand::Get {
            kind,
            name: name.into(),
        })
    };
    let found = get(Kind::Subscription, SUBSCRIPTION);
    let Reply::Resource(found) = ask_durable(&mut driver, &journal, found) else {
        panic!("no subscription");
    };
    let pulled = |driver: &mut Driver| {
        let pull = PubsubCommand::Pull {
            subscription: found.subscription_ref(),
            messages_max: 10,
            bytes_max: 1 << 20,
            wait_ms: 0,
            client: 0,
        };
        match ask_durable(driver, &journal, wrap(pull)) {
            Reply::Pulled(pulled) => pulled,
            other => panic!("{other:?}"),
        }
    };
    let there = pulled(&mut driver);
    assert_eq!(texts(&there), ["a"]);
    assert_eq!(there[0].published_at, BACK);
    let seek = |time| {
        admin(AdminCommand::Seek {
            name: SUBSCRIPTION.into(),
            to: SeekTo::Time(time),
        })
    };
    // Published before now, so a seek to a moment later has it acknowledged.
    ask_durable(&mut driver, &journal, seek(BACK + 1));
    assert!(pulled(&mut driver).is_empty());
    ask_durable(&mut driver, &journal, seek(BACK));
    assert_eq!(texts(&pulled(&mut driver)), ["a"]);

    pass(&mut driver, &journal, 7 * DAY_MS + 1);
    assert!(pulled(&mut driver).is_empty(), "its retention is over");
    let gone = ask_durable(&mut driver, &journal, get(Kind::Snapshot, SNAPSHOT));
    assert!(matches!(gone, Reply::Refused(_)), "{gone:?}");
}
