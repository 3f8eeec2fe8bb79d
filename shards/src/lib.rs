//! The engine of lclq: queues in single-threaded shards, and the journal that keeps them.
//!
//! Nothing here opens a socket, reads a clock or awaits. A [`Shard`] is a state machine: a command
//! and the time go in, replies, journal changes and messages for other shards come out. A
//! [`ShardHost`] pairs a shard with its journal and releases replies once what they promise is
//! durable.

pub mod attributes;
pub mod command;
mod dedup;
mod definitions;
mod epochs;
pub mod figures;
mod host;
pub mod journal;
pub mod journeys;
mod lease;
mod memory;
mod message;
pub mod moves;
mod name;
mod payload;
pub mod portable;
pub mod pubsub;
mod queue;
mod receipt;
mod records;
mod ring;
mod sealed;
mod shard;
mod slab;
pub mod taps;
mod wheel;
mod wire;

pub use dedup::{DedupEntry, DedupKey, WINDOW_MS as DEDUPLICATION_WINDOW_MS};
pub use definitions::{Change, NAME_BUCKETS, NameBucket, NameChange, NameChanges, NameSpace};
pub use host::{LoadedHost, Outgoing, ShardHost};
pub use memory::MemoryPool;
pub use name::{QueueName, partition_of, shard_of};
pub use payload::{Draft, Payload, Section};
pub use receipt::{HANDLE_CHARS, Receipt, ReceiptSigner};
pub use shard::{Eviction, IN_FLIGHT_MAX, Shard, ShardConfig};
pub use slab::{NONE, Slab};
pub use wheel::{TimerId, Wheel};

/// Milliseconds since 1970-01-01 UTC.
pub type Millis = u64;
