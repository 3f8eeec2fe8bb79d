//! A journal in a log that several machines can reach: one record per batch, each under the condition
//! that the one before it is there.
//!
//! All of the protocol is here, without a wire and without a clock, so that a simulation can go through
//! it. [`TakeOver`] makes an owner; [`LogJournal`] is what it writes with; [`LogStore`] is what keeps
//! the records.

mod chain;
mod laps;
mod limits;
mod store;
mod take_over;

pub use limits::LogLimits;
pub use store::{Answer, Append, LogRecord, LogStore, Place, Ticket};
pub use take_over::{Claim, TakeOver, Taking};

use super::codec::{Head, write_batch, write_fence};
use super::{Batch, Carried, Completion, Journal, JournalError, Kept, LogFigures};
use crate::records::Op;
use chain::{Chain, Rewound};
use laps::Laps;
use std::collections::VecDeque;

/// What went wrong with records under way.
enum Trouble {
    /// Nobody knows what became of this position.
    Unknown(u64),
    /// One was refused: then what the others say goes by the store's tail.
    Refused(Option<Place>),
}

/// Writes one shard's batches as records of a log. [`TakeOver`] makes it.
///
/// Several batches may be under way. A record that the store has acknowledged proves all before it,
/// since it stands behind them. What becomes of a record whose answer got lost, the store is asked by
/// the same record once more; that it is there counts only behind a later one that was acknowledged
/// ([`Answer::Present`] says why). An owner in whose place another stands has been fenced off.
pub struct LogJournal<S> {
    store: S,
    limits: LogLimits,
    chain: Chain,
    /// Position of the record with which this owner begins: before that is acknowledged it is none.
    begins: u64,
    /// Records that the store has been asked for and has not answered.
    under_way: VecDeque<(Ticket, u64)>,
    trouble: Option<Trouble>,
    /// The store's words at the latest trouble.
    words: Box<str>,
    /// Troubles since the last acknowledgement.
    doubts: u32,
    /// The shard was told that it is down.
    told: bool,
    /// A position that was refused and should have been there.
    disputed: Option<u64>,
    fenced: Option<u64>,
    completions: VecDeque<Completion>,
    laps: Laps,
    /// The highest low that acknowledged records have.
    acked_low: u64,
    /// The store has dropped what is before.
    trimmed: u64,
    trimming: Option<(Ticket, u64)>,
    /// What the log held as it was taken over, until it is loaded.
    loaded: Option<Kept>,
}

impl<S: LogStore> LogJournal<S> {
    /// An owner whose first record follows `before`; it is yet to be asked for.
    fn begin(
        store: S,
        before: Option<Place>,
        epoch: u64,
        low: u64,
        owner: &[u8],
        limits: LogLimits,
    ) -> Self {
        let mut journal = Self {
            store,
            limits,
            chain: Chain::new(before, epoch),
            begins: before.map_or(1, |before| before.position + 1),
            under_way: VecDeque::new(),
            trouble: None,
            words: "".into(),
            doubts: 0,
            told: false,
            disputed: None,
            fenced: None,
            completions: VecDeque::new(),
            laps: Laps::new(low),
            acked_low: 0,
            trimmed: 0,
            trimming: None,
            loaded: None,
        };
        let fence = write_fence(journal.head(0), owner);
        journal.add(fence, None);
        journal
    }

    /// The last record that the store has acknowledged: it is there, and all before it.
    pub fn acknowledged(&self) -> Place {
        Place {
            position: self.chain.acked(),
            epoch: self.chain.epoch(),
        }
    }

    /// The last record that was handed over, acknowledged or not.
    pub fn latest(&self) -> Place {
        Place {
            position: self.chain.last(),
            epoch: self.chain.epoch(),
        }
    }

    /// Where a reader has to begin, as far as this owner's laps have come.
    pub fn low(&self) -> u64 {
        self.laps.low()
    }

