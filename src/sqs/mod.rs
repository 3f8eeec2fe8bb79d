//! The SQS dialect: AWS JSON 1.0 and the Query/XML protocol on one port.
//!
//! This module knows the wire and nothing of storage: it turns a request into commands for shards
//! and their replies into an answer. Wire errors are chosen in [`error`].

mod access;
mod account_memory;
mod actions;
mod attributes;
mod body;
mod charged;
mod decode;
mod developer_endpoint;
mod encode;
mod error;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
#[cfg(test)]
mod garbage;
mod gate;
mod guard;
mod head;
mod heads;
mod ids;
mod inside;
mod intercepted;
mod limits;
#[doc(hidden)]
pub mod measure;
mod message_attributes;
pub(crate) mod names;
mod peek;
mod policy;
mod production;
mod request;
mod server;
mod target;
mod wire;

pub use account_memory::AccountMemory;
pub use actions::Action;
pub use server::{Sqs, SqsConfig};

/// Whether an error of the dialect has this code, in either protocol.
pub fn is_error_code(code: &str) -> bool {
    error::Kind::named(code).is_some()
}
