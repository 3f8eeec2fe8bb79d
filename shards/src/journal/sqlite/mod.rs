//! One shard's SQLite file: whose it is, its epochs, and when its log is taken up.

mod columns;
mod damage;
mod load;
mod log;
mod presence;
mod salvage;
mod schema;
mod sums;
mod survey;
mod topics;
mod write;

pub use damage::DamagedRow;

use super::{Batch, JournalError, Op, private_files};
use crate::moves::Address;
use log::COMMITS_CUT_OFF_DAMAGE;
use presence::{Presence, log_of};
use rusqlite::config::DbConfig;
use rusqlite::hooks::Wal;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use sums::{Summed, sum};
use survey::Survey;
use write::DedupRows;

/// What a commit waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Durability {
    /// The disk: nothing acknowledged is lost by a crash of the machine.
    #[default]
    Full,
    /// The operating system: a crash of the process loses nothing, one of the machine may lose the
    /// last moments.
    Normal,
}

/// Pages of 4 KiB in the write-ahead log that make a checkpoint worth its while: 4 MiB. A small
/// batch writes few bytes but several pages, so it is pages that count. Commits wait meanwhile, so
/// this is also what the slowest answers wait for: with 32 MiB that was 25 ms to 200 ms, for no
/// message more per second.
const CHECKPOINT_PAGES: u32 = 1024;
/// Pages that are added before a checkpoint that failed is tried again.
const CHECKPOINT_RETRY_PAGES: u32 = 256;
/// Pages from which on a checkpoint goes before the next batch, even if that is waiting.
const CHECKPOINT_PAGES_OVERDUE: u32 = 2 * CHECKPOINT_PAGES;

/// Keys of the table `meta`.
mod key {
    /// Id of the data directory that the file belongs to.
    pub const DIRECTORY: &str = "directory";
    pub const SHARD: &str = "shard";
    pub const SHARDS: &str = "shards";
    pub const EPOCH: &str = "epoch";
    /// 1 while the file is open; then there is a log, and what is committed may be only there.
    pub const OPEN: &str = "open";
    /// 1 where commits wait for the disk.
    pub const FULL: &str = "full";
}

/// Whose file it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileOwner {
    /// Id of the data directory.
    pub directory: u64,
    /// The shard.
    pub shard: u16,
    /// Shards of the directory.
    pub shards: u16,
}

/// An open file of one shard. Only this process can have it open.
#[derive(Debug)]
pub struct SqliteFile {
    connection: Connection,
    epoch: u64,
    /// Pages in the write-ahead log, those that a crash left included; SQLite says so with each
    /// commit.
    log_pages: Arc<AtomicU32>,
    checkpoint_at_pages: u32,
    dedup_rows: DedupRows,
    presence: Presence,
    survey: Survey,
}

/// What goes with a message that is on its way to another shard, as it is kept.
#[derive(PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct Envelope {
    pub to: Address,
    pub from: Address,
    pub task: Option<[u8; 16]>,
    pub returned: bool,
}

impl SqliteFile {
    /// Makes the file of a shard, empty and whole: a crash leaves all of it or nothing. One that is
    /// there and belongs to no directory yet is given to its owner.
    pub fn make(path: &Path, owner: FileOwner, epoch: u64) -> Result<(), JournalError> {
        match schema::check(path) {
            Err(JournalError::Missing | JournalError::Empty) => {}
            other => {
                other?;
                return adopt(path, owner);
            }
        }
        let unfinished = path.with_extension("unfinished");
        private_files::remove(&unfinished)?;
        let made = private_files::open_file(&unfinished)?;
        let mut connection = Connection::open(&unfinished)?;
        // Nobody can see it yet, and it is synced as a whole.
        connection.pragma_update(None, "journal_mode", "OFF")?;
        connection.pragma_update(None, "synchronous", "OFF")?;
        schema::migrate(&mut connection)?;
        let transaction = connection.transaction()?;
        give_to(&transaction, owner)?;
        set_meta(&transaction, key::EPOCH, epoch)?;
        transaction.commit()?;
        connection.close().map_err(|(_, error)| error)?;
        made.sync_all()?;
        std::fs::rename(&unfinished, path)?;
        Ok(())
    }

