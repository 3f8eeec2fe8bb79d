//! Queues and their messages as they are kept.

use crate::attributes::AttributeMap;
use crate::moves::MoveTask;
use crate::{Millis, Payload, QueueName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A queue as it is kept.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct QueueRecord {
    /// Id; never used twice within a shard.
    pub id: u64,
    /// Name.
    pub name: QueueName,
    /// Attributes that were set.
    pub attributes: AttributeMap,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// When it was made, ms since 1970.
    pub created_at: Millis,
    /// When attributes changed last, ms since 1970.
    pub modified_at: Millis,
    /// Messages with a smaller sequence number were purged; their rows may still be there.
    pub purged_below: u64,
    /// Move tasks, oldest first.
    pub moves: Vec<MoveTask>,
    /// Under it deduplication ids are hashed where it isn't the shard's: those that came with an
    /// import were hashed under another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dedup_secret: Option<[u8; 16]>,
}

/// A message as it is kept.
#[derive(Clone, PartialEq, Debug)]
pub struct MessageRecord {
    /// Sequence number.
    pub sequence: u64,
    /// Id of its queue.
    pub queue_id: u64,
    /// Its bytes.
    pub payload: Payload,
    /// Not visible before, ms since 1970; 0 where it was not delayed.
    pub available_at: Millis,
    /// Times received.
    pub receive_count: u32,
    /// Times received before it came to this queue.
    pub base_count: u32,
    /// When received first, ms since 1970; 0 if never.
    pub first_received_at: Millis,
}
