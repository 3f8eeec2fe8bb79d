//! The Pub/Sub dialect.

mod core;
mod delivery;
pub mod error;
pub mod names;
pub mod proto;
mod protobuf;
mod publish;
mod pull;
mod streaming;

pub use core::Pubsub;
