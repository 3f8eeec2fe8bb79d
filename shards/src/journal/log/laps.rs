//! The rolling snapshot: how a log gets shorter without a pause.
//!
//! A lap begins at a position. From there on each batch carries some of the kept state along, until
//! all that was there when the lap began has been carried or has gone since. What stands before the
//! lap's beginning is then of no use: a reader begins there.

use super::super::codec::size_about;
use super::limits::LogLimits;
use crate::records::Op;

/// Bytes that a batch carries along at least: laps of a shard with tiny batches have to end, too.
const STEP_BYTES_MIN: usize = 1024;

/// Times what is kept that a log may grow to, beyond [`LogLimits::lap_extra_bytes`], before a lap
/// begins.
const LOG_PER_KEPT: u64 = 2;

#[derive(Clone, Copy)]
struct Lap {
    start: u64,
    /// Bytes of the log since.
    bytes: u64,
    /// Position of the record with which it came round.
    round: Option<u64>,
}

pub(super) struct Laps {
    /// Where a reader has to begin.
    low: u64,
    /// Bytes of the log from there on.
    log_bytes: u64,
    lap: Option<Lap>,
    /// Laps that came round.
    round: u64,
}

impl Laps {
    pub fn new(low: u64) -> Self {
        Self {
            low,
            log_bytes: 0,
            lap: None,
            round: 0,
        }
    }

    /// Bytes that a reader would read.
    pub fn log_bytes(&self) -> u64 {
        self.log_bytes
    }

    /// Laps that came round.
    pub fn round(&self) -> u64 {
        self.round
    }

    /// Where a reader of the next record has to begin.
    pub fn low(&self) -> u64 {
        self.low
    }

    /// Counts what is in the log.
    pub fn added(&mut self, bytes: usize) {
        self.log_bytes += bytes as u64;
        if let Some(lap) = &mut self.lap {
            lap.bytes += bytes as u64;
        }
    }

    /// Bytes that the next batch should carry along; as many as are its own, so that writes at most
    /// double.
    pub fn step_bytes(&self, changes: &[Op], kept_bytes: u64, limits: &LogLimits) -> usize {
        let long = LOG_PER_KEPT
            .saturating_mul(kept_bytes)
            .saturating_add(limits.lap_extra_bytes);
        match self.lap {
            Some(Lap { round: Some(_), .. }) => return 0,
            None if self.log_bytes <= long => return 0,
            _ => {}
        }
        let own: usize = changes.iter().map(size_about).sum();
        own.max(STEP_BYTES_MIN)
    }

    /// The record at a position carries something, perhaps the last of its lap. Answers where the lap
    /// began.
    pub fn carried(&mut self, position: u64, is_round: bool) -> u64 {
        let lap = self.lap.get_or_insert(Lap {
            start: position,
            bytes: 0,
            round: None,
        });
        lap.round = is_round.then_some(position);
        lap.start
    }

    /// All up to a position is in the log for good.
    pub fn acknowledged(&mut self, position: u64) {
        if let Some(lap) = self.lap
            && lap.round.is_some_and(|round| round <= position)
        {
            (self.low, self.log_bytes) = (lap.start, lap.bytes);
            self.lap = None;
            self.round += 1;
        }
    }
}
