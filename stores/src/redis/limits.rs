//! Bounds of what one process asks of Redis, and how long it waits.

use std::time::Duration;

/// The longest time for which the answer to one script is waited for. A trim is several.
pub(super) const ANSWER_WAIT: Duration = Duration::from_millis(12_000);
/// What a connection and each step of making it ready may take.
pub(super) const CONNECT_WAIT: Duration = Duration::from_millis(3_000);
/// What replicas may take to say that they have a record.
pub(super) const REPLICAS_WAIT_MS: u64 = 1_000;
/// Servers of a cluster that are asked for the way to a key.
pub(super) const REDIRECTS_MAX: usize = 4;
/// Requests that wait to be written: more than a log has open.
pub(super) const REQUESTS_WAITING_MAX: usize = 128;
/// Records that one script reads.
pub(super) const READ_RECORDS_MAX: u64 = 4_096;
/// Positions that one script of a trim goes over, so that appends get in between.
pub(super) const TRIM_POSITIONS_MAX: u64 = 256;
/// How long a server has the store without saying so again.
pub(super) const LEASE_MS: u64 = 5_000;
/// Between two times that it says so.
pub(super) const RENEWAL_PAUSE: Duration = Duration::from_millis(1_000);
