//! The scripts. Each is one step, whatever else the server does.

/// Adds a record.
pub(super) const APPEND: &str = include_str!("scripts/append.lua");
/// Answers the last record.
pub(super) const TAIL: &str = include_str!("scripts/tail.lua");
/// Answers records.
pub(super) const READ: &str = include_str!("scripts/read.lua");
/// Drops records, some positions at a time.
pub(super) const TRIM: &str = include_str!("scripts/trim.lua");
/// Makes a log.
pub(super) const BEGIN: &str = include_str!("scripts/begin.lua");
/// Makes what all servers have in common, or finds it made.
pub(super) const MAKE: &str = include_str!("scripts/make.lua");
/// Takes the store for one server.
pub(super) const CLAIM: &str = include_str!("scripts/claim.lua");

/// Says what one node runs, and answers who is there.
pub(super) const BEAT: &str = include_str!("scripts/beat.lua");
/// Keeps what somebody wants of the cluster.
pub(super) const WISH: &str = include_str!("scripts/wish.lua");

/// Names of the scripts that a log needs, as one server has them.
pub(super) struct Loaded {
    pub append: String,
    pub tail: String,
    pub read: String,
    pub trim: String,
}
