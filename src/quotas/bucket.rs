//! Token buckets that all cores share, taken from by each in portions.

use hashbrown::HashMap;
use std::cell::RefCell;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A bucket holds what comes in so long: what may be asked for at once after a rest.
const BURST: Duration = Duration::from_secs(1);
/// A core takes as much at a time as comes in so long, so that it locks seldom.
const PORTION: Duration = Duration::from_millis(10);
/// What a core has taken is good for so long. Without a bound, what many cores hold would add up.
const PORTION_GOOD: Duration = Duration::from_millis(100);
/// Buckets of one sort. Those that are full are as good as none, and go first.
const BUCKETS_MAX: usize = 65_536;

/// Buckets of one sort, one for each of whom it counts, all with one rate.
pub(super) struct Buckets<K> {
    shared: Arc<Shared<K>>,
    taken: RefCell<HashMap<K, Taken>>,
}

/// What one core has taken out of a bucket.
struct Taken {
    left: f64,
    at: Instant,
}

/// What the cores share.
pub(super) struct Shared<K> {
    /// What comes in per second.
    rate: f64,
    buckets: Mutex<HashMap<K, Bucket>>,
}

struct Bucket {
    /// Below 0 where more was taken at once than it holds, which has to come in first.
    level: f64,
    at: Instant,
}

impl<K: Hash + Eq + Clone> Shared<K> {
    /// Buckets into which `rate` comes per second.
    pub fn new(rate: u64) -> Arc<Self> {
        Arc::new(Self {
            rate: rate as f64,
            buckets: Mutex::default(),
        })
    }

    fn holds(&self) -> f64 {
        self.rate * BURST.as_secs_f64()
    }

    /// Takes `needed` and up to `wanted` out of a bucket. Nothing if it hasn't as much as `needed`;
    /// whoever needs more than a bucket holds waits for a full one, and leaves it in debt.
    fn take(&self, key: &K, needed: f64, wanted: f64, now: Instant) -> Result<f64, Duration> {
        let holds = self.holds();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= BUCKETS_MAX && !buckets.contains_key(key) {
            buckets.retain(|_, bucket| bucket.level_at(now, self.rate, holds) < holds);
            if buckets.len() >= BUCKETS_MAX {
                // More askers than can be told apart: they are let pass rather than taken for each other.
                return Ok(needed);
            }
        }
        let bucket = buckets.entry(key.clone()).or_insert(Bucket {
            level: holds,
            at: now,
        });
        let level = bucket.level_at(now, self.rate, holds);
        let enough = needed.min(holds);
        if level < enough {
            let seconds = (enough - level) / self.rate;
            return Err(Duration::from_secs_f64(seconds));
        }
        let taken = wanted.max(needed).min(level).max(needed);
        *bucket = Bucket {
            level: level - taken,
            at: now,
        };
        Ok(taken)
    }
}

impl Bucket {
    fn level_at(&self, now: Instant, rate: f64, holds: f64) -> f64 {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        (self.level + since * rate).min(holds)
    }
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    /// One core's end.
    pub fn new(shared: Arc<Shared<K>>) -> Self {
        Self {
            shared,
            taken: RefCell::default(),
        }
    }

    /// Takes `amount` out of the bucket of `key`.
    ///
    /// # Errors
    /// When there may be as much.
    pub fn take(&self, key: &K, amount: u64, now: Instant) -> Result<(), Duration> {
        let amount = amount as f64;
        let mut all = self.taken.borrow_mut();
        let left = match all.get_mut(key) {
            Some(taken) if now.saturating_duration_since(taken.at) < PORTION_GOOD => {
                if taken.left >= amount {
                    taken.left -= amount;
                    return Ok(());
                }
                taken.left
            }
            _ => 0.0,
        };
        let portion = self.shared.rate * PORTION.as_secs_f64();
        let got = self.shared.take(key, amount - left, portion, now)?;
        if all.len() >= BUCKETS_MAX {
            all.clear();
        }
        let taken = Taken {
            left: left + got - amount,
            at: now,
        };
        all.insert(key.clone(), taken);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(cores: &[Buckets<u8>], amount: u64, from: Instant, ms: u64) -> u64 {
        let mut passed = 0;
        for tick in 0..ms * 4 {
            let now = from + Duration::from_micros(250 * tick);
            for core in cores {
                passed += u64::from(core.take(&1, amount, now).is_ok());
            }
        }
        passed
    }

    #[test]
    fn all_cores_together_get_what_comes_in_and_a_burst() {
        for cores in [1, 2, 8] {
            for rate in [100, 1000] {
                let shared = Shared::new(rate);
                let cores: Vec<_> = (0..cores).map(|_| Buckets::new(shared.clone())).collect();
                let passed = passed(&cores, 1, Instant::now(), 5000);
                let expected = rate * 6;
                let off = passed.abs_diff(expected);
                assert!(off <= expected / 50 + 2, "{passed} of {expected}");
            }
        }
    }

    #[test]
    fn large_ones_pass_as_often_as_what_they_take_comes_in() {
        let shared = Shared::new(100);
        let core = [Buckets::new(shared)];
        // Three times what a bucket holds: once at first, then each three seconds.
        let passed = passed(&core, 300, Instant::now(), 10_000);
        assert!((3..=5).contains(&passed), "{passed}");
    }

    #[test]
    fn who_asks_too_much_is_told_when_to_ask_again_and_others_are_not_held_up() {
        let shared = Shared::new(10);
        let core: Buckets<u8> = Buckets::new(shared);
        let now = Instant::now();
        for _ in 0..10 {
            core.take(&1, 1, now).unwrap();
        }
        let wait = core.take(&1, 1, now).unwrap_err();
        assert!(wait <= Duration::from_millis(101), "{wait:?}");
        assert!(
            core.take(&1, 1, now + wait + Duration::from_millis(1))
                .is_ok()
        );
        assert!(core.take(&2, 1, now).is_ok());
    }
}
