//! The mesh: from any core to the shard that owns a queue, and back.
//!
//! Each core runs its own shards and reaches those of other cores by a pair of bounded lanes, one
//! for requests and one for replies. A request to a shard of the same core is a plain call.
//!
//! Nothing here blocks. A request that finds its lane full is refused as overloaded, which is
//! backpressure and not a loss: the client is told. Replies are never refused: each answers a
//! request that its core has a place for, so what doesn't fit the lane waits in a queue that is
//! bounded by the requests open.

mod core;
mod lane;
mod pending;
mod setup;

pub use core::{Call, Mesh, wall_clock};
pub use setup::{MeshConfig, MeshError, MeshParts, MeshPlan, Storage};

/// Requests that one core can have on their way to one other core.
pub const LANE_REQUESTS_MAX: usize = 4096;
/// Requests that one core can have open, long polls included.
pub const REQUESTS_OPEN_MAX: usize = 1 << 19;
