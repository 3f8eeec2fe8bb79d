//! Topics and subscriptions, driven by hand.

mod common;

use common::memory_journal::MemoryJournal;
use common::topics::*;
use common::{Driver, START};
use lclq_shards::command::*;
use lclq_shards::pubsub::command::*;
use lclq_shards::pubsub::*;

#[test]
fn each_subscription_gets_each_message_once_acknowledged_never_again() {
    let mut driver = Driver::in_memory();
    let topic = driver.topic(TOPIC, None);
    driver.publish(topic, "before", "");
    let one = driver.subscribe("one", SubscriptionSettings::default());
    let two = driver.subscribe("two", SubscriptionSettings::default());
    driver.publish(topic, "a", "");
    driver.publish(topic, "b", "");
    let pulled = driver.pull(one, 10);
    assert_eq!(texts(&pulled), ["a", "b"]);
    assert_eq!(driver.ack(one, &pulled), [true, true]);
    assert_eq!(driver.ack(one, &pulled), [true, true], "twice is fine");
    driver.pass(20_000);
    assert!(driver.pull(one, 10).is_empty());
    let pulled = driver.pull(two, 1);
    assert_eq!(texts(&pulled), ["a"]);
    driver.pass(10_001);
    assert_eq!(texts(&driver.pull(two, 10)), ["b", "a"], "expired: again");
    // An acknowledgement that comes late still counts.
    driver.ack(two, &pulled);
    driver.pass(10_001);
    assert_eq!(texts(&driver.pull(two, 10)), ["b"]);
    assert_eq!(driver.host.stats().messages.visible, 0);
}

#[test]
fn without_a_reader_nothing_is_kept() {
    let mut driver = Driver::in_memory();
    let topic = driver.topic(TOPIC, None);
    let before = driver.host.stats().resident_bytes;
    for _ in 0..100 {
        driver.publish(topic, "x", "");
    }
    assert_eq!(driver.host.stats().resident_bytes, before);
    let filtered = driver.subscribe(
        "filtered",
        SubscriptionSettings {
            filter: "attributes:wanted".into(),
            ..Default::default()
        },
    );
    driver.publish(topic, "no", "");
    assert_eq!(driver.host.stats().resident_bytes, before);
    driver.publish_with(topic, message("yes", "", &[("wanted", "1")]));
    let pulled = driver.pull(filtered, 10);
    assert_eq!(texts(&pulled), ["yes"]);
    driver.ack(filtered, &pulled);
    assert_eq!(driver.host.stats().resident_bytes, before);
}

#[test]
fn keys_are_delivered_in_order_and_called_back_as_one() {
    let mut driver = Driver::in_memory();
    let topic = driver.topic(TOPIC, None);
    let subscription = driver.subscribe("s", ordered());
    for (text, key) in [
        ("a1", "a"),
        ("a2", "a"),
        ("a3", "a"),
        ("b1", "b"),
        ("x", ""),
    ] {
        driver.publish(topic, text, key);
    }
    let first = driver.pull(subscription, 2);
    assert_eq!(first.len(), 2);
    let rest = driver.pull(subscription, 10);
    let all: Vec<String> = [texts(&first), texts(&rest)].concat();
    // Whatever the turns, key a is out to the first pull only as far as that took it.
    let of_a: Vec<&String> = all.iter().filter(|text| text.starts_with('a')).collect();
    assert!(of_a.windows(2).all(|pair| pair[0] < pair[1]), "{all:?}");
    driver.pass(10_001);
    let again = driver.pull(subscription, 10);
    let of_a: Vec<Pulled> = again
        .iter()
        .filter(|pulled| text(pulled).starts_with('a'))
        .cloned()
        .collect();
    assert_eq!(texts(&of_a), ["a1", "a2", "a3"]);
    // Giving the second back calls the third back too, but not the first.
    driver.modack(subscription, &of_a[1..2], 0);
    assert!(driver.pull(subscription, 10).is_empty(), "a1 is still out");
    driver.ack(subscription, &of_a[..1]);
    assert_eq!(texts(&driver.pull(subscription, 10)), ["a2", "a3"]);
}

