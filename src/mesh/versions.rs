//! How often the definitions of names have changed: what makes remembering them safe on every core.
//!
//! A shard's core advances a name's version after the change was made and before any answer that
//! tells of it leaves. Whoever looks a name up takes a [`Stamp`] before it asks the shard. So as long
//! as the stamp is current, no change has been answered since: what was found may be used, and where
//! it isn't, the shard is asked again. Coming too often to that costs a question and is never wrong,
//! which is why names share versions by bucket.

use super::events::Events;
use lclq_shards::{NAME_BUCKETS, NameBucket, Outgoing, ShardHost};
use std::sync::atomic::{AtomicU64, Ordering};

/// One per process.
#[derive(Debug)]
pub struct Versions {
    // Not padded to cache lines: they are written as seldom as definitions change, and read with
    // every request, so it counts for more that they take little of the cache.
    buckets: Box<[AtomicU64]>,
    /// The same changes by name, for those who watch.
    events: Events,
}

/// What a name's version was at some time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp {
    bucket: NameBucket,
    version: u64,
}

impl Stamp {
    /// Whether this is of a later version than another stamp of the same name.
    pub(super) fn is_after(&self, other: &Self) -> bool {
        self.version > other.version
    }
}

impl Default for Versions {
    fn default() -> Self {
        Self {
            buckets: (0..NAME_BUCKETS).map(|_| AtomicU64::new(0)).collect(),
            events: Events::default(),
        }
    }
}

impl Versions {
    /// To be taken before a shard is asked what the name stands for.
    #[inline]
    pub fn stamp(&self, bucket: NameBucket) -> Stamp {
        // Acquire: what the shard is asked next, it answers as after the change.
        let version = self.buckets[bucket.index()].load(Ordering::Acquire);
        Stamp { bucket, version }
    }

    /// Whether no change has been answered since the stamp was taken.
    #[inline]
    pub fn is_current(&self, stamp: &Stamp) -> bool {
        self.stamp(stamp.bucket).version == stamp.version
    }

    /// The changes by name.
    pub fn events(&self) -> &Events {
        &self.events
    }

    /// A definition in this bucket has changed.
    pub(super) fn advance(&self, bucket: NameBucket) {
        // Release: who sees the version sees the change. Cores share buckets, hence no plain store.
        self.buckets[bucket.index()].fetch_add(1, Ordering::Release);
    }

    /// Any definition may have changed.
    pub(super) fn advance_all(&self) {
        for bucket in &self.buckets {
            bucket.fetch_add(1, Ordering::Release);
        }
    }

    /// The next thing that a shard sends out. All cores are told of changes first: this is the one
    /// way out of a shard, so that no answer can be ahead of its change.
    #[inline]
    pub fn next_outgoing(&self, host: &mut ShardHost) -> Option<Outgoing> {
        if host.has_changed_names() {
            self.tell(host);
        }
        host.next_outgoing()
    }

    #[cold]
    fn tell(&self, host: &mut ShardHost) {
        host.take_changed_names(|bucket| self.advance(bucket));
        self.events.add(host.take_changes());
    }
}