    /// How the log is now.
    pub fn figures(&self) -> LogFigures {
        LogFigures {
            records_open: self.chain.open().0 as u64,
            log_bytes: self.laps.log_bytes(),
            laps: self.laps.round(),
        }
    }

    fn head(&self, lap: u64) -> Head {
        Head {
            position: self.chain.next(),
            epoch: self.chain.epoch(),
            low: self.laps.low(),
            lap,
        }
    }

    /// Adds a record and asks for it, unless others have to be answered first.
    fn add(&mut self, bytes: Vec<u8>, batch: Option<u64>) {
        self.laps.added(bytes.len());
        self.chain.push(bytes, batch, self.laps.low());
        self.ask();
    }

    fn ask(&mut self) {
        while self.fenced.is_none()
            && self.trouble.is_none()
            && self.under_way.len() < self.limits.window_records_max.max(1)
        {
            let Some((position, append)) = self.chain.ask_next() else {
                return;
            };
            let ticket = self.store.append(append);
            self.under_way.push_back((ticket, position));
        }
    }

    /// Takes up what the store has to say, and goes on. Answers what it says to questions of others.
    fn turn(&mut self) -> Option<(Ticket, Answer)> {
        while let Some((ticket, answer)) = self.store.poll() {
            let at = self.under_way.iter().position(|(of, _)| *of == ticket);
            if let Some((_, position)) = at.and_then(|at| self.under_way.remove(at)) {
                self.answered(position, answer);
            } else if let Some((_, low)) = self.trimming.take_if(|(of, _)| *of == ticket) {
                if answer == Answer::Trimmed {
                    self.trimmed = low;
                }
            } else {
                return Some((ticket, answer));
            }
        }
        self.go_on();
        self.tell_if_down();
        None
    }

    fn answered(&mut self, position: u64, answer: Answer) {
        match answer {
            Answer::Appended => self.acknowledge(position),
            Answer::Present => self.disputed = None,
            Answer::Refused { tail } => {
                let other = tail.map_or(0, |tail| tail.epoch);
                if other > self.chain.epoch() || self.is_claimant() {
                    return self.fence(other);
                }
                let is_there = tail.is_some_and(|tail| tail.position >= position);
                if is_there && self.disputed == Some(position) {
                    // Another record with this epoch: its owner and this one can't both go on.
                    return self.fence(other);
                }
                self.disputed = is_there.then_some(position);
                self.trouble = Some(Trouble::Refused(tail));
                self.words = "the record was refused".into();
            }
            // Whoever asked again might be heard after the store lost the record of somebody who was
            // heard in the meantime, with the same epoch. So the next try is one with another.
            Answer::Unknown(words) if self.is_claimant() => {
                self.words = words;
                self.fence(0);
            }
            Answer::Unknown(words) => {
                self.words = words;
                match &mut self.trouble {
                    None => self.trouble = Some(Trouble::Unknown(position)),
                    Some(Trouble::Unknown(first)) => *first = position.min(*first),
                    Some(Trouble::Refused(_)) => {}
                }
            }
            Answer::Tail(_) | Answer::Records(_) | Answer::Trimmed => {
                debug_assert!(false, "no answer to an append");
            }
        }
    }

    /// Whether it is yet to become the owner.
    fn is_claimant(&self) -> bool {
        self.chain.acked() < self.begins
    }

    fn acknowledge(&mut self, position: u64) {
        (self.doubts, self.told, self.disputed) = (0, false, None);
        self.words = "".into();
        let (batches, low) = self.chain.acknowledge(position);
        self.acked_low = self.acked_low.max(low);
        self.laps.acknowledged(self.chain.acked());
        let committed = batches.into_iter().map(Completion::Committed);
        self.completions.extend(committed);
        self.chain.drop_oldest(&self.limits);
        if self.acked_low > self.trimmed.max(1) && self.trimming.is_none() {
            let (below, provided) = (self.acked_low, self.acknowledged());
            self.trimming = Some((self.store.trim(below, provided), below));
        }
    }

