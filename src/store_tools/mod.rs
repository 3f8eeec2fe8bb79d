//! What `lclq cluster` and `lclq log` do: they speak with the store, beside the servers that use it.

pub mod cluster_check;
pub mod cluster_status;
pub mod cluster_wishes;
pub mod log_dump;

use lclq_stores::{NodeError, StoreNode, StoreSettings, Surroundings};
use serde::Serialize;
use std::io::{self, Write};

/// A way to a store that makes nothing in it.
fn open(url: &str) -> Result<StoreNode, NodeError> {
    let settings = StoreSettings::new(url, None)?.as_it_is();
    StoreNode::start(settings, Surroundings::default())
}

/// Prints each on a line of its own. Whoever reads may have seen enough.
fn print_lines<T: Serialize>(
    out: &mut dyn Write,
    lines: impl IntoIterator<Item = T>,
) -> io::Result<()> {
    for line in lines {
        let printed = serde_json::to_string(&line)
            .map_err(io::Error::other)
            .and_then(|line| writeln!(out, "{line}"));
        match printed {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            other => other?,
        }
    }
    Ok(())
}
