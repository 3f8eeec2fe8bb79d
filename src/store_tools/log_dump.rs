//! `lclq log dump`: what stands in a store's logs, for people.

use crate::cli::LogDumpArgs;
use lclq_shards::journal::LogRecord;
use lclq_shards::journal::codec::readable;
use lclq_stores::{NodeError, ReadError};
use serde_json::json;
use std::io::{self, Write};

/// Why logs can't be printed.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// The store can't be used.
    #[error("{0}")]
    Store(#[from] NodeError),
    /// A log can't be read to its end.
    #[error("shard {shard}: {error}")]
    Shard {
        /// The shard.
        shard: u16,
        /// Why.
        error: ReadError,
    },
}

/// Prints records of one log or of all, each on a line of its own; one that can't be read is told with
/// why.
pub fn dump(args: &LogDumpArgs, out: &mut dyn Write) -> Result<(), DumpError> {
    let node = super::open(&args.store)?;
    let shards = node.shards();
    let chosen = match args.shard {
        Some(shard) if shard >= shards => {
            return Err(NodeError::NoSuchShard { shard, shards }.into());
        }
        Some(shard) => shard..shard + 1,
        None => 0..shards,
    };
    for shard in chosen {
        let read = node.read(shard, args.from, &mut |record| {
            writeln!(out, "{}", line(shard, record))
        });
        match read {
            // Whoever reads has seen enough.
            Err(ReadError::Taker(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
                return Ok(());
            }
            other => other.map_err(|error| DumpError::Shard { shard, error })?,
        }
    }
    Ok(())
}

fn line(shard: u16, record: &LogRecord) -> String {
    let bytes = record.bytes.len();
    let mut shown = readable(&record.bytes).unwrap_or_else(|error| {
        json!({
            "position": record.place.position, "epoch": record.place.epoch,
            "error": error.to_string(),
        })
    });
    shown["shard"] = shard.into();
    shown["bytes"] = bytes.into();
    shown.to_string()
}
