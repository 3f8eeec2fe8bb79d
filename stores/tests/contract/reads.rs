//! Reading: the tail, and records in pages.

use super::*;

pub fn an_empty_log_has_neither_tail_nor_records<S: Subject>(subject: &S) {
    let mut store = subject.connect();
    assert_eq!(tail(&mut store), None);
    assert_eq!(read(&mut store, 0, 100), []);
    assert_eq!(read(&mut store, 1, 100), []);
    trim(&mut store, 1, place(1, 1));
    assert_eq!(tail(&mut store), None);
}

pub fn the_tail_is_the_last_record<S: Subject>(subject: &S) {
    let mut store = subject.connect();
    fill(&mut store, 1..=2, 1);
    assert_eq!(tail(&mut subject.connect()), Some(plain(2, 1)));
}

pub fn pages_follow_each_other<S: Subject>(subject: &S) {
    let mut store = subject.connect();
    fill(&mut store, 1..=9, 1);
    let bytes = plain(1, 1).bytes.len();
    for records in 1..=4 {
        let page = read(&mut store, 4, records * bytes);
        let first: Vec<_> = (4..).take(records).map(|at| plain(at, 1)).collect();
        assert_eq!(page, first);
    }
    assert_eq!(read_all(&mut store, 2 * bytes).len(), 9);
    assert_eq!(read(&mut store, 10, 100), []);
    assert_eq!(read(&mut store, u64::MAX, 100), []);
}

pub fn one_record_is_read_whatever_its_size<S: Subject>(subject: &S) {
    let mut store = subject.connect();
    fill(&mut store, 1..=2, 1);
    assert_eq!(read(&mut store, 1, 1), [plain(1, 1)]);
    assert_eq!(read(&mut store, 2, 0), [plain(2, 1)]);
}

pub fn reading_begins_where_records_do<S: Subject>(subject: &S) {
    let mut store = subject.connect();
    fill(&mut store, 1..=4, 1);
    trim(&mut store, 3, place(4, 1));
    assert_eq!(read(&mut store, 1, 100), [plain(3, 1), plain(4, 1)]);
}
