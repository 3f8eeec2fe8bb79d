//! Topics and subscriptions, driven by hand.

mod common;

use common::{Driver, START};
use lclq_shards::command::*;
use lclq_shards::journal::MemoryJournal;
use lclq_shards::pubsub::command::*;
use lclq_shards::pubsub::*;
use lclq_shards::{ShardConfig, ShardHost};

const TOPIC: &str = "projects/p/topics/t";

fn message(text: &str, key: &str, attributes: &[(&str, &str)]) -> SharedBytes {
    fn field(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
        out.push(tag);
        out.push(bytes.len() as u8);
        out.extend_from_slice(bytes);
    }
    let mut out = Vec::new();
    field(&mut out, 0x0a, text.as_bytes());
    for (key, value) in attributes {
        let mut entry = Vec::new();
        field(&mut entry, 0x0a, key.as_bytes());
        field(&mut entry, 0x12, value.as_bytes());
        field(&mut out, 0x12, &entry);
    }
    if !key.is_empty() {
        field(&mut out, 0x2a, key.as_bytes());
    }
    out.into()
}

fn text(pulled: &Pulled) -> String {
    let length = usize::from(pulled.bytes[1]);
    String::from_utf8(pulled.bytes[2..2 + length].to_vec()).unwrap()
}

fn texts(pulled: &[Pulled]) -> Vec<String> {
    pulled.iter().map(text).collect()
}

fn wrap(command: PubsubCommand) -> Command {
    Command::Pubsub(Box::new(command))
}

fn admin(command: AdminCommand) -> Command {
    wrap(PubsubCommand::Admin(Box::new(command)))
}

trait Topics {
    fn topic(&mut self, name: &str, retention_ms: Option<u64>) -> TopicRef;
    fn subscribe(&mut self, name: &str, settings: SubscriptionSettings) -> SubscriptionRef;
    fn publish(&mut self, topic: TopicRef, text: &str, key: &str);
    fn publish_with(&mut self, topic: TopicRef, message: SharedBytes);
    fn pull(&mut self, subscription: SubscriptionRef, max: u32) -> Vec<Pulled>;
    fn ack(&mut self, subscription: SubscriptionRef, pulled: &[Pulled]) -> Vec<bool>;
    fn modack(&mut self, subscription: SubscriptionRef, pulled: &[Pulled], s: u32) -> Vec<bool>;
    fn stream(&mut self, subscription: SubscriptionRef, messages: u64, bytes: u64) -> StreamRef;
    fn stream_pull(&mut self, stream: StreamRef) -> Token;
    fn pulled(&mut self, token: Token) -> Vec<Pulled>;
    fn done(&mut self, command: AdminCommand);
}

impl Topics for Driver {
    fn topic(&mut self, name: &str, retention_ms: Option<u64>) -> TopicRef {
        let command = AdminCommand::CreateTopic {
            name: name.into(),
            spec: SharedBytes::from([]),
            settings: TopicSettings { retention_ms },
        };
        match self.ask(admin(command)) {
            Reply::Resource(resource) => resource.topic_ref(),
            other => panic!("{other:?}"),
        }
    }

    fn subscribe(&mut self, name: &str, settings: SubscriptionSettings) -> SubscriptionRef {
        let command = AdminCommand::CreateSubscription {
            name: name.into(),
            topic: TOPIC.into(),
            spec: SharedBytes::from([]),
            settings,
        };
        match self.ask(admin(command)) {
            Reply::Resource(resource) => resource.subscription_ref(),
            other => panic!("{other:?}"),
        }
    }

    fn publish(&mut self, topic: TopicRef, text: &str, key: &str) {
        self.publish_with(topic, message(text, key, &[]));
    }

    fn publish_with(&mut self, topic: TopicRef, message: SharedBytes) {
        let messages = vec![message];
        match self.ask(wrap(PubsubCommand::Publish { topic, messages })) {
            Reply::Published(_) => {}
            other => panic!("{other:?}"),
        }
    }

    fn pull(&mut self, subscription: SubscriptionRef, messages_max: u32) -> Vec<Pulled> {
        let token = self.start(wrap(PubsubCommand::Pull {
            subscription,
            messages_max,
            bytes_max: 1 << 20,
            wait_ms: 0,
        }));
        self.pulled(token)
    }

