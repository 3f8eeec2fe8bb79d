//! Where messages went, as a shard tells it: each way in which a step comes about, and who had it.

mod common;

use common::topics::*;
use common::{Driver, START, receive};
use lclq_shards::attributes::QueueAttribute;
use lclq_shards::command::*;
use lclq_shards::journeys::{Journey, Step, Traveller};
use lclq_shards::pubsub::command::*;
use lclq_shards::pubsub::*;
use lclq_shards::{Eviction, QueueName, ShardConfig};

fn driver() -> Driver {
    Driver::with(ShardConfig {
        journey_events: 1000,
        ..ShardConfig::new(0, 1)
    })
}

fn journey(driver: &mut Driver, traveller: Traveller) -> Journey {
    let command = QueueCommand::Journey(traveller);
    match driver.ask(Command::Queue(Box::new(command))) {
        Reply::Journey(journey) => *journey,
        other => panic!("{other:?}"),
    }
}

fn steps(driver: &mut Driver, traveller: Traveller) -> Vec<Step> {
    let events = journey(driver, traveller).events;
    events.into_iter().map(|event| event.step).collect()
}

/// Sends a message and answers how to ask for it.
fn send(driver: &mut Driver, queue: QueueRef, group: Option<&str>) -> Traveller {
    let entry = driver.entry("m", group, group);
    let id = entry.payload.id();
    driver.send_entry(queue, entry).unwrap();
    Traveller::Sent(id)
}

fn received(count: u32, until: u64) -> Step {
    Step::Received {
        count,
        until: START + until,
        client: 0,
    }
}

#[test]
fn a_message_of_a_queue_is_followed_from_its_sending_to_its_end() {
    let mut driver = driver();
    let queue = driver.create("q", &[]);
    let mut asked = receive(queue, 1, Some(10), None);
    if let Command::Receive(receive) = &mut asked {
        receive.client = 7;
    }
    let message = send(&mut driver, queue, None);
    let Reply::Received(deliveries) = driver.ask(asked) else {
        panic!("a message")
    };
    driver.pass(2_000);
    driver.change(queue, &deliveries[0], 5).unwrap();
    driver.pass(5_000);
    let again = driver.receive_for(queue, 1, Some(20));
    driver.change(queue, &again[0], 0).unwrap();
    let last = driver.receive_for(queue, 1, Some(20));
    driver.delete(queue, &last[0]).unwrap();
    let told = journey(&mut driver, message);
    assert_eq!(told.kept_since, Some(START));
    let [first, second, ..] = &told.events[..] else {
        panic!("events")
    };
    let arn = QueueName::new("us-east-1", "000000000000", "q").arn();
    assert_eq!(
        (first.at, &*first.place, &first.step),
        (START, &*arn, &Step::Sent)
    );
    let by_seven = Step::Received {
        count: 1,
        until: START + 10_000,
        client: 7,
    };
    assert_eq!(second.step, by_seven);
    let rest: Vec<_> = told.events[2..].iter().map(|event| &event.step).collect();
    let expected = [
        Step::Extended(START + 7_000),
        Step::LeaseExpired,
        received(2, 27_000),
        Step::Returned,
        received(3, 27_000),
        Step::Deleted,
    ];
    assert_eq!(rest, expected.iter().collect::<Vec<_>>());
}

#[test]
fn a_long_poll_that_waits_is_remembered_with_who_asked() {
    let mut driver = driver();
    let queue = driver.create("q", &[]);
    for client in [3, 4] {
        let mut asked = receive(queue, 1, Some(10), Some(20));
        if let Command::Receive(receive) = &mut asked {
            receive.client = client;
        }
        driver.start(asked);
    }
    for client in [3, 4] {
        let message = send(&mut driver, queue, None);
        let by = Step::Received {
            count: 1,
            until: START + 10_000,
            client,
        };
        assert_eq!(steps(&mut driver, message), [Step::Sent, by]);
    }
}

#[test]
fn messages_that_go_by_themselves_say_why() {
    let mut driver = driver();
    let short = driver.create("short", &[(QueueAttribute::MessageRetentionPeriod, "60")]);
    let expired = send(&mut driver, short, None);
    driver.pass(60_000);
    assert_eq!(steps(&mut driver, expired), [Step::Sent, Step::Expired]);
    let purged = send(&mut driver, short, None);
    let purge = QueueCommand::Purge {
        queue: short,
        interval_ms: 0,
    };
    driver.ask(Command::Queue(Box::new(purge)));
    driver.pass(1);
    assert_eq!(steps(&mut driver, purged), [Step::Sent, Step::Purged]);
    let delayed = driver.create("delayed", &[(QueueAttribute::DelaySeconds, "5")]);
    let waits = send(&mut driver, delayed, None);
    driver.pass(5_000);
    assert_eq!(steps(&mut driver, waits), [Step::Sent, Step::Available]);
    let fifo = driver.fifo("f.fifo");
    let once = send(&mut driver, fifo, Some("g"));
    send(&mut driver, fifo, Some("g"));
    assert_eq!(steps(&mut driver, once), [Step::Sent, Step::SentAgain]);
    let given = driver.receive(fifo, 1);
    let back = QueueCommand::ReturnDeliveries(vec![given[0].lease]);
    driver.ask(Command::Queue(Box::new(back)));
    assert_eq!(steps(&mut driver, once).last(), Some(&Step::Undelivered));
}

