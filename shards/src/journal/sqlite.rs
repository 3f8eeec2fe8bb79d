//! One shard's SQLite file: schema, loading, and writing a batch as one transaction.

use super::{Batch, JournalError, MessageRecord, Op, QueueRecord, topics};
use crate::dedup::{DedupEntry, WINDOW_MS};
use crate::moves::{Address, Transfer};
use crate::{Millis, Payload};
use rusqlite::hooks::Wal;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

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

/// Forward-only steps of the schema; the position of a step is its version.
const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/0001_initial.sql"),
    include_str!("../../../migrations/0002_topics.sql"),
    include_str!("../../../migrations/0003_returned.sql"),
];

/// Pages of 4 KiB in the write-ahead log that make a checkpoint worth its while: 4 MiB. A small
/// batch writes few bytes but several pages, so it is pages that count. Commits wait meanwhile, so
/// this is also what the slowest answers wait for: with 32 MiB that was 25 ms to 200 ms, for no
/// message more per second.
const CHECKPOINT_PAGES: u32 = 1024;
/// Pages that are added before a checkpoint that failed is tried again.
const CHECKPOINT_RETRY_PAGES: u32 = 256;
/// Pages from which on a checkpoint goes before the next batch, even if that is waiting.
const CHECKPOINT_PAGES_OVERDUE: u32 = 2 * CHECKPOINT_PAGES;
/// What a SQLite file begins with, and where in it PRAGMA user_version is.
const HEADER_BYTES: usize = 100;
const HEADER_MAGIC: &[u8] = b"SQLite format 3\0";
const USER_VERSION_AT: usize = 60;
/// Deduplication rows between two clean-ups of expired ones.
const DEDUP_ROWS_PER_CLEANUP: u32 = 20_000;

/// An open file of one shard. Only this process can have it open.
#[derive(Debug)]
pub struct SqliteFile {
    connection: Connection,
    epoch: u64,
    /// Pages in the write-ahead log, those that a crash left included; SQLite says so with each
    /// commit.
    log_pages: Arc<AtomicU32>,
    checkpoint_at_pages: u32,
    dedup_rows_since_cleanup: u32,
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    to: Address,
    from: Address,
    task: Option<[u8; 16]>,
    returned: bool,
}

impl SqliteFile {
    /// Opens or makes the file of `shard`, one of `shards`, brings its schema up to date and starts
    /// a new epoch.
    pub fn open(
        path: &Path,
        shard: u16,
        shards: u16,
        durability: Durability,
    ) -> Result<Self, JournalError> {
        let mut connection = Connection::open(path)?;
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
        // Checkpoints run between batches instead of inside a commit that clients wait for.
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
        connection.pragma_update(None, "cache_size", -8192)?;
        connection.set_prepared_statement_cache_capacity(32);
        let log_pages = Arc::new(AtomicU32::new(0));
        let pages_seen = log_pages.clone();
        connection.wal_hook(Some(move |_: &mut Wal, pages: std::ffi::c_int| {
            pages_seen.store(pages as u32, Ordering::Relaxed);
            Ok(())
        }))?;
        migrate(&mut connection)?;
        let mut file = Self {
            connection,
            epoch: 0,
            log_pages,
            checkpoint_at_pages: CHECKPOINT_PAGES,
            dedup_rows_since_cleanup: 0,
        };
        file.begin_epoch(shard, shards)?;
        if durability == Durability::Normal {
            file.connection
                .pragma_update(None, "synchronous", "NORMAL")?;
        }
        Ok(file)
    }

    /// One transaction, since each costs a start one wait for the disk.
    fn begin_epoch(&mut self, shard: u16, shards: u16) -> Result<(), JournalError> {
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        for (key, expected) in [("shard", shard), ("shards", shards)] {
            match self.meta(key)? {
                None => self.set_meta(key, u64::from(expected))?,
                Some(found) if found == u64::from(expected) => {}
                Some(found) => {
                    return Err(JournalError::Corrupt(format!(
                        "file is of {key} {found}, expected {expected}"
                    )));
                }
            }
        }
        self.epoch = self.meta("epoch")?.unwrap_or(0) + 1;
        self.set_meta("epoch", self.epoch)?;
        self.connection.execute_batch("COMMIT")?;
        Ok(())
    }