#[test]
fn a_key_stays_with_the_stream_that_has_it() {
    let mut driver = Driver::in_memory();
    let topic = driver.topic(TOPIC, None);
    let subscription = driver.subscribe("s", ordered());
    let one = driver.stream(subscription, 0, 0);
    let two = driver.stream(subscription, 0, 0);
    let (call_one, call_two) = (driver.stream_pull(one), driver.stream_pull(two));
    driver.publish(topic, "a1", "a");
    let first = driver.pulled(call_one);
    driver.publish(topic, "a2", "a");
    assert!(!driver.replies.contains_key(&call_two), "the key is one's");
    let call_one = driver.stream_pull(one);
    assert_eq!(texts(&driver.pulled(call_one)), ["a2"]);
    driver.publish(topic, "b1", "b");
    assert_eq!(texts(&driver.pulled(call_two)), ["b1"]);
    driver.ack(subscription, &first);
    // The stream ends: what it held goes to the other.
    let call_two = driver.stream_pull(two);
    driver.publish(topic, "a3", "a");
    assert!(!driver.replies.contains_key(&call_two));
    driver.ask(wrap(PubsubCommand::CloseStream { stream: one }));
    assert_eq!(texts(&driver.pulled(call_two)), ["a2", "a3"]);
}

#[test]
fn a_stream_is_given_what_it_has_room_for() {
    let mut driver = Driver::in_memory();
    let topic = driver.topic(TOPIC, None);
    let subscription = driver.subscribe("s", SubscriptionSettings::default());
    for n in 0..10 {
        driver.publish(topic, &n.to_string(), "");
    }
    let stream = driver.stream(subscription, 3, 0);
    let call = driver.stream_pull(stream);
    let pulled = driver.pulled(call);
    assert_eq!(texts(&pulled), ["0", "1", "2"]);
    let call = driver.stream_pull(stream);
    assert!(!driver.replies.contains_key(&call), "full");
    driver.ack(subscription, &pulled[..1]);
    assert_eq!(texts(&driver.pulled(call)), ["3"]);
    // A message given back makes room as well, and may be what fills it.
    let call = driver.stream_pull(stream);
    driver.modack(subscription, &pulled[1..2], 0);
    assert_eq!(texts(&driver.pulled(call)), ["4"]);
    // Bytes: a message is 3 bytes.
    let narrow = driver.stream(subscription, 0, 7);
    let call = driver.stream_pull(narrow);
    assert_eq!(texts(&driver.pulled(call)), ["5", "6"]);
    let call = driver.stream_pull(narrow);
    assert!(!driver.replies.contains_key(&call));
    // Others are not held up by one that is full.
    assert_eq!(driver.pull(subscription, 100).len(), 4);
    driver.ask(wrap(PubsubCommand::CloseStream { stream: narrow }));
    assert!(driver.pulled(call).is_empty());
    driver.ask(wrap(PubsubCommand::CloseStream { stream }));
    assert_eq!(driver.pull(subscription, 100).len(), 5, "2, 3, 4, 5 and 6");
}

