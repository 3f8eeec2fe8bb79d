//! Dead letters of subscriptions: where they go, and what comes back.

mod common;

use common::memory_journal::MemoryJournal;
use common::topics::*;
use common::{Driver, START};
use lclq_shards::ShardConfig;
use lclq_shards::command::*;
use lclq_shards::moves::{Address, Transfer};
use lclq_shards::pubsub::command::*;
use lclq_shards::pubsub::*;

#[test]
fn retries_are_delayed_and_too_many_are_dead_letters() {
    let mut driver = Driver::in_memory();
    let topic = driver.topic(TOPIC, None);
    driver.topic("projects/p/topics/dead", None);
    let dead = AdminCommand::CreateSubscription {
        name: "projects/p/subscriptions/dead".into(),
        topic: "projects/p/topics/dead".into(),
        spec: SharedBytes::from([]),
        settings: SubscriptionSettings::default(),
    };
    let Reply::Resource(dead) = driver.ask(admin(dead)) else {
        panic!("no subscription")
    };
    let subscription = driver.subscribe(
        "projects/p/subscriptions/s",
        SubscriptionSettings {
            retry: Some(RetrySettings {
                backoff_ms_min: 1000,
                backoff_ms_max: 3000,
            }),
            dead_letter: Some(DeadLetterSettings {
                topic: "projects/p/topics/dead".into(),
                attempts_max: 5,
            }),
            ..Default::default()
        },
    );
    driver.publish(topic, "a", "");
    for (attempt, delay) in [(1, 1000), (2, 2000), (3, 3000), (4, 3000)] {
        let pulled = driver.pull(subscription, 1);
        assert_eq!(pulled[0].attempt, attempt);
        driver.modack(subscription, &pulled, 0);
        driver.pass(delay - 1);
        assert!(driver.pull(subscription, 1).is_empty(), "{attempt}");
        driver.pass(1);
    }
    let pulled = driver.pull(subscription, 1);
    assert_eq!(pulled[0].attempt, 5);
    driver.modack(subscription, &pulled, 0);
    driver.pass(10_000);
    assert!(driver.pull(subscription, 1).is_empty());
    let pulled = driver.pull(dead.subscription_ref(), 1);
    assert_eq!((text(&pulled[0]).as_str(), pulled[0].attempt), ("a", 0));
    let bytes = String::from_utf8_lossy(&pulled[0].bytes).into_owned();
    assert!(bytes.contains("CloudPubSubDeadLetterSourceDeliveryCount\u{12}\u{1}5"));
}

#[test]
fn a_dead_letter_that_becomes_one_again_says_so_once() {
    let mut driver = Driver::in_memory();
    let topic = driver.topic(TOPIC, None);
    // Its dead letters come back to it.
    let subscription = driver.subscribe(
        "projects/p/subscriptions/s",
        SubscriptionSettings {
            dead_letter: Some(DeadLetterSettings {
                topic: TOPIC.into(),
                attempts_max: 1,
            }),
            ..Default::default()
        },
    );
    driver.publish_with(topic, message("a", "key", &[("kept", "1")]));
    let mut pulled = driver.pull(subscription, 1);
    for round in 0..3 {
        driver.pass(1000);
        driver.modack(subscription, &pulled, 0);
        pulled = driver.pull(subscription, 1);
        assert_eq!(text(&pulled[0]), "a");
        let bytes = String::from_utf8_lossy(&pulled[0].bytes).into_owned();
        let time = format!("SourceTopicPublishTime\u{12}\u{1d}2023-11-14T22:13:2{round}.000");
        for attribute in [
            "CloudPubSubDeadLetterSourceSubscription\u{12}\u{1}s",
            "CloudPubSubDeadLetterSourceSubscriptionProject\u{12}\u{1}p",
            time.as_str(),
            "CloudPubSubDeadLetterSourceTopicPublishTime",
            "CloudPubSubDeadLetterSourceDeliveryCount\u{12}\u{1}1",
            "kept\u{12}\u{1}1",
            "*\u{3}key",
        ] {
            let times = bytes.matches(attribute).count();
            assert_eq!(times, 1, "{attribute:?} in {bytes:?}, round {round}");
        }
    }
}

