//! Taking a shard's log over: a record of a new epoch, which ends what the owner before it has under
//! way, and then reading what there is.

use super::store::Answer;
use super::{LogJournal, LogLimits, LogRecord, LogStore, Place, Ticket};
use crate::journal::codec::{Malformed, Record};
use crate::journal::{JournalError, Kept};

/// Times that a take-over begins anew because a record of the owner before came in between, or because
/// nobody knows whether its own did.
const TRIES_MAX: u32 = 16;

/// Who takes a shard over.
#[derive(Clone, Debug, Default)]
pub struct Claim {
    /// The epoch is at least this. Whoever asks gives the seconds since 2020: a store that lost its
    /// tail may have lost an epoch with it, which must not be given out again.
    pub least_epoch: u64,
    /// Who the owner is, in its own words; [`super::super::codec::OWNER_BYTES_MAX`] bytes at most.
    pub owner: Box<[u8]>,
    /// Bounds.
    pub limits: LogLimits,
}

/// How far a take-over has come.
#[derive(Debug)]
pub enum Taking {
    /// The store has been asked; call again when it has an answer.
    UnderWay,
    /// [`TakeOver::into_journal`] has the owner.
    Done,
    /// Another one has the shard.
    Lost {
        /// Its epoch, as far as it is known.
        epoch: u64,
    },
    /// What is in the log can't be read.
    Failed(JournalError),
}

enum Step<S> {
    /// Asked for the last record.
    Looking(S, Ticket),
    /// The owner's first record is under way.
    Fencing(LogJournal<S>),
    /// Asked for records from a position on.
    Reading(LogJournal<S>, Ticket, u64),
    /// A record was missing; asked for the tail, to know why.
    Missing(LogJournal<S>, Ticket, u64),
    Done(LogJournal<S>),
    /// It came to nothing.
    Over,
}

/// A take-over under way.
///
/// It doesn't outlive the connection that it began on: when that breaks, the store may have failed over
/// and lost somebody's epoch, which this claim, made before, might be about to take. Whoever runs it
/// begins anew then, with a claim of that time.
pub struct TakeOver<S> {
    claim: Claim,
    tries: u32,
    step: Step<S>,
    kept: Kept,
    /// Where reading has to begin.
    low: u64,
    /// What the store said the last time that it didn't do as asked.
    words: Box<str>,
}

impl<S: LogStore> TakeOver<S> {
    /// Begins to take the log in `store` over.
    pub fn begin(mut store: S, claim: Claim) -> Self {
        let ticket = store.tail();
        Self {
            claim,
            tries: 0,
            step: Step::Looking(store, ticket),
            kept: Kept::default(),
            low: 0,
            words: "".into(),
        }
    }

    /// Why the store's latest answer was none, in its words; empty where it was one. After
    /// [`Taking::Lost`] they are empty if another one has the shard.
    pub fn words(&self) -> &str {
        &self.words
    }

    /// The owner, once [`TakeOver::poll`] has answered [`Taking::Done`].
    pub fn into_journal(self) -> Option<LogJournal<S>> {
        match self.step {
            Step::Done(journal) => Some(journal),
            _ => None,
        }
    }

    /// Takes up what the store has answered.
    pub fn poll(&mut self) -> Taking {
        loop {
            let (step, taking) = match std::mem::replace(&mut self.step, Step::Over) {
                Step::Looking(store, ticket) => self.look(store, ticket),
                Step::Fencing(journal) => self.wait_for_fence(journal),
                Step::Reading(journal, ticket, next) => self.take_records(journal, ticket, next),
                Step::Missing(journal, ticket, next) => self.explain(journal, ticket, next),
                Step::Done(journal) => (Step::Done(journal), Some(Taking::Done)),
                Step::Over => (Step::Over, Some(Taking::Lost { epoch: 0 })),
            };
            self.step = step;
            if let Some(taking) = taking {
                return taking;
            }
        }
    }

    fn look(&mut self, mut store: S, ticket: Ticket) -> (Step<S>, Option<Taking>) {
        match store.poll() {
            None => (Step::Looking(store, ticket), Some(Taking::UnderWay)),
            Some((of, Answer::Tail(tail))) if of == ticket => {
                self.words = "".into();
                match head_of(tail.as_ref()) {
                    Ok((before, low)) => (Step::Fencing(self.fence(store, before, low)), None),
                    Err(error) => (Step::Over, Some(Taking::Failed(error.into()))),
                }
            }
            Some((of, Answer::Unknown(words))) if of == ticket => {
                self.words = words;
                let ticket = store.tail();
                (Step::Looking(store, ticket), None)
            }
            Some(_) => (Step::Looking(store, ticket), None),
        }
    }

    fn fence(&mut self, store: S, before: Option<Place>, low: u64) -> LogJournal<S> {
        let stored = before.map_or(0, |before| before.epoch);
        let epoch = (stored + 1).max(self.claim.least_epoch);
        // Should this try come to nothing, no later one has its epoch.
        self.claim.least_epoch = epoch + 1;
        self.low = low;
        let Claim { owner, limits, .. } = &self.claim;
        LogJournal::begin(store, before, epoch, low, owner, *limits)
    }

