//! Logs in stores that several machines can reach.
//!
//! A shard's log is what [`lclq_shards::journal::LogJournal`] writes to and what
//! [`lclq_shards::journal::TakeOver`] reads. A [`StoreNode`] serves the logs of one process's shards
//! from a thread of its own; each shard has a [`RemoteLog`], which never waits for the store.
//! docs/stores.md says what a store promises, under which settings, and what it may do.

#![forbid(unsafe_code)]

mod error;
mod node;
mod postgres;
mod redis;
mod remote;
mod risk;
mod settings;
mod tls;

pub use error::NodeError;
pub use node::{StoreJournals, StoreNode};
pub use postgres::PostgresSettings;
pub use redis::RedisSettings;
pub use remote::{
    Beat, Cluster, Member, Membership, Notice, ReadError, RemoteLog, SeenMember, ShardOwner,
    Surroundings, Wake, Wish,
};
pub use risk::Risk;
pub use settings::{LOG_SHARDS_MAX, StoreSettings};
