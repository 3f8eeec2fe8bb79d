//! The service's limits, from its documentation. Units come last.

/// Body and attributes of one message, and of all messages of a batch.
pub const BATCH_BYTES_MAX: usize = 1_048_576;
/// Entries of a batch.
pub const BATCH_ENTRIES_MAX: usize = 10;
/// Attributes of a message.
pub const MESSAGE_ATTRIBUTES_MAX: usize = 10;
/// Name or type of a message attribute.
pub const ATTRIBUTE_NAME_CHARS_MAX: usize = 256;
/// Name of a queue, `.fifo` included; id of a batch entry.
pub const NAME_CHARS_MAX: usize = 80;
/// Message group id or deduplication id.
pub const GROUP_ID_CHARS_MAX: usize = 128;
/// Lease of a message.
pub const VISIBILITY_TIMEOUT_S_MAX: i64 = 43_200;
/// Delay of a message.
pub const DELAY_S_MAX: i64 = 900;
/// Wait of a receive.
pub const WAIT_S_MAX: i64 = 20;
/// Queue names in one answer.
pub const LISTED_NAMES_MAX: usize = 1000;
/// Tags of a queue.
pub const TAGS_MAX: usize = 50;
/// Move tasks in one answer.
pub const LISTED_MOVES_MAX: i64 = 10;
/// Rate of a move task, messages per second.
pub const MOVE_RATE_MAX: i64 = 500;
/// Real interval between two purges, and before a deleted name can be used again, ms.
pub const REAL_INTERVAL_MS: u64 = 60_000;
