//! What became of push requests, by subscription.

use super::{HttpOutcome, is_ack};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

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

/// Push requests of one subscription by [`PushOutcome`].
#[derive(Default, Debug)]
pub struct PushFigures([AtomicU64; PushOutcome::ALL.len()]);

impl PushFigures {
    pub(super) fn note(&self, outcome: PushOutcome) {
        // One request to another server: a locked instruction is nothing beside it.
        self.0[outcome as usize].fetch_add(1, Ordering::Relaxed);
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
            figures.0[at].load(Ordering::Relaxed)
        }))
    }
}
