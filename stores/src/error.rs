//! Why a node can't use a store.

/// Why a node can't use a store.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The URL or another setting can't be used.
    #[error("{0}")]
    Settings(String),
    /// The system refuses a thread or its reactor.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The store says no; in its words.
    #[error("the store says: {0}")]
    Store(String),
    /// No connection can be made.
    #[error("{place} can't be reached: {words}")]
    Unreachable {
        /// Where it is, for people.
        place: String,
        /// In the client's or the store's words.
        words: Box<str>,
    },
    /// Another server has it.
    #[error("{place} is in use by {holder}")]
    InUse {
        /// Where it is, for people.
        place: String,
        /// Who has it, in its own words.
        holder: String,
    },
    /// There is nothing of this version, and it shall not be made.
    #[error("{0} has no logs of this version of lclq")]
    NotMade(String),
    /// No randomness for secrets.
    #[error("no randomness from the system: {0}")]
    Random(getrandom::Error),
    /// It took too long.
    #[error("the store took more than {0} s to answer")]
    Late(u64),
    /// Written by a later version.
    #[error(
        "format {found} of the store is newer than this program knows ({known}); use a newer lclq"
    )]
    FromTheFuture {
        /// In the store.
        found: i32,
        /// Highest known.
        known: i32,
    },
    /// The store has another number of shards.
    #[error("the store was made for {found} shards, not for {asked}")]
    Shards {
        /// In the store.
        found: i32,
        /// In the settings.
        asked: u16,
    },
    /// There is no such shard.
    #[error("there are {shards} shards, and no shard {shard}")]
    NoSuchShard {
        /// What was asked for.
        shard: u16,
        /// How many there are.
        shards: u16,
    },
    /// More logs are opened at once than the node takes up, or its thread is gone.
    #[error("the node opens no more logs now")]
    Busy,
}
