//! Topics, subscriptions, schemas and published messages in a shard's SQLite file.

use super::sqlite::{from_json, signed, to_json, unsigned};
use super::{JournalError, Op, PublishedRecord};
use crate::pubsub::command::SharedBytes;
use crate::pubsub::{SchemaRecord, SubscriptionRecord, TopicRecord};
use rusqlite::{Connection, Row, params};
use serde::Serialize;

/// Values of `resources.kind`.
const TOPIC: u8 = 1;
const SUBSCRIPTION: u8 = 2;
const SCHEMA: u8 = 3;

/// Deletes rows of topics and subscriptions that are gone.
pub(super) fn drop_orphans(connection: &Connection) -> Result<(), JournalError> {
    connection.execute(
        "DELETE FROM published WHERE topic_id NOT IN (SELECT id FROM resources WHERE kind = ?1)",
        [TOPIC],
    )?;
    connection.execute(
        "DELETE FROM deliveries
         WHERE subscription_id NOT IN (SELECT id FROM resources WHERE kind = ?1)
            OR sequence NOT IN (SELECT sequence FROM published)",
        [SUBSCRIPTION],
    )?;
    Ok(())
}

/// Visits what is kept; see [`super::Journal::load`].
pub(super) fn load(connection: &Connection, visit: &mut dyn FnMut(Op)) -> Result<(), JournalError> {
    let mut statement =
        connection.prepare("SELECT kind, record, spec, policy FROM resources ORDER BY kind, id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let kind: u8 = row.get(0)?;
        let json = row.get_ref(1)?.as_str().unwrap_or_default();
        let (spec, policy) = (bytes(row, 2)?, bytes(row, 3)?);
        visit(match kind {
            TOPIC => {
                let record: TopicRecord = from_json(json)?;
                Op::PutTopic(Box::new(TopicRecord {
                    spec,
                    policy,
                    ..record
                }))
            }
            SUBSCRIPTION => {
                let record: SubscriptionRecord = from_json(json)?;
                Op::PutSubscription(Box::new(SubscriptionRecord {
                    spec,
                    policy,
                    ..record
                }))
            }
            SCHEMA => {
                let record: SchemaRecord = from_json(json)?;
                Op::PutSchema(Box::new(SchemaRecord {
                    spec,
                    policy,
                    ..record
                }))
            }
            other => return Err(JournalError::Corrupt(format!("a resource of kind {other}"))),
        });
    }
    let mut statement = connection.prepare(
        "SELECT sequence, topic_id, published_at, message, returned FROM published
         ORDER BY sequence",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        visit(Op::Publish(PublishedRecord {
            sequence: unsigned(row.get(0)?),
            topic_id: unsigned(row.get(1)?),
            published_at: unsigned(row.get(2)?),
            bytes: bytes(row, 3)?,
            returned: row.get(4)?,
        }));
    }
    let mut statement = connection.prepare(
        "SELECT sequence, subscription_id, acked, failures FROM deliveries
         ORDER BY sequence, subscription_id",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        visit(Op::Delivery {
            sequence: unsigned(row.get(0)?),
            subscription_id: unsigned(row.get(1)?),
            acked: row.get(2)?,
            failures: row.get(3)?,
        });
    }
    Ok(())
}

/// Writes one change about topics.
pub(super) fn write(connection: &Connection, op: &Op) -> Result<(), JournalError> {
    match op {
        Op::PutTopic(record) => {
            put(
                connection,
                record.id,
                TOPIC,
                record,
                &record.spec,
                &record.policy,
            )?;
        }
        Op::PutSubscription(record) => {
            put(
                connection,
                record.id,
                SUBSCRIPTION,
                record,
                &record.spec,
                &record.policy,
            )?;
        }
        Op::PutSchema(record) => {
            put(
                connection,
                record.id,
                SCHEMA,
                record,
                &record.spec,
                &record.policy,
            )?;
        }
        Op::DropTopic(id) | Op::DropSubscription(id) | Op::DropSchema(id) => {
            connection
                .prepare_cached("DELETE FROM resources WHERE id = ?1")?
                .execute([signed(*id)])?;
        }
        Op::Publish(record) => {
            connection
                .prepare_cached("INSERT INTO published VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![
                    signed(record.sequence),
                    signed(record.topic_id),
                    signed(record.published_at),
                    &record.bytes[..],
                    record.returned,
                ])?;
        }
        Op::Unpublish { sequence, has_rows } => {
            connection
                .prepare_cached("DELETE FROM published WHERE sequence = ?1")?
                .execute([signed(*sequence)])?;
            if *has_rows {
                connection
                    .prepare_cached("DELETE FROM deliveries WHERE sequence = ?1")?
                    .execute([signed(*sequence)])?;
            }
        }
        Op::Delivery {
            subscription_id,
            sequence,
            acked,
            failures,
        } => {
            connection
                .prepare_cached("INSERT OR REPLACE INTO deliveries VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![
                    signed(*sequence),
                    signed(*subscription_id),
                    acked,
                    failures
                ])?;
        }
        Op::ResetDeliveries { subscription_id } => {
            connection
                .prepare_cached("DELETE FROM deliveries WHERE subscription_id = ?1")?
                .execute([signed(*subscription_id)])?;
        }
        _ => debug_assert!(false, "not about topics"),
    }
    Ok(())
}

fn put(
    connection: &Connection,
    id: u64,
    kind: u8,
    record: &impl Serialize,
    spec: &[u8],
    policy: &[u8],
) -> Result<(), JournalError> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO resources VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![signed(id), kind, to_json(record)?, spec, policy])?;
    Ok(())
}

fn bytes(row: &Row<'_>, at: usize) -> Result<SharedBytes, JournalError> {
    row.get_ref(at)?
        .as_blob()
        .map(SharedBytes::from)
        .map_err(|_| JournalError::Corrupt("a stored resource can't be read".to_owned()))
}
