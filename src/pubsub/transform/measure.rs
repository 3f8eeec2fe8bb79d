//! For benchmarks: transforms without the process around them.

use super::scripts::Scripts;
use super::watchdog::Watchdog;
use super::{Transform, TransformMessage, Transformed};
use std::time::{Duration, Instant};

/// Compiles functions and applies transforms to one message, on the calling thread.
pub fn apply_here(transforms: &[Transform], message: TransformMessage) -> Transformed {
    let until = Instant::now() + Duration::from_secs(3600);
    Scripts::new(Watchdog::none()).apply(transforms, message, until)
}
