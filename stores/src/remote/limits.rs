//! Bounds of what one process asks of a store, and how long it waits.

use std::time::Duration;

/// Requests of one shard that are asked or answered and not yet polled. More than a journal ever has:
/// a window of records, a trim and a read.
pub(super) const REQUESTS_MAX: usize = 64;
/// Logs that wait for the thread to take them up.
pub(super) const OPENS_WAITING_MAX: usize = 4_096;
/// How long a request waits for a connection before it is answered that nobody knows.
pub(super) const CONNECTION_WAIT: Duration = Duration::from_millis(5_000);
/// The first pause before a connection is made anew; each further one is twice as long.
pub(super) const RECONNECT_PAUSE_MIN: Duration = Duration::from_millis(20);
/// The longest pause, but for the part that keeps shards from coming all at once.
pub(crate) const RECONNECT_PAUSE_MAX: Duration = Duration::from_millis(1_000);
/// Silence after which the other end of a connection is asked whether it is there.
pub(crate) const KEEPALIVE_IDLE: Duration = Duration::from_millis(3_000);
/// Between two such questions.
pub(crate) const KEEPALIVE_INTERVAL: Duration = Duration::from_millis(1_000);
/// Such questions without an answer that end a connection.
pub(crate) const KEEPALIVE_RETRIES: u32 = 3;
/// What was sent and isn't acknowledged by the other end's kernel for so long ends a connection.
pub(crate) const UNACKNOWLEDGED_WAIT: Duration = Duration::from_millis(3_000);
/// Before an answer is handed on that is the store's refusal to do anything.
pub(super) const REFUSED_PAUSE: Duration = Duration::from_millis(100);
/// What making the schema, or finding it made, may take before a node gives up.
pub(super) const START_WAIT: Duration = Duration::from_millis(30_000);
/// How long a node waits at its start for the one before it to be gone: longer than a store takes to
/// notice that a machine has vanished.
pub(super) const SUCCESSION_WAIT: Duration = Duration::from_millis(9_000);
/// What one sign of life may take, a new connection included.
pub(super) const BEAT_WAIT: Duration = Duration::from_millis(3_000);
/// Signs of life that wait for the thread.
pub(super) const BEATS_WAITING_MAX: usize = 16;
/// Time after its last sign of life for which a node is remembered.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(3_600);
/// What taking one shard over may take without the log giving a sign of life.
pub(super) const TAKE_OVER_WAIT: Duration = Duration::from_millis(30_000);
/// A further append goes out no sooner after the last than this part of a round trip.
pub(super) const APPENDS_PER_ROUND_TRIP_MAX: u32 = 4;
/// Weight of the latest round trip in their mean: one in so many.
pub(super) const ROUND_TRIP_WEIGHT: u64 = 8;
/// Bytes of acknowledged records that all shards of a node keep, to send them again to a store that has
/// lost its tail.
pub(super) const RING_BYTES_MAX: usize = 64 << 20;
/// Acknowledged records that they keep.
pub(super) const RING_RECORDS_MAX: usize = 1 << 16;
