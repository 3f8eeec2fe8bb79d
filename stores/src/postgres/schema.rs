//! What is in the database, and how it comes there: the first node makes it, later versions bring it
//! forward, one at a time.

use super::session::words;
use super::settings::PostgresSettings;
use crate::NodeError;
use crate::remote::Common;
use lclq_shards::journal::Secrets;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Transaction};

/// Steps from each format to the next; the first makes everything. Steps that were released stay as
/// they are. `{schema}` is the schema's name, quoted.
const STEPS: [&str; 3] = [
    // Records are bytes that don't get smaller; `external` spares the attempt. A log is written at its
    // end and dropped at its beginning: what the usual settings wait for, a fifth of all rows, is much
    // of which every read of the beginning goes over.
    "CREATE TABLE {schema}.cluster (
         one boolean PRIMARY KEY DEFAULT true CHECK (one),
         format integer NOT NULL,
         shards integer NOT NULL,
         receipt_secret bytea NOT NULL,
         engine_secret bytea NOT NULL
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
    // Few rows that change often: room in their pages keeps updates out of the indexes.
    "CREATE TABLE {schema}.nodes (
         node text PRIMARY KEY,
         address text NOT NULL,
         protocol integer NOT NULL,
         key_hash bytea NOT NULL,
         draining boolean NOT NULL,
         seen_at timestamptz NOT NULL
     ) WITH (fillfactor = 50);
     CREATE TABLE {schema}.owners (
         shard integer PRIMARY KEY,
         node text NOT NULL,
         epoch bigint NOT NULL
     ) WITH (fillfactor = 50);",
    // What somebody wants of the cluster.
    "ALTER TABLE {schema}.nodes ADD drained boolean NOT NULL DEFAULT false;
     CREATE TABLE {schema}.pins (shard integer PRIMARY KEY, node text NOT NULL);",
];

/// The format that this program reads and writes.
const FORMAT: i32 = STEPS.len() as i32;

/// Makes the schema or brings it forward. Needs the right to do so only where something is to be done.
pub(super) async fn make(
    client: &mut Client,
    settings: &PostgresSettings,
) -> Result<Common, NodeError> {
    let schema = settings.schema();
    if is_there(client, schema).await.map_err(database)? {
        let found = format(client, schema).await.map_err(database)?;
        if found == Some(FORMAT) {
            return cluster(client, settings).await;
        }
    }
    if !settings.common().makes {
        return Err(NodeError::NotMade(settings.place()));
    }
    let transaction = client.transaction().await.map_err(database)?;
    make_alone(&transaction, settings).await?;
    let made = cluster(transaction.client(), settings).await?;
    transaction.commit().await.map_err(database)?;
    Ok(made)
}

/// Under a lock that all nodes take, so that one makes it and the others find it.
async fn make_alone(
    transaction: &Transaction<'_>,
    settings: &PostgresSettings,
) -> Result<(), NodeError> {
    let schema = settings.schema();
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended('lclq ' || $1, 0))";
    transaction
        .query_typed_one(lock, &[(&schema, Type::TEXT)])
        .await
        .map_err(database)?;
    let client = transaction.client();
    let mut found = None;
    if is_there(client, schema).await.map_err(database)? {
        found = format(client, schema).await.map_err(database)?;
    } else {
        make_schema(transaction, schema).await.map_err(database)?;
    }
    let before = found.unwrap_or(0);
    let done = usize::try_from(before).unwrap_or(STEPS.len());
    for step in STEPS.iter().skip(done) {
        let step = step.replace("{schema}", &format!("\"{schema}\""));
        transaction.batch_execute(&step).await.map_err(database)?;
    }
    if found.is_none() {
        begin_logs(transaction, settings).await?;
    } else if before < FORMAT {
        let forward = format!("UPDATE \"{schema}\".cluster SET format = $1");
        transaction
            .execute_typed(&forward, &[(&FORMAT, Type::INT4)])
            .await
            .map_err(database)?;
    }
    Ok(())
}

