//! What was asked of the server, and what came of it.
//!
//! A dialect has one place where a request has been understood and answered, and says so there, once:
//! which operation, how it ended, how long it took. Each core writes figures of its own, without a
//! lock or an allocation; whoever shows them reads those of all cores.

mod operation;

pub use operation::{Dialect, Operation, Wire};

use lclq_shards::figures::{Buckets, Histogram, TIME_BOUNDS_US, count};

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// How a request ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum Outcome {
    /// As asked.
    Done = 0,
    /// Refused, by what the client sent or by what there is.
    Refused = 1,
    /// It could not be done, and may be asked again.
    Failed = 2,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Done, Self::Refused, Self::Failed];

    /// Its name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "ok",
            Self::Refused => "client_error",
            Self::Failed => "server_error",
        }
    }
}

/// Figures of one operation on one core.
#[derive(Default, Debug)]
struct OfOperation {
    /// By [`Wire`] of the dialect, then by [`Outcome`].
    outcomes: [[AtomicU64; Outcome::ALL.len()]; Wire::OF_A_DIALECT],
    times: Histogram<{ TIME_BOUNDS_US.len() }>,
}

/// One core's figures. Only the core writes them.
#[derive(Debug)]
struct Figures(Box<[OfOperation]>);

/// A core's pen.
#[derive(Clone, Debug)]
pub struct Observer(Arc<Figures>);

impl Observer {
    /// Notes a request that is answered, and how it came. `since` is when it had come.
    #[inline]
    pub fn answered(&self, operation: Operation, wire: Wire, outcome: Outcome, since: Instant) {
        let figures = &self.0.0[operation.index()];
        count(&figures.outcomes[wire.index()][outcome as usize], 1);
        let us = since.elapsed().as_micros() as u64;
        figures.times.add(&TIME_BOUNDS_US, us);
    }
}

/// The figures of all cores.
#[derive(Clone, Debug)]
pub struct Observers(Arc<[Observer]>);

/// What all cores together saw of one operation.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// The operation.
    pub operation: Operation,
    /// Requests by [`Wire`] of the dialect, then by [`Outcome`].
    pub outcomes: [[u64; Outcome::ALL.len()]; Wire::OF_A_DIALECT],
    /// Times of answers, us.
    pub times: Buckets<{ TIME_BOUNDS_US.len() }>,
}

impl Observers {
    /// Figures for so many cores.
    pub fn new(cores: usize) -> Self {
        let figures = || (0..Operation::count()).map(|_| OfOperation::default());
        let observer = |_| Observer(Arc::new(Figures(figures().collect())));
        Self((0..cores).map(observer).collect())
    }

    /// The pen of a core.
    pub fn of_core(&self, core: usize) -> Observer {
        self.0[core].clone()
    }

    /// What was seen of each operation that was asked for at all.
    pub fn seen(&self) -> impl Iterator<Item = Seen> + '_ {
        Operation::all().filter_map(|operation| {
            let mut seen = Seen {
                operation,
                outcomes: Default::default(),
                times: Buckets::default(),
            };
            for observer in &*self.0 {
                let figures = &observer.0.0[operation.index()];
                let sums = seen.outcomes.as_flattened_mut().iter_mut();
                for (sum, outcome) in sums.zip(figures.outcomes.as_flattened()) {
                    *sum += outcome.load(Ordering::Relaxed);
                }
                figures.times.add_to(&mut seen.times);
            }
            (seen.times.total() > 0).then_some(seen)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqs::Action;
    use std::time::Duration;

    #[test]
    fn cores_add_up() {
        let observers = Observers::new(2);
        let operation = Operation::sqs(Action::SendMessage);
        let now = Instant::now();
        for (core, outcome) in [(0, Outcome::Done), (1, Outcome::Done), (1, Outcome::Failed)] {
            let since = now.checked_sub(Duration::from_millis(3)).unwrap();
            let observer = observers.of_core(core);
            observer.answered(operation, Wire::Query, outcome, since);
        }
        let seen: Vec<Seen> = observers.seen().collect();
        let [seen] = seen[..] else {
            panic!("{seen:?}");
        };
        assert_eq!(
            (seen.operation, seen.outcomes),
            (operation, [[0; 3], [2, 0, 1]])
        );
        assert_eq!(seen.times.total(), 3);
        assert_eq!(seen.times.counts[0], 0, "3 ms are more than 10 us");
        assert!(seen.times.sum >= 9_000, "{}", seen.times.sum);
    }
}
