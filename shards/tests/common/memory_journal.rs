//! A journal in memory that commits when it is told to, can fail, and can lose its tail.

use lclq_shards::Millis;
use lclq_shards::journal::{Batch, Completion, Journal, JournalError, Kept, Op};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

/// A batch with the time of its first possible change.
#[derive(Debug)]
struct Dated {
    batch: Batch,
    since: Millis,
}

#[derive(Default, Debug)]
struct Disk {
    /// What surely is on the disk.
    kept: Kept,
    epoch: u64,
    waiting: VecDeque<Dated>,
    completions: VecDeque<Completion>,
    failing: bool,
    /// The latest batches, which count as committed and can still be lost.
    tail: VecDeque<Dated>,
    tail_batches_max: usize,
    now: Millis,
    /// When the batch before the latest was handed over: no change of the latest is older.
    handed_over_at: Millis,
}

impl Disk {
    fn keep(&mut self, ops: Vec<Op>) {
        for op in ops {
            self.kept.keep(op).expect("no number is used twice");
        }
    }
}

/// Commits when it is told to, and survives the shard that writes to it. Clones share the disk.
#[derive(Clone, Default, Debug)]
pub struct MemoryJournal(Rc<RefCell<Disk>>);

impl MemoryJournal {
    /// An empty journal.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the batch under way durable. Answers whether there was one.
    pub fn complete(&self) -> bool {
        let mut disk = self.0.borrow_mut();
        if disk.failing {
            return false;
        }
        let Some(dated) = disk.waiting.pop_front() else {
            return false;
        };
        let committed = Completion::Committed(dated.batch.number);
        disk.completions.push_back(committed);
        disk.tail.push_back(dated);
        while disk.tail.len() > disk.tail_batches_max {
            let oldest = disk.tail.pop_front().expect("just seen");
            disk.keep(oldest.batch.ops);
        }
        true
    }

    /// Whether a batch is under way.
    pub fn is_busy(&self) -> bool {
        !self.0.borrow().waiting.is_empty()
    }

    /// The process dies: what is not durable is gone.
    pub fn crash(&self) {
        let mut disk = self.0.borrow_mut();
        disk.waiting.clear();
        disk.completions.clear();
    }

    /// From now on the last `batches` can be lost by [`MemoryJournal::lose_tail`].
    pub fn keep_tail(&self, batches: usize) {
        self.0.borrow_mut().tail_batches_max = batches;
    }

    /// Tells the journal the time, which it remembers with each batch.
    pub fn set_now(&self, now: Millis) {
        self.0.borrow_mut().now = now;
    }

    /// The machine died and the disk had not yet written the last `batches`. Answers since when
    /// changes are lost, if any are.
    pub fn lose_tail(&self, batches: usize) -> Option<Millis> {
        let mut disk = self.0.borrow_mut();
        let left = disk.tail.len().saturating_sub(batches);
        let lost = disk.tail.split_off(left);
        lost.iter().map(|dated| dated.since).min()
    }

    /// A disk that fails: commits neither succeed nor are lost until it works again.
    pub fn set_failing(&self, failing: bool) {
        self.0.borrow_mut().failing = failing;
    }
}

impl Journal for MemoryJournal {
    fn load(&mut self, visit: &mut dyn FnMut(Op)) -> Result<u64, JournalError> {
        let disk = &mut *self.0.borrow_mut();
        disk.epoch += 1;
        if disk.tail.is_empty() {
            disk.kept.drop_orphans();
            disk.kept.visit(visit);
        } else {
            let mut kept = disk.kept.clone();
            let ops = disk.tail.iter().flat_map(|dated| &dated.batch.ops);
            for op in ops {
                kept.keep(op.clone()).expect("no number is used twice");
            }
            kept.drop_orphans();
            kept.visit(visit);
        }
        Ok(disk.epoch)
    }

    fn commit(&mut self, epoch: u64, batch: Batch) {
        let mut disk = self.0.borrow_mut();
        if epoch != disk.epoch {
            let fenced = Completion::Fenced { epoch: disk.epoch };
            return disk.completions.push_back(fenced);
        }
        let since = disk.handed_over_at;
        disk.handed_over_at = disk.now;
        disk.waiting.push_back(Dated { batch, since });
    }

    fn poll(&mut self) -> Option<Completion> {
        let mut disk = self.0.borrow_mut();
        if disk.failing && !disk.waiting.is_empty() {
            let number = disk.waiting[0].batch.number;
            let full = JournalError::Store("the simulated disk is full".to_owned());
            return Some(Completion::Failed(number, full));
        }
        disk.completions.pop_front()
    }
}
