//! Topics, subscriptions, schemas and published messages in a shard's SQLite file.

use super::columns::{blob, integer, stored_sum, text};
use super::damage::{Damaged, DamagedRow};
use super::sums::{Summed, sum};
use super::{from_json, signed, to_json};
use crate::journal::{JournalError, Op, PublishedRecord};
use crate::payload::SharedBytes;
use crate::records::{SchemaRecord, SubscriptionRecord, TopicRecord};
use hashbrown::HashSet;
use rusqlite::{Connection, Row, params};
use serde::Serialize;

/// Values of `resources.kind`.
const TOPIC: u64 = 1;
const SUBSCRIPTION: u64 = 2;
const SCHEMA: u64 = 3;

/// Deletes rows of topics and subscriptions that are gone.
pub(super) fn drop_orphans(connection: &Connection) -> Result<(), JournalError> {
    connection.execute(
        "DELETE FROM published WHERE topic_id NOT IN (SELECT id FROM resources WHERE kind = ?1)",
        [signed(TOPIC)],
    )?;
    connection.execute(
        "DELETE FROM deliveries
         WHERE subscription_id NOT IN (SELECT id FROM resources WHERE kind = ?1)
            OR sequence NOT IN (SELECT sequence FROM published)",
        [signed(SUBSCRIPTION)],
    )?;
    Ok(())
}

/// Ids of what rows may belong to.
#[derive(Default)]
struct Known {
    topics: HashSet<u64, foldhash::fast::RandomState>,
    subscriptions: HashSet<u64, foldhash::fast::RandomState>,
}

/// Visits what is kept; see [`super::load::load`].
pub(super) fn load(
    connection: &mut Connection,
    visit: &mut dyn FnMut(Op),
) -> Result<Vec<DamagedRow>, JournalError> {
    let known = resources(connection, visit)?;
    let mut damaged = Damaged::default();
    messages(connection, &known, &mut damaged, visit)?;
    // Before their deliveries are looked at, which then have no message.
    let mut rows = damaged.set_aside(connection)?;
    let mut damaged = Damaged::default();
    deliveries(connection, &known, &mut damaged, visit)?;
    rows.extend(damaged.set_aside(connection)?);
    Ok(rows)
}

fn messages(
    connection: &Connection,
    known: &Known,
    damaged: &mut Damaged,
    visit: &mut dyn FnMut(Op),
) -> Result<(), JournalError> {
    let mut statement = connection.prepare(&format!(
        "SELECT {PUBLISHED_COLUMNS} FROM published ORDER BY sequence"
    ))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        match published(row) {
            Ok(record) if known.topics.contains(&record.topic_id) => visit(Op::Publish(record)),
            Ok(_) => {}
            Err(row) => damaged.add(row)?,
        }
    }
    Ok(())
}

fn deliveries(
    connection: &Connection,
    known: &Known,
    damaged: &mut Damaged,
    visit: &mut dyn FnMut(Op),
) -> Result<(), JournalError> {
    let mut statement = connection.prepare(
        "SELECT d.sequence, subscription_id, acked, failures, d.sum, p.sequence IS NOT NULL
         FROM deliveries d LEFT JOIN published p ON p.sequence = d.sequence
         ORDER BY d.sequence, subscription_id",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let numbers: [u64; 4] = std::array::from_fn(|at| integer(row, at));
        let [sequence, subscription_id, acked, failures] = numbers;
        if sum(Summed::Deliveries, &numbers, &[]) != stored_sum(row, 4) {
            let key = [signed(sequence), signed(subscription_id)];
            damaged.add(DamagedRow::new(Summed::Deliveries, &key))?;
        } else if known.subscriptions.contains(&subscription_id) && integer(row, 5) == 1 {
            visit(Op::Delivery {
                sequence,
                subscription_id,
                acked: acked != 0,
                failures: failures as u32,
            });
        }
    }
    Ok(())
}

/// Columns of a published message's row, as [`published`] reads them.
pub(super) const PUBLISHED_COLUMNS: &str =
    "sequence, topic_id, published_at, returned, message, sum";

/// A published message as its row says, if its checksum fits.
pub(super) fn published(row: &Row<'_>) -> Result<PublishedRecord, DamagedRow> {
    let numbers: [u64; 4] = std::array::from_fn(|at| integer(row, at));
    let [sequence, topic_id, published_at, returned] = numbers;
    let message = blob(row, 4);
    if sum(Summed::Published, &numbers, &[message]) != stored_sum(row, 5) {
        return Err(DamagedRow::new(Summed::Published, &[signed(sequence)]));
    }
    Ok(PublishedRecord {
        sequence,
        topic_id,
        published_at,
        bytes: message.into(),
        returned: returned != 0,
    })
}

fn resources(connection: &Connection, visit: &mut dyn FnMut(Op)) -> Result<Known, JournalError> {
    let mut known = Known::default();
    let mut statement = connection
        .prepare("SELECT id, kind, record, spec, policy, sum FROM resources ORDER BY kind, id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (id, kind, json) = (integer(row, 0), integer(row, 1), text(row, 2));
        let (spec, policy) = (blob(row, 3), blob(row, 4));
        let blobs = [json.as_bytes(), spec, policy];
        if sum(Summed::Resources, &[id, kind], &blobs) != stored_sum(row, 5) {
            let row = DamagedRow::new(Summed::Resources, &[signed(id)]);
            return Err(JournalError::DamagedDefinition(row.to_string()));
        }
        let (spec, policy) = (SharedBytes::from(spec), SharedBytes::from(policy));
        visit(match kind {
            TOPIC => {
                known.topics.insert(id);
                let record: TopicRecord = from_json(json)?;
                Op::PutTopic(Box::new(TopicRecord {
                    spec,
                    policy,
                    ..record
                }))
            }
            SUBSCRIPTION => {
                known.subscriptions.insert(id);
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
    Ok(known)
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
            let numbers = [
                record.sequence,
                record.topic_id,
                record.published_at,
                u64::from(record.returned),
            ];
            connection
                .prepare_cached("INSERT INTO published VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
                .execute(params![
                    signed(record.sequence),
                    signed(record.topic_id),
                    signed(record.published_at),
                    &record.bytes[..],
                    record.returned,
                    sum(Summed::Published, &numbers, &[&record.bytes]),
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
            let numbers = [
                *sequence,
                *subscription_id,
                u64::from(*acked),
                u64::from(*failures),
            ];
            connection
                .prepare_cached("INSERT OR REPLACE INTO deliveries VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![
                    signed(*sequence),
                    signed(*subscription_id),
                    acked,
                    failures,
                    sum(Summed::Deliveries, &numbers, &[]),
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
    kind: u64,
    record: &impl Serialize,
    spec: &[u8],
    policy: &[u8],
) -> Result<(), JournalError> {
    let json = to_json(record)?;
    let blobs = [json.as_bytes(), spec, policy];
    connection
        .prepare_cached("INSERT OR REPLACE INTO resources VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute(params![
            signed(id),
            signed(kind),
            json,
            spec,
            policy,
            sum(Summed::Resources, &[id, kind], &blobs)
        ])?;
    Ok(())
}
