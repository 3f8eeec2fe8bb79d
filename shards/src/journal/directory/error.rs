//! Why a data directory can't be used, and what to do.

use crate::journal::JournalError;
use std::io;
use std::path::PathBuf;

/// Why a data directory can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// The file system says no.
    #[error("{path}: {error}")]
    Io {
        /// What was touched.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
    /// It can't be made.
    #[error("can't make the data directory {path}: {error}")]
    Make {
        /// The directory.
        path: PathBuf,
        /// What the file system said.
        error: io::Error,
    },
    /// Another process has it.
    #[error("{0} is in use by another lclq process")]
    InUse(PathBuf),
    /// There are files in it, but none that lclq made.
    #[error("{0} is not empty and not an lclq data directory")]
    Foreign(PathBuf),
    /// The manifest can't be understood.
    #[error("{path}: not a manifest this program understands ({reason})")]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// It was made with another number of shards.
    #[error(
        "{path} was made with {made} shards and can't be opened with {asked}; \
         leave --shards out, or give {made}"
    )]
    Shards {
        /// The directory.
        path: PathBuf,
        /// Shards it has.
        made: u16,
        /// Shards asked for.
        asked: u16,
    },
    /// Shards' files are there, and nothing that says how many there have to be.
    #[error(
        "{path} is missing, but there are {files} files of shards beside it. Put it back, or start \
         with --recover to make it anew: receipt handles that clients hold and deduplication ids \
         of the last minutes are void then"
    )]
    ManifestMissing {
        /// The manifest.
        path: PathBuf,
        /// Files of shards.
        files: usize,
    },
    /// No randomness for a new directory's secrets.
    #[error("no randomness from the system: {0}")]
    Random(String),
    /// A shard's file can't be opened, as it is damaged or not there.
    #[error(
        "{path}: {error}. Put back what was there, or start with --recover to go on with what can \
         be read"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: JournalError,
    },
    /// A shard's file can't be opened.
    #[error("{path}: {error}")]
    Shard {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: JournalError,
    },
}

impl DirectoryError {
    pub(super) fn of_shard(path: PathBuf, error: JournalError) -> Self {
        if error.can_be_recovered_from() {
            Self::Damaged { path, error }
        } else {
            Self::Shard { path, error }
        }
    }

    pub(super) fn io(path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Io { path, error }
    }
}
