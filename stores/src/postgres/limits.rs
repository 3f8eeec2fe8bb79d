//! Bounds of what one process asks of a database, and how long it waits.

use std::time::Duration;

/// What a statement may take, by the server's clock.
pub(super) const STATEMENT_MS: u64 = 10_000;
/// What a statement may take, by ours. The server doesn't end a commit that waits for a standby, nor
/// does one that was stopped end anything.
pub(super) const STATEMENT_WAIT: Duration = Duration::from_millis(STATEMENT_MS + 2_000);
/// What reaching one host may take, where the settings don't say.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_millis(3_000);
/// What each step of connecting may take, with every host that there is.
pub(super) const CONNECT_WAIT: Duration = Duration::from_millis(15_000);
/// Records that one statement reads.
pub(super) const READ_ROWS_MAX: i64 = 4_096;
/// Positions that one statement of a trim goes over, so that appends get in between.
pub(super) const TRIM_POSITIONS_MAX: i64 = 256;
