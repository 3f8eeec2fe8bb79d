//! What names a lease: one receive of one message, in queues and subscriptions alike.

use crate::Millis;
use serde::{Deserialize, Serialize};

/// Names one receive of one message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LeaseRef {
    /// Sequence number of the message.
    pub sequence: u64,
    /// Where it was in memory when received.
    pub slot: u32,
    /// Which receive it was.
    pub receive_count: u32,
    /// When it was received, ms since 1970.
    pub received_at: Millis,
}
