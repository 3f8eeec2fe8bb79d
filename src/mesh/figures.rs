//! What the cores do for each other, counted by each for itself.

use lclq_shards::figures::{Buckets, Histogram, SIZE_BOUNDS, count};
use lclq_shards::journal::{JournalFigures, JournalsSeen};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Figures of one core. Only the core writes them, into cache lines that no other core writes.
#[derive(Default)]
#[repr(align(128))]
pub(super) struct CoreFigures {
    /// Requests found in a lane at the start of its turn, where there were any.
    lane_depths: Histogram<{ SIZE_BOUNDS.len() }>,
    overloaded: AtomicU64,
    /// Requests that other nodes were asked.
    forwarded: AtomicU64,
    /// Requests that wait for somebody to run their shard, now.
    parked: AtomicU64,
    /// Shards that were taken over while it ran.
    taken: AtomicU64,
}

impl CoreFigures {
    pub fn forwarded(&self) {
        count(&self.forwarded, 1);
    }

    pub fn show_parked(&self, requests: usize) {
        self.parked.store(requests as u64, Ordering::Relaxed);
    }

    pub fn taken(&self) {
        count(&self.taken, 1);
    }

    #[inline]
    pub fn lane_looked_into(&self, requests: usize) {
        if requests > 0 {
            self.lane_depths.add(&SIZE_BOUNDS, requests as u64);
        }
    }

    #[cold]
    pub fn refused(&self) {
        count(&self.overloaded, 1);
    }
}

/// Figures of all cores and of the journals of all shards.
#[derive(Clone)]
pub(super) struct MeshFigures {
    pub cores: Arc<[CoreFigures]>,
    pub journals: Arc<[Arc<JournalFigures>]>,
}

impl MeshFigures {
    pub fn new(cores: usize, shards: u16) -> Self {
        Self {
            cores: (0..cores).map(|_| CoreFigures::default()).collect(),
            journals: (0..shards).map(|_| Arc::default()).collect(),
        }
    }

    pub fn seen(&self) -> MeshSeen {
        let mut seen = MeshSeen::default();
        for journal in &*self.journals {
            journal.add_to(&mut seen.journals);
        }
        for core in &*self.cores {
            let mut depths = Buckets::default();
            core.lane_depths.add_to(&mut depths);
            seen.lane_depths.push(depths);
            seen.overloaded += core.overloaded.load(Ordering::Relaxed);
            seen.forwarded += core.forwarded.load(Ordering::Relaxed);
            seen.parked += core.parked.load(Ordering::Relaxed);
            seen.taken += core.taken.load(Ordering::Relaxed);
        }
        seen
    }
}

/// What the mesh and the journals have done since the start.
#[derive(Default, Debug)]
pub struct MeshSeen {
    /// By core: requests that it found in a lane at the start of the lane's turn.
    pub lane_depths: Vec<Buckets<{ SIZE_BOUNDS.len() }>>,
    /// Requests refused because a lane, or a core's table of requests, was full.
    pub overloaded: u64,
    /// Requests that other nodes were asked.
    pub forwarded: u64,
    /// Requests that wait for somebody to run their shard.
    pub parked: u64,
    /// Shards that were taken over from other nodes, or from nobody.
    pub taken: u64,
    /// All journals together.
    pub journals: JournalsSeen,
}
