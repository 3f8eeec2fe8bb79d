//! The Pub/Sub dialect.

mod core;
pub mod error;
pub mod names;
pub mod proto;

pub use core::Pubsub;
