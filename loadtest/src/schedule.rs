//! When requests are due in an open loop: at fixed times, whatever the server does.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Requests at a steady rate.
pub struct Schedule {
    rate: f64,
    started: Instant,
    offered: u64,
}

impl Schedule {
    /// `rate` requests per second, the first at once.
    pub fn new(rate: f64, started: Instant) -> Self {
        Self {
            rate,
            started,
            offered: 0,
        }
    }

    /// When the next is due.
    pub fn next(&self) -> Instant {
        self.started + Duration::from_secs_f64(self.offered as f64 / self.rate)
    }

    /// Adds the times of those that are due by `now`.
    pub fn fill(&mut self, now: Instant, due: &mut VecDeque<Instant>) {
        loop {
            let next = self.next();
            if next > now {
                return;
            }
            due.push_back(next);
            self.offered += 1;
        }
    }
}