/// A dead letter that comes back to the subscription "one".
fn coming_back() -> Command {
    let body = message("back", "", &[]);
    let draft = lclq_shards::Draft {
        sent_at: START,
        body: &body,
        ..Default::default()
    };
    Command::Transfer(Box::new(Transfer {
        source: 1,
        target: 0,
        number: 1,
        oldest: 0,
        to: Address::Subscription {
            subscription: "one".into(),
            id: None,
        },
        from: Address::Topic {
            topic: "projects/p/topics/missing".into(),
        },
        payload: draft.build(),
        receive_count: 0,
        first_received_at: 0,
        task: None,
        returned: true,
    }))
}

#[test]
fn a_dead_letter_that_came_back_is_its_subscriptions_alone_after_a_restart() {
    let journal = MemoryJournal::new();
    let open = || open_one_of(2, &journal, START);
    let mut driver = open();
    driver.start(admin(AdminCommand::CreateTopic {
        name: TOPIC.into(),
        spec: SharedBytes::from([]),
        settings: TopicSettings::default(),
    }));
    for name in ["one", "two"] {
        driver.start(admin(AdminCommand::CreateSubscription {
            name: name.into(),
            topic: TOPIC.into(),
            spec: SharedBytes::from([]),
            settings: SubscriptionSettings::default(),
        }));
    }
    commit(&mut driver, &journal);
    driver.start(coming_back());
    commit(&mut driver, &journal);
    drop(driver);
    journal.crash();
    let mut driver = open();
    for (name, expected) in [("one", vec!["back"]), ("two", Vec::new())] {
        let get = AdminCommand::Get {
            kind: Kind::Subscription,
            name: name.into(),
        };
        let token = driver.start(admin(get));
        commit(&mut driver, &journal);
        let Some(Reply::Resource(found)) = driver.replies.remove(&token) else {
            panic!("{name} is there");
        };
        let pull = PubsubCommand::Pull {
            subscription: found.subscription_ref(),
            messages_max: 10,
            bytes_max: 1 << 20,
            wait_ms: 0,
            client: 0,
        };
        let token = driver.start(wrap(pull));
        commit(&mut driver, &journal);
        let Some(Reply::Pulled(pulled)) = driver.replies.remove(&token) else {
            panic!("an answer for {name}");
        };
        assert_eq!(texts(&pulled), expected, "{name}");
    }
}

#[test]
fn a_dead_letter_does_not_come_back_to_another_subscription_of_its_name() {
    const NAME: &str = "projects/p/subscriptions/s";
    let config = ShardConfig::new(0, 2);
    let mut driver = Driver::with(config);
    let missing = (0..)
        .map(|n| format!("projects/p/topics/missing{n}"))
        .find(|name| lclq_shards::shard_of(name.as_bytes(), 2) == 1)
        .unwrap();
    let settings = SubscriptionSettings {
        dead_letter: Some(DeadLetterSettings {
            topic: missing.as_str().into(),
            attempts_max: 1,
        }),
        ..Default::default()
    };
    let topic = driver.topic(TOPIC, None);
    for deleted in [true, false] {
        let subscription = driver.subscribe(NAME, settings.clone());
        driver.publish(topic, "a", "");
        let pulled = driver.pull(subscription, 1);
        let give_back = PubsubCommand::ModifyDeadline {
            subscription,
            leases: vec![(pulled[0].lease, 0)],
        };
        driver.host.apply(driver.now, 0, wrap(give_back));
        let mut transfers = Vec::new();
        while let Some(outgoing) = driver.host.next_outgoing() {
            if let lclq_shards::Outgoing::Transfer(transfer) = outgoing {
                transfers.push(transfer);
            }
        }
        let [transfer] = &transfers[..] else {
            panic!("one dead letter: {transfers:?}");
        };
        let delete = || AdminCommand::Delete {
            kind: Kind::Subscription,
            name: NAME.into(),
        };
        let found = if deleted {
            driver.done(delete());
            driver.subscribe(NAME, settings.clone())
        } else {
            subscription
        };
        let mut back = transfer.clone();
        (back.source, back.target) = (1, 0);
        (back.to, back.from) = (transfer.from.clone(), transfer.to.clone());
        back.returned = true;
        driver.start(Command::Transfer(back));
        assert_eq!(driver.pull(found, 10).is_empty(), deleted);
        driver.done(delete());
    }
}

#[test]
fn a_dead_letter_that_came_back_is_not_what_a_topic_retains() {
    only_its_own_subscription_seeks_back_to_it(SubscriptionSettings::default());
}

