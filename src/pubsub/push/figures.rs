//! What became of push requests, by subscription.

use super::{HttpOutcome, is_ack};
use crate::mesh::wall_clock;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How a push request ended, in Cloud Monitoring's words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum PushOutcome {
    /// The endpoint took it.
    Ack = 0,
    /// It answered with a status of the client's fault.
    Remote4xx = 1,
    /// It answered with a status of its own fault.
    Remote5xx = 2,
    /// It answered with another status.
    RemoteOther = 3,
    /// It didn't answer before the ack deadline.
    DeadlineExceeded = 4,
    /// It could not be asked.
    Unreachable = 5,
    /// There was nothing to send, or nowhere to send it: a bad transform or endpoint.
    Internal = 6,
}

impl PushOutcome {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Ack,
        Self::Remote4xx,
        Self::Remote5xx,
        Self::RemoteOther,
        Self::DeadlineExceeded,
        Self::Unreachable,
        Self::Internal,
    ];

    /// Its name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ack => "ack",
            Self::Remote4xx => "remote_server_4xx",
            Self::Remote5xx => "remote_server_5xx",
            Self::RemoteOther => "remote_server_other",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::Unreachable => "unreachable",
            Self::Internal => "internal",
        }
    }
}

impl From<&HttpOutcome> for PushOutcome {
    fn from(outcome: &HttpOutcome) -> Self {
        match outcome {
            HttpOutcome::Status(status) if is_ack(*status) => Self::Ack,
            HttpOutcome::Status(400..=499) => Self::Remote4xx,
            HttpOutcome::Status(500..=599) => Self::Remote5xx,
            HttpOutcome::Status(_) => Self::RemoteOther,
            HttpOutcome::TimedOut => Self::DeadlineExceeded,
            HttpOutcome::Failed(_) => Self::Unreachable,
        }
    }
}

/// Answers of an endpoint that are kept, the latest.
const ANSWERS_MAX: usize = 20;
/// Characters of what is told of one.
const TOLD_CHARS_MAX: usize = 200;

/// How one push request ended.
#[derive(Clone, Debug)]
pub struct PushAnswer {
    /// When, ms since 1970.
    pub at: u64,
    pub outcome: PushOutcome,
    /// The answer's status, or why there was none.
    pub told: Box<str>,
    /// How long it took, ms.
    pub took_ms: u64,
    /// Id of the message.
    pub message_id: Box<str>,
}

/// Push requests of one subscription by [`PushOutcome`], and the latest of them.
#[derive(Default, Debug)]
pub struct PushFigures {
    counts: [AtomicU64; PushOutcome::ALL.len()],
    /// Failures since the last acknowledgement.
    failing: AtomicU64,
    latest: Mutex<VecDeque<PushAnswer>>,
}

impl PushFigures {
    pub(super) fn note(&self, outcome: PushOutcome, told: &str, took: Duration, message_id: &str) {
        // One request to another server: a locked instruction is nothing beside it, nor is a lock that
        // is held for moments.
        self.counts[outcome as usize].fetch_add(1, Ordering::Relaxed);
        if outcome == PushOutcome::Ack {
            self.failing.store(0, Ordering::Relaxed);
        } else {
            self.failing.fetch_add(1, Ordering::Relaxed);
        }
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.len() >= ANSWERS_MAX {
            latest.pop_front();
        }
        latest.push_back(PushAnswer {
            at: wall_clock(),
            outcome,
            told: told.chars().take(TOLD_CHARS_MAX).collect(),
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            message_id: message_id.into(),
        });
    }
}

/// Push requests of the process's subscriptions, for as long as they push.
#[derive(Clone, Default, Debug)]
pub struct PushSeen(Arc<Mutex<HashMap<Box<str>, Arc<PushFigures>>>>);

impl PushSeen {
    pub(super) fn of(&self, subscription: &str) -> Arc<PushFigures> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = all.get(subscription) {
            return found.clone();
        }
        all.entry(subscription.into()).or_default().clone()
    }

    /// The subscription is gone, or doesn't push any more.
    pub(in crate::pubsub) fn forget(&self, subscription: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(subscription);
    }

    /// A subscription's push requests so far, if it pushes.
    pub fn seen(&self, subscription: &str) -> Option<[u64; PushOutcome::ALL.len()]> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let figures = all.get(subscription)?;
        Some(std::array::from_fn(|at| {
            figures.counts[at].load(Ordering::Relaxed)
        }))
    }

    /// How many of a subscription's push requests have failed since the endpoint last took one; 0 where
    /// it doesn't push.
    pub fn failing(&self, subscription: &str) -> u64 {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let figures = all.get(subscription);
        figures.map_or(0, |figures| figures.failing.load(Ordering::Relaxed))
    }

    /// The latest answers to a subscription's push requests, the latest first.
    pub fn latest(&self, subscription: &str) -> Vec<PushAnswer> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(figures) = all.get(subscription) else {
            return Vec::new();
        };
        let latest = figures
            .latest
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        latest.iter().rev().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_fails_until_it_takes_a_request() {
        let seen = PushSeen::default();
        assert_eq!(seen.failing("s"), 0);
        let figures = seen.of("s");
        let note = |outcome| figures.note(outcome, "", Duration::ZERO, "1");
        // However many it took before.
        (0..5).for_each(|_| note(PushOutcome::Ack));
        let failures = PushOutcome::ALL.iter().skip(1);
        failures.for_each(|outcome| note(*outcome));
        assert_eq!(seen.failing("s"), PushOutcome::ALL.len() as u64 - 1);
        note(PushOutcome::Ack);
        assert_eq!(seen.failing("s"), 0);
        note(PushOutcome::Unreachable);
        assert_eq!(seen.failing("s"), 1);
        assert_eq!(seen.seen("s").unwrap()[PushOutcome::Ack as usize], 6);
        seen.forget("s");
        assert_eq!(seen.failing("s"), 0);
    }
}
