//! How long a scrape keeps its core before others have their turn.

use crate::http::GZIP_BYTES_MIN;
use crate::runtime::yield_to_io;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use std::time::{Duration, Instant};

/// What a scrape does in one go, measured by the clock at each step.
const TURN_MAX: Duration = Duration::from_micros(500);
/// Text that is compressed in one step, bytes.
const COMPRESSED_BYTES_MAX: usize = 32 * 1024;

/// A scrape's turn on its core.
pub(super) struct Pace(Instant);

impl Pace {
    pub fn new() -> Self {
        Self(Instant::now())
    }

    /// Called after each short step: lets others run, connections that have become readable included,
    /// where the turn has taken long enough.
    pub async fn step(&mut self) {
        if self.0.elapsed() >= TURN_MAX {
            yield_to_io().await;
            self.0 = Instant::now();
        }
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
