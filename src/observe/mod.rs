//! What was asked of the server, and what came of it.
//!
//! A dialect has one place where a request has been understood and answered, and says so there, once:
//! which operation, how it ended, how long it took. Each core writes figures of its own, without a
//! lock or an allocation; whoever shows them reads those of all cores.

mod histogram;
mod operation;

pub use histogram::{BOUNDS_US, Histogram};
pub use operation::{Dialect, Operation};

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
    outcomes: [AtomicU64; Outcome::ALL.len()],
    seconds: Histogram,
}

/// One core's figures. Only the core writes them.
#[derive(Debug)]
struct Figures(Box<[OfOperation]>);

/// A core's pen.
#[derive(Clone, Debug)]
pub struct Observer(Arc<Figures>);

impl Observer {
    /// Notes a request that is answered. `since` is when it had come.
    #[inline]
    pub fn answered(&self, operation: Operation, outcome: Outcome, since: Instant) {
        let figures = &self.0.0[operation.index()];
        count(&figures.outcomes[outcome as usize], 1);
        figures.seconds.add(since.elapsed());
    }
}

/// Adds to a figure that no other thread writes: no locked instruction is needed.
#[inline]
fn count(figure: &AtomicU64, more: u64) {
    figure.store(
        figure.load(Ordering::Relaxed).wrapping_add(more),
        Ordering::Relaxed,
    );
}

/// The figures of all cores.
#[derive(Clone, Debug)]
pub struct Observers(Arc<[Observer]>);

/// What all cores together saw of one operation.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// The operation.
    pub operation: Operation,
    /// Requests by [`Outcome`].
    pub outcomes: [u64; Outcome::ALL.len()],
    /// Answers by time: one more for each bound of [`BOUNDS_US`] that it is within, and all.
    pub buckets: [u64; BOUNDS_US.len() + 1],
    /// Time of all answers, us.
    pub sum_us: u64,
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
                buckets: [0; BOUNDS_US.len() + 1],
                sum_us: 0,
            };
            for observer in &*self.0 {
                let figures = &observer.0.0[operation.index()];
                for (sum, outcome) in seen.outcomes.iter_mut().zip(&figures.outcomes) {
                    *sum += outcome.load(Ordering::Relaxed);
                }
                figures.seconds.add_to(&mut seen.buckets, &mut seen.sum_us);
            }
            (seen.outcomes != [0; Outcome::ALL.len()]).then_some(seen)
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
            observers.of_core(core).answered(operation, outcome, since);
        }
        let seen: Vec<Seen> = observers.seen().collect();
        let [seen] = seen[..] else {
            panic!("{seen:?}");
        };
        assert_eq!((seen.operation, seen.outcomes), (operation, [2, 0, 1]));
        assert_eq!(seen.buckets.last(), Some(&3));
        assert_eq!(seen.buckets[0], 0, "3 ms are more than 10 us");
        assert!(seen.sum_us >= 9_000, "{}", seen.sum_us);
    }
}
