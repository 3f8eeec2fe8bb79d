//! Who runs a shard: the one place that knows.

/// Who a shard's commands go to. Whoever asks says what becomes of each kind of owner, so that a
/// further one (a node elsewhere) can't be forgotten anywhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Owner {
    /// A core of this process.
    Core(usize),
}

/// The owner of each shard.
#[derive(Debug)]
pub struct Ownership {
    owners: Box<[Owner]>,
}

impl Ownership {
    /// Deals shards out to cores, of which there must be one, in turn.
    pub fn deal(shards: u16, cores: usize) -> Self {
        Self {
            owners: (0..usize::from(shards))
                .map(|shard| Owner::Core(shard % cores))
                .collect(),
        }
    }

    /// Number of shards in all.
    pub fn shards(&self) -> u16 {
        self.owners.len() as u16
    }

    /// Who runs a shard. One that doesn't exist is core 0's, which refuses what is asked of it.
    #[inline]
    pub fn owner(&self, shard: u16) -> Owner {
        let owner = self.owners.get(usize::from(shard));
        owner.copied().unwrap_or(Owner::Core(0))
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
}