#[test]
fn waiting_pulls_and_streams_are_woken_by_what_they_wait_for() {
    let mut driver = Driver::in_memory();
    let topic = driver.topic(TOPIC, None);
    let subscription = driver.subscribe("s", SubscriptionSettings::default());
    let pull = wrap(PubsubCommand::Pull {
        subscription,
        messages_max: 10,
        bytes_max: 1 << 20,
        wait_ms: 1000,
        client: 0,
    });
    let token = driver.start(pull);
    assert!(driver.replies.is_empty());
    driver.publish(topic, "a", "");
    let pulled = driver.pulled(token);
    assert_eq!(texts(&pulled), ["a"]);
    let stream = driver.stream(subscription, 0, 0);
    let call = driver.stream_pull(stream);
    driver.modack(subscription, &pulled, 0);
    assert_eq!(texts(&driver.pulled(call)), ["a"], "given back");
    let call = driver.stream_pull(stream);
    driver.pass(60_001);
    assert_eq!(texts(&driver.pulled(call)), ["a"], "expired");
    // The end of the subscription ends its streams.
    let call = driver.stream_pull(stream);
    driver.done(AdminCommand::Delete {
        kind: Kind::Subscription,
        name: "s".into(),
    });
    let refused = driver.replies.remove(&call).unwrap();
    let gone = Refusal::Pubsub(PubsubRefusal::NotFound);
    assert!(matches!(refused, Reply::Refused(refusal) if refusal == gone));
    driver.ask(wrap(PubsubCommand::CloseStream { stream }));
    driver.pass(1);
    assert_eq!(driver.host.stats().subscriptions, 0);
}

#[test]
fn exactly_once_counts_only_the_newest_delivery() {
    let mut driver = Driver::in_memory();
    let topic = driver.topic(TOPIC, None);
    let settings = SubscriptionSettings {
        exactly_once: true,
        ..Default::default()
    };
    let subscription = driver.subscribe("s", settings);
    driver.publish(topic, "a", "");
    let old = driver.pull(subscription, 1);
    driver.pass(10_001);
    assert_eq!(driver.ack(subscription, &old), [false], "expired");
    let new = driver.pull(subscription, 1);
    assert_eq!(driver.ack(subscription, &old), [false]);
    assert_eq!(driver.modack(subscription, &old, 30), [false]);
    assert_eq!(driver.modack(subscription, &new, 30), [true]);
    assert_eq!(driver.ack(subscription, &new), [true]);
    assert_eq!(driver.ack(subscription, &new), [false], "already done");
    driver.pass(60_000);
    assert!(driver.pull(subscription, 1).is_empty());
    // A stream that ends leaves its leases as they are.
    driver.publish(topic, "b", "k");
    let stream = driver.stream(subscription, 0, 0);
    let call = driver.stream_pull(stream);
    let held = driver.pulled(call);
    driver.ask(wrap(PubsubCommand::CloseStream { stream }));
    assert!(driver.pull(subscription, 1).is_empty());
    assert_eq!(driver.ack(subscription, &held), [true]);
}

#[test]
fn exactly_once_an_ordering_key_is_acknowledged_in_order() {
    use Settled::*;
    let mut driver = Driver::in_memory();
    let topic = driver.topic(TOPIC, None);
    let settings = SubscriptionSettings {
        exactly_once: true,
        ..ordered()
    };
    let subscription = driver.subscribe("s", settings);
    for text in ["1", "2", "3", "4"] {
        driver.publish(topic, text, "k");
    }
    driver.publish(topic, "free", "");
    let pulled = driver.pull(subscription, 10);
    let of = |text: &str| {
        vec![
            pulled
                .iter()
                .find(|p| self::text(p) == text)
                .unwrap()
                .clone(),
        ]
    };
    assert_eq!(driver.settle(subscription, &of("2")), [Unordered]);
    assert_eq!(driver.settle(subscription, &of("free")), [Counted]);
    let turned = [of("2"), of("1")].concat();
    assert_eq!(driver.settle(subscription, &turned), [Counted, Counted]);
    assert_eq!(
        driver.settle(subscription, &of("1")),
        [Invalid],
        "done before"
    );
    // The third comes back; the fourth's lease goes on.
    assert_eq!(driver.modack(subscription, &of("3"), 0), [true]);
    driver.publish(topic, "5", "k");
    assert_eq!(driver.modack(subscription, &of("4"), 60), [true]);
    let again = driver.pull(subscription, 10);
    assert_eq!(texts(&again), ["3"], "and nothing past the fourth");
    assert_eq!(driver.settle(subscription, &of("3")), [Invalid]);
    assert_eq!(driver.settle(subscription, &of("4")), [Unordered]);
    assert_eq!(driver.settle(subscription, &again), [Counted]);
    assert_eq!(driver.settle(subscription, &of("4")), [Counted]);
    let fifth = driver.pull(subscription, 10);
    assert_eq!(texts(&fifth), ["5"]);
    // Until they end: then the later ones follow the one that came back.
    driver.publish(topic, "6", "k");
    let sixth = driver.pull(subscription, 10);
    assert!(sixth.is_empty(), "the key is another's");
    assert_eq!(driver.modack(subscription, &fifth, 0), [true]);
    let both = driver.pull(subscription, 10);
    assert_eq!(texts(&both), ["5", "6"]);
    driver.modack(subscription, &both[..1], 0);
    driver.pass(10_001);
    assert_eq!(texts(&driver.pull(subscription, 10)), ["5", "6"]);
}

