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

/// Changes that are told of one by one; of more at once only the number is told.
pub const CHANGES_KEPT_MAX: usize = 256;

/// What became of a definition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// It was made.
    Created,
    /// It is another now.
    Changed,
    /// It is gone.
    Deleted,
}

/// A change of one definition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NameChange {
    /// What the name is of.
    pub space: NameSpace,
    /// The name.
    pub name: Box<str>,
    /// What became of it.
    pub change: Change,
}

/// Changes in the order in which they were made.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct NameChanges {
    /// The first of them.
    pub kept: Vec<NameChange>,
    /// Those for which there was no room.
    pub missed: u64,
}

/// Definitions that have changed since they were last taken, and in which buckets. Its size is
/// bounded, however many changes nobody asks for.
#[derive(Debug)]
pub(crate) struct ChangedNames {
    any: bool,
    bits: Box<[u64; WORDS]>,
    changes: NameChanges,
}

impl Default for ChangedNames {
    fn default() -> Self {
        Self {
            any: false,
            bits: Box::new([0; WORDS]),
            changes: NameChanges::default(),
        }
    }
}

impl ChangedNames {
    pub fn note(&mut self, space: NameSpace, name: &str, change: Change) {
        if self.changes.kept.len() < CHANGES_KEPT_MAX {
            self.changes.kept.push(NameChange {
                space,
                name: name.into(),
                change,
            });
        } else {
            self.changes.missed += 1;
        }
        let at = NameBucket::of(space, name).index();
        self.bits[at / 64] |= 1 << (at % 64);
        self.any = true;
    }

    /// What was noted last has made the thing.
    pub fn was_made(&mut self) {
        if self.changes.missed == 0
            && let Some(last) = self.changes.kept.last_mut()
        {
            last.change = Change::Created;
        }
    }

    /// Hands out the changes, each once.
    pub fn take_changes(&mut self) -> NameChanges {
        std::mem::take(&mut self.changes)
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
                changed.note(space, &name, Change::Changed);
                changed.note(space, &name, Change::Changed);
                expected.insert(NameBucket::of(space, &name).index());
            }
        }
        assert!(changed.any());
        let mut taken = Vec::new();
        changed.take(|bucket| taken.push(bucket.index()));
        assert_eq!(taken, Vec::from_iter(expected));
        assert!(!changed.any());
        changed.take(|bucket| panic!("{bucket:?} twice"));
        let changes = changed.take_changes();
        assert_eq!(changes.kept.len(), CHANGES_KEPT_MAX);
        assert_eq!(changes.missed, 2000 - CHANGES_KEPT_MAX as u64);
        assert_eq!(changed.take_changes(), NameChanges::default());
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
