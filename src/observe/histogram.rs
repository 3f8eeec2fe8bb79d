//! How long answers took.

use super::count;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets, us: from what an answer takes at best to longer than any long poll.
pub const BOUNDS_US: [u64; 21] = [
    10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000,
    500_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000, 20_000_000, 60_000_000,
];

/// Counts of times by their bucket, written by one thread.
#[derive(Default, Debug)]
pub struct Histogram {
    buckets: [AtomicU64; BOUNDS_US.len() + 1],
    sum_us: AtomicU64,
}

impl Histogram {
    #[inline]
    pub(super) fn add(&self, time: Duration) {
        let us = time.as_micros() as u64;
        let bucket = BOUNDS_US.iter().position(|bound| us <= *bound);
        count(&self.buckets[bucket.unwrap_or(BOUNDS_US.len())], 1);
        count(&self.sum_us, us);
    }

    /// Adds to counts of the times up to each bound, and of all.
    pub(super) fn add_to(&self, cumulative: &mut [u64; BOUNDS_US.len() + 1], sum_us: &mut u64) {
        let mut so_far = 0;
        for (sum, bucket) in cumulative.iter_mut().zip(&self.buckets) {
            so_far += bucket.load(Ordering::Relaxed);
            *sum += so_far;
        }
        *sum_us += self.sum_us.load(Ordering::Relaxed);
    }
}