#[test]
fn exactly_once_a_key_that_came_back_outlives_its_stream() {
    let mut driver = Driver::in_memory();
    let topic = driver.topic(TOPIC, None);
    let settings = SubscriptionSettings {
        exactly_once: true,
        ..ordered()
    };
    let subscription = driver.subscribe("s", settings);
    driver.publish(topic, "1", "k");
    driver.publish(topic, "2", "k");
    let stream = driver.stream(subscription, 2, 0);
    let call = driver.stream_pull(stream);
    let pulled = driver.pulled(call);
    assert_eq!(texts(&pulled), ["1", "2"]);
    driver.modack(subscription, &pulled[..1], 0);
    assert!(driver.pull(subscription, 10).is_empty(), "the stream's key");
    driver.ask(wrap(PubsubCommand::CloseStream { stream }));
    let first = driver.pull(subscription, 10);
    assert_eq!(texts(&first), ["1"], "the second is leased still");
    assert_eq!(driver.ack(subscription, &first), [true]);
    assert_eq!(driver.ack(subscription, &pulled[1..]), [true]);
    driver.pass(60_000);
    assert!(driver.pull(subscription, 10).is_empty());
}

#[test]
fn deliveries_that_reached_nobody_are_returned_and_count_for_nothing() {
    let mut driver = Driver::in_memory();
    let topic = driver.topic(TOPIC, None);
    driver.topic("projects/p/topics/dead", None);
    let subscription = driver.subscribe(
        "s",
        SubscriptionSettings {
            retry: Some(RetrySettings {
                backoff_ms_min: 5000,
                backoff_ms_max: 5000,
            }),
            dead_letter: Some(DeadLetterSettings {
                topic: "projects/p/topics/dead".into(),
                attempts_max: 5,
            }),
            ..ordered()
        },
    );
    for (text, key) in [("a", ""), ("k1", "k"), ("k2", "k"), ("k3", "k")] {
        driver.publish(topic, text, key);
    }
    for _ in 0..10 {
        let lost = driver.pull(subscription, 10);
        assert_eq!(lost.len(), 4);
        assert!(lost.iter().all(|pulled| pulled.attempt == 1));
        let leases: Vec<LeaseRef> = lost.iter().map(|pulled| pulled.lease).collect();
        let back = PubsubCommand::ReturnDeliveries {
            leases: leases.clone(),
        };
        assert!(matches!(driver.ask(wrap(back)), Reply::Done));
        let keyed: Vec<String> = texts(&lost).into_iter().filter(|t| t != "a").collect();
        assert_eq!(keyed, ["k1", "k2", "k3"]);
        // What is delivered anew isn't theirs to return.
        let kept = driver.pull(subscription, 10);
        assert_eq!(kept.len(), 4);
        let late = PubsubCommand::ReturnDeliveries { leases };
        driver.ask(wrap(late));
        assert!(driver.pull(subscription, 10).is_empty());
        let leases = kept.iter().map(|pulled| pulled.lease).collect();
        driver.ask(wrap(PubsubCommand::ReturnDeliveries { leases }));
    }
    let last = driver.pull(subscription, 10);
    assert_eq!(driver.ack(subscription, &last), [true; 4]);
    driver.pass(60_000);
    assert!(driver.pull(subscription, 10).is_empty());
}

