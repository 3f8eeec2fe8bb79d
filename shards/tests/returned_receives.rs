//! Receives whose answer reached nobody.

mod common;

use common::{Driver, bodies};
use lclq_shards::attributes::QueueAttribute::*;
use lclq_shards::command::{Command, Delivery, QueueCommand, QueueRef, Receive, Reply};

fn give_back(driver: &mut Driver, deliveries: &[Delivery]) {
    let leases = deliveries.iter().map(|delivery| delivery.lease).collect();
    let command = QueueCommand::ReturnDeliveries(leases);
    let reply = driver.ask(Command::Queue(Box::new(command)));
    assert!(matches!(reply, Reply::Done));
}

fn receive_as(driver: &mut Driver, queue: QueueRef, attempt: &str) -> Vec<Delivery> {
    let command = Command::Receive(Receive {
        queue,
        messages_max: 10,
        visibility_timeout_s: None,
        wait_s: None,
        attempt: Some(attempt.into()),
        client: 0,
    });
    match driver.ask(command) {
        Reply::Received(found) => found.into_vec(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn they_do_not_count() {
    for fifo in [false, true] {
        let mut driver = Driver::in_memory();
        let queue = if fifo {
            driver.fifo("q.fifo")
        } else {
            driver.create("q", &[])
        };
        for body in ["a", "b"] {
            driver.send_group(queue, "g", body);
        }
        let lost = driver.receive(queue, 10);
        give_back(&mut driver, &lost);
        assert_eq!(driver.counts(queue).visible, 2);
        let found = driver.receive(queue, 10);
        assert_eq!(bodies(&found), ["a", "b"]);
        assert!(found.iter().all(|one| one.lease.receive_count == 1));
    }
}

#[test]
fn a_message_that_nobody_saw_is_no_dead_letter() {
    let mut driver = Driver::in_memory();
    driver.create("dead", &[]);
    let policy =
        r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":1}"#;
    let queue = driver.create("q", &[(RedrivePolicy, policy)]);
    driver.send(queue, "a");
    let lost = driver.receive(queue, 1);
    give_back(&mut driver, &lost);
    assert_eq!(bodies(&driver.receive(queue, 1)), ["a"]);
}

#[test]
fn a_later_lease_is_left_alone() {
    let mut driver = Driver::in_memory();
    let queue = driver.create("q", &[]);
    driver.send(queue, "a");
    let lost = driver.receive_for(queue, 1, Some(1));
    driver.pass(1_000);
    let found = driver.receive(queue, 1);
    give_back(&mut driver, &lost);
    assert_eq!(driver.counts(queue).in_flight, 1);
    driver.delete(queue, &found[0]).unwrap();
    give_back(&mut driver, &found);
    assert_eq!(driver.counts(queue), Default::default());
}

#[test]
fn a_repeated_attempt_keeps_what_it_got() {
    let mut driver = Driver::in_memory();
    let queue = driver.fifo("q.fifo");
    driver.send_group(queue, "g", "a");
    let lost = receive_as(&mut driver, queue, "attempt");
    let again = receive_as(&mut driver, queue, "attempt");
    assert_eq!(bodies(&again), ["a"]);
    give_back(&mut driver, &lost);
    assert_eq!(driver.counts(queue).in_flight, 1);
}

#[test]
fn an_attempt_that_was_given_back_repeats_nothing() {
    let mut driver = Driver::in_memory();
    let queue = driver.fifo("q.fifo");
    driver.send_group(queue, "g", "a");
    let lost = receive_as(&mut driver, queue, "attempt");
    give_back(&mut driver, &lost);
    assert_eq!(bodies(&driver.receive(queue, 1)), ["a"]);
    assert!(receive_as(&mut driver, queue, "attempt").is_empty());
}

#[test]
fn an_attempt_that_was_repeated_for_an_earlier_receive_keeps_nothing() {
    let mut driver = Driver::in_memory();
    let queue = driver.create("q.fifo", &[(FifoQueue, "true"), (VisibilityTimeout, "10")]);
    driver.send_group(queue, "g", "a");
    for _ in 0..2 {
        assert_eq!(receive_as(&mut driver, queue, "attempt").len(), 1);
    }
    driver.pass(10_000);
    let lost = driver.receive(queue, 10);
    assert_eq!(bodies(&lost), ["a"]);
    give_back(&mut driver, &lost);
    let found = driver.receive(queue, 10);
    assert_eq!(bodies(&found), ["a"]);
    assert_eq!(found[0].lease.receive_count, 2);
}

#[test]
fn a_repeated_attempt_keeps_what_it_got_when_its_id_means_another_receive() {
    let mut driver = Driver::in_memory();
    let queue = driver.fifo("q.fifo");
    driver.send_group(queue, "g", "a");
    driver.send_group(queue, "h", "b");
    let lost = receive_as(&mut driver, queue, "attempt");
    let again = receive_as(&mut driver, queue, "attempt");
    assert_eq!(bodies(&again), ["a", "b"]);
    // One of its messages is done, so the id isn't of that receive any more.
    driver.delete(queue, &again[1]).unwrap();
    driver.send_group(queue, "i", "c");
    assert_eq!(bodies(&receive_as(&mut driver, queue, "attempt")), ["c"]);
    give_back(&mut driver, &lost);
    assert_eq!(driver.counts(queue).in_flight, 2, "a is still leased");
    assert_eq!(bodies(&driver.receive(queue, 10)), [""; 0]);
    // A lease of later is one's own again.
    driver.pass(60_000);
    let later = driver.receive(queue, 10);
    give_back(&mut driver, &later);
    assert_eq!(driver.counts(queue).in_flight, 0);
}

#[test]
fn a_lease_that_a_client_took_up_again_is_not_given_back() {
    let mut driver = Driver::in_memory();
    let queue = driver.create("q", &[]);
    driver.send(queue, "a");
    let seen = driver.receive_for(queue, 1, Some(0));
    let lost = driver.receive_for(queue, 1, Some(5));
    // An older handle of a standard queue takes the message up, and that is answered.
    driver.change(queue, &seen[0], 30).unwrap();
    give_back(&mut driver, &lost);
    assert_eq!(driver.counts(queue).in_flight, 1);
    driver.pass(31_000);
    let found = driver.receive(queue, 1);
    assert_eq!(found[0].lease.receive_count, 3);
}
