//! The Pub/Sub dialect.

pub mod error;
pub mod names;
pub mod proto;