#[test]
fn retention_ends_and_deleted_topics_leave_their_subscriptions() {
    let mut driver = Driver::in_memory();
    let topic = driver.topic(TOPIC, Some(3_600_000));
    let before = driver.host.stats().resident_bytes;
    driver.publish(topic, "early", "");
    let settings = SubscriptionSettings {
        retention_ms: 600_000,
        ..Default::default()
    };
    let subscription = driver.subscribe("s", settings);
    driver.publish(topic, "a", "");
    driver.pass(600_001);
    let pulled = driver.pull(subscription, 10);
    assert_eq!(texts(&pulled), ["a"], "the topic retains it for longer");
    driver.ack(subscription, &pulled);
    driver.done(AdminCommand::Seek {
        name: "s".into(),
        to: SeekTo::Time(START),
    });
    assert_eq!(
        texts(&driver.pull(subscription, 10)),
        ["early", "a"],
        "the topic retains them, even from before the subscription"
    );
    driver.pass(3_600_001);
    assert!(driver.pull(subscription, 10).is_empty());
    assert_eq!(driver.host.stats().resident_bytes, before);
    driver.publish(topic, "b", "");
    driver.done(AdminCommand::Delete {
        kind: Kind::Topic,
        name: TOPIC.into(),
    });
    assert_eq!(texts(&driver.pull(subscription, 10)), ["b"]);
    let Reply::Resource(resource) = driver.ask(admin(AdminCommand::Get {
        kind: Kind::Subscription,
        name: "s".into(),
    })) else {
        panic!("no subscription")
    };
    assert_eq!(resource.topic, None);
    let reference = driver.topic(TOPIC, None);
    driver.publish(reference, "new topic", "");
    driver.pass(10_001);
    assert_eq!(
        texts(&driver.pull(subscription, 10)),
        ["b"],
        "not reattached"
    );
    driver.done(AdminCommand::Delete {
        kind: Kind::Subscription,
        name: "s".into(),
    });
    driver.pass(1);
    assert_eq!(driver.host.stats().resident_bytes, before);
}

#[test]
fn idle_subscriptions_expire_and_used_ones_do_not() {
    let day = 86_400_000;
    let mut driver = Driver::in_memory();
    let topic = driver.topic(TOPIC, None);
    let settings = SubscriptionSettings {
        expiration_ms: Some(day),
        ..Default::default()
    };
    let subscription = driver.subscribe("s", settings);
    driver.pass(day - 1000);
    assert!(driver.pull(subscription, 1).is_empty());
    driver.pass(day - 1000);
    driver.publish(topic, "a", "");
    assert_eq!(driver.host.stats().subscriptions, 1);
    driver.pass(2000);
    driver.pass(1);
    assert_eq!(driver.host.stats().subscriptions, 0);
}

#[test]
fn a_subscription_is_in_use_until_its_stream_ends() {
    let mut driver = Driver::in_memory();
    driver.topic(TOPIC, None);
    let settings = SubscriptionSettings {
        expiration_ms: Some(100_000),
        ..Default::default()
    };
    let subscription = driver.subscribe("s", settings);
    let stream = driver.stream(subscription, 10, 0);
    driver.pass(90_000);
    driver.ask(wrap(PubsubCommand::CloseStream { stream }));
    let is_there = |driver: &mut Driver| {
        let get = AdminCommand::Get {
            kind: Kind::Subscription,
            name: "s".into(),
        };
        matches!(driver.ask(admin(get)), Reply::Resource(_))
    };
    driver.pass(90_000);
    assert!(is_there(&mut driver));
    driver.pass(10_000);
    assert!(!is_there(&mut driver));
}

