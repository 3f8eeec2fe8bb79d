//! Reading rows again while nothing else is to do, so that a disk that forgets is noticed before a
//! restart counts on it.

use super::damage::DamagedRow;
use super::{load, topics};
use crate::journal::JournalError;
use rusqlite::Connection;

/// Rows that are read in one go, and bytes from which on a go ends: commits wait meanwhile.
const SLICE_ROWS_MAX: usize = 500;
const SLICE_BYTES_MAX: usize = 1 << 20;

/// How far a pass over the messages has come.
#[derive(Debug)]
pub(super) struct Survey {
    part: Part,
    /// Sequence number that was read last.
    after: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Part {
    #[default]
    Messages,
    Published,
}

/// What one go came to.
#[derive(Debug, Default)]
pub(crate) struct Slice {
    /// Rows whose checksum doesn't fit. They stay: what memory has of them is sound, and the next
    /// load sets them aside.
    pub damaged: Vec<DamagedRow>,
    /// Every message has been read since the pass began; the next go begins another.
    pub pass_ended: bool,
}

impl Default for Survey {
    fn default() -> Self {
        Self {
            part: Part::default(),
            after: i64::MIN,
        }
    }
}

impl Survey {
    /// Reads the next rows.
    pub fn go_on(&mut self, connection: &Connection) -> Result<Slice, JournalError> {
        let (table, columns) = match self.part {
            Part::Messages => ("messages", load::MESSAGE_COLUMNS),
            Part::Published => ("published", topics::PUBLISHED_COLUMNS),
        };
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {columns} FROM {table} WHERE sequence > ?1 ORDER BY sequence LIMIT ?2"
        ))?;
        let mut rows = statement.query([self.after, SLICE_ROWS_MAX as i64])?;
        let mut slice = Slice::default();
        let (mut seen, mut bytes) = (0, 0);
        while bytes < SLICE_BYTES_MAX
            && let Some(row) = rows.next()?
        {
            seen += 1;
            self.after = row.get(0)?;
            let length = match self.part {
                Part::Messages => load::message(row).map(|record| record.payload.stored().len()),
                Part::Published => topics::published(row).map(|record| record.bytes.len()),
            };
            match length {
                Ok(length) => bytes += length,
                Err(row) => slice.damaged.push(row),
            }
        }
        if seen < SLICE_ROWS_MAX && bytes < SLICE_BYTES_MAX {
            slice.pass_ended = self.part == Part::Published;
            self.part = match self.part {
                Part::Messages => Part::Published,
                Part::Published => Part::Messages,
            };
            self.after = i64::MIN;
        }
        Ok(slice)
    }
}
