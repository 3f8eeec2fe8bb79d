//! A token bucket.

use std::time::{Duration, Instant};

/// Tokens that fill up again with time.
#[derive(Debug)]
pub(super) struct Bucket {
    tokens: f64,
    at: Option<Instant>,
}

impl Bucket {
    /// With as many as it holds.
    pub fn full(many: u32) -> Self {
        Self {
            tokens: many.into(),
            at: None,
        }
    }

    /// Takes one of the tokens of which `many` come in `per`, and no more are held. Whether there was
    /// one.
    pub fn take(&mut self, now: Instant, many: u32, per: Duration) -> bool {
        let many = f64::from(many);
        if let Some(at) = self.at {
            let passed = now.saturating_duration_since(at).as_secs_f64() / per.as_secs_f64();
            self.tokens = (self.tokens + passed * many).min(many);
        }
        self.at = Some(now);
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_come_back_with_time_and_no_more_than_it_holds() {
        let mut bucket = Bucket::full(3);
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let mut taken = |after_ms: u64| {
            let now = start + Duration::from_millis(after_ms);
            (0..10).filter(|_| bucket.take(now, 3, second)).count()
        };
        assert_eq!(taken(0), 3);
        assert_eq!(taken(400), 1);
        assert_eq!(taken(60_000), 3);
    }
}
