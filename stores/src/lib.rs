//! Logs in stores that several machines can reach.
//!
//! A shard's log is what [`lclq_shards::journal::LogJournal`] writes to and what
//! [`lclq_shards::journal::TakeOver`] reads. A [`PostgresNode`] serves the logs of one process's shards
//! from a thread of its own; each shard has a [`RemoteLog`], which never waits for the database.
//! docs/stores.md says what a store promises, under which settings, and what it may do.

#![forbid(unsafe_code)]

mod postgres;
mod remote;

pub use postgres::{
    LOG_SHARDS_MAX, PostgresError, PostgresNode, PostgresSettings, PostgresStore, Risk,
};
pub use remote::{Notice, ReadError, RemoteLog, Surroundings, Wake};
