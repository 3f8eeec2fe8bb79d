//! The statements, each a transaction of its own at "read committed".

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Statement};

/// Prepared on one connection.
pub(super) struct Statements {
    pub append: Statement,
    pub look: Statement,
    pub tail: Statement,
    pub read: Statement,
    pub first: Statement,
    pub trim: Statement,
}

/// Shard, position before, epoch before, position, epoch, bytes.
///
/// The lock is what makes it one step: a backend may take its snapshot, sleep, and go on after another
/// owner has appended and trimmed. It then finds that the row before is gone, since it locks the row as
/// it is now, and not as the snapshot has it. While it holds the lock, no trim takes that row.
fn append(log: &str) -> String {
    format!(
        "INSERT INTO {log} (shard, position, epoch, data) \
         SELECT shard, $4, $5, $6 FROM {log} \
         WHERE shard = $1 AND position = $2 AND epoch = $3 FOR KEY SHARE"
    )
}

/// Shard, position, epoch, bytes: the last place, and whether this very record is there. Both in one
/// statement, so that they are of one moment.
fn look(log: &str) -> String {
    format!(
        "SELECT last.position, last.epoch, EXISTS (SELECT FROM {log} \
         WHERE shard = $1 AND position = $2 AND epoch = $3 AND data = $4) \
         FROM {log} AS last WHERE last.shard = $1 ORDER BY last.position DESC LIMIT 1"
    )
}

/// Shard.
fn tail(log: &str) -> String {
    format!(
        "SELECT position, epoch, data FROM {log} WHERE shard = $1 \
         ORDER BY position DESC LIMIT 1"
    )
}

/// Shard, first position, bytes before the last record, records. Lengths are known without reading
/// what is stored aside.
fn read(log: &str) -> String {
    format!(
        "SELECT position, epoch, data FROM (\
         SELECT position, epoch, data, sum(octet_length(data)) \
         OVER (ORDER BY position ROWS UNBOUNDED PRECEDING) - octet_length(data) AS bytes_before \
         FROM (SELECT position, epoch, data FROM {log} WHERE shard = $1 AND position >= $2 \
         ORDER BY position LIMIT $4) AS page) AS counted \
         WHERE bytes_before = 0 OR bytes_before < $3 ORDER BY position"
    )
}

/// Shard.
fn first(log: &str) -> String {
    format!("SELECT position FROM {log} WHERE shard = $1 ORDER BY position LIMIT 1")
}

/// Shard, first position, position behind the last, and the place that must be there. The first
/// position keeps it from going over what earlier trims left in the index.
fn trim(log: &str) -> String {
    format!(
        "DELETE FROM {log} WHERE shard = $1 AND position >= $2 AND position < $3 \
         AND position < $4 AND EXISTS (SELECT FROM {log} \
         WHERE shard = $1 AND position = $4 AND epoch = $5)"
    )
}

impl Statements {
    /// Prepares them for a schema's log; asks once for all.
    pub async fn prepare(client: &Client, schema: &str) -> Result<Self, Error> {
        const SHARD: Type = Type::INT4;
        const NUMBER: Type = Type::INT8;
        const BYTES: Type = Type::BYTEA;
        let log = format!("\"{schema}\".log");
        let append_types = [SHARD, NUMBER, NUMBER, NUMBER, NUMBER, BYTES];
        let (append_sql, look_sql, tail_sql) = (append(&log), look(&log), tail(&log));
        let (read_sql, first_sql, trim_sql) = (read(&log), first(&log), trim(&log));
        let (append, look, tail, read, first, trim) = tokio::try_join!(
            client.prepare_typed(&append_sql, &append_types),
            client.prepare_typed(&look_sql, &[SHARD, NUMBER, NUMBER, BYTES]),
            client.prepare_typed(&tail_sql, &[SHARD]),
            client.prepare_typed(&read_sql, &[SHARD, NUMBER, NUMBER, NUMBER]),
            client.prepare_typed(&first_sql, &[SHARD]),
            client.prepare_typed(&trim_sql, &[SHARD, NUMBER, NUMBER, NUMBER, NUMBER]),
        )?;
        Ok(Self {
            append,
            look,
            tail,
            read,
            first,
            trim,
        })
    }
}
