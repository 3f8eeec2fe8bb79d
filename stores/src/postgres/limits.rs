//! Bounds of what one process asks of a database, and how long it waits.

use std::time::Duration;

/// Requests of one shard that are asked or answered and not yet polled. More than a journal ever has:
/// a window of records, a trim and a read.
pub(super) const REQUESTS_MAX: usize = 64;
/// Logs that wait for the thread to take them up.
pub(super) const OPENS_WAITING_MAX: usize = 4_096;
/// What a statement may take, by the server's clock.
pub(super) const STATEMENT_MS: u64 = 10_000;
/// What a statement may take, by ours. The server doesn't end a commit that waits for a standby, nor
/// does one that was stopped end anything.
pub(super) const STATEMENT_WAIT: Duration = Duration::from_millis(STATEMENT_MS + 2_000);
/// How long a request waits for a connection before it is answered that nobody knows.
pub(super) const CONNECTION_WAIT: Duration = Duration::from_millis(5_000);
/// What reaching one host may take, where the settings don't say.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_millis(3_000);
/// What each step of connecting may take, with every host that there is.
pub(super) const CONNECT_WAIT: Duration = Duration::from_millis(15_000);
/// The first pause before a connection is made anew; each further one is twice as long.
pub(super) const RECONNECT_PAUSE_MIN: Duration = Duration::from_millis(20);
/// The longest pause, but for the part that keeps shards from coming all at once.
pub(super) const RECONNECT_PAUSE_MAX: Duration = Duration::from_millis(1_000);
/// Silence after which the other end is asked whether it is there.
pub(super) const KEEPALIVE_IDLE: Duration = Duration::from_millis(3_000);
/// Between two such questions.
pub(super) const KEEPALIVE_INTERVAL: Duration = Duration::from_millis(1_000);
/// Such questions without an answer that end a connection.
pub(super) const KEEPALIVE_RETRIES: u32 = 3;
/// What was sent and isn't acknowledged by the other end's kernel for so long ends a connection.
pub(super) const UNACKNOWLEDGED_WAIT: Duration = Duration::from_millis(3_000);
/// What making the schema may take before a node gives up: another may be at it.
pub(super) const START_WAIT: Duration = Duration::from_millis(30_000);
/// Records that one statement reads.
pub(super) const READ_ROWS_MAX: i64 = 4_096;
/// Positions that one statement of a trim goes over, so that appends get in between.
pub(super) const TRIM_POSITIONS_MAX: i64 = 256;
/// A further append goes out no sooner after the last than this part of a round trip.
pub(super) const APPENDS_PER_ROUND_TRIP_MAX: u32 = 4;
/// Weight of the latest round trip in their mean: one in so many.
pub(super) const ROUND_TRIP_WEIGHT: u64 = 8;
