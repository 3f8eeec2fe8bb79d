//! The service's limits, from its documentation. Units come last. Those that the engine holds queues
//! to stand there.

pub use lclq_shards::IN_FLIGHT_MAX;
pub use lclq_shards::attributes::RECEIVE_COUNT_MAX;

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
/// Real interval between two purges, and before a deleted name can be used again.
pub const REAL_INTERVAL_S: u64 = 60;
/// Messages in one answer.
pub const RECEIVED_MESSAGES_MAX: i64 = 10;
/// Sources that a RedriveAllowPolicy can name.
pub const REDRIVE_SOURCES_MAX: usize = 10;
/// Key of a tag.
pub const TAG_KEY_CHARS_MAX: usize = 128;
/// Value of a tag.
pub const TAG_VALUE_CHARS_MAX: usize = 256;
/// Least that a queue's bound on a message's size can be.
pub const MESSAGE_BYTES_MAX_MIN: i64 = 1024;
/// Time that a queue keeps messages.
pub const RETENTION_S_MIN: i64 = 60;
/// Time that a queue keeps messages.
pub const RETENTION_S_MAX: i64 = 1_209_600;
/// Time for which a data key is used again.
pub const KEY_REUSE_S_MIN: i64 = 60;
/// Time for which a data key is used again.
pub const KEY_REUSE_S_MAX: i64 = 86_400;
