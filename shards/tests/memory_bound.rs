//! The bound on memory: shared by shards, kept by giving up messages of both dialects.

mod common;

use common::topics::*;
use common::{Driver, START};
use lclq_shards::command::*;
use lclq_shards::pubsub::SubscriptionSettings;
use lclq_shards::pubsub::command::*;
use lclq_shards::{Eviction, MemoryPool, ShardConfig, ShardHost};

const BOUND: u64 = 100_000;

fn bounded(eviction: Eviction) -> Driver {
    let mut config = ShardConfig::new(0, 1);
    config.memory_bytes_max = BOUND;
    config.eviction = eviction;
    Driver::with(config)
}

/// A message of `bytes` bytes of data, as publishers encode it.
fn large(bytes: usize) -> SharedBytes {
    let mut out = vec![0x0a];
    let mut rest = bytes;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
    out.resize(out.len() + bytes, b'x');
    out.into()
}

fn publish(driver: &mut Driver, topic: TopicRef, messages: Vec<SharedBytes>) -> bool {
    match driver.ask(wrap(PubsubCommand::Publish { topic, messages })) {
        Reply::Published(_) => true,
        Reply::Refused(Refusal::Pubsub(PubsubRefusal::MemoryFull)) => false,
        other => panic!("{other:?}"),
    }
}

fn sends(driver: &mut Driver, queue: QueueRef, bytes: usize) -> bool {
    let entry = driver.entry(&"x".repeat(bytes), None, None);
    driver.send_entry(queue, entry).is_ok()
}

fn held(driver: &Driver) -> u64 {
    driver.host.stats().messages.visible
}

#[test]
fn what_can_never_fit_is_refused_before_anything_is_given_up() {
    for eviction in [Eviction::OldestFirst, Eviction::LeastRecentlyUsed] {
        let mut driver = bounded(eviction);
        let queue = driver.create("q", &[]);
        let topic = driver.topic(TOPIC, None);
        let one = driver.subscribe("one", SubscriptionSettings::default());
        for _ in 0..8 {
            assert!(sends(&mut driver, queue, 10_000));
        }
        let before = driver.host.stats().resident_bytes;
        assert!(!publish(
            &mut driver,
            topic,
            vec![large(60_000), large(60_000)]
        ));
        assert!(!sends(&mut driver, queue, 120_000));
        assert_eq!(held(&driver), 8);
        assert_eq!(driver.host.stats().resident_bytes, before);
        assert!(driver.pull(one, 10).is_empty());
    }
}

#[test]
fn the_oldest_go_first_whatever_their_dialect() {
    let mut driver = bounded(Eviction::OldestFirst);
    let queue = driver.create("q", &[]);
    let topic = driver.topic(TOPIC, Some(600_000));
    let one = driver.subscribe("one", SubscriptionSettings::default());
    let two = driver.subscribe("two", SubscriptionSettings::default());
    // Published ones are older: they make room for sent ones, leased or not.
    for _ in 0..6 {
        assert!(publish(&mut driver, topic, vec![large(10_000)]));
    }
    assert_eq!(driver.pull(two, 3).len(), 3);
    for _ in 0..8 {
        assert!(sends(&mut driver, queue, 10_000));
    }
    assert_eq!(held(&driver), 8);
    assert_eq!(driver.pull(one, 10).len(), 1);
    assert!(driver.host.stats().resident_bytes <= BOUND);
    // And the other way around.
    for _ in 0..9 {
        assert!(publish(&mut driver, topic, vec![large(10_000)]));
    }
    assert_eq!(held(&driver), 0);
    assert_eq!(driver.pull(two, 20).len(), 9);
    assert!(driver.host.stats().resident_bytes <= BOUND);
}

#[test]
fn the_least_recently_used_goes_first_whatever_its_dialect() {
    let mut driver = bounded(Eviction::LeastRecentlyUsed);
    let queue = driver.create("q", &[]);
    let topic = driver.topic(TOPIC, None);
    let one = driver.subscribe("one", SubscriptionSettings::default());
    for _ in 0..4 {
        assert!(sends(&mut driver, queue, 10_000));
        assert!(publish(&mut driver, topic, vec![large(10_000)]));
    }
    assert_eq!(driver.pull(one, 1).len(), 1);
    for _ in 0..4 {
        assert!(publish(&mut driver, topic, vec![large(10_000)]));
    }
    assert_eq!(held(&driver), 1, "the queue was used less recently");
    assert_eq!(driver.pull(one, 20).len(), 7);
}

