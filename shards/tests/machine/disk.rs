//! One shard's disk: the journal in memory, watched, and sabotaged where a canary wants it.

#![allow(dead_code, reason = "each simulation has canaries of its own")]

use super::memory_journal::MemoryJournal;
use super::numbered::Map;
use lclq_shards::attributes::QueueAttribute;
use lclq_shards::command::Reply;
use lclq_shards::journal::{Batch, Completion, Journal, JournalError, Op};
use lclq_shards::pubsub::command::Settled;
use lclq_shards::{Eviction, Millis, ShardConfig};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

/// A defect that the oracle must notice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sabotage {
    None,
    /// A shard starts by a clock that was not set back.
    MissesSteps,
    /// Acknowledgements that are out of order count.
    TakesAcksInAnyOrder,
    /// Acknowledgements that are out of order are said to be of leases that are over.
    SaysLeasesAreOver,
    /// What makes room is what wasn't used, not what is old.
    EvictsUnused,
    /// There is less memory than is said.
    LacksMemory,
    /// Receives that reached nobody are not given back.
    GivesNothingBack,
    /// Queues are written without their delay.
    LosesDelays,
    /// One of the queues or subscriptions that are deleted in the end stays.
    KeepsAQueue,
    /// Every so many inserts one isn't written.
    LosesInserts(u32),
    /// Every so many deletes one isn't written.
    LosesDeletes(u32),
    /// Every so many deduplication ids one isn't written.
    LosesDedup(u32),
    /// Every so many inbox numbers one isn't written.
    LosesInbox(u32),
    /// Every so many published messages one isn't written.
    LosesPublishes(u32),
    /// Every so many acknowledgements one isn't written.
    LosesAcks(u32),
    /// Snapshots are written with an end an hour late.
    LosesSnapshotEnds,
    /// Subscriptions are written with the longest retention.
    LosesRetentions,
    /// What was never a subscription's is written as acknowledged by it.
    LosesWhoseItWas,
}

/// A retention that no run sees the end of, ms.
const LONG_MS: Millis = 7 * 24 * 3_600_000;

#[derive(Default)]
struct Watched {
    waiting: VecDeque<Vec<(u64, u32)>>,
    /// Receive counts that are durable, by sequence number.
    counts: Map<u64, u32>,
    seen: u32,
}

#[derive(Clone)]
pub struct Disk {
    pub journal: MemoryJournal,
    watched: Rc<RefCell<Watched>>,
    pub sabotage: Sabotage,
}

impl Disk {
    pub fn new(sabotage: Sabotage) -> Self {
        Self {
            journal: MemoryJournal::new(),
            watched: Rc::default(),
            sabotage,
        }
    }

    /// The batch under way becomes durable. Answers whether there was one.
    pub fn complete(&self) -> bool {
        let done = self.journal.complete();
        if done {
            let mut watched = self.watched.borrow_mut();
            let counts = watched
                .waiting
                .pop_front()
                .expect("as many as the journal has");
            watched.counts.extend(counts);
        }
        done
    }

    /// The process dies.
    pub fn crash(&self) {
        self.journal.crash();
        self.watched.borrow_mut().waiting.clear();
    }

    /// The machine dies, and the last `batches` go with it. Answers since when.
    pub fn lose_tail(&self, batches: usize) -> Option<Millis> {
        let since = self.journal.lose_tail(batches);
        if since.is_some() {
            // What they were before isn't known here.
            self.watched.borrow_mut().counts.clear();
        }
        since
    }

    /// The receive count that a restart would find at least.
    pub fn durable_count(&self, sequence: u64) -> u32 {
        self.watched
            .borrow()
            .counts
            .get(&sequence)
            .copied()
            .unwrap_or(0)
    }

    fn drops(&self, op: &Op) -> bool {
        let every = match (self.sabotage, op) {
            (Sabotage::LosesInserts(every), Op::Insert(_)) => every,
            (Sabotage::LosesDeletes(every), Op::Delete(_)) => every,
            (Sabotage::LosesDedup(every), Op::Dedup { .. }) => every,
            (Sabotage::LosesInbox(every), Op::Inbox { .. }) => every,
            (Sabotage::LosesPublishes(every), Op::Publish(_)) => every,
            (
                Sabotage::LosesAcks(every),
                Op::Unpublish { .. } | Op::Delivery { acked: true, .. },
            ) => every,
            _ => return false,
        };
        let seen = &mut self.watched.borrow_mut().seen;
        *seen += 1;
        seen.is_multiple_of(every)
    }
}

impl Sabotage {
    /// Falsifies how a shard is set up.
    pub fn falsify_config(self, config: &mut ShardConfig) {
        match self {
            Self::EvictsUnused => config.eviction = Eviction::LeastRecentlyUsed,
            Self::LacksMemory => config.memory_bytes_max /= 4,
            _ => {}
        }
    }

    /// Falsifies an answer.
    pub fn falsify_answer(self, reply: &mut Reply) {
        let instead = match self {
            Self::TakesAcksInAnyOrder => Settled::Counted,
            Self::SaysLeasesAreOver => Settled::Invalid,
            _ => return,
        };
        if let Reply::Acknowledged(results) = reply {
            for result in results {
                if *result == Settled::Unordered {
                    *result = instead;
                }
            }
        }
    }

    /// Falsifies a change on its way to the disk.
    fn falsify(self, op: &mut Op) {
        match (self, op) {
            (Self::LosesSnapshotEnds, Op::PutSubscription(record)) => {
                let late = record.snapshot_expires_at.map(|at| at + 3_600_000);
                record.snapshot_expires_at = late;
            }
            (Self::LosesDelays, Op::PutQueue(record)) => {
                record.attributes.remove(&QueueAttribute::DelaySeconds);
            }
            (Self::LosesRetentions, Op::PutSubscription(record)) => {
                record.settings.retention_ms = LONG_MS;
            }
            (
                Self::LosesWhoseItWas,
                Op::Delivery {
                    acked: true,
                    failures,
                    ..
                },
            ) => *failures = 0,
            _ => {}
        }
    }
}

impl Journal for Disk {
    fn load(&mut self, visit: &mut dyn FnMut(Op)) -> Result<u64, JournalError> {
        self.journal.load(visit)
    }

    fn commit(&mut self, epoch: u64, mut batch: Batch) {
        batch.ops.retain(|op| !self.drops(op));
        for op in &mut batch.ops {
            self.sabotage.falsify(op);
        }
        let counts = batch.ops.iter().filter_map(|op| match op {
            Op::Received {
                sequence,
                receive_count,
                ..
            } => Some((*sequence, *receive_count)),
            Op::Insert(record) => Some((record.sequence, record.receive_count)),
            _ => None,
        });
        self.watched
            .borrow_mut()
            .waiting
            .push_back(counts.collect());
        self.journal.commit(epoch, batch);
    }

    fn poll(&mut self) -> Option<Completion> {
        self.journal.poll()
    }
}
