//! What delivers by itself: push and Cloud Storage subscriptions.
//!
//! Each such subscription has one task, on the core that owns its shard. The task takes messages
//! through a stream like any client, and acknowledges by what became of them.

mod hub;
mod order;
mod outgoing;
mod shard_stream;
mod signal;
mod supervisor;

pub(super) use hub::DeliveryHub;
pub(super) use order::{OrderedQueue, Place};
pub(super) use outgoing::Outgoing;
pub(super) use shard_stream::{Pulls, ShardStream};
pub(super) use signal::Signal;
