//! What a journal's thread does, counted by it alone.

use crate::figures::{Buckets, Histogram, SIZE_BOUNDS, TIME_BOUNDS_US, count};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

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
    log: LogFigures<AtomicU64>,
    kept_bytes: AtomicU64,
    /// When something began to wait, ms on [`since_start_ms`]'s clock; 0 where nothing does.
    waits_since_ms: AtomicU64,
}

/// Time since the first who asked, and 1, so that 0 is before all times.
fn since_start_ms() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed().as_millis() as u64 + 1
}

/// Figures of a log, as of now.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct LogFigures<N = u64> {
    /// Records that wait for their acknowledgement.
    pub records_open: N,
    /// Bytes that a reader of the log would read.
    pub log_bytes: N,
    /// Laps that came round.
    pub laps: N,
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
    /// Logs in shared stores.
    pub log: LogFigures,
    /// Bytes that are kept in those logs, about, as of their last commits.
    pub kept_bytes: u64,
}

impl JournalFigures {
    /// A commit took so long.
    pub fn committed(&self, changes: usize, time: Duration, log_pages: u32) {
        self.changes.add(&SIZE_BOUNDS, changes as u64);
        self.commits.add(&TIME_BOUNDS_US, time.as_micros() as u64);
        self.log_pages.store(log_pages.into(), Ordering::Relaxed);
    }

    /// An attempt to commit failed.
    pub fn commit_failed(&self) {
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

    /// How a log is now.
    pub fn show_log(&self, now: LogFigures) {
        let log = &self.log;
        log.records_open.store(now.records_open, Ordering::Relaxed);
        log.log_bytes.store(now.log_bytes, Ordering::Relaxed);
        log.laps.store(now.laps, Ordering::Relaxed);
    }

    /// Something has begun to wait for the store, or has been acknowledged and more waits; or nothing
    /// does.
    pub fn show_wait(&self, waits: bool) {
        let since = if waits { since_start_ms() } else { 0 };
        self.waits_since_ms.store(since, Ordering::Relaxed);
    }

    /// For how long something has waited without any acknowledgement.
    pub fn silent_for(&self) -> Option<Duration> {
        let since = self.waits_since_ms.load(Ordering::Relaxed);
        let silent = since_start_ms().saturating_sub(since);
        (since != 0).then(|| Duration::from_millis(silent))
    }

    /// Bytes that a log keeps now, about.
    pub fn show_kept(&self, bytes: u64) {
        self.kept_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Adds them to what others have done.
    pub fn add_to(&self, seen: &mut JournalsSeen) {
        self.commits.add_to(&mut seen.commits);
        self.changes.add_to(&mut seen.changes);
        self.checkpoints.add_to(&mut seen.checkpoints);
        seen.commits_failed += self.commits_failed.load(Ordering::Relaxed);
        seen.checkpoints_failed += self.checkpoints_failed.load(Ordering::Relaxed);
        seen.log_pages += self.log_pages.load(Ordering::Relaxed);
        seen.log.records_open += self.log.records_open.load(Ordering::Relaxed);
        seen.log.log_bytes += self.log.log_bytes.load(Ordering::Relaxed);
        seen.log.laps += self.log.laps.load(Ordering::Relaxed);
        seen.kept_bytes += self.kept_bytes.load(Ordering::Relaxed);
    }
}
