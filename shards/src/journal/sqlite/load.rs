//! Visiting what a file keeps, each row held against its checksum.

use super::columns::{blob, integer, stored_sum, text};
use super::damage::{Damaged, DamagedRow};
use super::sums::{Summed, sum};
use super::{Envelope, from_json, meta, signed, topics};
use crate::Payload;
use crate::dedup::DedupEntry;
use crate::journal::{JournalError, MessageRecord, Op, QueueRecord};
use crate::moves::Transfer;
use hashbrown::HashMap;
use rusqlite::{Connection, Row};

/// By queue id: messages with a smaller sequence number were purged.
type PurgedBelow = HashMap<u64, u64, foldhash::fast::RandomState>;

/// Visits all that is kept; see [`crate::journal::Journal::load`]. Rows whose checksum doesn't fit
/// are not visited but set aside, and answered; where a definition's doesn't, that is an error.
pub(super) fn load(
    connection: &mut Connection,
    visit: &mut dyn FnMut(Op),
) -> Result<Vec<DamagedRow>, JournalError> {
    let mut damaged = Damaged::default();
    visit(Op::Reserve {
        sequence: meta(connection, "next_sequence")?.unwrap_or(1),
        queue_id: meta(connection, "next_queue_id")?.unwrap_or(1),
    });
    let purged_below = queues(connection, visit)?;
    messages(connection, &purged_below, &mut damaged, visit)?;
    deduplication(connection, &purged_below, &mut damaged, visit)?;
    transfers(connection, &mut damaged, visit)?;
    let mut damaged = damaged.set_aside(connection)?;
    damaged.extend(topics::load(connection, visit)?);
    // Not before every row has been looked at: what names a queue that isn't there may be damaged.
    drop_orphans(connection)?;
    topics::drop_orphans(connection)?;
    Ok(damaged)
}

fn queues(connection: &Connection, visit: &mut dyn FnMut(Op)) -> Result<PurgedBelow, JournalError> {
    let mut purged_below = PurgedBelow::default();
    let mut statement = connection.prepare("SELECT id, record, sum FROM queues ORDER BY id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (id, text) = (integer(row, 0), text(row, 1));
        if sum(Summed::Queues, &[id], &[text.as_bytes()]) != stored_sum(row, 2) {
            let row = DamagedRow::new(Summed::Queues, &[signed(id)]);
            return Err(JournalError::DamagedDefinition(row.to_string()));
        }
        let record: QueueRecord = from_json(text)?;
        purged_below.insert(record.id, record.purged_below);
        visit(Op::PutQueue(Box::new(record)));
    }
    Ok(purged_below)
}

fn messages(
    connection: &Connection,
    purged_below: &PurgedBelow,
    damaged: &mut Damaged,
    visit: &mut dyn FnMut(Op),
) -> Result<(), JournalError> {
    let mut statement = connection.prepare(&format!(
        "SELECT {MESSAGE_COLUMNS} FROM messages ORDER BY sequence"
    ))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        match message(row) {
            Ok(record) => {
                let below = purged_below.get(&record.queue_id);
                if below.is_some_and(|below| record.sequence >= *below) {
                    visit(Op::Insert(record));
                }
            }
            Err(row) => damaged.add(row)?,
        }
    }
    Ok(())
}

/// Columns of a message's row, as [`message`] reads them.
pub(super) const MESSAGE_COLUMNS: &str = "sequence, queue_id, available_at, receive_count, \
    base_count, first_received_at, payload, sum, counts_sum";

/// A message as its row says, if its checksums fit.
pub(super) fn message(row: &Row<'_>) -> Result<MessageRecord, DamagedRow> {
    let numbers: [u64; 6] = std::array::from_fn(|at| integer(row, at));
    let [
        sequence,
        queue_id,
        available_at,
        receive_count,
        base_count,
        first_received_at,
    ] = numbers;
    let stored = blob(row, 6);
    let fixed = [sequence, queue_id, available_at, base_count];
    let counts = [sequence, receive_count, first_received_at];
    let sound = sum(Summed::Messages, &fixed, &[stored]) == stored_sum(row, 7)
        && sum(Summed::MessageCounts, &counts, &[]) == stored_sum(row, 8);
    let payload = Payload::from_stored(stored).filter(|_| sound);
    Ok(MessageRecord {
        sequence,
        queue_id,
        payload: payload.ok_or_else(|| DamagedRow::new(Summed::Messages, &[signed(sequence)]))?,
        available_at,
        receive_count: receive_count as u32,
        base_count: base_count as u32,
        first_received_at,
    })
}

