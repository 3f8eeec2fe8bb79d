//! The delay of a FIFO queue is the one of now, also for messages that are there already.

mod common;

use common::memory_journal::MemoryJournal;
use common::{Driver, bodies, receive};
use lclq_shards::attributes::QueueAttribute::*;
use lclq_shards::command::{Command, Counts, QueueCommand, QueueRef, Reply};

fn set_delay(driver: &mut Driver, queue: QueueRef, delay_s: &str) {
    let changes = vec![(DelaySeconds, Some(delay_s.to_owned()))];
    let command = QueueCommand::SetAttributes(queue, changes);
    let reply = driver.ask(Command::Queue(Box::new(command)));
    assert!(matches!(reply, Reply::Done));
}

#[test]
fn a_shorter_delay_frees_what_waits() {
    let mut driver = Driver::in_memory();
    let queue = driver.create("q.fifo", &[(FifoQueue, "true"), (DelaySeconds, "100")]);
    for body in ["a", "b"] {
        driver.send_group(queue, "g", body);
    }
    driver.pass(5_000);
    let poll = driver.start(receive(queue, 10, None, Some(20)));
    set_delay(&mut driver, queue, "10");
    let waiting = Counts {
        delayed: 2,
        ..Default::default()
    };
    assert_eq!(driver.counts(queue), waiting);
    driver.pass(4_999);
    assert!(!driver.replies.contains_key(&poll));
    driver.pass(1);
    let Some(Reply::Received(found)) = driver.replies.remove(&poll) else {
        panic!("no answer")
    };
    assert_eq!(bodies(&found), ["a", "b"]);
    driver.send_group(queue, "other", "c");
    assert!(driver.receive(queue, 10).is_empty());
    set_delay(&mut driver, queue, "0");
    assert_eq!(bodies(&driver.receive(queue, 10)), ["c"]);
}

#[test]
fn a_longer_delay_keeps_back_what_nobody_has_received() {
    let mut driver = Driver::in_memory();
    let queue = driver.fifo("q.fifo");
    driver.send_group(queue, "seen", "a");
    driver.receive_for(queue, 1, Some(0));
    driver.send_group(queue, "new", "b");
    driver.pass(1_000);
    set_delay(&mut driver, queue, "60");
    let seen = driver.receive(queue, 10);
    assert_eq!(bodies(&seen), ["a"]);
    let counts = driver.counts(queue);
    assert_eq!(
        (counts.visible, counts.in_flight, counts.delayed),
        (0, 1, 1)
    );
    driver.delete(queue, &seen[0]).unwrap();
    driver.pass(58_999);
    assert!(driver.receive(queue, 10).is_empty());
    driver.pass(1);
    assert_eq!(bodies(&driver.receive(queue, 10)), ["b"]);
}

#[test]
fn a_standard_queue_leaves_sent_messages_alone() {
    let mut driver = Driver::in_memory();
    let queue = driver.create("q", &[(DelaySeconds, "10")]);
    driver.send(queue, "a");
    set_delay(&mut driver, queue, "0");
    driver.pass(9_999);
    assert!(driver.receive(queue, 1).is_empty());
    set_delay(&mut driver, queue, "900");
    driver.pass(1);
    assert_eq!(bodies(&driver.receive(queue, 1)), ["a"]);
}

#[test]
fn one_that_was_received_is_not_delayed_again_by_a_restart() {
    use common::topics::{ask_durable, commit, open};
    let journal = MemoryJournal::new();
    let mut driver = open(&journal, common::START);
    let attributes = [(FifoQueue, "true"), (DelaySeconds, "10")];
    let create = || QueueCommand::Create {
        name: lclq_shards::QueueName::new("us-east-1", "000000000000", "q.fifo"),
        attributes: attributes
            .map(|(key, value)| (key, value.to_owned()))
            .into(),
        tags: Default::default(),
        recreate_after_ms: 0,
    };
    let find = |driver: &mut Driver| {
        let create = Command::Queue(Box::new(create()));
        let Reply::Queue(queue) = ask_durable(driver, &journal, create) else {
            panic!("a queue")
        };
        queue
    };
    let queue = find(&mut driver);
    // It was under way to its shard for as long as the delay.
    let entry = driver.entry("a", Some("g"), Some("a"));
    driver.now += 10_000;
    let send = Command::Send {
        queue,
        entries: [entry].into_iter().collect(),
    };
    ask_durable(&mut driver, &journal, send);
    let first = driver.start(receive(queue, 1, Some(0), None));
    commit(&mut driver, &journal);
    assert!(matches!(&driver.replies[&first], Reply::Received(found) if found.len() == 1));
    journal.crash();
    let mut driver = open(&journal, driver.now);
    let queue = find(&mut driver);
    assert_eq!(bodies(&driver.receive(queue, 1)), ["a"]);
}

/// Sends what was under way to its shard for `late_ms`.
fn send_late(driver: &mut Driver, queue: QueueRef, body: &str, late_ms: u64) {
    driver.now -= late_ms;
    let entry = driver.entry(body, Some(body), Some(body));
    driver.now += late_ms;
    driver.send_entry(queue, entry).unwrap();
}

#[test]
fn a_message_that_came_late_hides_none_from_a_changed_delay() {
    let mut driver = Driver::in_memory();
    let queue = driver.create("q.fifo", &[(FifoQueue, "true"), (DelaySeconds, "12")]);
    driver.send_group(queue, "a", "a");
    send_late(&mut driver, queue, "b", 13_000);
    set_delay(&mut driver, queue, "6");
    assert_eq!(bodies(&driver.receive_for(queue, 10, Some(0))), ["b"]);
    driver.pass(6_000);
    assert_eq!(driver.receive_for(queue, 10, Some(60)).len(), 2);
    set_delay(&mut driver, queue, "0");
    driver.send_group(queue, "c", "c");
    send_late(&mut driver, queue, "d", 21_000);
    set_delay(&mut driver, queue, "20");
    assert_eq!(bodies(&driver.receive(queue, 10)), ["d"]);
}
