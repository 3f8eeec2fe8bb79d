//! Writing a batch's changes, each row with its checksum.

use super::sums::{Summed, sum};
use super::{Envelope, set_meta, signed, to_json, topics};
use crate::Millis;
use crate::dedup::{DedupEntry, WINDOW_MS};
use crate::journal::{JournalError, MessageRecord, Op, QueueRecord};
use crate::moves::Transfer;
use rusqlite::{Connection, params};

/// Deduplication rows between two clean-ups of expired ones.
const DEDUP_ROWS_PER_CLEANUP: u32 = 20_000;

/// Deduplication rows that were written since the last clean-up.
#[derive(Debug, Default)]
pub(super) struct DedupRows(u32);

pub(super) fn write(
    connection: &Connection,
    dedup_rows: &mut DedupRows,
    op: &Op,
) -> Result<(), JournalError> {
    match op {
        Op::Insert(message) => insert(connection, message)?,
        Op::Delete(sequence) => {
            connection
                .prepare_cached("DELETE FROM messages WHERE sequence = ?1")?
                .execute([signed(*sequence)])?;
        }
        Op::Received {
            sequence,
            receive_count,
            first_received_at,
        } => {
            let counts = [*sequence, u64::from(*receive_count), *first_received_at];
            connection
                .prepare_cached(
                    "UPDATE messages SET receive_count = ?2, first_received_at = ?3,
                         counts_sum = ?4 WHERE sequence = ?1",
                )?
                .execute(params![
                    signed(*sequence),
                    receive_count,
                    signed(*first_received_at),
                    sum(Summed::MessageCounts, &counts, &[]),
                ])?;
        }
        Op::Dedup {
            queue_id,
            key,
            entry,
        } => dedup(connection, dedup_rows, *queue_id, *key, entry)?,
        Op::PutQueue(record) => put_queue(connection, record)?,
        Op::DropQueue(id) => {
            connection
                .prepare_cached("DELETE FROM queues WHERE id = ?1")?
                .execute([signed(*id)])?;
        }
        Op::OutboxPut(transfer) => put_transfer(connection, transfer)?,
        Op::OutboxDelete { target, up_to } => {
            connection
                .prepare_cached("DELETE FROM outbox WHERE target = ?1 AND number <= ?2")?
                .execute(params![target, signed(*up_to)])?;
            put_pair(connection, Summed::OutboxConfirmed, *target, *up_to)?;
        }
        Op::Inbox { source, up_to } => put_pair(connection, Summed::Inbox, *source, *up_to)?,
        Op::Reserve { sequence, queue_id } => {
            set_meta(connection, "next_sequence", *sequence)?;
            set_meta(connection, "next_queue_id", *queue_id)?;
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
        | Op::ResetDeliveries { .. } => topics::write(connection, op)?,
        // A file's next owner is no other machine: with this one its clients' leases end.
        Op::Leased { .. } | Op::Nothing => {}
    }
    Ok(())
}

fn insert(connection: &Connection, message: &MessageRecord) -> Result<(), JournalError> {
    let stored = message.payload.stored();
    let fixed = [
        message.sequence,
        message.queue_id,
        message.available_at,
        u64::from(message.base_count),
    ];
    let counts = [
        message.sequence,
        u64::from(message.receive_count),
        message.first_received_at,
    ];
    connection
        .prepare_cached("INSERT INTO messages VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?
        .execute(params![
            signed(message.sequence),
            signed(message.queue_id),
            signed(message.available_at),
            message.receive_count,
            message.base_count,
            signed(message.first_received_at),
            stored,
            sum(Summed::Messages, &fixed, &[stored]),
            sum(Summed::MessageCounts, &counts, &[]),
        ])?;
    Ok(())
}

fn put_queue(connection: &Connection, record: &QueueRecord) -> Result<(), JournalError> {
    let text = to_json(record)?;
    let sum = sum(Summed::Queues, &[record.id], &[text.as_bytes()]);
    connection
        .prepare_cached("INSERT OR REPLACE INTO queues VALUES (?1, ?2, ?3)")?
        .execute(params![signed(record.id), text, sum])?;
    Ok(())
}

fn put_transfer(connection: &Connection, transfer: &Transfer) -> Result<(), JournalError> {
    let envelope = to_json(&Envelope {
        to: transfer.to.clone(),
        from: transfer.from.clone(),
        task: transfer.task,
        returned: transfer.returned,
    })?;
    let stored = transfer.payload.stored();
    let numbers = [
        u64::from(transfer.target),
        transfer.number,
        u64::from(transfer.receive_count),
        transfer.first_received_at,
    ];
    connection
        .prepare_cached("INSERT INTO outbox VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
        .execute(params![
            transfer.target,
            signed(transfer.number),
            envelope,
            transfer.receive_count,
            signed(transfer.first_received_at),
            stored,
            sum(Summed::Outbox, &numbers, &[envelope.as_bytes(), stored]),
        ])?;
    Ok(())
}

fn put_pair(
    connection: &Connection,
    of: Summed,
    shard: u16,
    up_to: u64,
) -> Result<(), JournalError> {
    let insert = match of {
        Summed::Inbox => "INSERT OR REPLACE INTO inbox VALUES (?1, ?2, ?3)",
        _ => "INSERT OR REPLACE INTO outbox_confirmed VALUES (?1, ?2, ?3)",
    };
    let sum = sum(of, &[u64::from(shard), up_to], &[]);
    connection
        .prepare_cached(insert)?
        .execute(params![shard, signed(up_to), sum])?;
    Ok(())
}

fn dedup(
    connection: &Connection,
    rows: &mut DedupRows,
    queue_id: u64,
    key: u128,
    entry: &DedupEntry,
) -> Result<(), JournalError> {
    let numbers = [entry.sequence, queue_id, entry.expires_at];
    let key = key.to_le_bytes();
    connection
        .prepare_cached("INSERT OR REPLACE INTO deduplication VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute(params![
            signed(entry.sequence),
            signed(queue_id),
            signed(entry.expires_at),
            key,
            entry.message_id,
            sum(Summed::Deduplication, &numbers, &[&key, &entry.message_id]),
        ])?;
    rows.0 += 1;
    if rows.0 >= DEDUP_ROWS_PER_CLEANUP {
        rows.0 = 0;
        // Rows expire in the order of their sequence numbers; twice the rows that came are looked
        // at, so that the table can't outgrow its window.
        let now: Millis = entry.expires_at.saturating_sub(WINDOW_MS);
        connection
            .prepare_cached(
                "DELETE FROM deduplication WHERE expires_at <= ?1 AND sequence IN (
                     SELECT sequence FROM deduplication ORDER BY sequence LIMIT ?2)",
            )?
            .execute(params![signed(now), 2 * DEDUP_ROWS_PER_CLEANUP])?;
    }
    Ok(())
}
