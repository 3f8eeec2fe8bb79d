//! One process's way to a store.

use crate::remote::{
    self, AnyNode, Membership, NodeStore, Owner, ReadError, RemoteLog, Surroundings, Usage, Wake,
};
use crate::{NodeError, Risk, StoreSettings, postgres, redis};
use lclq_shards::journal::{Journal, JournalSetup, LogRecord, Secrets, Store, StoreError};
use std::io;

/// One process's way to a store. Its thread ends once this and all logs from it are dropped.
pub struct StoreNode(Box<dyn AnyNode>);

impl StoreNode {
    /// Connects, makes what logs are kept in if it isn't there or is an older version's, and starts the
    /// thread. Waits for the store, up to 30 s.
    ///
    /// # Errors
    ///
    /// If the store can't be reached, is a later version's or was made for another number of shards, or
    /// if its user may not do what docs/stores.md lists.
    pub fn start(
        settings: impl Into<StoreSettings>,
        surroundings: Surroundings,
    ) -> Result<Self, NodeError> {
        start(settings.into(), surroundings, Usage::Beside).map(Self)
    }

    /// The log of a shard. `wake` is called on the node's thread whenever [`RemoteLog`] has an answer
    /// to be polled; it must not block. Connections are made as they are needed: while the store can't
    /// be reached, requests wait, and are then answered that nobody knows.
    ///
    /// # Errors
    ///
    /// If there is no such shard, or the thread can't take it up.
    pub fn open(&self, shard: u16, wake: Wake) -> Result<RemoteLog, NodeError> {
        let shards = self.shards();
        if shard >= shards {
            return Err(NodeError::NoSuchShard { shard, shards });
        }
        self.0.open(shard, wake).ok_or(NodeError::Busy)
    }

    /// Shards of the store.
    pub fn shards(&self) -> u16 {
        self.0.facts().common().shards
    }

    /// Visits the records of a shard's log from a position on, whoever owns it. Blocks.
    ///
    /// # Errors
    ///
    /// If the store says no or takes too long, or whoever takes the records can't go on.
    pub fn read(
        &self,
        shard: u16,
        from: u64,
        each: &mut dyn FnMut(&LogRecord) -> io::Result<()>,
    ) -> Result<(), ReadError> {
        remote::read(|wake| self.0.open(shard, wake), from, each)
    }

    /// Who is there, where several servers use the store together.
    pub fn membership(&self) -> &Membership {
        self.0.membership()
    }

    /// Settings with which acknowledged records can be lost, of all servers that were connected to so
    /// far.
    pub fn risks(&self) -> Vec<Risk> {
        self.0.facts().risks()
    }
}

/// The journals of a server's shards, in a store that no other server uses meanwhile, or only others of its
/// cluster.
pub struct StoreJournals(NodeStore);

impl StoreJournals {
    /// Like [`StoreNode::start`], and waits some seconds for a server that has the store to be gone.
    ///
    /// # Errors
    ///
    /// As there, or if another server has the store and keeps it.
    pub fn start(settings: StoreSettings, surroundings: Surroundings) -> Result<Self, NodeError> {
        let owner = Owner::this();
        let node = start(settings, surroundings, Usage::Alone(owner.clone()))?;
        Ok(Self(NodeStore::new(node, owner, true)))
    }

    /// The same for a server that uses the store together with others, each of which runs a part of the
    /// shards.
    ///
    /// # Errors
    ///
    /// As there, or if a server has the store for itself and keeps it.
    pub fn join(settings: StoreSettings, surroundings: Surroundings) -> Result<Self, NodeError> {
        let owner = Owner::this();
        let node = start(settings, surroundings, Usage::Together(owner.clone()))?;
        Ok(Self(NodeStore::new(node, owner, false)))
    }

    /// Who is there.
    pub fn membership(&self) -> &Membership {
        self.0.membership()
    }

    /// As [`StoreNode::risks`].
    pub fn risks(&self) -> Vec<Risk> {
        self.0.risks()
    }
}

impl Store for StoreJournals {
    fn shards(&self) -> u16 {
        self.0.shards()
    }

    fn secrets(&self) -> Secrets {
        self.0.secrets()
    }

    fn open_shard(
        &self,
        shard: u16,
        setup: JournalSetup,
    ) -> Result<Box<dyn Journal + Send>, StoreError> {
        self.0.open_shard(shard, setup)
    }
}

fn start(
    settings: StoreSettings,
    surroundings: Surroundings,
    usage: Usage,
) -> Result<Box<dyn AnyNode>, NodeError> {
    match settings {
        StoreSettings::Postgres(settings) => postgres::start(settings, surroundings, usage),
        StoreSettings::Redis(settings) => redis::start(settings, surroundings, usage),
    }
}
