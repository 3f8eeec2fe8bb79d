//! The Pub/Sub dialect.

mod access;
pub mod civil_time;
mod conformity;
mod core;
mod deliverers;
mod delivery;
pub mod error;
pub mod export;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod gate;
pub mod intercepted;
mod limits;
mod looked_at;
pub mod names;
pub mod offload;
mod outside;
mod placement;
mod production;
pub mod proto;
mod protobuf;
mod publish;
mod pull;
pub mod push;
pub mod rest;
pub mod schema;
mod server;
mod service;
mod streaming;
#[cfg(test)]
mod testing;
pub mod transform;
mod transit;
mod workbench;

pub use core::Pubsub;
pub use looked_at::LookedAt;
pub use outside::{Outside, OutsidePlan};
pub use proto::{publisher, schema_service, subscriber};
pub use publish::{from_message_number, message_number};
pub use server::{AccessSettings, PubsubEndpoint};
