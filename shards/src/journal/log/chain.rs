//! An owner's own records: those under way, and before them the last that were acknowledged.

use super::limits::LogLimits;
use super::store::{Append, LogRecord, Place};
use std::collections::VecDeque;
use std::sync::Arc;

/// A record of this owner.
struct Own {
    bytes: Arc<[u8]>,
    /// Number of the batch in it; fences and barriers have none.
    batch: Option<u64>,
    /// What it says of where the log may begin.
    low: u64,
}

/// Records at positions that follow each other.
///
/// What was acknowledged is kept for a while: should the store lose its tail after all, it is sent
/// again from here.
pub(super) struct Chain {
    epoch: u64,
    /// What stands before the first record that is kept.
    before: Option<Place>,
    records: VecDeque<Own>,
    /// All up to this position is acknowledged.
    acked: u64,
    /// All up to this position has been asked for, and nothing is known against it.
    asked: u64,
    /// All up to this position is there, by an acknowledgement since the store was last found to lack
    /// something.
    proven: u64,
    /// Bytes of records that are acknowledged and still kept.
    ring_bytes: usize,
    /// Bytes of records that are not acknowledged.
    open_bytes: usize,
}

/// What becomes of an owner whose record was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Rewound {
    /// It can go on: the store has a part of the chain, or ends right before it.
    GoesOn,
    /// The store has something else.
    IsOut,
}

impl Chain {
    /// A chain that begins behind `before`.
    pub fn new(before: Option<Place>, epoch: u64) -> Self {
        let position = before.map_or(0, |before| before.position);
        Self {
            epoch,
            before,
            records: VecDeque::new(),
            acked: position,
            asked: position,
            proven: position,
            ring_bytes: 0,
            open_bytes: 0,
        }
    }

    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    pub fn acked(&self) -> u64 {
        self.acked
    }

    /// Position of the last record, kept or not.
    pub fn last(&self) -> u64 {
        self.before_first() + self.records.len() as u64
    }

    pub fn next(&self) -> u64 {
        self.last() + 1
    }

    fn before_first(&self) -> u64 {
        self.before.map_or(0, |before| before.position)
    }

    fn at(&self, position: u64) -> Option<&Own> {
        let at = position.checked_sub(self.before_first() + 1)?;
        self.records.get(usize::try_from(at).ok()?)
    }

    /// Adds a record at [`Chain::next`].
    pub fn push(&mut self, bytes: Vec<u8>, batch: Option<u64>, low: u64) {
        self.open_bytes += bytes.len();
        let bytes = bytes.into();
        self.records.push_back(Own { bytes, batch, low });
    }

    /// Whether records wait to be asked for.
    pub fn has_unasked(&self) -> bool {
        self.asked < self.last()
    }

    /// Records that are not acknowledged, and their bytes.
    pub fn open(&self) -> (usize, usize) {
        let open = self.last().saturating_sub(self.acked);
        (usize::try_from(open).unwrap_or(usize::MAX), self.open_bytes)
    }

    /// Whether acknowledged records are being sent again.
    pub fn is_sent_again(&self) -> bool {
        self.asked < self.acked
    }

    /// The next record to ask for, and its position.
    pub fn ask_next(&mut self) -> Option<(u64, Append)> {
        let position = self.asked + 1;
        let bytes = self.at(position)?.bytes.clone();
        let epoch = self.epoch;
        let after = if self.asked == self.before_first() {
            self.before
        } else {
            let position = self.asked;
            Some(Place { position, epoch })
        };
        let place = Place { position, epoch };
        let record = LogRecord { place, bytes };
        self.asked = position;
        Some((position, Append { after, record }))
    }

    /// Nobody knows of this record: it and those behind it are to be asked for again, unless one behind
    /// it that was acknowledged proves it.
    pub fn ask_again_from(&mut self, position: u64) {
        let known = position.saturating_sub(1).max(self.proven);
        self.asked = self.asked.min(known);
    }

    /// A record was refused, and this is the store's last one.
    pub fn rewind(&mut self, tail: Option<Place>) -> Rewound {
        let known = match tail {
            _ if tail == self.before => self.before_first(),
            // That one is asked for as well: the answer says whether it is the one that is here.
            Some(tail) if tail.epoch == self.epoch && self.at(tail.position).is_some() => {
                tail.position - 1
            }
            _ => return Rewound::IsOut,
        };
        (self.asked, self.proven) = (known, known);
        Rewound::GoesOn
    }

    /// All up to a position is acknowledged; answers the numbers of the batches that this is news of,
    /// and the highest low of their records.
    pub fn acknowledge(&mut self, position: u64) -> (Vec<u64>, u64) {
        self.proven = self.proven.max(position);
        let mut batches = Vec::new();
        let mut low = 0;
        while self.acked < position {
            let Some(own) = self.at(self.acked + 1) else {
                break;
            };
            let bytes = own.bytes.len();
            batches.extend(own.batch);
            low = low.max(own.low);
            self.acked += 1;
            self.ring_bytes += bytes;
            self.open_bytes -= bytes;
        }
        (batches, low)
    }

    /// The batch that waits for longest.
    pub fn oldest_open_batch(&self) -> Option<u64> {
        let open = self.acked + 1..=self.last();
        open.filter_map(|position| self.at(position)?.batch).next()
    }

    /// Lets go of what was acknowledged long ago.
    pub fn drop_oldest(&mut self, limits: &LogLimits) {
        loop {
            let kept = self.acked.saturating_sub(self.before_first());
            let is_over =
                kept > limits.ring_records_max as u64 || self.ring_bytes > limits.ring_bytes_max;
            // What is being sent again is needed.
            if !is_over || kept == 0 || self.proven <= self.before_first() {
                return;
            }
            let Some(oldest) = self.records.pop_front() else {
                return;
            };
            self.ring_bytes -= oldest.bytes.len();
            self.before = Some(Place {
                position: self.before_first() + 1,
                epoch: self.epoch,
            });
        }
    }
}
