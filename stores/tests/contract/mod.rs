//! What every `LogStore` must do, as functions that are run on each.

#![allow(dead_code, reason = "each program runs a part")]

pub mod appends;
pub mod reads;
pub mod trims;

use lclq_shards::journal::{Answer, Append, LogRecord, LogStore, Place, Ticket};
use std::time::{Duration, Instant};

/// What an answer may take.
const ANSWER_WAIT: Duration = Duration::from_secs(60);
/// What an outage may last in a test.
const OUTAGE_WAIT: Duration = Duration::from_secs(60);
/// Between two looks for one.
const ANSWER_PAUSE: Duration = Duration::from_micros(200);

/// A log that begins empty.
pub trait Subject {
    type Store: LogStore;

    /// A further owner's way to it.
    fn connect(&self) -> Self::Store;
}

/// A test per function of the contract, on what `$subject` makes.
#[macro_export]
macro_rules! contract {
    ($subject:expr; $($module:ident: $($name:ident),+;)+) => {
        $(mod $module {
            use super::*;
            $(#[test]
            fn $name() {
                $crate::contract::$module::$name(&$subject);
            })+
        })+
    };
    ($subject:expr) => {
        $crate::contract! { $subject;
            appends: the_first_record_begins_the_log, a_chain_grows, a_taken_place_is_refused,
                an_epoch_that_is_not_there_is_refused, a_gap_is_refused,
                what_follows_a_refused_record_is_refused, the_same_again_is_present,
                another_record_of_the_same_place_is_refused, a_new_owner_ends_the_one_before,
                what_is_present_stays_so_behind_a_trim, odd_numbers_are_refused,
                large_and_empty_records_come_back;
            reads: an_empty_log_has_neither_tail_nor_records, the_tail_is_the_last_record,
                pages_follow_each_other, one_record_is_read_whatever_its_size,
                reading_begins_where_records_do;
            trims: what_is_below_goes, the_last_record_stays, trimming_twice_is_harmless,
                nothing_goes_unless_the_provided_record_is_there,
                nothing_goes_behind_the_provided_record, a_late_first_record_is_refused,
                a_long_log_is_trimmed;
        }
    };
}

pub fn place(position: u64, epoch: u64) -> Place {
    Place { position, epoch }
}

pub fn record(position: u64, epoch: u64, bytes: &[u8]) -> LogRecord {
    LogRecord {
        place: place(position, epoch),
        bytes: bytes.into(),
    }
}

/// A record whose bytes say where it stands.
pub fn plain(position: u64, epoch: u64) -> LogRecord {
    record(position, epoch, format!("{position} of {epoch}").as_bytes())
}

/// Adds a plain record behind one of some epoch; the first, if that is 0.
pub fn append(epoch_before: u64, position: u64, epoch: u64) -> Append {
    let after = (epoch_before > 0).then(|| place(position - 1, epoch_before));
    Append {
        after,
        record: plain(position, epoch),
    }
}

/// Waits for the answer to one request, where no other is open.
pub fn answer<S: LogStore>(store: &mut S, ticket: Ticket) -> Answer {
    let mut answers = answers(store, &[ticket]);
    answers.pop().unwrap()
}

/// Waits for the answers to all open requests, in the order of their tickets.
pub fn answers<S: LogStore>(store: &mut S, tickets: &[Ticket]) -> Vec<Answer> {
    let until = Instant::now() + ANSWER_WAIT;
    let mut answers = vec![None; tickets.len()];
    while answers.iter().any(Option::is_none) {
        let Some((ticket, answer)) = store.poll() else {
            assert!(Instant::now() < until, "no answer");
            std::thread::sleep(ANSWER_PAUSE);
            continue;
        };
        let at = tickets.iter().position(|of| *of == ticket);
        let at = at.expect("an answer to what was asked");
        let before = answers[at].replace(answer);
        assert!(before.is_none(), "one answer");
    }
    answers.into_iter().flatten().collect()
}

pub fn add<S: LogStore>(store: &mut S, append: Append) -> Answer {
    let ticket = store.append(append);
    answer(store, ticket)
}

/// Adds plain records of one epoch, at these positions, to a log that ends right before with a record
/// of the same epoch or is empty.
pub fn fill<S: LogStore>(store: &mut S, positions: std::ops::RangeInclusive<u64>, epoch: u64) {
    for position in positions {
        let before = if position == 1 { 0 } else { epoch };
        let done = add(store, append(before, position, epoch));
        assert_eq!(done, Answer::Appended, "{position}");
    }
}

pub fn tail<S: LogStore>(store: &mut S) -> Option<LogRecord> {
    let ticket = store.tail();
    match answer(store, ticket) {
        Answer::Tail(tail) => tail,
        other => panic!("{other:?}"),
    }
}

pub fn read<S: LogStore>(store: &mut S, from: u64, bytes_max: usize) -> Vec<LogRecord> {
    let ticket = store.read(from, bytes_max);
    match answer(store, ticket) {
        Answer::Records(records) => records,
        other => panic!("{other:?}"),
    }
}

/// All records, by as many reads as it takes.
pub fn read_all<S: LogStore>(store: &mut S, bytes_max: usize) -> Vec<LogRecord> {
    let mut all: Vec<LogRecord> = Vec::new();
    loop {
        let from = all.last().map_or(1, |last| last.place.position + 1);
        let page = read(store, from, bytes_max);
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

pub fn trim<S: LogStore>(store: &mut S, below: u64, provided: Place) {
    let ticket = store.trim(below, provided);
    assert_eq!(answer(store, ticket), Answer::Trimmed);
}

pub fn refused(position: u64, epoch: u64) -> Answer {
    Answer::Refused {
        tail: Some(place(position, epoch)),
    }
}

pub fn is_unknown(answer: &Answer) -> bool {
    matches!(answer, Answer::Unknown(_))
}

/// Asks until it is known.
pub fn ask_until_known<S: LogStore>(store: &mut S, append: &Append) -> Answer {
    let until = Instant::now() + OUTAGE_WAIT;
    loop {
        let answer = add(store, append.clone());
        if !is_unknown(&answer) {
            return answer;
        }
        assert!(Instant::now() < until, "{answer:?}");
    }
}
