//! How long each benchmark runs: there are many, and the machine is often shared.

use criterion::Criterion;
use std::time::Duration;

pub fn quick() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1500))
}