    /// Looks, without touching it, whether a file can be what this program has written or could
    /// bring up to date. What is still in the write-ahead log is only seen when it is opened.
    pub fn check(path: &Path) -> Result<(), JournalError> {
        schema::check(path)
    }

    /// Whose file it is, by its own word.
    pub fn owner(path: &Path) -> Result<FileOwner, JournalError> {
        let mut connection = open_alone(path)?;
        schema::migrate(&mut connection)?;
        let number = |key| {
            let missing = || JournalError::Foreign(format!("the file says no {key}"));
            meta(&connection, key)?.ok_or_else(missing)
        };
        Ok(FileOwner {
            directory: number(key::DIRECTORY)?,
            shard: number(key::SHARD)? as u16,
            shards: number(key::SHARDS)? as u16,
        })
    }

    /// Opens the file of a shard, brings its schema up to date and starts a new epoch. With
    /// `cut_log`, a write-ahead log that is damaged or gone counts as far as it goes.
    pub fn open(
        path: &Path,
        owner: FileOwner,
        durability: Durability,
        cut_log: bool,
    ) -> Result<Self, JournalError> {
        schema::check(path)?;
        let log = log::look_through(&log_of(path))?;
        let mut connection = open_alone(path)?;
        check_pages(&connection)?;
        schema::migrate(&mut connection)?;
        check_owner(&connection, owner)?;
        if !cut_log {
            let was_open = meta(&connection, key::OPEN)? == Some(1);
            let waited = meta(&connection, key::FULL)? == Some(1);
            match log {
                None if was_open => return Err(JournalError::LogMissing(log_of(path))),
                Some(log) if waited && log.commits_cut_off >= COMMITS_CUT_OFF_DAMAGE => {
                    return Err(JournalError::LogDamaged {
                        path: log_of(path),
                        commits: log.commits_cut_off,
                    });
                }
                _ => {}
            }
        }
        let log_pages = Arc::new(AtomicU32::new(0));
        let pages_seen = log_pages.clone();
        connection.wal_hook(Some(move |_: &mut Wal, pages: std::ffi::c_int| {
            pages_seen.store(pages as u32, Ordering::Relaxed);
            Ok(())
        }))?;
        let epoch = begin_epoch(&mut connection, durability)?;
        let mut file = Self {
            connection,
            epoch,
            log_pages,
            checkpoint_at_pages: CHECKPOINT_PAGES,
            dedup_rows: DedupRows::default(),
            presence: Presence::of([path.to_owned(), log_of(path)])?,
            survey: Survey::default(),
        };
        // That the file is open has to stand in it, not in the log whose loss it would tell of.
        file.checkpoint()?;
        if durability == Durability::Normal {
            file.connection
                .pragma_update(None, "synchronous", "NORMAL")?;
        }
        Ok(file)
    }

    /// Reads what can be read of a damaged file into a new one, and keeps the old one beside it.
    /// Answers what was found and done.
    pub fn salvage(path: &Path, owner: FileOwner, epoch: u64) -> Result<Vec<String>, JournalError> {
        salvage::salvage(path, owner, epoch)
    }

    /// The epoch that began when the file was opened.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Visits all that is kept; see [`super::Journal::load`]. Answers the damaged rows that were set
    /// aside instead.
    pub fn load(&mut self, visit: &mut dyn FnMut(Op)) -> Result<Vec<DamagedRow>, JournalError> {
        load::load(&mut self.connection, visit)
    }

