//! Send, receive, delete and leases on a standard queue.

mod common;
use common::{Driver, bodies, receive};
use lclq_shards::command::*;

#[test]
fn what_is_sent_is_received_once_and_deleted() {
    let mut d = Driver::in_memory();
    let q = d.create("q", &[]);
    d.send(q, "one");
    d.send(q, "two");
    let got = d.receive(q, 10);
    assert_eq!(bodies(&got), ["one", "two"]);
    assert!(d.receive(q, 10).is_empty());
    assert_eq!(
        d.counts(q),
        Counts {
            visible: 0,
            in_flight: 2,
            delayed: 0
        }
    );
    for delivery in &got {
        d.delete(q, delivery).unwrap();
        d.delete(q, delivery).unwrap();
    }
    assert_eq!(d.counts(q), Counts::default());
    assert_eq!(d.host.stats().resident_bytes, 0);
}

#[test]
fn a_lease_ends_and_the_old_handle_still_deletes() {
    let mut d = Driver::in_memory();
    let q = d.create("q", &[]);
    d.send(q, "one");
    let first = d.receive_for(q, 1, Some(5));
    d.pass(4_999);
    assert!(d.receive(q, 1).is_empty());
    d.pass(1);
    let second = d.receive(q, 1);
    assert_eq!(second[0].lease.receive_count, 2);
    assert_eq!(second[0].first_received_at, common::START);
    d.delete(q, &first[0]).unwrap();
    assert_eq!(d.counts(q), Counts::default());
}

#[test]
fn a_long_poll_is_answered_by_the_next_send_and_by_nothing_else() {
    let mut d = Driver::in_memory();
    let q = d.create("q", &[]);
    let polls: Vec<Token> = (0..3)
        .map(|_| d.start(receive(q, 1, None, Some(20))))
        .collect();
    d.send(q, "one");
    assert!(matches!(&d.replies[&polls[0]], Reply::Received(got) if got.len() == 1));
    assert!(!d.replies.contains_key(&polls[1]));
    d.pass(20_000);
    assert!(matches!(&d.replies[&polls[2]], Reply::Received(got) if got.is_empty()));
    assert_eq!(d.host.stats().waiters, 0);
}

#[test]
fn a_purge_leaves_nothing_and_the_sweep_frees_it() {
    let mut d = Driver::in_memory();
    let q = d.create("q", &[]);
    for n in 0..3000 {
        d.send(q, &n.to_string());
    }
    let held = d.receive(q, 1);
    let purge = QueueCommand::Purge {
        queue: q,
        interval_ms: 0,
    };
    assert!(matches!(
        d.ask(Command::Queue(Box::new(purge))),
        Reply::Done
    ));
    let stale = d.ask(receive(q, 1, None, None));
    assert!(matches!(stale, Reply::Stale(_)));
    let name = lclq_shards::QueueName::new("us-east-1", "000000000000", "q");
    let q = d.host.shard().find_queue(&name).unwrap();
    assert!(d.receive(q, 10).is_empty());
    d.delete(q, &held[0]).unwrap();
    for _ in 0..5 {
        d.pass(1);
    }
    assert_eq!(d.host.stats().resident_bytes, 0);
    d.send(q, "after");
    assert_eq!(bodies(&d.receive(q, 10)), ["after"]);
}
