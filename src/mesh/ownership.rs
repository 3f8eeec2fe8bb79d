//! Who runs a shard: the one place that knows.

use std::sync::atomic::{AtomicU32, Ordering};

/// Who a shard's commands go to. Whoever asks says what becomes of each kind of owner.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Owner {
    /// A core of this process.
    Core(usize),
    /// Another node, by its number.
    Node(u16),
    /// Nobody, for the moment.
    Nobody,
}

/// Owners as words: cores, other nodes above them, and nobody.
const NODES: u32 = 1 << 16;
const NOBODY: u32 = u32::MAX;

impl Owner {
    fn word(self) -> u32 {
        match self {
            Self::Core(core) => core as u32,
            Self::Node(number) => NODES | u32::from(number),
            Self::Nobody => NOBODY,
        }
    }

    #[inline]
    fn of(word: u32) -> Self {
        match word {
            core if core < NODES => Self::Core(core as usize),
            NOBODY => Self::Nobody,
            node => Self::Node(node as u16),
        }
    }
}

/// The owner of each shard. Where a process has its shards for itself, it never changes.
#[derive(Debug)]
pub struct Ownership {
    owners: Box<[AtomicU32]>,
}

impl Ownership {
    /// Deals shards out to cores, of which there must be one, in turn.
    pub fn deal(shards: u16, cores: usize) -> Self {
        let shards = 0..usize::from(shards);
        let owners = shards.map(|shard| AtomicU32::new(Owner::Core(shard % cores).word()));
        Self {
            owners: owners.collect(),
        }
    }

    /// Nobody's, all of them.
    pub fn of_nobody(shards: u16) -> Self {
        Self {
            owners: (0..shards).map(|_| AtomicU32::new(NOBODY)).collect(),
        }
    }

    /// Number of shards in all.
    pub fn shards(&self) -> u16 {
        self.owners.len() as u16
    }

    /// Who runs a shard. One that doesn't exist is core 0's, which refuses what is asked of it.
    #[inline]
    pub fn owner(&self, shard: u16) -> Owner {
        match self.owners.get(usize::from(shard)) {
            // Acquire: who sees a core finds the shard there.
            Some(word) => Owner::of(word.load(Ordering::Acquire)),
            None => Owner::Core(0),
        }
    }

    /// Says who runs a shard from now on. Answers whether that is another one than before.
    pub fn set(&self, shard: u16, owner: Owner) -> bool {
        let word = owner.word();
        let place = self.owners.get(usize::from(shard));
        place.is_some_and(|place| place.swap(word, Ordering::AcqRel) != word)
    }

    /// The same, unless it isn't who it is thought to be.
    pub fn change(&self, shard: u16, from: Owner, to: Owner) -> bool {
        let (from, to) = (from.word(), to.word());
        self.owners.get(usize::from(shard)).is_some_and(|place| {
            let changed = place.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed);
            changed.is_ok()
        })
    }

    /// Whether `core` runs a shard.
    #[inline]
    pub fn is_of_core(&self, shard: u16, core: usize) -> bool {
        self.owner(shard) == Owner::Core(core)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shard_has_one_core_and_they_share_evenly() {
        for (shards, cores) in [(1, 1), (1, 4), (4, 4), (7, 3), (64, 5)] {
            let map = Ownership::deal(shards, cores);
            assert_eq!(map.shards(), shards);
            let count = |core| {
                (0..shards)
                    .filter(|shard| map.is_of_core(*shard, core))
                    .count()
            };
            let counts: Vec<usize> = (0..cores).map(count).collect();
            assert_eq!(counts.iter().sum::<usize>(), usize::from(shards));
            let (most, least) = (counts.iter().max(), counts.iter().min());
            assert!(most.unwrap() - least.unwrap() <= 1, "{counts:?}");
        }
    }

    #[test]
    fn owners_change() {
        let map = Ownership::of_nobody(2);
        assert_eq!(map.owner(1), Owner::Nobody);
        for owner in [Owner::Node(0), Owner::Core(3), Owner::Node(65_534)] {
            assert!(map.set(1, owner) && !map.set(1, owner));
            assert_eq!((map.owner(0), map.owner(1)), (Owner::Nobody, owner));
        }
        assert!(!map.change(1, Owner::Node(1), Owner::Nobody));
        assert!(map.change(1, Owner::Node(65_534), Owner::Nobody));
        assert!(!map.set(7, Owner::Nobody), "there is no such shard");
    }
}
