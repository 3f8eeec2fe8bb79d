//! What is in the database, and how it comes there: the first node makes it, later versions bring it
//! forward, one at a time.

use super::PostgresError;
use super::session::words;
use tokio_postgres::{Client, Error, Transaction};

/// Steps from each format to the next; the first makes everything. Steps that were released stay as
/// they are. `{schema}` is the schema's name, quoted.
const STEPS: [&str; 1] = [
    // Records are bytes that don't get smaller; `external` spares the attempt. A log is written at its
    // end and dropped at its beginning: what the usual settings wait for, a fifth of all rows, is much
    // of which every read of the beginning goes over.
    "CREATE TABLE {schema}.cluster (
         one boolean PRIMARY KEY DEFAULT true CHECK (one),
         format integer NOT NULL,
         shards integer NOT NULL
     );
     CREATE TABLE {schema}.log (
         shard integer NOT NULL,
         position bigint NOT NULL,
         epoch bigint NOT NULL,
         data bytea NOT NULL,
         PRIMARY KEY (shard, position)
     );
     ALTER TABLE {schema}.log ALTER data SET STORAGE EXTERNAL;
     ALTER TABLE {schema}.log SET (
         autovacuum_vacuum_scale_factor = 0,
         autovacuum_vacuum_threshold = 2000,
         autovacuum_vacuum_cost_delay = 0,
         toast.autovacuum_vacuum_scale_factor = 0,
         toast.autovacuum_vacuum_threshold = 2000,
         toast.autovacuum_vacuum_cost_delay = 0
     );",
];

/// The format that this program reads and writes.
const FORMAT: i32 = STEPS.len() as i32;

/// Makes the schema or brings it forward. Needs the right to do so only where something is to be done.
pub(super) async fn make(
    client: &mut Client,
    schema: &str,
    shards: u16,
) -> Result<(), PostgresError> {
    if is_there(client, schema).await.map_err(database)? {
        let found = cluster(client, schema).await.map_err(database)?;
        if found.is_some_and(|(format, _)| format == FORMAT) {
            return check(found, shards);
        }
    }
    let transaction = client.transaction().await.map_err(database)?;
    let found = make_alone(&transaction, schema, shards).await?;
    check(found, shards)?;
    transaction.commit().await.map_err(database)
}

/// Under a lock that all nodes take, so that one makes it and the others find it.
async fn make_alone(
    transaction: &Transaction<'_>,
    schema: &str,
    shards: u16,
) -> Result<Option<(i32, i32)>, PostgresError> {
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended('lclq ' || $1, 0))";
    transaction
        .query_one(lock, &[&schema])
        .await
        .map_err(database)?;
    let client = transaction.client();
    let mut found = None;
    if is_there(client, schema).await.map_err(database)? {
        found = cluster(client, schema).await.map_err(database)?;
    } else {
        make_schema(transaction, schema).await.map_err(database)?;
    }
    let format = found.map_or(0, |(format, _)| format);
    let done = usize::try_from(format).unwrap_or(STEPS.len());
    for step in STEPS.iter().skip(done) {
        let step = step.replace("{schema}", &format!("\"{schema}\""));
        transaction.batch_execute(&step).await.map_err(database)?;
    }
    if found.is_none() {
        begin_logs(transaction, schema, shards)
            .await
            .map_err(database)?;
    } else if format < FORMAT {
        let forward = format!("UPDATE \"{schema}\".cluster SET format = $1");
        transaction
            .execute(&forward, &[&FORMAT])
            .await
            .map_err(database)?;
    }
    cluster(client, schema).await.map_err(database)
}

async fn make_schema(transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
    // "IF NOT EXISTS" wants the right to make schemas even where there is nothing to make.
    let there = transaction
        .query_one(
            "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)",
            &[&schema],
        )
        .await?;
    if there.try_get(0)? {
        return Ok(());
    }
    transaction
        .batch_execute(&format!("CREATE SCHEMA \"{schema}\""))
        .await
}

/// Each log begins with a foot, a row at position 0 that is no record. The first record follows it as
/// the second follows the first. Were it written because a log is empty, a late one could be written to
/// a log whose beginning was trimmed: nothing that isn't there can be locked. For the same reason feet
/// are made here, once, and never again.
async fn begin_logs(transaction: &Transaction<'_>, schema: &str, shards: u16) -> Result<(), Error> {
    let shards = i32::from(shards);
    let feet = format!(
        "INSERT INTO \"{schema}\".log (shard, position, epoch, data) \
         SELECT shard, 0, 0, '' FROM generate_series(0, $1::integer - 1) AS shard"
    );
    transaction.execute(&feet, &[&shards]).await?;
    let cluster = format!("INSERT INTO \"{schema}\".cluster (format, shards) VALUES ($1, $2)");
    transaction.execute(&cluster, &[&FORMAT, &shards]).await?;
    Ok(())
}

async fn is_there(client: &Client, schema: &str) -> Result<bool, Error> {
    let there = "SELECT EXISTS (SELECT FROM pg_class AS c JOIN pg_namespace AS n \
                 ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = 'cluster')";
    client.query_one(there, &[&schema]).await?.try_get(0)
}

/// Format and shards.
async fn cluster(client: &Client, schema: &str) -> Result<Option<(i32, i32)>, Error> {
    let cluster = format!("SELECT format, shards FROM \"{schema}\".cluster");
    let row = client.query_opt(&cluster, &[]).await?;
    row.map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .transpose()
}

fn check(found: Option<(i32, i32)>, asked: u16) -> Result<(), PostgresError> {
    match found {
        None => {
            let lost = "the table of the cluster is empty".to_owned();
            Err(PostgresError::Database(lost))
        }
        Some((found, _)) if found > FORMAT => Err(PostgresError::FromTheFuture {
            found,
            known: FORMAT,
        }),
        Some((_, found)) if found != i32::from(asked) => {
            Err(PostgresError::Shards { found, asked })
        }
        Some(_) => Ok(()),
    }
}

fn database(error: Error) -> PostgresError {
    PostgresError::Database(words(&error).into())
}
