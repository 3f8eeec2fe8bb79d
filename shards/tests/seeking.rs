//! Seeking to times and snapshots.

mod common;

use common::topics::*;
use common::{Driver, START};
use lclq_shards::command::*;
use lclq_shards::pubsub::command::*;
use lclq_shards::pubsub::*;

#[test]
fn exactly_once_counts_no_delivery_from_before_a_seek() {
    let mut driver = Driver::in_memory();
    let topic = driver.topic(TOPIC, Some(3_600_000));
    let subscription = driver.subscribe(
        "projects/p/subscriptions/s",
        SubscriptionSettings {
            exactly_once: true,
            ..Default::default()
        },
    );
    driver.publish(topic, "a", "");
    let mut earlier: Vec<Pulled> = Vec::new();
    for _ in 0..4 {
        let pulled = driver.pull(subscription, 1);
        assert_eq!(texts(&pulled), ["a"]);
        assert!(earlier.iter().all(|before| before.lease != pulled[0].lease));
        let counted = driver.ack(subscription, &earlier);
        assert!(counted.iter().all(|counted| !counted), "{counted:?}");
        earlier.extend(pulled);
        driver.done(AdminCommand::Seek {
            name: "projects/p/subscriptions/s".into(),
            to: SeekTo::Time(START - 1000),
        });
    }
}

#[test]
fn seeking_goes_back_as_far_as_messages_are_kept() {
    let mut driver = Driver::in_memory();
    let topic = driver.topic(TOPIC, None);
    let plain = driver.subscribe("plain", SubscriptionSettings::default());
    let retaining = driver.subscribe(
        "retaining",
        SubscriptionSettings {
            retain_acked: true,
            ..Default::default()
        },
    );
    driver.publish(topic, "a", "");
    driver.pass(1000);
    driver.publish(topic, "b", "");
    for subscription in [plain, retaining] {
        let pulled = driver.pull(subscription, 10);
        assert_eq!(driver.ack(subscription, &pulled).len(), 2);
    }
    let seek = |driver: &mut Driver, name: &str, to: SeekTo| {
        driver.done(AdminCommand::Seek {
            name: name.into(),
            to,
        });
    };
    seek(&mut driver, "plain", SeekTo::Time(START));
    assert!(driver.pull(plain, 10).is_empty());
    seek(&mut driver, "retaining", SeekTo::Time(START + 1));
    assert_eq!(texts(&driver.pull(retaining, 10)), ["b"]);
    seek(&mut driver, "retaining", SeekTo::Time(START));
    assert_eq!(texts(&driver.pull(retaining, 10)), ["a", "b"]);
    seek(&mut driver, "retaining", SeekTo::Time(u64::MAX));
    driver.pass(60_000);
    assert!(driver.pull(retaining, 10).is_empty());
    seek(&mut driver, "retaining", SeekTo::Time(START));
    assert_eq!(texts(&driver.pull(retaining, 10)), ["a", "b"]);
}

#[test]
fn snapshots_hold_what_was_open_and_what_comes() {
    let mut driver = Driver::in_memory();
    let topic = driver.topic(TOPIC, None);
    let subscription = driver.subscribe("s", SubscriptionSettings::default());
    for text in ["a", "b", "c"] {
        driver.publish(topic, text, "");
    }
    let pulled = driver.pull(subscription, 10);
    driver.ack(subscription, &pulled[1..2]);
    let snapshot = driver.ask(admin(AdminCommand::CreateSnapshot {
        name: "snap".into(),
        subscription: "s".into(),
        spec: SharedBytes::from([]),
        lifetime_ms_max: 7 * 86_400_000,
        lifetime_ms_min: 3_600_000,
    }));
    assert!(matches!(snapshot, Reply::Resource(_)), "{snapshot:?}");
    driver.ack(subscription, &pulled);
    driver.publish(topic, "d", "");
    let pulled = driver.pull(subscription, 10);
    driver.ack(subscription, &pulled);
    driver.done(AdminCommand::Seek {
        name: "s".into(),
        to: SeekTo::Snapshot("snap".into()),
    });
    assert_eq!(texts(&driver.pull(subscription, 10)), ["a", "c", "d"]);
    driver.pass(8 * 86_400_000);
    let gone = driver.ask(admin(AdminCommand::Get {
        kind: Kind::Snapshot,
        name: "snap".into(),
    }));
    assert!(matches!(gone, Reply::Refused(_)), "{gone:?}");
}

fn seek_to_snapshot(driver: &mut Driver, subscription: &str) {
    driver.done(AdminCommand::Seek {
        name: subscription.into(),
        to: SeekTo::Snapshot("snap".into()),
    });
}

fn take_snapshot(driver: &mut Driver, subscription: &str) {
    let snapshot = driver.ask(admin(AdminCommand::CreateSnapshot {
        name: "snap".into(),
        subscription: subscription.into(),
        spec: SharedBytes::from([]),
        lifetime_ms_max: 7 * 86_400_000,
        lifetime_ms_min: 3_600_000,
    }));
    assert!(matches!(snapshot, Reply::Resource(_)), "{snapshot:?}");
}

/// A subscription that keeps messages for a minute.
fn forgetful(driver: &mut Driver) -> SubscriptionRef {
    driver.subscribe(
        "s",
        SubscriptionSettings {
            retention_ms: 60_000,
            ..Default::default()
        },
    )
}

#[test]
fn what_a_seek_brings_back_is_kept_no_longer_than_the_retention() {
    let mut driver = Driver::in_memory();
    let topic = driver.topic(TOPIC, None);
    let subscription = forgetful(&mut driver);
    driver.publish(topic, "old", "");
    take_snapshot(&mut driver, "s");
    let pulled = driver.pull(subscription, 1);
    driver.ack(subscription, &pulled);
    driver.pass(30_000);
    // The deadline of the subscription's oldest message is now that of this one.
    driver.publish(topic, "new", "");
    seek_to_snapshot(&mut driver, "s");
    driver.pass(30_000);
    assert_eq!(texts(&driver.pull(subscription, 10)), ["new"]);
}

#[test]
fn a_pull_that_waits_gets_nothing_that_is_past_its_retention_by_a_seek() {
    let mut driver = Driver::in_memory();
    let topic = driver.topic(TOPIC, None);
    let subscription = forgetful(&mut driver);
    driver.publish(topic, "old", "");
    take_snapshot(&mut driver, "s");
    driver.pass(70_000);
    let waiting = driver.start(wrap(PubsubCommand::Pull {
        subscription,
        messages_max: 1,
        bytes_max: 1 << 20,
        wait_ms: 5000,
        client: 0,
    }));
    seek_to_snapshot(&mut driver, "s");
    driver.pass(5000);
    assert!(driver.pulled(waiting).is_empty());
}
