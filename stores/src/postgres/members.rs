//! Who is there, by three tables.

use super::query::Query;
use super::session::words;
use super::settings::PostgresSettings;
use crate::remote::{Beat, Cluster, Member, REMEMBERED, SeenMember, ShardOwner, Wish};
use std::time::Duration;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row};

/// What is known of all, in one answer: nodes, then the owners of shards, then pins, which have no epoch; what
/// these two don't have is empty.
const LOOK: &str = "SELECT node, address, protocol, key_hash, draining, \
     (extract(epoch FROM clock_timestamp() - seen_at) * 1000)::bigint, NULL::integer, NULL::bigint, drained \
     FROM {nodes} UNION ALL \
     SELECT node, '', 0, ''::bytea, false, 0, shard, epoch, false FROM {schema}.owners UNION ALL \
     SELECT node, '', 0, ''::bytea, false, 0, shard, NULL, false FROM {schema}.pins";

/// A node's sign of life, with all that it runs. Only what has changed is written, but for the time. What is lost
/// with a crash of the database is said again within a second, so nobody waits for the disk.
const BEAT: &str = "WITH hurried AS MATERIALIZED (\
         SELECT set_config('synchronous_commit', 'off', true)\
     ), mine AS (\
         SELECT shard, epoch FROM unnest($6::integer[], $7::bigint[]) AS m (shard, epoch) ORDER BY shard\
     ), beat AS (\
         INSERT INTO {schema}.nodes (node, address, protocol, key_hash, draining, seen_at) \
         VALUES ($1, $2, $3, $4, $5, clock_timestamp()) \
         ON CONFLICT (node) DO UPDATE SET draining = excluded.draining, seen_at = excluded.seen_at\
     ), gone AS (\
         DELETE FROM {schema}.nodes \
         WHERE node <> $1 AND seen_at < clock_timestamp() - $8::float8 * interval '1 second'\
     ), vain AS (\
         DELETE FROM {schema}.pins WHERE node NOT IN (SELECT node FROM {schema}.nodes)\
     ), taken AS (\
         INSERT INTO {schema}.owners AS o (shard, node, epoch) SELECT shard, $1, epoch FROM mine \
         ON CONFLICT (shard) DO UPDATE SET node = excluded.node, epoch = excluded.epoch \
         WHERE o.epoch < excluded.epoch\
     ), given AS (\
         UPDATE {schema}.owners SET node = '' \
         WHERE node = $1 AND shard NOT IN (SELECT shard FROM mine)\
     ) ";

const LEAVE: &str = "WITH given AS (UPDATE {schema}.owners SET node = '' WHERE node = $1) \
     DELETE FROM {schema}.nodes WHERE node = $1";

const DRAIN: &str = "UPDATE {schema}.nodes SET drained = $2 WHERE node = $1";
const PIN: &str = "INSERT INTO {schema}.pins (shard, node) SELECT $1, node FROM {schema}.nodes WHERE node = $2 \
     ON CONFLICT (shard) DO UPDATE SET node = excluded.node";
const UNPIN: &str = "DELETE FROM {schema}.pins WHERE shard = $1";

/// A connection that asks.
pub(super) struct Members {
    client: Client,
    schema: Box<str>,
    beat: Query,
    look: Query,
    leave: Query,
}

impl Members {
    pub async fn new(client: Client, settings: &PostgresSettings) -> Result<Self, Box<str>> {
        let schema = settings.schema();
        let query = async |statement: &str, types: &[Type]| {
            let statement = of_schema(statement, schema);
            let made = Query::new(&client, settings.pooling(), statement, types).await;
            made.map_err(|error| words(&error))
        };
        let hurried_look = LOOK.replace("{nodes}", "hurried CROSS JOIN {schema}.nodes");
        let beat_types = [
            Type::TEXT,
            Type::TEXT,
            Type::INT4,
            Type::BYTEA,
            Type::BOOL,
            Type::INT4_ARRAY,
            Type::INT8_ARRAY,
            Type::FLOAT8,
        ];
        let beat = query(&format!("{BEAT}{hurried_look}"), &beat_types).await?;
        let look = query(&LOOK.replace("{nodes}", "{schema}.nodes"), &[]).await?;
        let leave = query(LEAVE, &[Type::TEXT]).await?;
        Ok(Self {
            client,
            schema: schema.into(),
            beat,
            look,
            leave,
        })
    }

