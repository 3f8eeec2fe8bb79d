//! Trims: never the last record, and only under their condition.

use super::*;

/// Records of a log that no single statement trims.
const LONG_LOG_RECORDS: u64 = 700;

pub fn what_is_below_goes<S: Subject>(subject: &S) {
    let mut store = subject.connect();
    fill(&mut store, 1..=5, 1);
    trim(&mut store, 3, place(5, 1));
    assert_eq!(
        read_all(&mut store, 1 << 20),
        [plain(3, 1), plain(4, 1), plain(5, 1)]
    );
    // Further ones go on where it ended.
    fill(&mut store, 6..=8, 1);
    trim(&mut store, 7, place(8, 1));
    assert_eq!(read_all(&mut store, 1 << 20), [plain(7, 1), plain(8, 1)]);
}

pub fn the_last_record_stays<S: Subject>(subject: &S) {
    let mut store = subject.connect();
    fill(&mut store, 1..=3, 1);
    trim(&mut store, 3, place(3, 1));
    assert_eq!(read_all(&mut store, 1 << 20), [plain(3, 1)]);
    trim(&mut store, 4, place(3, 1));
    trim(&mut store, u64::MAX, place(3, 1));
    assert_eq!(tail(&mut store), Some(plain(3, 1)));
    assert_eq!(add(&mut store, append(1, 4, 1)), Answer::Appended);
}

pub fn trimming_twice_is_harmless<S: Subject>(subject: &S) {
    let mut store = subject.connect();
    fill(&mut store, 1..=4, 1);
    for _ in 0..2 {
        trim(&mut store, 3, place(4, 1));
        trim(&mut store, 2, place(4, 1));
        trim(&mut subject.connect(), 3, place(4, 1));
        assert_eq!(read_all(&mut store, 1 << 20), [plain(3, 1), plain(4, 1)]);
    }
}

pub fn nothing_goes_unless_the_provided_record_is_there<S: Subject>(subject: &S) {
    let (mut old, mut new) = (subject.connect(), subject.connect());
    fill(&mut old, 1..=3, 1);
    assert_eq!(add(&mut new, append(1, 4, 2)), Answer::Appended);
    // The old owner believes that its own record stands at 4.
    trim(&mut old, 3, place(4, 1));
    trim(&mut old, 3, place(5, 1));
    assert_eq!(read_all(&mut new, 1 << 20).len(), 4);
    trim(&mut new, 3, place(4, 2));
    assert_eq!(read_all(&mut new, 1 << 20).len(), 2);
}

pub fn nothing_goes_behind_the_provided_record<S: Subject>(subject: &S) {
    let mut store = subject.connect();
    fill(&mut store, 1..=4, 1);
    trim(&mut store, 4, place(2, 1));
    assert_eq!(read_all(&mut store, 1 << 20).len(), 4);
    trim(&mut store, 2, place(2, 1));
    assert_eq!(read_all(&mut store, 1 << 20).len(), 3);
}

/// An owner that found the log empty, and whose first record comes after others came and went.
pub fn a_late_first_record_is_refused<S: Subject>(subject: &S) {
    let mut store = subject.connect();
    fill(&mut store, 1..=3, 2);
    trim(&mut store, 3, place(3, 2));
    assert_eq!(add(&mut subject.connect(), append(0, 1, 1)), refused(3, 2));
    assert_eq!(read_all(&mut store, 1 << 20), [plain(3, 2)]);
}

pub fn a_long_log_is_trimmed<S: Subject>(subject: &S) {
    let mut store = subject.connect();
    fill(&mut store, 1..=LONG_LOG_RECORDS, 1);
    trim(&mut store, LONG_LOG_RECORDS, place(LONG_LOG_RECORDS, 1));
    assert_eq!(read_all(&mut store, 1 << 20), [plain(LONG_LOG_RECORDS, 1)]);
    // From a connection that knows nothing of that.
    let mut other = subject.connect();
    fill(&mut other, LONG_LOG_RECORDS + 1..=LONG_LOG_RECORDS + 2, 1);
    trim(
        &mut other,
        LONG_LOG_RECORDS + 2,
        place(LONG_LOG_RECORDS + 2, 1),
    );
    assert_eq!(
        read_all(&mut other, 1 << 20),
        [plain(LONG_LOG_RECORDS + 2, 1)]
    );
}