    /// Looks, without touching it, whether a file can be what this program has written or could
    /// bring up to date. What is still in the write-ahead log is only seen when it is opened.
    pub fn check(path: &Path) -> Result<(), JournalError> {
        let mut head = Vec::with_capacity(HEADER_BYTES);
        match File::open(path) {
            Ok(file) => file.take(HEADER_BYTES as u64).read_to_end(&mut head)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        // A crash while the file was made leaves it empty.
        if head.is_empty() {
            return Ok(());
        }
        if head.len() < HEADER_BYTES || !head.starts_with(HEADER_MAGIC) {
            return Err(JournalError::Corrupt("not a SQLite database".to_owned()));
        }
        let version = head[USER_VERSION_AT..USER_VERSION_AT + 4].try_into();
        check_version(i32::from_be_bytes(version.expect("4 bytes")).into())
    }

    /// The epoch that began when the file was opened.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Visits all that is kept; see [`super::Journal::load`].
    pub fn load(&mut self, visit: &mut dyn FnMut(Op)) -> Result<(), JournalError> {
        let sequence = self.meta("next_sequence")?.unwrap_or(1);
        let queue_id = self.meta("next_queue_id")?.unwrap_or(1);
        visit(Op::Reserve { sequence, queue_id });
        self.drop_orphans()?;
        topics::drop_orphans(&self.connection)?;
        let mut statement = self
            .connection
            .prepare("SELECT record FROM queues ORDER BY id")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let record: QueueRecord = from_json(row.get_ref(0)?.as_str().unwrap_or_default())?;
            visit(Op::PutQueue(Box::new(record)));
        }
        let mut statement = self.connection.prepare(
            "SELECT sequence, queue_id, available_at, receive_count, base_count,
                    first_received_at, payload FROM messages ORDER BY sequence",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            visit(Op::Insert(MessageRecord {
                sequence: unsigned(row.get(0)?),
                queue_id: unsigned(row.get(1)?),
                available_at: unsigned(row.get(2)?),
                receive_count: row.get(3)?,
                base_count: row.get(4)?,
                first_received_at: unsigned(row.get(5)?),
                payload: payload(row.get_ref(6)?)?,
            }));
        }
        let mut statement = self.connection.prepare(
            "SELECT sequence, queue_id, expires_at, key, message_id
             FROM deduplication ORDER BY sequence",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            visit(Op::Dedup {
                queue_id: unsigned(row.get(1)?),
                key: u128::from_le_bytes(row.get(3)?),
                entry: DedupEntry {
                    sequence: unsigned(row.get(0)?),
                    expires_at: unsigned(row.get(2)?),
                    message_id: row.get(4)?,
                },
            });
        }
        self.load_transfers(visit)?;
        topics::load(&self.connection, visit)
    }

    fn load_transfers(&self, visit: &mut dyn FnMut(Op)) -> Result<(), JournalError> {
        let source = self.meta("shard")?.unwrap_or(0) as u16;
        let mut statement = self
            .connection
            .prepare("SELECT target, up_to FROM outbox_confirmed")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            visit(Op::OutboxDelete {
                target: row.get(0)?,
                up_to: unsigned(row.get(1)?),
            });
        }
        let mut statement = self.connection.prepare(
            "SELECT target, number, envelope, receive_count, first_received_at, payload
             FROM outbox ORDER BY target, number",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let envelope: Envelope = from_json(row.get_ref(2)?.as_str().unwrap_or_default())?;
            visit(Op::OutboxPut(Box::new(Transfer {
                oldest: 0,
                source,
                target: row.get(0)?,
                number: unsigned(row.get(1)?),
                to: envelope.to,
                from: envelope.from,
                task: envelope.task,
                returned: envelope.returned,
                receive_count: row.get(3)?,
                first_received_at: unsigned(row.get(4)?),
                payload: payload(row.get_ref(5)?)?,
            })));
        }
        let mut statement = self.connection.prepare("SELECT source, up_to FROM inbox")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            visit(Op::Inbox {
                source: row.get(0)?,
                up_to: unsigned(row.get(1)?),
            });
        }
        Ok(())
    }

    /// Deletes rows of queues that are gone, and of messages that were purged.
    fn drop_orphans(&self) -> Result<(), JournalError> {
        for table in ["messages", "deduplication"] {
            self.connection.execute(
                &format!(
                    "DELETE FROM {table} WHERE NOT EXISTS (
                         SELECT 1 FROM queues WHERE queues.id = {table}.queue_id
                         AND json_extract(record, '$.purged_below') <= {table}.sequence)"
                ),
                [],
            )?;
        }
        Ok(())
    }

    /// Writes a batch as one transaction: all of it is durable, or none.
    pub fn write(&mut self, batch: &Batch) -> Result<(), JournalError> {
        let result = self.try_write(batch);
        if result.is_err() && !self.connection.is_autocommit() {
            // SQLite rolls back by itself on some errors; on the others this does.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        result
    }

    fn try_write(&mut self, batch: &Batch) -> Result<(), JournalError> {
        self.connection
            .prepare_cached("BEGIN IMMEDIATE")?
            .execute([])?;
        for op in &batch.ops {
            self.write_op(op)?;
        }
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }

    fn write_op(&mut self, op: &Op) -> Result<(), JournalError> {
        match op {
            Op::Insert(message) => {
                self.connection
                    .prepare_cached("INSERT INTO messages VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
                    .execute(params![
                        signed(message.sequence),
                        signed(message.queue_id),
                        signed(message.available_at),
                        message.receive_count,
                        message.base_count,
                        signed(message.first_received_at),
                        message.payload.stored(),
                    ])?;
            }
            Op::Delete(sequence) => {
                self.connection
                    .prepare_cached("DELETE FROM messages WHERE sequence = ?1")?
                    .execute([signed(*sequence)])?;
            }
            Op::Received {
                sequence,
                receive_count,
                first_received_at,
            } => {
                self.connection
                    .prepare_cached(
                        "UPDATE messages SET receive_count = ?2, first_received_at = ?3
                         WHERE sequence = ?1",
                    )?
                    .execute(params![
                        signed(*sequence),
                        receive_count,
                        signed(*first_received_at)
                    ])?;
            }
            Op::Dedup {
                queue_id,
                key,
                entry,
            } => self.write_dedup(*queue_id, *key, entry)?,
            Op::PutQueue(record) => {
                self.connection
                    .prepare_cached("INSERT OR REPLACE INTO queues VALUES (?1, ?2)")?
                    .execute(params![signed(record.id), to_json(&**record)?])?;
            }
            Op::DropQueue(id) => {
                self.connection
                    .prepare_cached("DELETE FROM queues WHERE id = ?1")?
                    .execute([signed(*id)])?;
            }
            Op::OutboxPut(transfer) => {
                let envelope = Envelope {
                    to: transfer.to.clone(),
                    from: transfer.from.clone(),
                    task: transfer.task,
                    returned: transfer.returned,
                };
                self.connection
                    .prepare_cached("INSERT INTO outbox VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
                    .execute(params![
                        transfer.target,
                        signed(transfer.number),
                        to_json(&envelope)?,
                        transfer.receive_count,
                        signed(transfer.first_received_at),
                        transfer.payload.stored(),
                    ])?;
            }
            Op::OutboxDelete { target, up_to } => {
                self.connection
                    .prepare_cached("DELETE FROM outbox WHERE target = ?1 AND number <= ?2")?
                    .execute(params![target, signed(*up_to)])?;
                self.connection
                    .prepare_cached("INSERT OR REPLACE INTO outbox_confirmed VALUES (?1, ?2)")?
                    .execute(params![target, signed(*up_to)])?;
            }
            Op::Inbox { source, up_to } => {
                self.connection
                    .prepare_cached("INSERT OR REPLACE INTO inbox VALUES (?1, ?2)")?
                    .execute(params![source, signed(*up_to)])?;
            }
            Op::Reserve { sequence, queue_id } => {
                self.set_meta("next_sequence", *sequence)?;
                self.set_meta("next_queue_id", *queue_id)?;
            }
            Op::PutTopic(_)
            | Op::DropTopic(_)
            | Op::PutSubscription(_)
            | Op::DropSubscription(_)
            | Op::PutSchema(_)
            | Op::DropSchema(_)
            | Op::Publish(_)
            | Op::Unpublish { .. }
            | Op::Delivery { .. }
            | Op::ResetDeliveries { .. } => topics::write(&self.connection, op)?,
            Op::Nothing => {}
        }
        Ok(())
    }

    fn write_dedup(
        &mut self,
        queue_id: u64,
        key: u128,
        entry: &DedupEntry,
    ) -> Result<(), JournalError> {
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO deduplication VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![
                signed(entry.sequence),
                signed(queue_id),
                signed(entry.expires_at),
                key.to_le_bytes(),
                entry.message_id,
            ])?;
        self.dedup_rows_since_cleanup += 1;
        if self.dedup_rows_since_cleanup >= DEDUP_ROWS_PER_CLEANUP {
            self.dedup_rows_since_cleanup = 0;
            // Rows expire in the order of their sequence numbers; twice the rows that came are
            // looked at, so that the table can't outgrow its window.
            let now: Millis = entry.expires_at.saturating_sub(WINDOW_MS);
            self.connection
                .prepare_cached(
                    "DELETE FROM deduplication WHERE expires_at <= ?1 AND sequence IN (
                         SELECT sequence FROM deduplication ORDER BY sequence LIMIT ?2)",
                )?
                .execute(params![signed(now), 2 * DEDUP_ROWS_PER_CLEANUP])?;
        }
        Ok(())
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

    fn meta(&self, key: &str) -> Result<Option<u64>, JournalError> {
        let value = self
            .connection
            .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
            .query_row([key], |row| row.get(0))
            .optional()?;
        Ok(value.map(unsigned))
    }

    fn set_meta(&self, key: &str, value: u64) -> Result<(), JournalError> {
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO meta VALUES (?1, ?2)")?
            .execute(params![key, signed(value)])?;
        Ok(())
    }
}

fn migrate(connection: &mut Connection) -> Result<(), JournalError> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    check_version(found)?;
    for (version, step) in (found + 1..).zip(&MIGRATIONS[found as usize..]) {
        let transaction =
            connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
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

/// SQLite's integers are signed; the bits are kept.
pub(super) fn signed(value: u64) -> i64 {
    value as i64
}

pub(super) fn unsigned(value: i64) -> u64 {
    value as u64
}

fn payload(value: rusqlite::types::ValueRef<'_>) -> Result<Payload, JournalError> {
    value
        .as_blob()
        .ok()
        .and_then(Payload::from_stored)
        .ok_or_else(|| JournalError::Corrupt("a stored message can't be read".to_owned()))
}

pub(super) fn to_json<T: Serialize>(value: &T) -> Result<String, JournalError> {
    serde_json::to_string(value).map_err(|error| JournalError::Corrupt(error.to_string()))
}

pub(super) fn from_json<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, JournalError> {
    serde_json::from_str(text).map_err(|error| JournalError::Corrupt(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::Draft;

    fn open(path: &Path) -> SqliteFile {
        SqliteFile::open(path, 0, 1, Durability::Normal).unwrap()
    }

    /// One message in and the one before it out, in a batch of their own.
    fn write_small(file: &mut SqliteFile, sequence: u64) {
        let payload = Draft {
            body: &[b'x'; 200],
            ..Draft::default()
        }
        .build();
        let insert = Op::Insert(MessageRecord {
            sequence,
            queue_id: 1,
            payload,
            available_at: 0,
            receive_count: 0,
            base_count: 0,
            first_received_at: 0,
        });
        let ops = vec![insert, Op::Delete(sequence.saturating_sub(500))];
        let number = sequence;
        file.write(&Batch { number, ops }).unwrap();
    }

    /// Tables and their columns, in order.
    fn schema(connection: &Connection) -> Vec<(String, String)> {
        let columns = "SELECT t.name, c.name || ' ' || c.type || ' ' || coalesce(c.dflt_value, '')
            FROM sqlite_schema t, pragma_table_info(t.name) c ORDER BY t.name, c.cid";
        let mut query = connection.prepare(columns).unwrap();
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        rows.unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn a_file_of_any_earlier_version_is_brought_up_to_date() {
        let dir = tempfile::tempdir().unwrap();
        let newest = schema(&open(&dir.path().join("new.sqlite")).connection);
        for version in 0..MIGRATIONS.len() {
            let path = dir.path().join(format!("{version}.sqlite"));
            let old = Connection::open(&path).unwrap();
            for step in &MIGRATIONS[..version] {
                old.execute_batch(step).unwrap();
            }
            if version >= 2 {
                let row = "INSERT INTO published VALUES (7, 1, 2, x'0a0161')";
                assert_eq!(old.execute(row, []), Ok(1));
            }
            old.pragma_update(None, "user_version", version as i64)
                .unwrap();
            old.close().unwrap();
            let file = open(&path);
            assert_eq!(schema(&file.connection), newest, "from version {version}");
            if version >= 2 {
                let kept = file.connection.query_row(
                    "SELECT sequence, message, returned FROM published",
                    [],
                    |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
                );
                assert_eq!(kept, Ok((7, b"\x0a\x01a".to_vec(), false)));
            }
        }
    }

    fn log_bytes(path: &Path) -> u64 {
        let log = path.with_extension("sqlite-wal");
        std::fs::metadata(log).unwrap().len()
    }

    #[test]
    fn the_log_stays_short_however_small_the_batches() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("shard.sqlite");
        let mut file = open(&path);
        for sequence in 1..=12_000 {
            write_small(&mut file, sequence);
            if file.wants_checkpoint() {
                file.checkpoint().unwrap();
            }
        }
        let bytes = log_bytes(&path);
        assert!(bytes < 8 << 20, "{bytes}");
    }

    #[test]
    fn a_log_that_a_crash_left_is_checkpointed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("shard.sqlite");
        let mut file = open(&path);
        let mut sequence = 0;
        while !file.wants_checkpoint() {
            sequence += 1;
            write_small(&mut file, sequence);
        }
        // What a killed process leaves, which is not what a closed file looks like.
        let copy = dir.path().join("copy.sqlite");
        std::fs::copy(&path, &copy).unwrap();
        let log = copy.with_extension("sqlite-wal");
        std::fs::copy(path.with_extension("sqlite-wal"), log).unwrap();
        let mut file = open(&copy);
        assert!(file.wants_checkpoint());
        file.checkpoint().unwrap();
        assert!(!file.wants_checkpoint());
        write_small(&mut file, sequence + 1);
        assert!(!file.wants_checkpoint());
    }
}
