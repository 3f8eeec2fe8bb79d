//! A store as the server knows it: shards' journals out of the logs that a node serves.

use super::common::Common;
use super::limits::{RING_BYTES_MAX, RING_RECORDS_MAX};
use super::log::{RemoteLog, Wake};
use super::membership::Membership;
use super::node::AnyNode;
use super::opening::{Opening, Prepared};
use super::owner::Owner;
use crate::Risk;
use lclq_shards::journal::{Journal, JournalSetup, LogLimits, Secrets, Store, StoreError};
use std::sync::{Mutex, PoisonError};

/// The journals of all shards, over one node.
pub(crate) struct NodeStore {
    node: Box<dyn AnyNode>,
    owner: Owner,
    common: Common,
    /// Logs by shard whose connections are made all at once, until each is opened.
    prepared: Mutex<Vec<Option<Prepared>>>,
}

impl NodeStore {
    /// With `prepares`, it is going to open all of them, soon.
    pub fn new(node: Box<dyn AnyNode>, owner: Owner, prepares: bool) -> Self {
        let common = node.facts().common();
        let prepare = |shard| {
            let prepared = prepares.then(|| Prepared::new(|wake| node.open(shard, wake)));
            prepared.flatten()
        };
        let prepared = (0..common.shards).map(prepare).collect();
        Self {
            prepared: Mutex::new(prepared),
            node,
            owner,
            common,
        }
    }

    pub fn membership(&self) -> &Membership {
        self.node.membership()
    }

    pub fn risks(&self) -> Vec<Risk> {
        self.node.facts().risks()
    }

    fn limits(&self) -> LogLimits {
        let shards = usize::from(self.common.shards).max(1);
        LogLimits {
            ring_bytes_max: RING_BYTES_MAX / shards,
            ring_records_max: RING_RECORDS_MAX / shards,
            // The log says itself when clients have waited for long enough.
            doubts_max: u32::MAX,
            ..LogLimits::default()
        }
    }
}

impl Store for NodeStore {
    fn shards(&self) -> u16 {
        self.common.shards
    }

    fn secrets(&self) -> Secrets {
        self.common.secrets
    }

    fn open_shard(
        &self,
        shard: u16,
        setup: JournalSetup,
    ) -> Result<Box<dyn Journal + Send>, StoreError> {
        let JournalSetup { wake, figures, .. } = setup;
        let prepared = {
            let mut prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
            let place = prepared.get_mut(usize::from(shard));
            place.and_then(Option::take)
        };
        let open = |wake: Wake| -> Option<RemoteLog> { self.node.open(shard, wake) };
        let owner = self.owner.to_string();
        let opened = Opening::begin(open, prepared, &owner, self.limits(), wake)
            .and_then(|opening| opening.wait(figures));
        let journal = opened.map_err(|error| format!("shard {shard} of the store: {error}"))?;
        Ok(Box::new(journal))
    }
}
