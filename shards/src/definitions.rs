//! Which names' definitions have changed: what everybody needs to know who remembers one.
//!
//! A definition is what a name stands for: whether there is such a thing, where it lives, and how it
//! is set up. A shard notes a change where it hands it to its journal, so that none can be missed;
//! its host tells before it lets any answer go.

use crate::command::pubsub::Kind;

/// Names are told apart by bucket: a change makes everything that is remembered of its bucket be
/// looked up again, which is never wrong.
pub const NAME_BUCKETS: usize = 4096;

const WORDS: usize = NAME_BUCKETS / 64;

/// What a name is of. The same name may be of one thing of each.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum NameSpace {
    /// Queues, by [`QueueName::key`](crate::QueueName::key).
    Queue,
    /// Topics, by full name, as all that follow.
    Topic,
    /// Subscriptions.
    Subscription,
    /// Snapshots.
    Snapshot,
    /// Schemas.
    Schema,
}

impl From<Kind> for NameSpace {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Topic => Self::Topic,
            Kind::Subscription => Self::Subscription,
            Kind::Snapshot => Self::Snapshot,
            Kind::Schema => Self::Schema,
        }
    }
}

/// Where a name's changes are counted: the same on every core, and whatever shard the name is on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct NameBucket(u16);

impl NameBucket {
    /// The bucket of a name.
    pub fn of(space: NameSpace, name: &str) -> Self {
        let hash = crate::name::hash_of(name.as_bytes());
        // Multiplied, so that what has the same name doesn't share a bucket throughout.
        let hash = hash.wrapping_add((space as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        Self((hash >> 32) as u16 % NAME_BUCKETS as u16)
    }

    /// Below [`NAME_BUCKETS`].
    #[inline]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// Buckets in which a definition has changed since they were last taken. Its size is fixed, however
/// many changes nobody asks for.
#[derive(Debug)]
pub(crate) struct ChangedNames {
    any: bool,
    bits: Box<[u64; WORDS]>,
}

impl Default for ChangedNames {
    fn default() -> Self {
        Self {
            any: false,
            bits: Box::new([0; WORDS]),
        }
    }
}

impl ChangedNames {
    pub fn note(&mut self, space: NameSpace, name: &str) {
        let at = NameBucket::of(space, name).index();
        self.bits[at / 64] |= 1 << (at % 64);
        self.any = true;
    }

    #[inline]
    pub fn any(&self) -> bool {
        self.any
    }

    /// Hands out the buckets, each once.
    pub fn take(&mut self, mut each: impl FnMut(NameBucket)) {
        if !std::mem::take(&mut self.any) {
            return;
        }
        for (word, bits) in self.bits.iter_mut().enumerate() {
            let mut left = std::mem::take(bits);
            while left != 0 {
                each(NameBucket(
                    (word * 64) as u16 + left.trailing_zeros() as u16,
                ));
                left &= left - 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_changed_bucket_is_handed_out_once() {
        let mut changed = ChangedNames::default();
        let mut expected = BTreeSet::new();
        for n in 0..500 {
            let name = format!("projects/p/topics/t{n}");
            for space in [NameSpace::Topic, NameSpace::Subscription] {
                changed.note(space, &name);
                changed.note(space, &name);
                expected.insert(NameBucket::of(space, &name).index());
            }
        }
        assert!(changed.any());
        let mut taken = Vec::new();
        changed.take(|bucket| taken.push(bucket.index()));
        assert_eq!(taken, Vec::from_iter(expected));
        assert!(!changed.any());
        changed.take(|bucket| panic!("{bucket:?} twice"));
    }

    #[test]
    fn names_spread_over_the_buckets() {
        let buckets: BTreeSet<usize> = (0..4 * NAME_BUCKETS)
            .map(|n| NameBucket::of(NameSpace::Queue, &format!("r/a/queue-{n}")).index())
            .collect();
        // All but 1 in e^4 would be hit by chance.
        assert!(buckets.len() > NAME_BUCKETS * 95 / 100, "{}", buckets.len());
        let of = |space| NameBucket::of(space, "one/name");
        assert_ne!(of(NameSpace::Topic), of(NameSpace::Schema));
    }
}