async fn make_schema(transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
    // "IF NOT EXISTS" wants the right to make schemas even where there is nothing to make.
    let there = transaction
        .query_typed_one(
            "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)",
            &[(&schema, Type::TEXT)],
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
async fn begin_logs(
    transaction: &Transaction<'_>,
    settings: &PostgresSettings,
) -> Result<(), NodeError> {
    let (schema, shards) = (
        settings.schema(),
        i32::from(settings.common().shards_of_new()),
    );
    let (mut receipt, mut engine) = ([0; 32], [0; 16]);
    getrandom::fill(&mut receipt).map_err(NodeError::Random)?;
    getrandom::fill(&mut engine).map_err(NodeError::Random)?;
    let feet = format!(
        "INSERT INTO \"{schema}\".log (shard, position, epoch, data) \
         SELECT shard, 0, 0, '' FROM generate_series(0, $1::integer - 1) AS shard"
    );
    let made = transaction
        .execute_typed(&feet, &[(&shards, Type::INT4)])
        .await;
    made.map_err(database)?;
    let cluster = format!(
        "INSERT INTO \"{schema}\".cluster (format, shards, receipt_secret, engine_secret) \
         VALUES ($1, $2, $3, $4)"
    );
    let secrets: (&[u8], &[u8]) = (&receipt, &engine);
    let made = transaction
        .execute_typed(
            &cluster,
            &[
                (&FORMAT, Type::INT4),
                (&shards, Type::INT4),
                (&secrets.0, Type::BYTEA),
                (&secrets.1, Type::BYTEA),
            ],
        )
        .await;
    made.map_err(database)?;
    Ok(())
}

async fn is_there(client: &Client, schema: &str) -> Result<bool, Error> {
    let there = "SELECT EXISTS (SELECT FROM pg_class AS c JOIN pg_namespace AS n \
                 ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = 'cluster')";
    client
        .query_typed_one(there, &[(&schema, Type::TEXT)])
        .await?
        .try_get(0)
}

async fn format(client: &Client, schema: &str) -> Result<Option<i32>, Error> {
    let format = format!("SELECT format FROM \"{schema}\".cluster");
    let row = client.query_typed_opt(&format, &[]).await?;
    row.map(|row| row.try_get(0)).transpose()
}

async fn cluster(client: &Client, settings: &PostgresSettings) -> Result<Common, NodeError> {
    let schema = settings.schema();
    match format(client, schema).await.map_err(database)? {
        Some(FORMAT) => {}
        Some(found) => {
            let known = FORMAT;
            return Err(NodeError::FromTheFuture { found, known });
        }
        None => return Err(broken("is empty")),
    }
    let cluster = format!("SELECT shards, receipt_secret, engine_secret FROM \"{schema}\".cluster");
    let row = client
        .query_typed_one(&cluster, &[])
        .await
        .map_err(database)?;
    let found: i32 = row.try_get(0).map_err(database)?;
    let shards =
        u16::try_from(found).map_err(|_| broken("has a number of shards that can't be"))?;
    if let Some(asked) = settings.common().shards.filter(|asked| *asked != shards) {
        return Err(NodeError::Shards { found, asked });
    }
    let receipt: &[u8] = row.try_get(1).map_err(database)?;
    let engine: &[u8] = row.try_get(2).map_err(database)?;
    let wrong = |_| broken("has secrets of another length");
    let secrets = Secrets {
        receipt: receipt.try_into().map_err(wrong)?,
        engine: engine.try_into().map_err(wrong)?,
    };
    Ok(Common { shards, secrets })
}

fn broken(what: &str) -> NodeError {
    NodeError::Store(format!("the table of the cluster {what}"))
}

fn database(error: Error) -> NodeError {
    NodeError::Store(words(&error).into())
}
