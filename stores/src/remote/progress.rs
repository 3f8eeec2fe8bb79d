//! What the thread tells a log beside answers: how long appends take, and whether one takes too long.

use super::limits::{APPENDS_PER_ROUND_TRIP_MAX, ROUND_TRIP_WEIGHT};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Written by the thread, read by the log.
#[derive(Default)]
pub(super) struct Progress {
    round_trip_ns: AtomicU64,
    is_overdue: AtomicBool,
    sessions: AtomicU32,
    answers: AtomicU64,
}

impl Progress {
    /// An append took so long from being asked to being acknowledged: adds it to their mean.
    pub fn took(&self, time: Duration) {
        let latest = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX) / ROUND_TRIP_WEIGHT;
        let mean = self.round_trip_ns.load(Ordering::Relaxed);
        let mean = if mean == 0 {
            latest.saturating_mul(ROUND_TRIP_WEIGHT)
        } else {
            (mean - mean / ROUND_TRIP_WEIGHT).saturating_add(latest)
        };
        self.round_trip_ns.store(mean, Ordering::Relaxed);
    }

    fn round_trip(&self) -> Duration {
        Duration::from_nanos(self.round_trip_ns.load(Ordering::Relaxed))
    }

    /// Time that has to pass between two appends.
    pub fn append_pause(&self) -> Duration {
        self.round_trip() / APPENDS_PER_ROUND_TRIP_MAX
    }

    /// Whether appends wait and none was acknowledged for longer than clients are to wait.
    pub fn is_overdue(&self) -> bool {
        self.is_overdue.load(Ordering::Relaxed)
    }

    pub fn connected(&self) {
        self.sessions.fetch_add(1, Ordering::Relaxed);
    }

    /// The store has answered something that tells.
    pub fn answered(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
    }

    /// Such answers so far.
    pub fn answers(&self) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }

    /// Connections that the log has had.
    pub fn sessions(&self) -> u32 {
        self.sessions.load(Ordering::Relaxed)
    }
}

/// Appends that wait for an acknowledgement, as the thread sees them.
pub(super) struct Waiting {
    grace: Duration,
    open: usize,
    /// Since when none was acknowledged though some wait.
    since: Option<Instant>,
}

impl Waiting {
    pub fn new(grace: Duration) -> Self {
        Self {
            grace,
            open: 0,
            since: None,
        }
    }

    pub fn asked(&mut self, at: Instant) {
        self.open += 1;
        self.since.get_or_insert(at);
    }

    /// One was answered. What was refused, or is in doubt, or is only there, is still waited for: its
    /// owner asks again, or for one behind it.
    pub fn answered(&mut self, is_acknowledged: bool, progress: &Progress) {
        self.open = self.open.saturating_sub(1);
        if is_acknowledged {
            self.since = (self.open > 0).then(Instant::now);
            if progress.is_overdue() {
                progress.is_overdue.store(false, Ordering::Relaxed);
            }
        }
    }

    /// When to call [`Waiting::look`].
    pub fn look_at(&self, progress: &Progress) -> Option<Instant> {
        let since = self.since.filter(|_| !progress.is_overdue())?;
        Some(since + self.grace)
    }

    /// Time has passed.
    pub fn look(&self, progress: &Progress) {
        let is_overdue = self
            .since
            .is_some_and(|since| since.elapsed() >= self.grace);
        progress.is_overdue.store(is_overdue, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_are_a_mean() {
        let progress = Progress::default();
        progress.took(Duration::from_millis(8));
        assert_eq!(progress.round_trip(), Duration::from_millis(8));
        progress.took(Duration::from_millis(16));
        assert_eq!(progress.round_trip(), Duration::from_millis(9));
        progress.took(Duration::MAX);
        assert!(progress.round_trip() > Duration::from_secs(3_600));
    }

    #[test]
    fn only_an_acknowledgement_ends_the_wait() {
        let (progress, grace) = (Progress::default(), Duration::from_secs(5));
        let mut waiting = Waiting::new(grace);
        assert_eq!(waiting.look_at(&progress), None);
        let long_ago = Instant::now().checked_sub(grace).unwrap();
        waiting.asked(long_ago);
        waiting.asked(Instant::now());
        assert_eq!(waiting.look_at(&progress), Some(long_ago + grace));
        waiting.answered(false, &progress);
        waiting.look(&progress);
        assert!(progress.is_overdue());
        assert_eq!(waiting.look_at(&progress), None, "it is known");
        waiting.answered(true, &progress);
        assert!(!progress.is_overdue());
        assert_eq!(waiting.look_at(&progress), None, "nothing waits");
        waiting.asked(Instant::now());
        waiting.look(&progress);
        assert!(!progress.is_overdue());
    }
}
