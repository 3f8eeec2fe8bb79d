//! One bound on memory that several shards share.
//!
//! A shard takes from the pool in chunks and gives back what it has not needed for two chunks, so
//! that the counter which all cores share is touched once per chunk and not once per message.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Memory that a shard takes at a time at most, bytes.
const CHUNK_BYTES_MAX: u64 = 1 << 20;
/// Chunks that a shard's share of the bound makes at least: what shards hold unused is at most two
/// in so many of all.
const CHUNKS_PER_SHARE: u64 = 64;

/// The memory that messages of all shards may take. Clones share it.
#[derive(Clone)]
pub struct MemoryPool(Arc<Shared>);

struct Shared {
    bytes_max: u64,
    /// What one shard may have whatever the others do, where they can be made to give way.
    share_bytes: u64,
    chunk_bytes: u64,
    taken_bytes: AtomicU64,
    when_short: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl std::fmt::Debug for MemoryPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MemoryPool({} bytes)", self.0.bytes_max)
    }
}

impl MemoryPool {
    /// A pool of `bytes_max` for so many shards.
    pub fn new(bytes_max: u64, shards: u16) -> Self {
        let share_bytes = bytes_max / u64::from(shards.max(1));
        Self(Arc::new(Shared {
            bytes_max,
            share_bytes,
            chunk_bytes: (share_bytes / CHUNKS_PER_SHARE).clamp(1, CHUNK_BYTES_MAX),
            taken_bytes: AtomicU64::new(0),
            when_short: OnceLock::new(),
        }))
    }

    /// What is to be called when a shard took its share of a pool that others had emptied: each
    /// shard is to be asked to [`crate::ShardHost::give_way`]. The first call counts.
    pub fn when_short(&self, call: impl Fn() + Send + Sync + 'static) {
        let _ = self.0.when_short.set(Box::new(call));
    }

    /// What shards have taken, bytes.
    pub fn taken_bytes(&self) -> u64 {
        // Only ever a count: nothing else is published with it.
        self.0.taken_bytes.load(Ordering::Relaxed)
    }

    /// Takes `wanted`, or where there is not so much, `needed`, or nothing. Answers what.
    fn take(&self, needed: u64, wanted: u64) -> u64 {
        let mut taken = self.taken_bytes();
        loop {
            let free = self.0.bytes_max.saturating_sub(taken);
            if free < needed {
                return 0;
            }
            let bytes = wanted.clamp(needed, free);
            match self.0.taken_bytes.compare_exchange_weak(
                taken,
                taken + bytes,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return bytes,
                Err(now) => taken = now,
            }
        }
    }

    fn take_anyway(&self, bytes: u64) {
        self.0.taken_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn give(&self, bytes: u64) {
        self.0.taken_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// What one shard has taken from its pool; given back when it goes.
pub(crate) struct Grant {
    pool: MemoryPool,
    bytes: u64,
}

impl Grant {
    pub fn new(pool: MemoryPool) -> Self {
        Self { pool, bytes: 0 }
    }

    #[inline]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Sees to it that the grant is at least `bytes`, if the pool has that.
    pub fn grow_to(&mut self, bytes: u64) -> bool {
        if bytes > self.bytes {
            let needed = bytes - self.bytes;
            let wanted = needed.saturating_add(self.pool.0.chunk_bytes);
            self.bytes += self.pool.take(needed, wanted);
        }
        bytes <= self.bytes
    }

    /// The same where the pool is empty but the shard has less than its share of it: others have to
    /// give way then.
    pub fn claim(&mut self, bytes: u64) -> bool {
        if bytes > self.pool.0.share_bytes {
            return false;
        }
        if bytes > self.bytes {
            self.pool.take_anyway(bytes - self.bytes);
            self.bytes = bytes;
            if let Some(call) = self.pool.0.when_short.get() {
                call();
            }
        }
        true
    }

    /// Whether a grant for what is in use is far too large, or too small.
    #[inline]
    pub fn is_off(&self, used_bytes: u64) -> bool {
        // Too small wraps to far too large.
        self.bytes.wrapping_sub(used_bytes) > 2 * self.pool.0.chunk_bytes
    }

    /// Gives back what is not in use, but for a chunk; takes what is in use without having been
    /// asked for (a restart brought it back, or another shard sent it).
    #[cold]
    pub fn settle(&mut self, used_bytes: u64) {
        let wanted = used_bytes + self.pool.0.chunk_bytes;
        if used_bytes > self.bytes {
            self.pool.take_anyway(used_bytes - self.bytes);
            self.bytes = used_bytes;
        } else if wanted < self.bytes {
            self.pool.give(self.bytes - wanted);
            self.bytes = wanted;
        }
    }

    /// Gives back everything that is not in use.
    pub fn shrink_to(&mut self, used_bytes: u64) {
        if used_bytes < self.bytes {
            self.pool.give(self.bytes - used_bytes);
            self.bytes = used_bytes;
        }
    }

    /// What the shard has to give back so that others get their share, bytes.
    pub fn owed(&self) -> u64 {
        let overdrawn = self
            .pool
            .taken_bytes()
            .saturating_sub(self.pool.0.bytes_max);
        overdrawn.min(self.bytes.saturating_sub(self.pool.0.share_bytes))
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        self.pool.give(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_shard_may_take_all_and_gives_it_back() {
        let pool = MemoryPool::new(1000, 4);
        let mut one = Grant::new(pool.clone());
        let mut other = Grant::new(pool.clone());
        assert!(one.grow_to(1000));
        assert!(!other.grow_to(1));
        assert_eq!(pool.taken_bytes(), 1000);
        one.settle(900);
        assert!(other.grow_to(50));
        drop(one);
        assert!(other.grow_to(1000));
        drop(other);
        assert_eq!(pool.taken_bytes(), 0);
    }

    #[test]
    fn a_claim_is_bounded_by_the_share_and_owed_by_those_above_theirs() {
        let pool = MemoryPool::new(1000, 4);
        let mut one = Grant::new(pool.clone());
        let mut other = Grant::new(pool.clone());
        assert!(one.grow_to(1000));
        assert!(!other.claim(251));
        assert!(other.claim(250));
        assert_eq!((one.owed(), other.owed()), (250, 0));
        one.shrink_to(750);
        assert_eq!((one.owed(), pool.taken_bytes()), (0, 1000));
    }

    #[test]
    fn a_small_change_leaves_the_pool_alone() {
        let pool = MemoryPool::new(1 << 40, 4);
        let mut grant = Grant::new(pool.clone());
        assert!(grant.grow_to(100));
        let taken = pool.taken_bytes();
        for used in [0, 100, 50_000, 1_000_000] {
            assert!(!grant.is_off(used));
        }
        assert_eq!(pool.taken_bytes(), taken);
    }
}
