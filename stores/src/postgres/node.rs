//! One process's way to a database.

use super::PostgresError;
use super::database::Database;
use super::risks::Risk;
use super::settings::PostgresSettings;
use crate::remote::{self, Node, NodeStore, Owner, ReadError, RemoteLog, Surroundings, Wake};
use lclq_shards::journal::{Journal, JournalSetup, LogRecord, Secrets, Store, StoreError};
use std::io;
use std::sync::Arc;

/// One process's way to a database. Its thread ends once this and all logs from it are dropped.
pub struct PostgresNode(Node<Database>);

impl PostgresNode {
    /// Connects, makes the schema if it isn't there or is an older version's, and starts the thread.
    /// Waits for the database, up to 30 s.
    ///
    /// # Errors
    ///
    /// If the database can't be reached, is a later version's or was made for another number of shards,
    /// or if its user may not do what docs/stores.md lists.
    pub fn start(
        settings: PostgresSettings,
        surroundings: Surroundings,
    ) -> Result<Self, PostgresError> {
        start(settings, surroundings, None).map(Self)
    }

    /// The log of a shard. `wake` is called on the node's thread whenever [`RemoteLog`] has an answer
    /// to be polled; it must not block. Connections are made as they are needed: while the database
    /// can't be reached, requests wait, and are then answered that nobody knows.
    ///
    /// # Errors
    ///
    /// If there is no such shard, or the thread can't take it up.
    pub fn open(&self, shard: u16, wake: Wake) -> Result<RemoteLog, PostgresError> {
        let shards = self.0.backend().cluster().shards;
        if shard >= shards {
            return Err(PostgresError::NoSuchShard { shard, shards });
        }
        self.0.open(shard, wake).ok_or(PostgresError::Busy)
    }

    /// Shards of the database.
    pub fn shards(&self) -> u16 {
        self.0.backend().cluster().shards
    }

    /// Visits the records of a shard's log from a position on, whoever owns it. Blocks.
    ///
    /// # Errors
    ///
    /// If the database says no or takes too long, or whoever takes the records can't go on.
    pub fn read(
        &self,
        shard: u16,
        from: u64,
        each: &mut dyn FnMut(&LogRecord) -> io::Result<()>,
    ) -> Result<(), ReadError> {
        remote::read(|wake| self.0.open(shard, wake), from, each)
    }

    /// Settings with which acknowledged records can be lost, of all servers that were connected to so
    /// far.
    pub fn risks(&self) -> Vec<Risk> {
        self.0.backend().risks()
    }
}

/// The journals of all shards of a server, in a database that no other server uses meanwhile.
pub struct PostgresStore(NodeStore<Database>);

impl PostgresStore {
    /// Like [`PostgresNode::start`], and waits some seconds for a server that has the database to be gone.
    ///
    /// # Errors
    ///
    /// As there, or if another server has the database and keeps it.
    pub fn start(
        settings: PostgresSettings,
        surroundings: Surroundings,
    ) -> Result<Self, PostgresError> {
        let owner = Owner::this();
        let node = start(settings, surroundings, Some(owner.clone()))?;
        let cluster = node.backend().cluster();
        Ok(Self(NodeStore::new(
            node,
            owner,
            cluster.shards,
            cluster.secrets,
        )))
    }

    /// As [`PostgresNode::risks`].
    pub fn risks(&self) -> Vec<Risk> {
        self.0.node().backend().risks()
    }
}

impl Store for PostgresStore {
    fn shards(&self) -> u16 {
        self.0.shards()
    }

    fn secrets(&self) -> Secrets {
        self.0.secrets()
    }

    fn open_shard(&self, shard: u16, setup: JournalSetup) -> Result<Box<dyn Journal>, StoreError> {
        self.0.open_shard(shard, setup)
    }
}

fn start(
    settings: PostgresSettings,
    surroundings: Surroundings,
    alone: Option<Owner>,
) -> Result<Node<Database>, PostgresError> {
    let Surroundings { prepare, notice } = surroundings;
    let grace = settings.grace();
    let database = Database::new(settings, notice, alone)?;
    Node::start(Arc::new(database), prepare, grace)
}