    fn wait_for_fence(&mut self, mut journal: LogJournal<S>) -> (Step<S>, Option<Taking>) {
        while journal.turn().is_some() {}
        if let Some(epoch) = journal.fenced {
            self.words = std::mem::take(&mut journal.words);
            if epoch >= journal.chain.epoch() || self.tries >= TRIES_MAX {
                return (Step::Over, Some(Taking::Lost { epoch }));
            }
            self.tries += 1;
            let ticket = journal.store.tail();
            return (Step::Looking(journal.store, ticket), None);
        }
        if journal.chain.acked() < journal.chain.last() {
            return (Step::Fencing(journal), Some(Taking::UnderWay));
        }
        let ticket = self.read(&mut journal, self.low);
        (Step::Reading(journal, ticket, self.low), None)
    }

    fn read(&self, journal: &mut LogJournal<S>, from: u64) -> Ticket {
        let bytes_max = self.claim.limits.read_bytes_max;
        journal.store.read(from, bytes_max)
    }

    fn take_records(
        &mut self,
        mut journal: LogJournal<S>,
        ticket: Ticket,
        mut next: u64,
    ) -> (Step<S>, Option<Taking>) {
        let records = loop {
            match journal.turn() {
                None => {
                    return (Step::Reading(journal, ticket, next), Some(Taking::UnderWay));
                }
                Some((of, Answer::Records(records))) if of == ticket => break records,
                Some((of, Answer::Unknown(words))) if of == ticket => {
                    self.words = words;
                    let ticket = self.read(&mut journal, next);
                    return (Step::Reading(journal, ticket, next), None);
                }
                Some(_) => {}
            }
        };
        self.words = "".into();
        let (end, first) = (journal.chain.acked(), next);
        for record in records {
            // In the place of this owner's own record may stand one that came in late, after the store
            // lost this one: nobody has said that it stays.
            let is_own = record.place.position >= journal.begins;
            if record.place.position != next
                || is_own && record.place.epoch != journal.chain.epoch()
            {
                break;
            }
            if let Err(error) = self.take(&record, &mut journal) {
                return (Step::Over, Some(Taking::Failed(error)));
            }
            next += 1;
            if next > end {
                let mut kept = std::mem::take(&mut self.kept);
                kept.drop_orphans();
                journal.loaded = Some(kept);
                journal.completions.clear();
                return (Step::Done(journal), None);
            }
        }
        if next == first {
            let ticket = journal.store.tail();
            return (Step::Missing(journal, ticket, next), None);
        }
        let ticket = self.read(&mut journal, next);
        (Step::Reading(journal, ticket, next), None)
    }

    /// Takes up one record.
    fn take(
        &mut self,
        stored: &LogRecord,
        journal: &mut LogJournal<S>,
    ) -> Result<(), JournalError> {
        let record = Record::read(&stored.bytes)?;
        check_place(&record, stored.place)?;
        // The owner's own are counted already.
        if stored.place.epoch != journal.chain.epoch() {
            journal.laps.added(stored.bytes.len());
        }
        replay(&mut self.kept, &record, self.low)
    }

    /// A record that must be there isn't: another owner has dropped it, or nobody has.
    fn explain(
        &mut self,
        mut journal: LogJournal<S>,
        ticket: Ticket,
        next: u64,
    ) -> (Step<S>, Option<Taking>) {
        let epoch = journal.chain.epoch();
        match journal.turn() {
            None => (Step::Missing(journal, ticket, next), Some(Taking::UnderWay)),
            Some((of, Answer::Tail(tail))) if of == ticket => {
                self.words = "".into();
                let tail = tail.map_or(0, |tail| tail.place.epoch);
                let taking = if tail == epoch {
                    let lost = format!("record {next} of the log is missing");
                    Taking::Failed(JournalError::Corrupt(lost))
                } else {
                    Taking::Lost { epoch: tail }
                };
                (Step::Over, Some(taking))
            }
            Some((of, Answer::Unknown(words))) if of == ticket => {
                self.words = words;
                let ticket = journal.store.tail();
                (Step::Missing(journal, ticket, next), None)
            }
            Some(_) => (Step::Missing(journal, ticket, next), None),
        }
    }
}

/// Takes up what a record changes and, where it is part of the lap that reading began with, what it
/// carries.
pub(super) fn replay(kept: &mut Kept, record: &Record<'_>, low: u64) -> Result<(), JournalError> {
    let mut twice = None;
    record.changes(&mut |op| {
        if let Err(used) = kept.keep(op) {
            twice = Some(used);
        }
    })?;
    if let Some(used) = twice {
        return Err(JournalError::Corrupt(used.to_string()));
    }
    if record.head.lap == low {
        record.carried(&mut |op| kept.keep_again(op))?;
    }
    Ok(())
}

/// The place of the last record, and where a reader of it begins.
fn head_of(tail: Option<&LogRecord>) -> Result<(Option<Place>, u64), Malformed> {
    let Some(tail) = tail else {
        return Ok((None, 1));
    };
    let record = Record::read(&tail.bytes)?;
    check_place(&record, tail.place)?;
    Ok((Some(tail.place), record.head.low))
}

fn check_place(record: &Record<'_>, place: Place) -> Result<(), Malformed> {
    let is_there = record.head.position == place.position && record.head.epoch == place.epoch;
    if is_there && record.head.low <= place.position && record.head.low > 0 {
        Ok(())
    } else {
        Err(Malformed("it belongs elsewhere"))
    }
}

impl From<Malformed> for JournalError {
    fn from(malformed: Malformed) -> Self {
        Self::Corrupt(malformed.to_string())
    }
}
