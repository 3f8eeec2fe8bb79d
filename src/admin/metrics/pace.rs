//! How long a scrape keeps its core before others have their turn.

use crate::http::GZIP_BYTES_MIN;
use crate::runtime::{thread_cpu_time, yield_to_io};
use flate2::Compression;
use flate2::write::GzEncoder;
use lclq_shards::figures::{Histogram, TIME_BOUNDS_US};
use std::io::Write;
use std::time::{Duration, Instant};

/// What a scrape does in one go, measured by the clock at each step.
const TURN_MAX: Duration = Duration::from_micros(500);
/// Text that is compressed in one step, bytes.
const COMPRESSED_BYTES_MAX: usize = 32 * 1024;

/// Times for which scrapes kept one core, us on its CPU.
pub type Turns = Histogram<{ TIME_BOUNDS_US.len() }>;

/// A scrape's turn on its core.
pub(super) struct Pace<'a> {
    since: Instant,
    cpu_since: Duration,
    turns: &'a Turns,
}

impl<'a> Pace<'a> {
    /// A turn that begins now; `turns` are those of the calling core.
    pub fn new(turns: &'a Turns) -> Self {
        Self {
            since: Instant::now(),
            cpu_since: thread_cpu_time(),
            turns,
        }
    }

    /// Called after each short step: lets others run, connections that have become readable included,
    /// where the turn has taken long enough.
    pub async fn step(&mut self) {
        if self.since.elapsed() >= TURN_MAX {
            self.end();
            yield_to_io().await;
            self.since = Instant::now();
            self.cpu_since = thread_cpu_time();
        }
    }

    fn end(&self) {
        let took = thread_cpu_time().saturating_sub(self.cpu_since);
        self.turns.add(&TIME_BOUNDS_US, took.as_micros() as u64);
    }

    /// Compresses a text, step by step. `None` where that doesn't pay.
    pub async fn compress(&mut self, text: &[u8]) -> Option<Vec<u8>> {
        if text.len() < GZIP_BYTES_MIN {
            return None;
        }
        let mut encoder = GzEncoder::new(Vec::with_capacity(text.len() / 8), Compression::fast());
        for part in text.chunks(COMPRESSED_BYTES_MAX) {
            // Writing into a Vec can't fail.
            encoder.write_all(part).ok()?;
            self.step().await;
        }
        encoder.finish().ok()
    }
}

impl Drop for Pace<'_> {
    fn drop(&mut self) {
        self.end();
    }
}