    pub async fn beat(&self, beat: &Beat) -> Result<Cluster, Box<str>> {
        let member = &beat.member;
        let protocol = i32::try_from(member.protocol).unwrap_or(i32::MAX);
        let shards: Vec<i32> = beat.owns.keys().map(|shard| i32::from(*shard)).collect();
        let epochs = beat.owns.values();
        let epochs: Vec<i64> = epochs.map(|epoch| *epoch as i64).collect();
        let remembered_s = REMEMBERED.as_secs_f64();
        let (node, address, key_hash) = (&*member.node, &*member.address, &*member.key_hash);
        let with: [&(dyn ToSql + Sync); 8] = [
            &node,
            &address,
            &protocol,
            &key_hash,
            &beat.draining,
            &shards,
            &epochs,
            &remembered_s,
        ];
        let found = self.beat.rows(&self.client, &with).await;
        let found = found.map_err(|error| words(&error))?;
        cluster(&found).map_err(|error| words(&error))
    }

    pub async fn look(&self) -> Result<Cluster, Box<str>> {
        let found = self.look.rows(&self.client, &[]).await;
        cluster(&found.map_err(|error| words(&error))?).map_err(|error| words(&error))
    }

    pub async fn leave(&self, node: &str) -> Result<(), Box<str>> {
        let left = self.leave.execute(&self.client, &[&node]).await;
        left.map(drop).map_err(|error| words(&error))
    }

    pub async fn wish(&self, wish: &Wish) -> Result<(), Box<str>> {
        let done = match wish {
            Wish::Drain { node, drained } => {
                let with: Typed<'_> = &[(&&**node, Type::TEXT), (drained, Type::BOOL)];
                self.once(DRAIN, with).await
            }
            Wish::Pin { shard, node } => {
                let shard = i32::from(*shard);
                match node {
                    Some(node) => {
                        let with: Typed<'_> = &[(&shard, Type::INT4), (&&**node, Type::TEXT)];
                        self.once(PIN, with).await
                    }
                    None => self.once(UNPIN, &[(&shard, Type::INT4)]).await,
                }
            }
        };
        done.map(drop).map_err(|error| words(&error))
    }

    async fn once(&self, statement: &str, with: Typed<'_>) -> Result<u64, Error> {
        let statement = of_schema(statement, &self.schema);
        self.client.execute_typed(&statement, with).await
    }
}

type Typed<'a> = &'a [(&'a (dyn ToSql + Sync), Type)];

fn of_schema(statement: &str, schema: &str) -> String {
    statement.replace("{schema}", &format!("\"{schema}\""))
}

fn cluster(rows: &[Row]) -> Result<Cluster, Error> {
    let mut cluster = Cluster::default();
    for row in rows {
        let node: &str = row.try_get(0)?;
        let shard: Option<i32> = row.try_get(6)?;
        let epoch: Option<i64> = row.try_get(7)?;
        if let (Some(shard), Some(epoch)) = (shard, epoch) {
            // What can't be a shard or an epoch is nobody's, and is overwritten by the next owner.
            if let (Ok(shard), Ok(epoch)) = (u16::try_from(shard), u64::try_from(epoch))
                && !node.is_empty()
            {
                let node = node.into();
                cluster.owners.insert(shard, ShardOwner { node, epoch });
            }
            continue;
        }
        if let Some(shard) = shard {
            if let Ok(shard) = u16::try_from(shard) {
                cluster.pins.insert(shard, node.into());
            }
            continue;
        }
        let (address, key_hash): (&str, &[u8]) = (row.try_get(1)?, row.try_get(3)?);
        let protocol: i32 = row.try_get(2)?;
        let silent_ms: i64 = row.try_get(5)?;
        cluster.members.push(SeenMember {
            member: Member {
                node: node.into(),
                address: address.into(),
                protocol: u32::try_from(protocol).unwrap_or(0),
                key_hash: key_hash.into(),
            },
            draining: row.try_get(4)?,
            drained: row.try_get(8)?,
            silent: Duration::from_millis(u64::try_from(silent_ms).unwrap_or(0)),
        });
    }
    Ok(cluster)
}
