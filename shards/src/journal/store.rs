//! What gives shards their journals.

use super::{Finding, Journal, JournalFigures};
use std::error::Error;
use std::sync::Arc;

/// Why a store can't give what was asked, in its own words.
pub type StoreError = Box<dyn Error + Send + Sync>;

/// Secrets that a store keeps for as long as what it stores.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Secrets {
    /// Signs receipt handles.
    pub receipt: [u8; 32],
    /// Under it the engine hashes what clients choose.
    pub engine: [u8; 16],
}

/// How a journal fits into the process that runs it.
pub struct JournalSetup {
    /// A thread that the journal starts calls this before anything else.
    pub prepare: Box<dyn FnOnce() + Send>,
    /// Called from any thread after each completion.
    pub wake: Box<dyn Fn() + Send + Sync>,
    /// Told what the journal finds out; it must not block.
    pub found: Box<dyn Fn(Finding) + Send>,
    /// Where the journal counts what it does; one thread of it writes there.
    pub figures: Arc<JournalFigures>,
}

/// What keeps the shards of one server, or of several. It is owned, so that nobody else writes to it,
/// for as long as the value lives.
pub trait Store: Send + Sync {
    /// Number of shards, fixed when the store was made.
    fn shards(&self) -> u16;

    /// The store's secrets.
    fn secrets(&self) -> Secrets;

    /// The journal of one shard, in a new epoch. May block.
    fn open_shard(
        &self,
        shard: u16,
        setup: JournalSetup,
    ) -> Result<Box<dyn Journal + Send>, StoreError>;
}
