//! Order and exclusion within message groups.

mod common;
use common::{Driver, bodies, receive};
use lclq_shards::command::Reply;

#[test]
fn a_batch_takes_a_group_first_and_locks_it() {
    let mut d = Driver::in_memory();
    let q = d.fifo("q.fifo");
    for (group, body) in [("a", "a1"), ("b", "b1"), ("a", "a2"), ("a", "a3")] {
        d.send_group(q, group, body);
    }
    assert_eq!(bodies(&d.receive(q, 2)), ["a1", "a2"]);
    assert_eq!(bodies(&d.receive(q, 10)), ["b1"]);
    assert!(d.receive(q, 10).is_empty());
}

#[test]
fn a_partial_delete_keeps_the_group_locked() {
    let mut d = Driver::in_memory();
    let q = d.fifo("q.fifo");
    for body in ["a1", "a2", "a3"] {
        d.send_group(q, "a", body);
    }
    let got = d.receive(q, 2);
    d.delete(q, &got[0]).unwrap();
    assert!(d.receive(q, 10).is_empty());
    d.delete(q, &got[1]).unwrap();
    assert_eq!(bodies(&d.receive(q, 10)), ["a3"]);
}

#[test]
fn a_message_made_visible_again_comes_before_those_still_in_flight() {
    let mut d = Driver::in_memory();
    let q = d.fifo("q.fifo");
    for (group, body) in [("a", "a1"), ("a", "a2"), ("b", "b1")] {
        d.send_group(q, group, body);
    }
    let got = d.receive(q, 2);
    assert_eq!(bodies(&got), ["a1", "a2"]);
    d.change(q, &got[0], 0).unwrap();
    assert_eq!(bodies(&d.receive(q, 3)), ["b1", "a1"]);
}

#[test]
fn no_visibility_timeout_gives_the_groups_their_turns() {
    let mut d = Driver::in_memory();
    let q = d.fifo("q.fifo");
    for (group, body) in [
        ("1", "a1"),
        ("2", "b1"),
        ("2", "b2"),
        ("3", "c1"),
        ("1", "a2"),
    ] {
        d.send_group(q, group, body);
    }
    assert_eq!(bodies(&d.receive_for(q, 3, Some(0))), ["a1", "a2", "b1"]);
    assert_eq!(
        bodies(&d.receive_for(q, 10, Some(0))),
        ["c1", "a1", "a2", "b1", "b2"]
    );
}

#[test]
fn a_delete_that_unlocks_a_group_wakes_a_long_poll() {
    let mut d = Driver::in_memory();
    let q = d.fifo("q.fifo");
    d.send_group(q, "a", "a1");
    d.send_group(q, "a", "a2");
    let got = d.receive(q, 1);
    let poll = d.start(receive(q, 1, None, Some(20)));
    assert!(!d.replies.contains_key(&poll));
    d.delete(q, &got[0]).unwrap();
    assert!(matches!(&d.replies[&poll], Reply::Received(got) if bodies(got) == ["a2"]));
}
