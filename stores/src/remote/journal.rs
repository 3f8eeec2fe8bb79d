//! A shard's journal in a store, with its figures.

use lclq_shards::journal::{
    Batch, Carried, Completion, Journal, JournalError, JournalFigures, LogFigures, LogJournal,
    LogStore, Op,
};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

/// A batch that was handed over.
struct Sent {
    number: u64,
    changes: usize,
    at: Instant,
}

/// Counts what a [`LogJournal`] does, on the thread that uses it.
pub(super) struct StoreJournal<S> {
    journal: LogJournal<S>,
    figures: Arc<JournalFigures>,
    /// Batches under way; as many as the journal has room for.
    sent: VecDeque<Sent>,
}

impl<S: LogStore> StoreJournal<S> {
    pub fn new(journal: LogJournal<S>, figures: Arc<JournalFigures>) -> Self {
        let this = Self {
            journal,
            figures,
            sent: VecDeque::new(),
        };
        this.show();
        this
    }

    fn sending(&mut self, batch: &Batch) {
        if self.sent.is_empty() {
            self.figures.show_wait(true);
        }
        self.sent.push_back(Sent {
            number: batch.number,
            changes: batch.ops.len(),
            at: Instant::now(),
        });
    }

    fn committed(&mut self, number: u64) {
        while self.sent.front().is_some_and(|sent| sent.number <= number) {
            if let Some(sent) = self.sent.pop_front() {
                self.figures.committed(sent.changes, sent.at.elapsed(), 0);
            }
        }
        self.figures.show_wait(!self.sent.is_empty());
        self.show();
    }

    fn show(&self) {
        self.figures.show_log(self.journal.figures());
    }
}

impl<S> Drop for StoreJournal<S> {
    /// Whoever has the shard next shows its own.
    fn drop(&mut self) {
        self.figures.show_wait(false);
        self.figures.show_log(LogFigures::default());
        self.figures.show_kept(0);
    }
}

impl<S: LogStore> Journal for StoreJournal<S> {
    fn load(&mut self, visit: &mut dyn FnMut(Op)) -> Result<u64, JournalError> {
        self.journal.load(visit)
    }

    fn commit(&mut self, epoch: u64, batch: Batch) {
        self.sending(&batch);
        self.journal.commit(epoch, batch);
        self.show();
    }

    fn poll(&mut self) -> Option<Completion> {
        let completion = self.journal.poll();
        match &completion {
            Some(Completion::Committed(number)) => self.committed(*number),
            Some(Completion::Failed(..)) => self.figures.commit_failed(),
            Some(Completion::Fenced { .. }) | None => {}
        }
        completion
    }

    fn room(&self) -> bool {
        self.journal.room()
    }

    fn holds_exclusive_receives(&self) -> bool {
        self.journal.holds_exclusive_receives()
    }

    fn lap_bytes(&self, changes: &[Op], kept_bytes: u64) -> usize {
        self.figures.show_kept(kept_bytes);
        self.journal.lap_bytes(changes, kept_bytes)
    }

    fn commit_carrying(&mut self, epoch: u64, batch: Batch, carried: Carried) {
        self.sending(&batch);
        self.journal.commit_carrying(epoch, batch, carried);
        self.show();
    }
}
