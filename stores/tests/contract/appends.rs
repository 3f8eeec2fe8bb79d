//! Appends: one step each, under the condition that the record before is there.

use super::*;

/// About what a batch may be at most.
const LARGE_RECORD_BYTES: usize = 4 << 20;

pub fn the_first_record_begins_the_log<S: Subject>(subject: &S) {
    let mut store = subject.connect();
    assert_eq!(add(&mut store, append(0, 1, 7)), Answer::Appended);
    assert_eq!(tail(&mut store), Some(plain(1, 7)));
    // Another that takes the log for empty.
    assert_eq!(add(&mut subject.connect(), append(0, 1, 8)), refused(1, 7));
}

pub fn a_chain_grows<S: Subject>(subject: &S) {
    let mut store = subject.connect();
    let appends = (1..=20).map(|position| {
        let before = if position == 1 { 0 } else { 3 };
        append(before, position, 3)
    });
    // All at once: they arrive in order.
    let tickets: Vec<_> = appends.map(|append| store.append(append)).collect();
    let answers = answers(&mut store, &tickets);
    assert!(
        answers.iter().all(|answer| *answer == Answer::Appended),
        "{answers:?}"
    );
    let all = read_all(&mut store, 1 << 20);
    assert_eq!(
        all,
        (1..=20)
            .map(|position| plain(position, 3))
            .collect::<Vec<_>>()
    );
}

pub fn a_taken_place_is_refused<S: Subject>(subject: &S) {
    let mut store = subject.connect();
    fill(&mut store, 1..=3, 1);
    let mut other = subject.connect();
    assert_eq!(add(&mut other, append(1, 2, 2)), refused(3, 1));
    assert_eq!(add(&mut other, append(1, 3, 2)), refused(3, 1));
    assert_eq!(read_all(&mut store, 1 << 20).len(), 3);
}

pub fn an_epoch_that_is_not_there_is_refused<S: Subject>(subject: &S) {
    let mut store = subject.connect();
    fill(&mut store, 1..=3, 2);
    assert_eq!(add(&mut store, append(1, 4, 2)), refused(3, 2));
    assert_eq!(add(&mut store, append(3, 4, 3)), refused(3, 2));
    assert_eq!(tail(&mut store), Some(plain(3, 2)));
}

pub fn a_gap_is_refused<S: Subject>(subject: &S) {
    let mut store = subject.connect();
    let nothing = Answer::Refused { tail: None };
    assert_eq!(add(&mut store, append(1, 2, 1)), nothing);
    fill(&mut store, 1..=1, 1);
    assert_eq!(add(&mut store, append(1, 3, 1)), refused(1, 1));
}

pub fn what_follows_a_refused_record_is_refused<S: Subject>(subject: &S) {
    let mut store = subject.connect();
    fill(&mut store, 1..=2, 1);
    assert_eq!(
        add(&mut subject.connect(), append(1, 3, 2)),
        Answer::Appended
    );
    let tickets: Vec<_> = (3..=6).map(|at| store.append(append(1, at, 1))).collect();
    let answers = answers(&mut store, &tickets);
    assert!(
        answers.iter().all(|answer| *answer == refused(3, 2)),
        "{answers:?}"
    );
}

pub fn the_same_again_is_present<S: Subject>(subject: &S) {
    let mut store = subject.connect();
    fill(&mut store, 1..=2, 1);
    assert_eq!(add(&mut store, append(0, 1, 1)), Answer::Present);
    assert_eq!(add(&mut store, append(1, 2, 1)), Answer::Present);
    assert_eq!(
        add(&mut subject.connect(), append(1, 2, 1)),
        Answer::Present
    );
    assert_eq!(add(&mut store, append(1, 3, 1)), Answer::Appended);
}

pub fn another_record_of_the_same_place_is_refused<S: Subject>(subject: &S) {
    let mut store = subject.connect();
    fill(&mut store, 1..=2, 1);
    let forged = Append {
        after: Some(place(1, 1)),
        record: record(2, 1, b"something else"),
    };
    assert_eq!(add(&mut store, forged), refused(2, 1));
}

pub fn a_new_owner_ends_the_one_before<S: Subject>(subject: &S) {
    let (mut old, mut new) = (subject.connect(), subject.connect());
    fill(&mut old, 1..=2, 1);
    assert_eq!(add(&mut new, append(1, 3, 2)), Answer::Appended);
    assert_eq!(add(&mut old, append(1, 3, 1)), refused(3, 2));
    assert_eq!(add(&mut old, append(1, 4, 1)), refused(3, 2));
    assert_eq!(add(&mut new, append(2, 4, 2)), Answer::Appended);
}

pub fn what_is_present_stays_so_behind_a_trim<S: Subject>(subject: &S) {
    let mut store = subject.connect();
    fill(&mut store, 1..=3, 1);
    trim(&mut store, 3, place(3, 1));
    // What it follows is gone, and so is not what it is asked about.
    assert_eq!(add(&mut store, append(1, 3, 1)), Answer::Present);
    assert_eq!(add(&mut store, append(1, 2, 1)), refused(3, 1));
}

pub fn odd_numbers_are_refused<S: Subject>(subject: &S) {
    let mut store = subject.connect();
    fill(&mut store, 1..=1, 1);
    let far = Append {
        after: Some(place(u64::MAX - 1, 1)),
        record: record(u64::MAX, 1, b"far"),
    };
    assert_eq!(add(&mut store, far), refused(1, 1));
    let before_the_first = Append {
        after: Some(place(0, 0)),
        record: record(1, 0, b"no"),
    };
    assert_eq!(add(&mut store, before_the_first), refused(1, 1));
}

pub fn large_and_empty_records_come_back<S: Subject>(subject: &S) {
    let mut store = subject.connect();
    let large: Vec<u8> = (0..LARGE_RECORD_BYTES).map(|at| (at % 251) as u8).collect();
    let records = [record(1, 1, b""), record(2, 1, &large), record(3, 1, b"")];
    for record in &records {
        let after = (record.place.position > 1).then(|| place(record.place.position - 1, 1));
        let record = record.clone();
        assert_eq!(add(&mut store, Append { after, record }), Answer::Appended);
    }
    assert_eq!(read_all(&mut store, 1 << 10), records);
}
