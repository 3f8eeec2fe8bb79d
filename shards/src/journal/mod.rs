//! The journal: what a shard keeps so that a restart finds it again.
//!
//! The seam is narrow on purpose: [`Journal::load`] hands the kept state back, [`Journal::commit`]
//! takes one batch, [`Journal::poll`] says what became of it. Nothing above knows what stores the
//! batches. A commit carries the shard's epoch, so that a store that several servers share could
//! refuse an owner that has been replaced.

pub mod codec;
mod directory;
mod figures;
#[cfg(test)]
mod golden_records;
mod kept;
mod log;
mod private_files;
mod sqlite;
mod store;
mod writer;

pub use directory::{DataDirectory, DirectoryError, Recovery};
pub use figures::{JournalFigures, JournalsSeen, LogFigures};
pub use kept::{Kept, UsedTwice};
pub use log::{
    Answer, Append, Claim, LogJournal, LogLimits, LogRecord, LogStore, Place, TakeOver, Taking,
    Ticket,
};
pub use sqlite::{DamagedRow, Durability, FileOwner, SqliteFile};
pub use store::{JournalSetup, Secrets, Store, StoreError};
pub use writer::SqliteJournal;

pub use crate::records::{MessageRecord, NEVER_HAD, Op, PublishedRecord, QueueRecord};

use std::path::PathBuf;

/// Changes that become durable together.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Batch {
    /// Counts up by one from 1 in each run of the shard.
    pub number: u64,
    /// The changes in order.
    pub ops: Vec<Op>,
}

/// Why a journal could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// What keeps the changes says no; in its words.
    #[error("{0}")]
    Store(String),
    /// The file system says no.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// A file that has to be there isn't.
    #[error("the file is missing")]
    Missing,
    /// A file that was written has nothing in it.
    #[error("the file is empty")]
    Empty,
    /// Written by a later version.
    #[error("schema version {found} is newer than this program knows ({known}); use a newer lclq")]
    FromTheFuture {
        /// In the file.
        found: i64,
        /// Highest known.
        known: i64,
    },
    /// What is kept belongs elsewhere.
    #[error("{0}")]
    Foreign(String),
    /// The file holds what this program can't have written.
    #[error("{0}")]
    Corrupt(String),
    /// The file's pages don't hang together.
    #[error("the file is damaged: {0}")]
    DamagedPages(String),
    /// A row without which others mean nothing is not what was written.
    #[error("a definition is damaged: {0}")]
    DamagedDefinition(String),
    /// The file was not closed, and the log with its last commits isn't there.
    #[error("the write-ahead log {} is missing, and with it what was committed last", .0.display())]
    LogMissing(PathBuf),
    /// The log is damaged before its end.
    #[error("the write-ahead log {} is damaged, and {commits} commits behind that can't be read", path.display())]
    LogDamaged {
        /// The log.
        path: PathBuf,
        /// Commits that are lost with it.
        commits: u64,
    },
    /// A file was deleted, or replaced by another, while it was in use.
    #[error("{} was deleted or replaced while it was in use; nothing more is written", .0.display())]
    Gone(PathBuf),
}

impl JournalError {
    /// Whether it can be gone on from, with less than there was; see [`Recovery`].
    pub fn can_be_recovered_from(&self) -> bool {
        matches!(
            self,
            Self::Missing
                | Self::Empty
                | Self::Corrupt(_)
                | Self::DamagedPages(_)
                | Self::DamagedDefinition(_)
                | Self::LogMissing(_)
                | Self::LogDamaged { .. }
        )
    }
}

/// What became of a batch.
#[derive(Debug)]
pub enum Completion {
    /// Durable.
    Committed(u64),
    /// Not durable. The journal keeps the batch and tries again; `Committed` follows once it is.
    Failed(u64, JournalError),
    /// The shard has another owner: neither this batch nor any later one of this owner is kept.
    Fenced {
        /// Epoch of the other owner.
        epoch: u64,
    },
}

/// What a journal finds out by itself, for those who run it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Finding {
    /// A row's checksum did not fit as the state was loaded: it was set aside.
    SetAside(DamagedRow),
    /// A row's checksum did not fit as it was looked at again; memory still has what was in it.
    Damaged(DamagedRow),
    /// What was done about damage as [`Recovery`] allows, in words.
    Recovered(String),
}

/// What a batch carries along of the kept state, beside its changes.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Carried {
    /// Pieces of it as they are after the batch's changes.
    pub pieces: Vec<Op>,
    /// With these all has been carried that was there when the first were.
    pub is_round: bool,
}

/// Keeps one shard's changes.
pub trait Journal {
    /// Visits the kept state as changes that would produce it: `Reserve` first, then queues,
    /// messages in order of sequence number, who has them, and the rest of queues; then topics, subscriptions,
    /// schemas, published messages in order, and deliveries. Answers the shard's epoch.
    fn load(&mut self, visit: &mut dyn FnMut(Op)) -> Result<u64, JournalError>;

    /// Starts to commit a batch. The caller waits for its completion before it sends the next, unless
    /// there is [`Journal::room`].
    fn commit(&mut self, epoch: u64, batch: Batch);

    /// The next completion, if there is one. Batches are committed in their order.
    fn poll(&mut self) -> Option<Completion>;

    /// Whether a batch may be sent while others are under way.
    fn room(&self) -> bool {
        false
    }

    /// Whether the shard's next owner may be another machine that doesn't know when this one ends. Then
    /// nothing is given out for somebody alone (messages of FIFO queues, deliveries under exactly-once)
    /// before it is durable, and leases are kept: they go on under the next owner.
    fn holds_exclusive_receives(&self) -> bool {
        false
    }

    /// Bytes of the kept state that a batch of these changes should carry along; 0 for none. All that
    /// is kept takes about `kept_bytes`.
    fn lap_bytes(&self, changes: &[Op], kept_bytes: u64) -> usize {
        let _ = (changes, kept_bytes);
        0
    }

    /// Like [`Journal::commit`], with what the batch carries along because [`Journal::lap_bytes`] said
    /// so.
    fn commit_carrying(&mut self, epoch: u64, batch: Batch, carried: Carried) {
        debug_assert!(carried.pieces.is_empty(), "nobody has asked for it");
        self.commit(epoch, batch);
    }
}