    /// Once nothing is under way: what was refused or is in doubt is asked for again.
    fn go_on(&mut self) {
        if self.fenced.is_some() || !self.under_way.is_empty() {
            return self.ask();
        }
        if let Some(trouble) = self.trouble.take() {
            self.doubts = self.doubts.saturating_add(1);
            match trouble {
                Trouble::Unknown(position) => self.chain.ask_again_from(position),
                Trouble::Refused(tail) => {
                    if self.chain.rewind(tail) == Rewound::IsOut {
                        return self.fence(tail.map_or(0, |tail| tail.epoch));
                    }
                }
            }
        } else if !self.chain.has_unasked() && self.chain.open().0 > 0 {
            // All are there, and nothing behind them that was acknowledged.
            let barrier = write_batch(self.head(0), &[], &[]);
            return self.add(barrier, None);
        }
        self.ask();
    }

    fn tell_if_down(&mut self) {
        let is_down = self.doubts >= self.limits.doubts_max || self.store.is_overdue();
        if !is_down || self.told || self.fenced.is_some() {
            return;
        }
        if let Some(batch) = self.chain.oldest_open_batch() {
            self.told = true;
            let words = match &*self.words {
                "" => "the store doesn't answer",
                words => words,
            };
            let error = JournalError::Store(words.to_owned());
            self.completions.push_back(Completion::Failed(batch, error));
        }
    }

    fn fence(&mut self, epoch: u64) {
        if self.fenced.is_none() {
            self.fenced = Some(epoch);
            self.completions.push_back(Completion::Fenced { epoch });
        }
    }
}

impl<S: LogStore> Journal for LogJournal<S> {
    fn load(&mut self, visit: &mut dyn FnMut(Op)) -> Result<u64, JournalError> {
        let kept = self.loaded.take();
        let kept = kept.ok_or_else(|| JournalError::Store("it is loaded once".to_owned()))?;
        kept.visit(visit);
        Ok(self.chain.epoch())
    }

    fn commit(&mut self, epoch: u64, batch: Batch) {
        self.write(epoch, &batch, None);
    }

    fn poll(&mut self) -> Option<Completion> {
        while self.turn().is_some() {}
        self.completions.pop_front()
    }

    fn room(&self) -> bool {
        let (records, bytes) = self.chain.open();
        self.doubts == 0
            && self.fenced.is_none()
            && self.trouble.is_none()
            && !self.told
            && !self.chain.is_sent_again()
            && records < self.limits.window_records_max
            && bytes < self.limits.window_bytes_max
            && self.store.has_room()
    }

    fn holds_exclusive_receives(&self) -> bool {
        true
    }

    fn lap_bytes(&self, changes: &[Op], kept_bytes: u64) -> usize {
        self.laps.step_bytes(changes, kept_bytes, &self.limits)
    }

    fn commit_carrying(&mut self, epoch: u64, batch: Batch, carried: Carried) {
        self.write(epoch, &batch, Some(&carried));
    }
}

impl<S: LogStore> LogJournal<S> {
    fn write(&mut self, epoch: u64, batch: &Batch, carried: Option<&Carried>) {
        if let Some(epoch) = self.fenced {
            return self.completions.push_back(Completion::Fenced { epoch });
        }
        if epoch != self.chain.epoch() {
            let epoch = self.chain.epoch();
            return self.completions.push_back(Completion::Fenced { epoch });
        }
        let position = self.chain.next();
        let lap = carried.map(|carried| self.laps.carried(position, carried.is_round));
        let head = self.head(lap.unwrap_or(0));
        let carried = carried.map_or(&[][..], |carried| &carried.pieces);
        let record = write_batch(head, &batch.ops, carried);
        self.add(record, Some(batch.number));
    }
}