    fn ack(&mut self, subscription: SubscriptionRef, pulled: &[Pulled]) -> Vec<bool> {
        let leases = pulled.iter().map(|pulled| pulled.lease).collect();
        match self.ask(wrap(PubsubCommand::Acknowledge {
            subscription,
            leases,
        })) {
            Reply::Acknowledged(results) => results,
            other => panic!("{other:?}"),
        }
    }

    fn modack(&mut self, subscription: SubscriptionRef, pulled: &[Pulled], s: u32) -> Vec<bool> {
        let leases = pulled.iter().map(|pulled| (pulled.lease, s)).collect();
        match self.ask(wrap(PubsubCommand::ModifyDeadline {
            subscription,
            leases,
        })) {
            Reply::Acknowledged(results) => results,
            other => panic!("{other:?}"),
        }
    }

    fn stream(&mut self, subscription: SubscriptionRef, messages: u64, bytes: u64) -> StreamRef {
        let limits = StreamLimits {
            messages_max: messages,
            bytes_max: bytes,
            ack_deadline_s: 60,
        };
        match self.ask(wrap(PubsubCommand::OpenStream {
            subscription,
            limits,
        })) {
            Reply::Stream(stream) => stream,
            other => panic!("{other:?}"),
        }
    }

    fn stream_pull(&mut self, stream: StreamRef) -> Token {
        self.start(wrap(PubsubCommand::StreamPull {
            stream,
            messages_max: 1000,
            bytes_max: 1 << 20,
        }))
    }

    fn pulled(&mut self, token: Token) -> Vec<Pulled> {
        match self.replies.remove(&token) {
            Some(Reply::Pulled(pulled)) => pulled,
            other => panic!("{other:?}"),
        }
    }

    fn done(&mut self, command: AdminCommand) {
        match self.ask(admin(command)) {
            Reply::Done => {}
            other => panic!("{other:?}"),
        }
    }
}

fn ordered() -> SubscriptionSettings {
    SubscriptionSettings {
        ordering: true,
        ..Default::default()
    }
}

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

/// Commits all that waits, so that held replies go out.
fn commit(driver: &mut Driver, journal: &MemoryJournal) {
    driver.host.flush();
    while journal.complete() {
        driver.host.poll_journal();
    }
    driver.collect();
}

fn ask_durable(driver: &mut Driver, journal: &MemoryJournal, command: Command) -> Reply {
    let token = driver.start(command);
    commit(driver, journal);
    driver
        .replies
        .remove(&token)
        .expect("answered once durable")
}

fn open(journal: &MemoryJournal, now: u64) -> Driver {
    open_one_of(1, journal, now)
}

fn open_one_of(shards: u16, journal: &MemoryJournal, now: u64) -> Driver {
    let config = ShardConfig::new(0, shards);
    let host = ShardHost::open(config, Box::new(journal.clone()), now).unwrap();
    let mut driver = Driver::on(host);
    driver.now = now;
    commit(&mut driver, journal);
    driver
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

#[test]
fn a_dead_letter_that_came_back_is_its_subscriptions_alone_after_a_restart() {
    use lclq_shards::moves::{Address, Transfer};
    const TOPIC: &str = "projects/p/topics/t";
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
    let body = message("back", "", &[]);
    let draft = lclq_shards::Draft {
        body: &body,
        ..Default::default()
    };
    driver.start(Command::Transfer(Box::new(Transfer {
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
    })));
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
    use lclq_shards::moves::{Address, Transfer};
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
            settings: SubscriptionSettings::default(),
        };
        ask_durable(&mut driver, &journal, admin(create));
    }
    let body = message("back", "", &[]);
    let draft = lclq_shards::Draft {
        body: &body,
        ..Default::default()
    };
    let transfer = Command::Transfer(Box::new(Transfer {
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
    }));
    ask_durable(&mut driver, &journal, transfer);
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
            };
            let pulled = ask_durable(&mut driver, &journal, wrap(pull));
            let Reply::Pulled(pulled) = pulled else {
                panic!("{pulled:?}");
            };
            assert_eq!(texts(&pulled), expected, "{name}, restarted: {restarted}");
        }
    }
}
