//! The mesh: from any core to the shard that owns a queue, and back.
//!
//! Each core runs its own shards and reaches those of other cores by a pair of bounded lanes, one
//! for requests and one for replies. A request to a shard of the same core is a plain call.
//!
//! Nothing here blocks. What finds its lane full waits behind it. Where too many requests do, the
//! next are refused as overloaded, which is backpressure and not a loss: the client is told. Replies
//! are never refused: each answers a request that its core has a place for, so their queue is
//! bounded by the requests open.
//!
//! Where several servers share a store ([`crate::cluster`]), other nodes run some of the shards, and for a moment
//! nobody may. Such requests go to the node, or wait here for a bounded time (`away`, `core/elsewhere`).
//!
//! A dialect finds what a name stands for in its [`Directory`], which knows on every core whether what
//! it remembers still holds.

mod answers_first;
mod away;
mod core;
mod directory;
#[cfg(test)]
mod directory_simulation;
mod events;
mod figures;
mod hosts;
mod journals_down;
mod lane;
mod orders;
mod ownership;
mod pending;
mod real_wait;
mod remembered;
mod setup;
mod taker;
mod test_clock;
#[cfg(test)]
mod tests;
mod versions;

pub use crate::runtime::wall_clock;
pub use core::{Call, Mesh};
pub use directory::{Directory, ask_until_current};
pub use events::{EVENTS_KEPT_MAX, Events, Since};
pub use figures::MeshSeen;
pub use ownership::{Owner, Ownership};
pub use pending::is_transfer;
pub use remembered::Definition;
pub use setup::{MeshConfig, MeshError, MeshParts, MeshPlan, Storage};
pub use test_clock::{ClockError, Order as ClockOrder};
pub use versions::{Stamp, Versions};

/// Requests that one core can have in its lane to one other core.
pub const LANE_REQUESTS_MAX: usize = 4096;
/// Requests that can wait behind a full lane: more than there are connections by default, which each
/// have one under way in HTTP/1.1.
pub const REQUESTS_KEPT_MAX: usize = 1 << 16;
/// Requests that one core can have open, long polls included.
pub const REQUESTS_OPEN_MAX: usize = 1 << 19;
