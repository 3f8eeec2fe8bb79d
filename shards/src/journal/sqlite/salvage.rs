//! What `--recover` does with a damaged file: a new one takes what can be read of it.

use super::damage::{columns_of, keep_copy, key_of};
use super::load::is_orphan;
use super::presence::log_of;
use super::sums::{Summed, sum};
use super::{FileOwner, SqliteFile, open_alone, schema};
use crate::journal::JournalError;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Row, params_from_iter};
use std::path::{Path, PathBuf};

/// Rows that are copied in one transaction.
const ROWS_PER_TRANSACTION: usize = 10_000;
/// Old files that can be kept beside each other.
const KEPT_MAX: u32 = 1000;

/// Tables that are copied, each by the sums that its rows have.
const TABLES: &[&[Summed]] = &[
    &[Summed::Queues],
    &[Summed::Resources],
    &[Summed::Messages, Summed::MessageCounts],
    &[Summed::Deduplication],
    &[Summed::Outbox],
    &[Summed::OutboxConfirmed],
    &[Summed::Inbox],
    &[Summed::Published],
    &[Summed::Deliveries],
];

/// See [`SqliteFile::salvage`].
pub(super) fn salvage(
    path: &Path,
    owner: FileOwner,
    epoch: u64,
) -> Result<Vec<String>, JournalError> {
    let mut said = Vec::new();
    let kept = put_aside(path)?;
    SqliteFile::make(path, owner, epoch)?;
    let Some(kept) = kept else {
        said.push(format!(
            "{}: was not there; it is empty now",
            path.display()
        ));
        return Ok(said);
    };
    said.push(format!(
        "{}: the damaged file is kept as {}",
        path.display(),
        kept.display()
    ));
    let old = open_alone(&kept).and_then(|mut old| {
        schema::migrate(&mut old)?;
        Ok(old)
    });
    let old = match old {
        Ok(old) => old,
        Err(error) => {
            said.push(format!("nothing of it can be read: {error}"));
            return Ok(said);
        }
    };
    let mut new = open_alone(path)?;
    let mut definitions_lost = false;
    for sums in TABLES {
        let outcome = copy(&old, &mut new, sums)?;
        let name = sums[0].table();
        if outcome.damaged > 0 || outcome.unreadable {
            definitions_lost |= matches!(sums[0], Summed::Queues | Summed::Resources);
            let gap = if outcome.unreadable {
                "; rows in between can't be read"
            } else {
                ""
            };
            said.push(format!(
                "{name}: {} rows taken over, {} damaged and left out{gap}",
                outcome.taken, outcome.damaged
            ));
        }
    }
    if definitions_lost {
        let copied = keep_copy(&new, "messages", &is_orphan("messages"), &[])?;
        if copied > 0 {
            said.push(format!(
                "{copied} messages are of queues that can't be read; the table damaged has them"
            ));
        }
    }
    // The log goes into the file, as at any clean end.
    new.set_db_config(
        rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE,
        false,
    )?;
    Ok(said)
}

/// Moves a file and its log out of the way; answers where to, if there was one.
fn put_aside(path: &Path) -> Result<Option<PathBuf>, JournalError> {
    let free = (1..=KEPT_MAX)
        .map(|number| path.with_extension(format!("damaged-{number}.sqlite")))
        .find(|to| !to.exists() && !log_of(to).exists());
    let to = free.ok_or_else(|| {
        JournalError::Corrupt(format!(
            "{KEPT_MAX} damaged files are kept beside it already"
        ))
    })?;
    if log_of(path).try_exists()? {
        std::fs::rename(log_of(path), log_of(&to))?;
    }
    if !path.try_exists()? {
        return Ok(None);
    }
    std::fs::rename(path, &to)?;
    Ok(Some(to))
}

#[derive(Default)]
struct Outcome {
    taken: u64,
    damaged: u64,
    unreadable: bool,
}

/// Copies from the first row on, and if that comes to a row that can't be read, from the last row
/// back to it.
fn copy(old: &Connection, new: &mut Connection, sums: &[Summed]) -> Result<Outcome, JournalError> {
    let columns = columns_of(new, sums[0].table())?;
    let mut outcome = Outcome::default();
    if pass(old, new, sums, &columns, "ASC", &mut outcome)? {
        return Ok(outcome);
    }
    outcome.unreadable = true;
    pass(old, new, sums, &columns, "DESC", &mut outcome)?;
    Ok(outcome)
}

/// Answers whether it came to the end of the table.
fn pass(
    old: &Connection,
    new: &mut Connection,
    sums: &[Summed],
    columns: &[String],
    direction: &str,
    outcome: &mut Outcome,
) -> Result<bool, JournalError> {
    let keys = key_of(sums[0]).split(", ");
    let keys: Vec<String> = keys.map(|column| format!("{column} {direction}")).collect();
    let name = sums[0].table();
    let read = format!(
        "SELECT {} FROM {name} ORDER BY {}",
        columns.join(", "),
        keys.join(", ")
    );
    let Ok(mut statement) = old.prepare(&read) else {
        return Ok(false);
    };
    let count = columns.len();
    let places: Vec<String> = (1..=count).map(|at| format!("?{at}")).collect();
    let write = format!(
        "INSERT OR IGNORE INTO {name} VALUES ({})",
        places.join(", ")
    );
    let Ok(mut rows) = statement.query([]) else {
        return Ok(false);
    };
    loop {
        let transaction = new.transaction()?;
        for _ in 0..ROWS_PER_TRANSACTION {
            let row = match rows.next() {
                Ok(Some(row)) => row,
                Ok(None) => {
                    transaction.commit()?;
                    return Ok(true);
                }
                Err(_) => {
                    transaction.commit()?;
                    return Ok(false);
                }
            };
            if sums.iter().all(|of| is_sound(row, columns, *of)) {
                let values = (0..count).map(|at| row.get::<_, Value>(at));
                let values: Vec<Value> = values.collect::<Result<_, _>>()?;
                let taken = transaction
                    .prepare_cached(&write)?
                    .execute(params_from_iter(values))?;
                outcome.taken += taken as u64;
            } else {
                outcome.damaged += 1;
            }
        }
        transaction.commit()?;
    }
}

fn is_sound(row: &Row<'_>, columns: &[String], of: Summed) -> bool {
    let value = |column: &str| {
        let at = columns.iter().position(|other| other == column)?;
        row.get_ref(at).ok()
    };
    let (mut integers, mut blobs) = (Vec::new(), Vec::new());
    for column in of.columns().split(", ") {
        match value(column) {
            Some(ValueRef::Integer(integer)) => integers.push(integer as u64),
            Some(ValueRef::Text(bytes) | ValueRef::Blob(bytes)) => blobs.push(bytes),
            _ => return false,
        }
    }
    matches!(value(of.column()), Some(ValueRef::Integer(stored))
        if stored == sum(of, &integers, &blobs))
}
