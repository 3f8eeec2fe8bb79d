//! The schema of a shard's file, and files of earlier versions.

use super::sums;
use crate::journal::JournalError;
use rusqlite::{Connection, TransactionBehavior};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Forward-only steps of the schema; the position of a step is its version.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/0001_initial.sql"),
    include_str!("../../../migrations/0002_topics.sql"),
    include_str!("../../../migrations/0003_returned.sql"),
    include_str!("../../../migrations/0004_checksums.sql"),
];
/// The step that adds sums, which rows that are there already get from [`sums`].
const WITH_SUMS: i64 = 4;

/// What a SQLite file begins with, and where in it PRAGMA user_version is.
const HEADER_BYTES: usize = 100;
const HEADER_MAGIC: &[u8] = b"SQLite format 3\0";
const USER_VERSION_AT: usize = 60;

/// Looks, without touching it, whether a file can be what this program has written or could bring
/// up to date. What is still in the write-ahead log is only seen when it is opened.
pub(super) fn check(path: &Path) -> Result<(), JournalError> {
    let mut head = Vec::with_capacity(HEADER_BYTES);
    match File::open(path) {
        Ok(file) => file.take(HEADER_BYTES as u64).read_to_end(&mut head)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(JournalError::Missing),
        Err(error) => return Err(error.into()),
    };
    if head.is_empty() {
        return Err(JournalError::Empty);
    }
    if head.len() < HEADER_BYTES || !head.starts_with(HEADER_MAGIC) {
        return Err(JournalError::Corrupt("not a SQLite database".to_owned()));
    }
    let version = head[USER_VERSION_AT..USER_VERSION_AT + 4].try_into();
    check_version(i32::from_be_bytes(version.expect("4 bytes")).into())
}

/// Brings a file up to date. A new file takes all steps at once.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), JournalError> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    check_version(found)?;
    let newest = MIGRATIONS.len() as i64;
    if found == newest {
        return Ok(());
    }
    sums::make_known(connection)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for step in &MIGRATIONS[found as usize..] {
        transaction.execute_batch(step)?;
    }
    if (1..WITH_SUMS).contains(&found) {
        sums::add_to_all(&transaction)?;
    }
    transaction.pragma_update(None, "user_version", newest)?;
    transaction.commit()?;
    Ok(())
}

fn check_version(found: i64) -> Result<(), JournalError> {
    let known = MIGRATIONS.len() as i64;
    if found > known {
        return Err(JournalError::FromTheFuture { found, known });
    }
    if found < 0 {
        return Err(JournalError::Corrupt(format!("schema version {found}")));
    }
    Ok(())
}
