//! What a log is kept in, as far as [`super::LogJournal`] knows it.

use std::sync::Arc;

/// Where a record stands, and whose it is. An owner writes one record to a position, if any, and no
/// two owners have one epoch: so a place names one record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Position in the log; the first is 1.
    pub position: u64,
    /// Epoch of the owner that wrote it.
    pub epoch: u64,
}

/// A record as a store has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogRecord {
    /// Where it stands.
    pub place: Place,
    /// Its bytes, as they were appended.
    pub bytes: Arc<[u8]>,
}

/// A record to be added.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Append {
    /// The record that must stand right before it; `None` where the log must be empty.
    pub after: Option<Place>,
    /// The record.
    pub record: LogRecord,
}

/// Names a request to a store until it is answered.
pub type Ticket = u64;

/// What became of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// The last record, if there is any.
    Tail(Option<LogRecord>),
    /// The record is in the log, as safe as the store makes it, and so is all before it.
    Appended,
    /// This very record stood there already, placed by an earlier request. It may not be as safe as
    /// one that is answered by [`Answer::Appended`]: where a database's connection broke while it
    /// waited for its replica, a commit is there to be seen and can still be lost.
    Present,
    /// The record isn't in the log: its place is taken by another, or what it must follow isn't there.
    Refused {
        /// The last record's place, as of after the refusal.
        tail: Option<Place>,
    },
    /// Records in order, the first of them at the position that was asked for or, where there is none,
    /// at the next that there is. Empty only where there is none from there on.
    Records(Vec<LogRecord>),
    /// Records were dropped.
    Trimmed,
    /// Whether it was done, is not, or is yet to be done, nobody knows; why, in the store's words.
    Unknown(Box<str>),
}

/// A log that several machines can reach, of which at most one shall write.
///
/// The log is the fence: there is no lock and no clock. What [`super::LogJournal`] and
/// [`super::TakeOver`] rely on:
///
/// - **An append is one step.** At one moment the store sees that the record it must follow is there
///   with its epoch and that its own place is free, and puts it there. So a new owner's first record
///   ends all that the one before has under way, in whatever order it arrives. (A statement that reads,
///   sleeps and writes breaks this, unless what it has read is locked.)
/// - **The last record stays.** A log that was ever written to is never empty, so nobody takes it for
///   a new one, and an old owner's late append never finds a log that begins anew.
/// - **Every ticket is answered once**, if only by [`Answer::Unknown`] when the store has had its time.
///   What was answered so may still be done later, once.
/// - **What is appended in order arrives in order**, where nothing goes wrong. Otherwise it costs time,
///   and nothing else.
/// - [`Answer::Appended`] means as safe as it gets, for all records up to that one. Whoever reads must
///   not rely on what it reads until a record of its own behind that is answered so.
///
/// What a store loses after all, because its replica took over and lagged behind, it loses from the
/// end: what is left is a log as it was at some time. What was under way then is answered by
/// [`Answer::Unknown`]. The owner sends again what it still has.
pub trait LogStore {
    /// Asks for the last record; answered by [`Answer::Tail`].
    fn tail(&mut self) -> Ticket;

    /// Adds a record; answered by [`Answer::Appended`], [`Answer::Present`] or [`Answer::Refused`].
    fn append(&mut self, append: Append) -> Ticket;

    /// Asks for records from a position on, about so many bytes of them and at least one; answered by
    /// [`Answer::Records`].
    fn read(&mut self, from: u64, bytes_max: usize) -> Ticket;

    /// Drops the records before a position, provided that this record is there and stands at that
    /// position or behind it; answered by [`Answer::Trimmed`] either way.
    fn trim(&mut self, below: u64, provided: Place) -> Ticket;

    /// The next answer, if there is one. Answers to different tickets may come in any order.
    fn poll(&mut self) -> Option<(Ticket, Answer)>;

    /// Whether a further append may go out while others are under way. A store that is far away says
    /// no more often than a few times per round trip, or batches get tiny.
    fn has_room(&self) -> bool {
        true
    }

    /// Whether appends wait and none has been acknowledged for longer than clients should have to wait.
    /// Then they are refused, and the store is asked on.
    fn is_overdue(&self) -> bool {
        false
    }
}