#[test]
fn a_restart_brings_back_what_was_open() {
    let journal = MemoryJournal::new();
    let mut driver = open(&journal, START);
    let create = |command| admin(command);
    let Reply::Resource(topic) = ask_durable(
        &mut driver,
        &journal,
        create(AdminCommand::CreateTopic {
            name: TOPIC.into(),
            spec: SharedBytes::from(*b"spec"),
            settings: TopicSettings::default(),
        }),
    ) else {
        panic!()
    };
    let mut subscriptions = Vec::new();
    for name in ["one", "two"] {
        let command = AdminCommand::CreateSubscription {
            name: name.into(),
            topic: TOPIC.into(),
            spec: SharedBytes::from([]),
            settings: ordered(),
        };
        let Reply::Resource(resource) = ask_durable(&mut driver, &journal, create(command)) else {
            panic!()
        };
        subscriptions.push(resource.subscription_ref());
    }
    for text in ["a", "b", "c"] {
        let publish = PubsubCommand::Publish {
            topic: topic.topic_ref(),
            messages: vec![message(text, "k", &[])],
        };
        ask_durable(&mut driver, &journal, wrap(publish));
    }
    let pulled = driver.pull(subscriptions[0], 2);
    let acknowledge = PubsubCommand::Acknowledge {
        subscription: subscriptions[0],
        leases: vec![pulled[0].lease],
    };
    ask_durable(&mut driver, &journal, wrap(acknowledge));
    drop(driver);

    let mut driver = open(&journal, START + 1000);
    let get = |driver: &mut Driver, name: &str| {
        let command = AdminCommand::Get {
            kind: Kind::Subscription,
            name: name.into(),
        };
        match driver.ask(admin(command)) {
            Reply::Resource(resource) => resource.subscription_ref(),
            other => panic!("{other:?}"),
        }
    };
    let (one, two) = (get(&mut driver, "one"), get(&mut driver, "two"));
    assert_eq!(texts(&driver.pull(two, 10)), ["a", "b", "c"]);
    // A delivery from before the restart can still be acknowledged.
    let acknowledge = PubsubCommand::Acknowledge {
        subscription: one,
        leases: vec![pulled[1].lease],
    };
    ask_durable(&mut driver, &journal, wrap(acknowledge));
    let pulled = driver.pull(one, 10);
    assert_eq!(texts(&pulled), ["c"]);
    assert!(pulled[0].lease.sequence > 0);
}

