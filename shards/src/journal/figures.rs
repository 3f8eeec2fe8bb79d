//! What a journal's thread does, counted by it alone.

use crate::figures::{Buckets, Histogram, SIZE_BOUNDS, TIME_BOUNDS_US, count};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

type Times = Histogram<{ TIME_BOUNDS_US.len() }>;
type Sizes = Histogram<{ SIZE_BOUNDS.len() }>;

/// Figures of one shard's journal.
#[derive(Default, Debug)]
pub struct JournalFigures {
    commits: Times,
    changes: Sizes,
    checkpoints: Times,
    commits_failed: AtomicU64,
    checkpoints_failed: AtomicU64,
    log_pages: AtomicU64,
}

/// What the journals of some shards have done together.
#[derive(Clone, Copy, Default, Debug)]
pub struct JournalsSeen {
    /// Times of commits, us.
    pub commits: Buckets<{ TIME_BOUNDS_US.len() }>,
    /// Changes that a commit wrote.
    pub changes: Buckets<{ SIZE_BOUNDS.len() }>,
    /// Times of checkpoints, us.
    pub checkpoints: Buckets<{ TIME_BOUNDS_US.len() }>,
    /// Attempts to commit that failed.
    pub commits_failed: u64,
    /// Checkpoints that failed.
    pub checkpoints_failed: u64,
    /// Pages in the write-ahead logs.
    pub log_pages: u64,
}

impl JournalFigures {
    pub(super) fn committed(&self, changes: usize, time: Duration, log_pages: u32) {
        self.changes.add(&SIZE_BOUNDS, changes as u64);
        self.commits.add(&TIME_BOUNDS_US, time.as_micros() as u64);
        self.log_pages.store(log_pages.into(), Ordering::Relaxed);
    }

    pub(super) fn commit_failed(&self) {
        count(&self.commits_failed, 1);
    }

    pub(super) fn checkpointed(&self, done: bool, time: Duration, log_pages: u32) {
        if !done {
            count(&self.checkpoints_failed, 1);
        }
        self.checkpoints
            .add(&TIME_BOUNDS_US, time.as_micros() as u64);
        self.log_pages.store(log_pages.into(), Ordering::Relaxed);
    }

    /// Adds them to what others have done.
    pub fn add_to(&self, seen: &mut JournalsSeen) {
        self.commits.add_to(&mut seen.commits);
        self.changes.add_to(&mut seen.changes);
        self.checkpoints.add_to(&mut seen.checkpoints);
        seen.commits_failed += self.commits_failed.load(Ordering::Relaxed);
        seen.checkpoints_failed += self.checkpoints_failed.load(Ordering::Relaxed);
        seen.log_pages += self.log_pages.load(Ordering::Relaxed);
    }
}