    /// Writes a batch as one transaction: all of it is durable, or none.
    pub fn write(&mut self, batch: &Batch) -> Result<(), JournalError> {
        // A batch that went into a file that has gone must not be written again.
        self.presence.check()?;
        let result = self.try_write(batch);
        if result.is_err() && !self.connection.is_autocommit() {
            // SQLite rolls back by itself on some errors; on the others this does.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        result?;
        // What went into a file that nobody will find is not kept.
        self.presence.look()
    }

    fn try_write(&mut self, batch: &Batch) -> Result<(), JournalError> {
        self.connection
            .prepare_cached("BEGIN IMMEDIATE")?
            .execute([])?;
        for op in &batch.ops {
            write::write(&self.connection, &mut self.dedup_rows, op)?;
        }
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }

    /// An error once the file, or its log, isn't where it was any more.
    pub fn look(&mut self) -> Result<(), JournalError> {
        self.presence.look()
    }

    /// Holds some more rows against their checksums, as far as a pause between batches goes. See
    /// [`Survey`].
    pub(super) fn survey(&mut self) -> Result<survey::Slice, JournalError> {
        self.survey.go_on(&self.connection)
    }

    /// Pages in the write-ahead log.
    pub fn log_pages(&self) -> u32 {
        self.log_pages.load(Ordering::Relaxed)
    }

    /// Whether enough was written for a checkpoint to be worth its while.
    pub fn wants_checkpoint(&self) -> bool {
        self.log_pages.load(Ordering::Relaxed) >= self.checkpoint_at_pages
    }

    /// Whether a checkpoint has been put off for too long.
    pub fn needs_checkpoint(&self) -> bool {
        self.wants_checkpoint()
            && self.log_pages.load(Ordering::Relaxed) >= CHECKPOINT_PAGES_OVERDUE
    }

    /// Moves the write-ahead log's pages into the database file; the next commit then starts the
    /// log from its beginning.
    pub fn checkpoint(&mut self) -> Result<(), JournalError> {
        let pages = self.log_pages.load(Ordering::Relaxed);
        self.checkpoint_at_pages = pages.saturating_add(CHECKPOINT_RETRY_PAGES);
        let (in_log, moved): (i64, i64) =
            self.connection
                .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
                    Ok((row.get(1)?, row.get(2)?))
                })?;
        if moved >= in_log {
            self.log_pages.store(0, Ordering::Relaxed);
            self.checkpoint_at_pages = CHECKPOINT_PAGES;
        }
        Ok(())
    }
}

impl Drop for SqliteFile {
    fn drop(&mut self) {
        if self.presence.look().is_err() {
            return;
        }
        // A clean end leaves no log. Where this fails, there still is one, which is as good.
        let closed = set_meta(&self.connection, key::OPEN, 0);
        let checkpoint = self
            .connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, closed.is_err());
        debug_assert!(checkpoint.is_ok());
    }
}

/// Opens a database that is there, for nobody else meanwhile.
fn open_alone(path: &Path) -> Result<Connection, JournalError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    // Whoever refuses a file leaves its log as it is.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // Exclusive before the first access: no shared-memory file, and no second process.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        return Err(JournalError::Corrupt(format!(
            "no write-ahead log: journal mode {mode}"
        )));
    }
    // Until the epoch has begun: numbers count on it never to be used twice.
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Apple's fsync leaves what was written in the drive's cache.
    #[cfg(target_vendor = "apple")]
    for name in ["fullfsync", "checkpoint_fullfsync"] {
        connection.pragma_update(None, name, "ON")?;
    }
    // Checkpoints run between batches instead of inside a commit that clients wait for.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    connection.pragma_update(None, "cache_size", -8192)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// Whether the pages hang together: no checksum of a row tells of rows that can't be reached.
fn check_pages(connection: &Connection) -> Result<(), JournalError> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" {
        return Ok(());
    }
    Err(JournalError::DamagedPages(found.replace('\n', " ")))
}