/// The journal has no rows about what was kept for long enough.
#[test]
fn what_expired_stays_away_when_the_retention_grows_and_the_shard_restarts() {
    let journal = MemoryJournal::new();
    let mut driver = open(&journal, START);
    let kept_for = |retention_ms| SubscriptionSettings {
        retention_ms,
        ..Default::default()
    };
    let topic = AdminCommand::CreateTopic {
        name: TOPIC.into(),
        spec: SharedBytes::from([]),
        settings: TopicSettings::default(),
    };
    let Reply::Resource(topic) = ask_durable(&mut driver, &journal, admin(topic)) else {
        panic!()
    };
    for (name, retention_ms) in [("short", 600_000), ("long", 6_000_000)] {
        let command = AdminCommand::CreateSubscription {
            name: name.into(),
            topic: TOPIC.into(),
            spec: SharedBytes::from([]),
            settings: kept_for(retention_ms),
        };
        ask_durable(&mut driver, &journal, admin(command));
    }
    let publish = PubsubCommand::Publish {
        topic: topic.topic_ref(),
        messages: vec![message("old", "", &[])],
    };
    ask_durable(&mut driver, &journal, wrap(publish));
    driver.pass(700_000);
    let get = |driver: &mut Driver, name: &str| {
        let get = AdminCommand::Get {
            kind: Kind::Subscription,
            name: name.into(),
        };
        match ask_durable(driver, &journal, admin(get)) {
            Reply::Resource(found) => found,
            other => panic!("{other:?}"),
        }
    };
    let short = get(&mut driver, "short");
    assert_eq!(short.available, 0);
    let update = AdminCommand::UpdateSubscription {
        name: "short".into(),
        version: short.version,
        spec: SharedBytes::from([]),
        settings: kept_for(6_000_000),
    };
    ask_durable(&mut driver, &journal, admin(update));
    // Nor does what its topic retains from now on bring it back.
    let update = AdminCommand::UpdateTopic {
        name: TOPIC.into(),
        version: topic.version,
        spec: SharedBytes::from([]),
        settings: TopicSettings {
            retention_ms: Some(7_000_000),
        },
    };
    ask_durable(&mut driver, &journal, admin(update));
    journal.crash();
    let now = driver.now;
    let mut driver = open(&journal, now);
    assert_eq!(get(&mut driver, "short").available, 0);
    assert_eq!(get(&mut driver, "long").available, 1);
}

#[test]
fn a_policy_takes_the_place_of_the_one_that_was_read_only() {
    let mut shard = Driver::in_memory();
    shard.topic(TOPIC, None);
    let set = |replaces: &[u8], policy: &[u8]| {
        admin(AdminCommand::SetPolicy {
            kind: Kind::Topic,
            name: TOPIC.into(),
            replaces: replaces.into(),
            policy: policy.into(),
        })
    };
    assert!(matches!(shard.ask(set(b"", b"one")), Reply::Done));
    let refused = shard.ask(set(b"", b"two"));
    let changed = Reply::Refused(Refusal::Pubsub(PubsubRefusal::Changed));
    assert_eq!(format!("{refused:?}"), format!("{changed:?}"));
    assert!(matches!(shard.ask(set(b"one", b"two")), Reply::Done));
}

#[test]
fn messages_are_looked_at_in_any_state_and_stay_as_they_are() {
    let mut driver = Driver::in_memory();
    let topic = driver.topic(TOPIC, None);
    let name = "projects/p/subscriptions/s";
    let settings = SubscriptionSettings {
        retain_acked: true,
        ..Default::default()
    };
    let subscription = driver.subscribe(name, settings);
    for text in ["a", "b", "c", "d"] {
        driver.publish(topic, text, "");
    }
    let pulled = driver.pull(subscription, 2);
    driver.ack(subscription, &pulled[..1]);
    let mut peek = |after: u64, near: Option<u32>, messages_max| {
        let command = AdminCommand::Peek {
            name: name.into(),
            after,
            near,
            messages_max,
        };
        match driver.ask(admin(command)) {
            Reply::Entries(entries) => entries,
            other => panic!("{other:?}"),
        }
    };
    let all = peek(0, None, 10);
    let states: Vec<_> = all
        .iter()
        .map(|entry| (entry.state, entry.deliveries))
        .collect();
    let expected = [
        (DeliveryState::Acknowledged, 1),
        (DeliveryState::Outstanding, 1),
        (DeliveryState::Available, 0),
        (DeliveryState::Available, 0),
    ];
    assert_eq!(states, expected);
    // In parts, with the place known, unknown, and wrong.
    let first = peek(0, None, 2);
    let (after, near) = (first[1].sequence, first[1].slot);
    for near in [Some(near), None, Some(first[0].slot), Some(99)] {
        let rest = peek(after, near, 10);
        let sequences: Vec<u64> = rest.iter().map(|entry| entry.sequence).collect();
        assert_eq!(sequences, [all[2].sequence, all[3].sequence], "{near:?}");
    }
    assert_eq!(driver.pull(subscription, 10).len(), 2);
}