#[test]
fn messages_of_a_deleted_subscription_can_be_given_up() {
    let mut driver = bounded(Eviction::OldestFirst);
    let topic = driver.topic(TOPIC, None);
    driver.subscribe("one", SubscriptionSettings::default());
    for _ in 0..9 {
        assert!(publish(&mut driver, topic, vec![large(10_000)]));
    }
    driver.done(AdminCommand::Delete {
        kind: Kind::Subscription,
        name: "one".into(),
    });
    driver.subscribe("two", SubscriptionSettings::default());
    for _ in 0..9 {
        assert!(publish(&mut driver, topic, vec![large(10_000)]));
    }
    assert!(driver.host.stats().resident_bytes <= BOUND);
}

fn sharing(pool: &MemoryPool, index: u16, shards: u16, eviction: Eviction) -> Driver {
    let mut config = ShardConfig::new(index, shards);
    config.memory = Some(pool.clone());
    config.eviction = eviction;
    Driver::on(ShardHost::in_memory(config, START))
}

#[test]
fn one_queue_gets_as_much_with_many_shards_as_with_one() {
    let room = |shards: u16| {
        let pool = MemoryPool::new(8 << 20, shards);
        let mut drivers: Vec<Driver> = (0..shards)
            .map(|index| sharing(&pool, index, shards, Eviction::Reject))
            .collect();
        let queue = drivers[0].create("q", &[]);
        let mut sent = 0;
        while sends(&mut drivers[0], queue, 100_000) {
            sent += 1;
        }
        // What is taken out is there for the other shards.
        let last = drivers.len() - 1;
        if last > 0 {
            let other = drivers[last].create("q", &[]);
            assert!(!sends(&mut drivers[last], other, 100_000));
            let received = drivers[0].receive(queue, 10);
            assert_eq!(received.len(), 10);
            for delivery in &received {
                drivers[0].delete(queue, delivery).unwrap();
            }
            for _ in 0..9 {
                assert!(sends(&mut drivers[last], other, 100_000));
            }
        }
        drop(drivers);
        assert_eq!(pool.taken_bytes(), 0);
        sent
    };
    assert_eq!((room(1), room(8)), (83, 83));
}

#[test]
fn a_shard_gets_its_share_from_those_that_have_more() {
    let pool = MemoryPool::new(1 << 20, 4);
    let mut one = sharing(&pool, 0, 4, Eviction::OldestFirst);
    let mut other = sharing(&pool, 1, 4, Eviction::OldestFirst);
    let (queue, late) = (one.create("q", &[]), other.create("q", &[]));
    for _ in 0..200 {
        assert!(sends(&mut one, queue, 10_000));
    }
    assert!(held(&one) > 90);
    for _ in 0..20 {
        assert!(sends(&mut other, late, 10_000));
    }
    assert_eq!(held(&other), 20);
    while one.host.give_way() {}
    assert!(pool.taken_bytes() <= 1 << 20);
    assert!((70..90).contains(&held(&one)), "{}", held(&one));
    while other.host.give_way() {}
    assert_eq!(held(&other), 20);
}

fn bytes_of(driver: &mut Driver) -> Vec<u64> {
    let figures = QueueCommand::Figures {
        of: lclq_shards::figures::FiguresOf::Queues,
        after: None,
        figures_max: 100,
    };
    match driver.ask(Command::Queue(Box::new(figures))) {
        Reply::Figures(page) => page.figures.iter().map(|queue| queue.bytes).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_queue_tells_what_its_messages_take() {
    let mut driver = bounded(Eviction::OldestFirst);
    let (one, two) = (driver.create("a", &[]), driver.create("b", &[]));
    assert_eq!(bytes_of(&mut driver), [0, 0]);
    assert!(sends(&mut driver, one, 10_000) && sends(&mut driver, two, 1_000));
    let taken = bytes_of(&mut driver);
    assert!(
        taken[0] >= 10_000 && (1_000..5_000).contains(&taken[1]),
        "{taken:?}"
    );
    assert_eq!(
        taken.iter().sum::<u64>(),
        driver.host.stats().resident_bytes
    );
    let received = driver.receive(two, 1);
    driver.delete(two, &received[0]).unwrap();
    assert_eq!(bytes_of(&mut driver)[1], 0);
    // What a purge leaves is not the queue's any more.
    let purge = QueueCommand::Purge {
        queue: one,
        interval_ms: 0,
    };
    driver.ask(Command::Queue(Box::new(purge)));
    assert_eq!(bytes_of(&mut driver), [0, 0]);
    // Nor is what was given up for others.
    let three = driver.create("c", &[]);
    while bytes_of(&mut driver)[2] < BOUND / 2 {
        assert!(sends(&mut driver, three, 5_000));
    }
    let four = driver.create("d", &[]);
    for _ in 0..10 {
        assert!(sends(&mut driver, four, 8_000));
    }
    let sum: u64 = bytes_of(&mut driver).iter().sum();
    assert_eq!(sum, driver.host.stats().resident_bytes);
}
