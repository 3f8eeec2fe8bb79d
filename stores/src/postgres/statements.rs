//! The statements, each a transaction of its own at "read committed".

use super::query::Query;
use super::settings::PostgresSettings;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

/// Those of one connection.
pub(super) struct Statements {
    pub append: Query,
    pub look: Query,
    pub tail: Query,
    pub read: Query,
    pub first: Query,
    pub trim: Query,
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
    /// Makes them for a schema's log; asks once for all.
    pub async fn new(client: &Client, settings: &PostgresSettings) -> Result<Self, Error> {
        const SHARD: Type = Type::INT4;
        const NUMBER: Type = Type::INT8;
        const BYTES: Type = Type::BYTEA;
        let log = format!("\"{}\".log", settings.schema());
        let append_types = [SHARD, NUMBER, NUMBER, NUMBER, NUMBER, BYTES];
        let trim_types = [SHARD, NUMBER, NUMBER, NUMBER, NUMBER];
        let look_types = [SHARD, NUMBER, NUMBER, BYTES];
        let query = |text, types| Query::new(client, settings.pooling(), text, types);
        let (append, look, tail, read, first, trim) = tokio::try_join!(
            query(append(&log), &append_types[..]),
            query(look(&log), &look_types[..]),
            query(tail(&log), &[SHARD][..]),
            query(read(&log), &[SHARD, NUMBER, NUMBER, NUMBER][..]),
            query(first(&log), &[SHARD][..]),
            query(trim(&log), &trim_types[..]),
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