fn deduplication(
    connection: &Connection,
    purged_below: &PurgedBelow,
    damaged: &mut Damaged,
    visit: &mut dyn FnMut(Op),
) -> Result<(), JournalError> {
    let mut statement = connection.prepare(
        "SELECT sequence, queue_id, expires_at, key, message_id, sum
         FROM deduplication ORDER BY sequence",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let numbers: [u64; 3] = std::array::from_fn(|at| integer(row, at));
        let [sequence, queue_id, expires_at] = numbers;
        let blobs = [blob(row, 3), blob(row, 4)];
        let sound = sum(Summed::Deduplication, &numbers, &blobs) == stored_sum(row, 5);
        let (key, message_id) = (blobs[0].try_into().ok(), blobs[1].try_into().ok());
        let (Some(key), Some(message_id), true) = (key, message_id, sound) else {
            damaged.add(DamagedRow::new(Summed::Deduplication, &[signed(sequence)]))?;
            continue;
        };
        if purged_below
            .get(&queue_id)
            .is_some_and(|below| sequence >= *below)
        {
            visit(Op::Dedup {
                queue_id,
                key: u128::from_le_bytes(key),
                entry: DedupEntry {
                    sequence,
                    expires_at,
                    message_id,
                },
            });
        }
    }
    Ok(())
}

fn transfers(
    connection: &Connection,
    damaged: &mut Damaged,
    visit: &mut dyn FnMut(Op),
) -> Result<(), JournalError> {
    for (target, up_to) in pairs(connection, Summed::OutboxConfirmed)? {
        visit(Op::OutboxDelete { target, up_to });
    }
    let shard = meta(connection, "shard")?.unwrap_or(0) as u16;
    let mut statement = connection.prepare(
        "SELECT target, number, receive_count, first_received_at, envelope, payload, sum
         FROM outbox ORDER BY target, number",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let numbers: [u64; 4] = std::array::from_fn(|at| integer(row, at));
        let [target, number, receive_count, first_received_at] = numbers;
        let (envelope, stored) = (text(row, 4), blob(row, 5));
        let blobs = [envelope.as_bytes(), stored];
        let sound = sum(Summed::Outbox, &numbers, &blobs) == stored_sum(row, 6);
        let payload = Payload::from_stored(stored).filter(|_| sound);
        let Some(payload) = payload else {
            let key = [signed(target), signed(number)];
            damaged.add(DamagedRow::new(Summed::Outbox, &key))?;
            continue;
        };
        let envelope: Envelope = from_json(envelope)?;
        visit(Op::OutboxPut(Box::new(Transfer {
            oldest: 0,
            source: shard,
            target: target as u16,
            number,
            to: envelope.to,
            from: envelope.from,
            task: envelope.task,
            returned: envelope.returned,
            receive_count: receive_count as u32,
            first_received_at,
            payload,
        })));
    }
    for (source, up_to) in pairs(connection, Summed::Inbox)? {
        visit(Op::Inbox { source, up_to });
    }
    Ok(())
}

/// Rows of a shard and a number. A damaged one would double or lose messages between shards.
fn pairs(connection: &Connection, of: Summed) -> Result<Vec<(u16, u64)>, JournalError> {
    let (columns, table) = (of.columns(), of.table());
    let mut statement = connection.prepare(&format!("SELECT {columns}, sum FROM {table}"))?;
    let mut rows = statement.query([])?;
    let mut pairs = Vec::new();
    while let Some(row) = rows.next()? {
        let numbers = [integer(row, 0), integer(row, 1)];
        if sum(of, &numbers, &[]) != stored_sum(row, 2) {
            let row = DamagedRow::new(of, &[signed(numbers[0])]);
            return Err(JournalError::DamagedDefinition(row.to_string()));
        }
        pairs.push((numbers[0] as u16, numbers[1]));
    }
    Ok(pairs)
}

/// Deletes rows of queues that are gone, and of messages that were purged.
fn drop_orphans(connection: &Connection) -> Result<(), JournalError> {
    for table in ["messages", "deduplication"] {
        connection.execute(
            &format!("DELETE FROM {table} WHERE {}", is_orphan(table)),
            [],
        )?;
    }
    Ok(())
}

/// A condition in SQL: no queue has the row.
pub(super) fn is_orphan(table: &str) -> String {
    format!(
        "NOT EXISTS (SELECT 1 FROM queues WHERE queues.id = {table}.queue_id
             AND json_extract(record, '$.purged_below') <= {table}.sequence)"
    )
}
