//! What one core's dialect has beside the shards: the way out to other servers, and compiled
//! schemas.

use super::deliverers::DeliveryHub;
use super::export::{BucketStore, StoreTarget};
use super::push::hops::HopBook;
use super::push::{CorePush, PushClient, PushConfig, PushSeen, PushSetupError};
use super::schema::SchemaCache;
use super::workbench::Workbench;
use std::sync::{Arc, Mutex};

/// What leaves the server, and how: one per process, cheap to clone.
#[derive(Clone)]
pub struct OutsidePlan {
    client: PushClient,
    push_seen: PushSeen,
    hub: DeliveryHub,
    hops: HopBook,
    store: Option<StoreTarget>,
    cores: usize,
}

impl OutsidePlan {
    /// Checks what can be checked before anything starts.
    pub fn new(
        push: PushConfig,
        store: Option<StoreTarget>,
        cores: usize,
    ) -> Result<Self, PushSetupError> {
        Ok(Self {
            client: PushClient::new(push)?,
            push_seen: PushSeen::default(),
            hub: DeliveryHub::new(cores),
            hops: HopBook::default(),
            store,
            cores,
        })
    }

    /// The calling core's part.
    pub fn on_core(&self) -> Outside {
        let push = self.client.on_core();
        Outside {
            hub: self.hub.clone(),
            hops: self.hops.clone(),
            store: self
                .store
                .clone()
                .map(|target| BucketStore::new(push.clone(), target)),
            push,
            push_seen: self.push_seen.clone(),
            schemas: Arc::default(),
            workbench: Workbench::new(),
            cores: self.cores,
        }
    }
}

/// One core's part.
pub struct Outside {
    pub(super) hub: DeliveryHub,
    pub(super) push: CorePush,
    /// What became of push requests.
    pub(super) push_seen: PushSeen,
    /// How often messages have been pushed before.
    pub(super) hops: HopBook,
    /// Where Cloud Storage subscriptions write, if anywhere.
    pub(super) store: Option<BucketStore>,
    pub(super) schemas: Arc<Mutex<SchemaCache>>,
    /// Where long work is done.
    pub(super) workbench: Workbench,
    /// Cores of the process, which share what is bounded for all of it.
    pub(super) cores: usize,
}
