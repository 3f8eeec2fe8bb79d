//! Checksums of rows: what a disk has changed is told from what was written.
//!
//! A row's `sum` is a CRC-32 over the table's tag and all other columns, so neither a flipped bit nor
//! a row that has come to another key passes for what was written. A message's counts change while
//! its payload isn't at hand, so they have a sum of their own.

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;

/// Tables, and the part of one that is summed apart. The number goes into each sum: it is a stored
/// format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Summed {
    Meta = 1,
    Queues = 2,
    Messages = 3,
    MessageCounts = 4,
    Deduplication = 5,
    Outbox = 6,
    OutboxConfirmed = 7,
    Inbox = 8,
    Resources = 9,
    Published = 10,
    Deliveries = 11,
}

impl Summed {
    pub const ALL: [Self; 11] = [
        Self::Meta,
        Self::Queues,
        Self::Messages,
        Self::MessageCounts,
        Self::Deduplication,
        Self::Outbox,
        Self::OutboxConfirmed,
        Self::Inbox,
        Self::Resources,
        Self::Published,
        Self::Deliveries,
    ];

    pub fn table(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Queues => "queues",
            Self::Messages | Self::MessageCounts => "messages",
            Self::Deduplication => "deduplication",
            Self::Outbox => "outbox",
            Self::OutboxConfirmed => "outbox_confirmed",
            Self::Inbox => "inbox",
            Self::Resources => "resources",
            Self::Published => "published",
            Self::Deliveries => "deliveries",
        }
    }

    /// The column that holds the sum.
    pub fn column(self) -> &'static str {
        match self {
            Self::MessageCounts => "counts_sum",
            _ => "sum",
        }
    }

    /// The columns that are summed: integers first, then the others.
    pub fn columns(self) -> &'static str {
        match self {
            Self::Meta => "value, key",
            Self::Queues => "id, record",
            Self::Messages => "sequence, queue_id, available_at, base_count, payload",
            Self::MessageCounts => "sequence, receive_count, first_received_at",
            Self::Deduplication => "sequence, queue_id, expires_at, key, message_id",
            Self::Outbox => "target, number, receive_count, first_received_at, envelope, payload",
            Self::OutboxConfirmed => "target, up_to",
            Self::Inbox => "source, up_to",
            Self::Resources => "id, kind, record, spec, policy",
            Self::Published => "sequence, topic_id, published_at, returned, message",
            Self::Deliveries => "sequence, subscription_id, acked, failures",
        }
    }
}

/// Most integers that are summed in one row.
const INTEGERS_MAX: usize = 5;

/// The sum of a row: its integers, and its texts and blobs, in the order of [`Summed::columns`].
pub(super) fn sum(of: Summed, integers: &[u64], blobs: &[&[u8]]) -> i64 {
    let mut head = [0; 1 + 8 * INTEGERS_MAX];
    head[0] = of as u8;
    for (at, integer) in integers.iter().enumerate() {
        head[1 + 8 * at..][..8].copy_from_slice(&integer.to_le_bytes());
    }
    let mut crc = crc32fast::Hasher::new();
    crc.update(&head[..1 + 8 * integers.len()]);
    for blob in blobs {
        crc.update(&(blob.len() as u64).to_le_bytes());
        crc.update(blob);
    }
    i64::from(crc.finalize())
}

/// Makes `row_sum(tag, column, …)` known, for rows that are there already.
pub(super) fn make_known(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("row_sum", -1, flags, |context| {
        let tag = context.get::<u8>(0)?;
        let of = Summed::ALL.into_iter().find(|of| *of as u8 == tag);
        let of = of.ok_or(rusqlite::Error::InvalidQuery)?;
        let (mut integers, mut blobs) = (Vec::new(), Vec::new());
        for at in 1..context.len() {
            match context.get_raw(at) {
                ValueRef::Integer(integer) => integers.push(integer as u64),
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => blobs.push(bytes),
                ValueRef::Null | ValueRef::Real(_) => return Err(rusqlite::Error::InvalidQuery),
            }
        }
        if integers.len() > INTEGERS_MAX {
            return Err(rusqlite::Error::InvalidQuery);
        }
        Ok(sum(of, &integers, &blobs))
    })
}

/// Gives all rows their sums.
pub(super) fn add_to_all(connection: &Connection) -> rusqlite::Result<()> {
    for of in Summed::ALL {
        connection.execute(
            &format!(
                "UPDATE {} SET {} = row_sum({}, {})",
                of.table(),
                of.column(),
                of as u8,
                of.columns()
            ),
            [],
        )?;
    }
    Ok(())
}