#[test]
fn eviction_is_said() {
    let mut driver = Driver::with(ShardConfig {
        journey_events: 1000,
        memory_bytes_max: 2_000,
        eviction: Eviction::OldestFirst,
        ..ShardConfig::new(0, 1)
    });
    let queue = driver.create("q", &[]);
    let first = send(&mut driver, queue, None);
    let mut sent = 1;
    while steps(&mut driver, first) == [Step::Sent] {
        send(&mut driver, queue, None);
        sent += 1;
        assert!(sent < 100, "nothing was evicted");
    }
    assert_eq!(steps(&mut driver, first), [Step::Sent, Step::Evicted]);
}

#[test]
fn dead_letters_and_move_tasks_lead_from_queue_to_queue() {
    let mut driver = driver();
    let dead = driver.create("dead", &[]);
    let arn = |name| QueueName::new("us-east-1", "000000000000", name).arn();
    let policy = format!(
        "{{\"deadLetterTargetArn\":\"{}\",\"maxReceiveCount\":1}}",
        arn("dead")
    );
    let queue = driver.create("q", &[(QueueAttribute::RedrivePolicy, policy.as_str())]);
    let message = send(&mut driver, queue, None);
    driver.receive_for(queue, 1, Some(0));
    driver.receive(queue, 1);
    let told = journey(&mut driver, message);
    let places: Vec<_> = told
        .events
        .iter()
        .map(|event| event.place.to_string())
        .collect();
    assert_eq!(places, [arn("q"), arn("q"), arn("q"), arn("dead")]);
    let moved: Vec<_> = told.events[2..].iter().map(|event| &event.step).collect();
    let to_dead = Step::Moved(arn("dead").into(), None);
    assert_eq!(moved, [&to_dead, &Step::Arrived]);
    let task = QueueCommand::StartMove {
        source: dead,
        destination: None,
        messages_per_s_max: None,
        task_id: [1; 16],
    };
    driver.ask(Command::Queue(Box::new(task)));
    driver.pass(100);
    let told = steps(&mut driver, message);
    let Some(Step::Moved(to, Some(new))) = told.last() else {
        panic!("{told:?}")
    };
    assert_eq!(**to, *arn("q"));
    // It goes on under its new id.
    let new = Traveller::Sent(*new);
    assert_eq!(steps(&mut driver, new), [Step::Arrived]);
}

#[test]
fn a_published_message_is_followed_in_each_subscription() {
    let mut driver = driver();
    let topic = driver.topic(TOPIC, None);
    let first = driver.subscribe(
        "projects/p/subscriptions/a",
        SubscriptionSettings::default(),
    );
    let second = driver.subscribe(
        "projects/p/subscriptions/b",
        SubscriptionSettings::default(),
    );
    driver.publish(topic, "m", "");
    let pulled = driver.pull(first, 1);
    let message = Traveller::Published(pulled[0].lease.sequence);
    driver.modack(first, &pulled, 30);
    driver.modack(first, &pulled, 0);
    let pulled = driver.pull(first, 1);
    driver.ack(first, &pulled);
    let stream = driver.stream(second, 10, 1 << 20);
    let token = driver.stream_pull(stream);
    assert_eq!(driver.pulled(token).len(), 1);
    driver.pass(60_000);
    let told = journey(&mut driver, message);
    let of = |place: &str| -> Vec<Step> {
        let events = told.events.iter().filter(|event| &*event.place == place);
        events.map(|event| event.step.clone()).collect()
    };
    assert_eq!(of(TOPIC), [Step::Published]);
    let expected = [
        received(1, 10_000),
        Step::Extended(START + 30_000),
        Step::Returned,
        received(2, 10_000),
        Step::Acknowledged,
    ];
    assert_eq!(of("projects/p/subscriptions/a"), expected);
    let expected = [received(1, 60_000), Step::LeaseExpired];
    assert_eq!(of("projects/p/subscriptions/b")[..2], expected);
}

#[test]
fn seeks_and_ends_of_subscriptions_are_said() {
    let mut driver = driver();
    let topic = driver.topic(TOPIC, Some(600_000));
    let name = "projects/p/subscriptions/a";
    driver.subscribe(name, SubscriptionSettings::default());
    driver.publish(topic, "m", "");
    let sequence = match driver.ask(wrap(PubsubCommand::Publish {
        topic,
        messages: vec![message("n", "", &[])],
    })) {
        Reply::Published(sequence) => sequence,
        other => panic!("{other:?}"),
    };
    let message = Traveller::Published(sequence);
    for (to, step) in [(START + 1, Step::SoughtPast), (START, Step::SoughtBack)] {
        driver.done(AdminCommand::Seek {
            name: name.into(),
            to: SeekTo::Time(to),
        });
        assert_eq!(steps(&mut driver, message).last(), Some(&step));
    }
    driver.done(AdminCommand::Delete {
        kind: Kind::Subscription,
        name: name.into(),
    });
    driver.pass(1);
    assert_eq!(steps(&mut driver, message).last(), Some(&Step::Purged));
}

#[test]
fn without_them_nothing_is_kept() {
    let mut driver = Driver::in_memory();
    let queue = driver.create("q", &[]);
    let message = send(&mut driver, queue, None);
    assert_eq!(journey(&mut driver, message), Journey::default());
}