fn check_owner(connection: &Connection, owner: FileOwner) -> Result<(), JournalError> {
    let numbers = [
        (key::DIRECTORY, owner.directory),
        (key::SHARD, owner.shard.into()),
        (key::SHARDS, owner.shards.into()),
    ];
    for (key, expected) in numbers {
        check_number(key, meta(connection, key)?, expected)?;
    }
    Ok(())
}

fn check_number(key: &str, found: Option<u64>, expected: u64) -> Result<(), JournalError> {
    match found {
        Some(found) if found == expected => Ok(()),
        Some(found) => Err(JournalError::Foreign(format!(
            "the file is of {key} {found:x}, not {expected:x}"
        ))),
        None => Err(JournalError::Foreign(format!("the file says no {key}"))),
    }
}

/// Gives a file that was made before files had owners to its owner.
fn adopt(path: &Path, owner: FileOwner) -> Result<(), JournalError> {
    let mut connection = open_alone(path)?;
    schema::migrate(&mut connection)?;
    if meta(&connection, key::DIRECTORY)?.is_none() {
        for (key, expected) in [(key::SHARD, owner.shard), (key::SHARDS, owner.shards)] {
            check_number(key, meta(&connection, key)?, expected.into())?;
        }
        let transaction = connection.transaction()?;
        give_to(&transaction, owner)?;
        transaction.commit()?;
    }
    check_owner(&connection, owner)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(())
}

fn give_to(connection: &Connection, owner: FileOwner) -> Result<(), JournalError> {
    set_meta(connection, key::DIRECTORY, owner.directory)?;
    set_meta(connection, key::SHARD, owner.shard.into())?;
    set_meta(connection, key::SHARDS, owner.shards.into())
}

/// One transaction, since each costs a start one wait for the disk.
fn begin_epoch(connection: &mut Connection, durability: Durability) -> Result<u64, JournalError> {
    let epoch = meta(connection, key::EPOCH)?.unwrap_or(0) + 1;
    let transaction = connection.transaction()?;
    set_meta(&transaction, key::EPOCH, epoch)?;
    set_meta(&transaction, key::OPEN, 1)?;
    let full = u64::from(durability == Durability::Full);
    set_meta(&transaction, key::FULL, full)?;
    transaction.commit()?;
    Ok(epoch)
}

fn meta(connection: &Connection, key: &str) -> Result<Option<u64>, JournalError> {
    let found = connection
        .prepare_cached("SELECT value, sum FROM meta WHERE key = ?1")?
        .query_row([key], |row| {
            Ok((columns::integer(row, 0), columns::stored_sum(row, 1)))
        })
        .optional()?;
    match found {
        None => Ok(None),
        Some((value, stored)) if stored == sum(Summed::Meta, &[value], &[key.as_bytes()]) => {
            Ok(Some(value))
        }
        Some(_) => Err(JournalError::DamagedDefinition(format!("meta, key {key}"))),
    }
}

fn set_meta(connection: &Connection, key: &str, value: u64) -> Result<(), JournalError> {
    let sum = sum(Summed::Meta, &[value], &[key.as_bytes()]);
    connection
        .prepare_cached("INSERT OR REPLACE INTO meta VALUES (?1, ?2, ?3)")?
        .execute(params![key, signed(value), sum])?;
    Ok(())
}

impl From<rusqlite::Error> for JournalError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::DamagedPages(error.to_string())
            }
            _ => Self::Store(format!("SQLite: {error}")),
        }
    }
}

/// SQLite's integers are signed; the bits are kept.
fn signed(value: u64) -> i64 {
    value as i64
}

fn unsigned(value: i64) -> u64 {
    value as u64
}

fn to_json<T: Serialize>(value: &T) -> Result<String, JournalError> {
    serde_json::to_string(value).map_err(|error| JournalError::Corrupt(error.to_string()))
}

fn from_json<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, JournalError> {
    serde_json::from_str(text).map_err(|error| JournalError::Corrupt(error.to_string()))
}

#[cfg(test)]
mod tests;
