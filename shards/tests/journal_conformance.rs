//! What every journal promises, asked of each: SQLite, the journal in memory that simulations run on,
//! and the one in a shared log.

mod common;
mod journal_conformance {
    pub mod changes;
    pub mod journals;
    pub mod records;
}

use journal_conformance::changes::Changes;
use journal_conformance::journals::{InALog, InMemory, InMemoryWithTail, OnSqlite, Opened, Store};
use journal_conformance::records::*;
use lclq_shards::journal::*;

/// Asks each kind of journal.
macro_rules! every_journal {
    ($($case:ident)*) => {
        mod sqlite {
            $(#[test] fn $case() { super::$case::<super::OnSqlite>(); })*
        }
        mod memory {
            $(#[test] fn $case() { super::$case::<super::InMemory>(); })*
        }
        mod memory_with_a_tail {
            $(#[test] fn $case() { super::$case::<super::InMemoryWithTail>(); })*
        }
        mod log {
            $(#[test] fn $case() { super::$case::<super::InALog>(); })*
        }
    };
}

every_journal! {
    every_kind_comes_back_in_the_promised_order
    the_latest_of_a_record_counts
    numbers_that_were_reserved_come_back
    receives_are_counted
    what_is_deleted_stays_deleted
    a_queue_takes_its_messages_with_it
    what_is_purged_stays_purged
    deduplication_ids_are_remembered_by_number
    confirmed_transfers_leave_the_outbox
    what_has_arrived_is_known_by_source
    deliveries_go_with_their_message
    deliveries_of_a_subscription_are_forgotten
    topics_and_subscriptions_take_their_rows_with_them
    a_batch_of_nothing_is_committed
    an_epoch_that_is_over_commits_nothing
}

fn every_kind_comes_back_in_the_promised_order<S: Store + Default>() {
    let mut opened = Opened::<S>::empty();
    let in_order = [
        queue(2, 0),
        queue(5, 0),
        insert(10, 5),
        insert(11, 2),
        insert(14, 5),
        dedup(10, 5, u128::MAX - 1),
        dedup(14, 5, 3),
        confirmed(0, 3),
        confirmed(1, 6),
        transfer(0, 4, 0),
        transfer(0, 5, 0),
        transfer(1, 7, 0),
        inbox(0, 8),
        inbox(1, 9),
        topic(20, "20"),
        topic(21, "21"),
        subscription(22, 21, "22"),
        subscription(23, 20, "23"),
        schema(24, "24"),
        schema(25, "25"),
        publish(30, 21),
        publish(31, 20),
        delivery(30, 22, true, NEVER_HAD),
        delivery(30, 23, false, 2),
        delivery(31, 23, true, 0),
    ];
    // Written the other way round, in several batches.
    let mut backwards = in_order.to_vec();
    backwards.reverse();
    for ops in backwards.chunks(4) {
        opened.commit(ops);
    }
    assert_eq!(opened.kept(), in_order);
    // And that is what a journal makes of what it has loaded, too.
    let mut second = Opened::<S>::empty();
    second.commit(in_order.clone());
    assert_eq!(second.kept(), in_order);
    assert_eq!(second.kept(), in_order);
}

fn the_latest_of_a_record_counts<S: Store + Default>() {
    let mut opened = Opened::<S>::empty();
    opened.commit([topic(20, "a"), subscription(21, 20, "a"), schema(22, "a")]);
    opened.commit([
        queue(1, 0),
        topic(20, "b"),
        subscription(21, 20, "b"),
        schema(22, "b"),
        queue(1, 7),
    ]);
    let kept = [
        queue(1, 7),
        topic(20, "b"),
        subscription(21, 20, "b"),
        schema(22, "b"),
    ];
    assert_eq!(opened.kept(), kept);
    opened.commit([
        Op::DropSchema(22),
        Op::DropSubscription(21),
        Op::DropTopic(20),
    ]);
    assert_eq!(opened.kept(), [queue(1, 7)]);
}

fn numbers_that_were_reserved_come_back<S: Store + Default>() {
    let mut opened = Opened::<S>::empty();
    opened.commit([reserve(100, 10), queue(1, 0), insert(99, 1)]);
    opened.commit([Op::Delete(99), Op::DropQueue(1), reserve(200, 11)]);
    assert_eq!(opened.reload(), [reserve(200, 11)]);
    assert_eq!(opened.reload(), [reserve(200, 11)]);
}

fn receives_are_counted<S: Store + Default>() {
    let mut opened = Opened::<S>::empty();
    opened.commit([queue(1, 0), insert(5, 1), insert(6, 1)]);
    let received = |sequence, receive_count| Op::Received {
        sequence,
        receive_count,
        first_received_at: NOW + 77,
    };
    opened.commit([received(5, 2), Op::Delete(6)]);
    // A message may have gone since, or before a batch began.
    opened.commit([received(5, 3), received(6, 9), received(7, 1)]);
    let counted = MessageRecord {
        receive_count: 3,
        first_received_at: NOW + 77,
        ..message(5, 1)
    };
    assert_eq!(opened.kept(), [queue(1, 0), Op::Insert(counted)]);
}

fn what_is_deleted_stays_deleted<S: Store + Default>() {
    let mut opened = Opened::<S>::empty();
    opened.commit([queue(1, 0), insert(5, 1), insert(6, 1), Op::Delete(5)]);
    assert_eq!(opened.kept(), [queue(1, 0), insert(6, 1)]);
    opened.commit([Op::Delete(6), Op::Delete(5), insert(7, 1), Op::Delete(700)]);
    assert_eq!(opened.kept(), [queue(1, 0), insert(7, 1)]);
}

fn a_queue_takes_its_messages_with_it<S: Store + Default>() {
    let mut opened = Opened::<S>::empty();
    opened.commit([queue(1, 0), insert(5, 1), dedup(5, 1, 1)]);
    opened.commit([queue(2, 0), insert(6, 2), dedup(6, 2, 1), Op::DropQueue(1)]);
    let kept = [queue(2, 0), insert(6, 2), dedup(6, 2, 1)];
    assert_eq!(opened.kept(), kept);
    // Rows that came with the queue's end, late.
    opened.commit([Op::Delete(5)]);
    assert_eq!(opened.kept(), kept);
}

fn what_is_purged_stays_purged<S: Store + Default>() {
    let mut opened = Opened::<S>::empty();
    opened.commit([queue(1, 0), insert(5, 1), dedup(5, 1, 1), insert(6, 1)]);
    opened.commit([queue(1, 6), queue(2, 0), insert(7, 2), dedup(7, 2, 1)]);
    let kept = [
        queue(1, 6),
        queue(2, 0),
        insert(6, 1),
        insert(7, 2),
        dedup(7, 2, 1),
    ];
    assert_eq!(opened.kept(), kept);
}

fn deduplication_ids_are_remembered_by_number<S: Store + Default>() {
    let mut opened = Opened::<S>::empty();
    opened.commit([queue(1, 0), dedup(9, 1, 77), dedup(8, 1, 77)]);
    // The same id again, once its window was over; and a message's number with another id.
    opened.commit([dedup(12, 1, 77), dedup(8, 1, 78)]);
    let kept = [
        queue(1, 0),
        dedup(8, 1, 78),
        dedup(9, 1, 77),
        dedup(12, 1, 77),
    ];
    assert_eq!(opened.kept(), kept);
}

fn confirmed_transfers_leave_the_outbox<S: Store + Default>() {
    let mut opened = Opened::<S>::empty();
    opened.commit([transfer(1, 4, 4), transfer(1, 5, 4), transfer(1, 6, 4)]);
    opened.commit([transfer(0, 4, 4), transfer(0, 5, 4), confirmed(1, 5)]);
    let rest = [transfer(0, 4, 0), transfer(0, 5, 0), transfer(1, 6, 0)];
    let mut kept = vec![confirmed(1, 5)];
    kept.extend(rest);
    assert_eq!(opened.kept(), kept);
    // All are gone, and the number of the last one is still known.
    opened.commit([confirmed(1, 6), confirmed(0, 5)]);
    assert_eq!(opened.kept(), [confirmed(0, 5), confirmed(1, 6)]);
}

fn what_has_arrived_is_known_by_source<S: Store + Default>() {
    let mut opened = Opened::<S>::empty();
    opened.commit([inbox(1, 1), inbox(0, 40), inbox(1, 2)]);
    opened.commit([inbox(1, 1 << 32)]);
    assert_eq!(opened.kept(), [inbox(0, 40), inbox(1, 1 << 32)]);
}

fn deliveries_go_with_their_message<S: Store + Default>() {
    let mut opened = Opened::<S>::empty();
    opened.commit([topic(20, ""), subscription(21, 20, ""), publish(30, 20)]);
    opened.commit([delivery(30, 21, false, 1), publish(31, 20)]);
    opened.commit([delivery(30, 21, false, 2), delivery(31, 21, true, 0)]);
    let head = [topic(20, ""), subscription(21, 20, "")];
    let mut kept = head.to_vec();
    kept.extend([publish(30, 20), publish(31, 20)]);
    kept.extend([delivery(30, 21, false, 2), delivery(31, 21, true, 0)]);
    assert_eq!(opened.kept(), kept);
    // Whether or not the shard knew of rows.
    opened.commit([unpublish(30, true), unpublish(31, false), publish(32, 20)]);
    let mut kept = head.to_vec();
    kept.push(publish(32, 20));
    assert_eq!(opened.kept(), kept);
}

fn deliveries_of_a_subscription_are_forgotten<S: Store + Default>() {
    let mut opened = Opened::<S>::empty();
    let kept = [
        topic(20, ""),
        subscription(21, 20, ""),
        subscription(22, 20, ""),
        publish(30, 20),
        delivery(30, 22, true, 0),
    ];
    opened.commit(kept.clone());
    opened.commit([delivery(30, 21, true, 0)]);
    let subscription_id = 21;
    opened.commit([Op::ResetDeliveries { subscription_id }]);
    assert_eq!(opened.kept(), kept);
}

fn topics_and_subscriptions_take_their_rows_with_them<S: Store + Default>() {
    let mut opened = Opened::<S>::empty();
    opened.commit([topic(20, ""), subscription(21, 20, ""), publish(30, 20)]);
    opened.commit([topic(25, ""), subscription(26, 25, ""), publish(31, 25)]);
    opened.commit([delivery(30, 21, true, 0), delivery(31, 26, false, 3)]);
    opened.commit([Op::DropSubscription(26), Op::DropTopic(20)]);
    let kept = [topic(25, ""), subscription(21, 20, ""), publish(31, 25)];
    assert_eq!(opened.kept(), kept);
}

fn a_batch_of_nothing_is_committed<S: Store + Default>() {
    let mut opened = Opened::<S>::empty();
    opened.commit([]);
    opened.commit([Op::Nothing, queue(1, 0), Op::Nothing]);
    assert_eq!(opened.kept(), [queue(1, 0)]);
}

fn an_epoch_that_is_over_commits_nothing<S: Store + Default>() {
    let mut opened = Opened::<S>::empty();
    opened.commit([queue(1, 0)]);
    assert_eq!(opened.kept(), [queue(1, 0)]);
    let completion = opened.hand_over(opened.epoch - 1, vec![queue(2, 0)]);
    let current = opened.epoch;
    assert!(
        matches!(completion, Completion::Fenced { epoch } if epoch == current),
        "{completion:?}"
    );
    assert_eq!(opened.kept(), [queue(1, 0)]);
}

#[test]
fn a_number_that_was_used_fails_the_whole_batch() {
    for (first, again) in [
        (insert(5, 1), insert(5, 1)),
        (publish(30, 20), publish(30, 20)),
        (transfer(1, 4, 0), transfer(1, 4, 0)),
    ] {
        let mut kept = Kept::default();
        assert_eq!(kept.keep(first.clone()), Ok(()));
        assert!(kept.keep(again.clone()).is_err(), "{again:?}");
        let mut opened = Opened::<OnSqlite>::empty();
        opened.commit([queue(1, 0), topic(20, ""), first.clone()]);
        let completion = opened.hand_over(opened.epoch, vec![queue(2, 0), again]);
        assert!(
            matches!(completion, Completion::Failed(2, _)),
            "{completion:?}"
        );
        let kept = opened.kept();
        assert_eq!(kept.len(), 3, "{kept:?}");
        assert!(kept.contains(&first) && !kept.contains(&queue(2, 0)));
    }
}

#[test]
fn a_batch_that_fails_is_tried_again() {
    let mut opened = Opened::<InMemory>::empty();
    let disk = opened.store.0.clone();
    disk.set_failing(true);
    let completion = opened.hand_over(opened.epoch, vec![queue(1, 0)]);
    assert!(
        matches!(completion, Completion::Failed(1, _)),
        "{completion:?}"
    );
    disk.set_failing(false);
    assert!(disk.complete());
    let journal = opened.journal.as_mut().expect("it is open");
    let completion = journal.poll();
    assert!(
        matches!(completion, Some(Completion::Committed(1))),
        "{completion:?}"
    );
    assert_eq!(opened.kept(), [queue(1, 0)]);
}

#[test]
fn a_lost_tail_takes_whole_batches_and_no_epoch() {
    let mut opened = Opened::<InMemoryWithTail>::empty();
    let disk = opened.store.0.clone();
    for id in 1..=5 {
        disk.set_now(NOW + id);
        opened.commit([queue(id, 0), insert(10 + id, id)]);
    }
    // Changes of the fourth were made after the third was handed over.
    assert_eq!(disk.lose_tail(2), Some(NOW + 3));
    let kept = [1, 2, 3].map(|id| queue(id, 0)).into_iter();
    let kept: Vec<Op> = kept
        .chain([1, 2, 3].map(|id| insert(10 + id, id)))
        .collect();
    assert_eq!(opened.kept(), kept);
    assert_eq!(disk.lose_tail(0), None);
    // No more than it was to keep.
    assert_eq!(disk.lose_tail(9), Some(NOW + 2));
    assert_eq!(
        opened.kept(),
        [queue(1, 0), queue(2, 0), insert(11, 1), insert(12, 2)]
    );
}

/// Rounds of random changes; each makes a file.
const ROUNDS: u64 = 40;

#[test]
fn all_journals_keep_the_same() {
    let mut rows = 0;
    for round in 0..ROUNDS {
        let mut changes = Changes::of(round);
        let mut sqlite = Opened::<OnSqlite>::empty();
        let mut memory = Opened::<InMemory>::empty();
        let mut with_tail = Opened::<InMemoryWithTail>::empty();
        let mut log = Opened::<InALog>::empty();
        for _ in 0..4 {
            for _ in 0..changes.rng.usize(1..8) {
                let ops: Vec<Op> = (0..changes.rng.usize(..12))
                    .map(|_| changes.next())
                    .collect();
                sqlite.commit(ops.clone());
                memory.commit(ops.clone());
                log.commit(ops.clone());
                with_tail.commit(ops);
            }
            let kept = sqlite.reload();
            assert_eq!(memory.reload(), kept, "round {round}");
            assert_eq!(with_tail.reload(), kept, "round {round}");
            assert_eq!(log.reload(), kept, "round {round}");
            rows += kept.len();
        }
    }
    assert!(rows > 30 * ROUNDS as usize, "{rows} rows");
}