#[test]
fn a_dead_letter_that_came_back_is_not_what_another_subscription_retains() {
    only_its_own_subscription_seeks_back_to_it(SubscriptionSettings {
        retain_acked: true,
        ..Default::default()
    });
}

fn only_its_own_subscription_seeks_back_to_it(settings: SubscriptionSettings) {
    let journal = MemoryJournal::new();
    let mut driver = open_one_of(2, &journal, START);
    ask_durable(
        &mut driver,
        &journal,
        admin(AdminCommand::CreateTopic {
            name: TOPIC.into(),
            spec: SharedBytes::from([]),
            settings: TopicSettings {
                retention_ms: Some(3_600_000),
            },
        }),
    );
    for name in ["one", "two"] {
        let create = AdminCommand::CreateSubscription {
            name: name.into(),
            topic: TOPIC.into(),
            spec: SharedBytes::from([]),
            settings: settings.clone(),
        };
        ask_durable(&mut driver, &journal, admin(create));
    }
    ask_durable(&mut driver, &journal, coming_back());
    for restarted in [false, true] {
        if restarted {
            journal.crash();
            driver = open_one_of(2, &journal, START);
        }
        // The other subscription never had it; its own still has it.
        for (name, expected) in [("two", vec![]), ("one", vec!["back"])] {
            let seek = AdminCommand::Seek {
                name: name.into(),
                to: SeekTo::Time(START - 1000),
            };
            ask_durable(&mut driver, &journal, admin(seek));
            let get = AdminCommand::Get {
                kind: Kind::Subscription,
                name: name.into(),
            };
            let found = ask_durable(&mut driver, &journal, admin(get));
            let Reply::Resource(found) = found else {
                panic!("{found:?}");
            };
            let pull = PubsubCommand::Pull {
                subscription: found.subscription_ref(),
                messages_max: 10,
                bytes_max: 1 << 20,
                wait_ms: 0,
                client: 0,
            };
            let pulled = ask_durable(&mut driver, &journal, wrap(pull));
            let Reply::Pulled(pulled) = pulled else {
                panic!("{pulled:?}");
            };
            assert_eq!(texts(&pulled), expected, "{name}, restarted: {restarted}");
        }
    }
}

/// The same, published at a time.
fn coming_back_of(published_at: u64, number: u64) -> Command {
    let Command::Transfer(mut transfer) = coming_back() else {
        panic!("a transfer");
    };
    let body = message("back", "", &[]);
    transfer.payload = lclq_shards::Draft {
        body: &body,
        sent_at: published_at,
        ..Default::default()
    }
    .build();
    transfer.number = number;
    Command::Transfer(transfer)
}

#[test]
fn a_dead_letter_that_comes_back_is_as_old_as_it_was() {
    let mut driver = Driver::with(ShardConfig::new(0, 2));
    let topic = driver.topic(TOPIC, None);
    let settings = SubscriptionSettings {
        retention_ms: 60_000,
        ..Default::default()
    };
    let subscription = driver.subscribe("one", settings);
    driver.pass(100_000);
    driver.start(coming_back_of(driver.now - 60_000, 1));
    assert!(driver.pull(subscription, 10).is_empty());
    driver.start(coming_back_of(driver.now - 50_000, 2));
    let pulled = driver.pull(subscription, 10);
    assert_eq!(texts(&pulled), ["back"]);
    assert_eq!(pulled[0].published_at, driver.now - 50_000);
    driver.pass(10_000);
    driver.publish(topic, "new", "");
    assert_eq!(texts(&driver.pull(subscription, 10)), ["new"]);
}

#[test]
fn a_seek_to_a_time_finds_what_stands_before_an_older_one_that_came_back() {
    let mut driver = Driver::with(ShardConfig::new(0, 2));
    let topic = driver.topic(TOPIC, None);
    let subscription = driver.subscribe("one", SubscriptionSettings::default());
    driver.pass(100_000);
    driver.publish(topic, "young", "");
    driver.start(coming_back_of(driver.now - 50_000, 1));
    driver.done(AdminCommand::Seek {
        name: "one".into(),
        to: SeekTo::Time(driver.now - 10_000),
    });
    assert_eq!(texts(&driver.pull(subscription, 10)), ["young"]);
}
