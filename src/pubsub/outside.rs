//! What one core's dialect has beside the shards: the way out to other servers, and compiled
//! schemas.

use super::deliverers::DeliveryHub;
use super::export::{BucketStore, StoreTarget};
use super::push::{CorePush, PushClient, PushConfig, PushSetupError};
use super::schema::SchemaCache;
use std::cell::RefCell;

/// What leaves the server, and how: one per process, cheap to clone.
#[derive(Clone)]
pub struct OutsidePlan {
    client: PushClient,
    hub: DeliveryHub,
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
            hub: DeliveryHub::new(cores),
            store,
            cores,
        })
    }

    /// The calling core's part.
    pub fn on_core(&self) -> Outside {
        let push = self.client.on_core();
        Outside {
            hub: self.hub.clone(),
            store: self
                .store
                .clone()
                .map(|target| BucketStore::new(push.clone(), target)),
            push,
            schemas: RefCell::default(),
            cores: self.cores,
        }
    }
}

/// One core's part.
pub struct Outside {
    pub(super) hub: DeliveryHub,
    pub(super) push: CorePush,
    /// Where Cloud Storage subscriptions write, if anywhere.
    pub(super) store: Option<BucketStore>,
    pub(super) schemas: RefCell<SchemaCache>,
    /// Cores of the process, which share what is bounded for all of it.
    pub(super) cores: usize,
}
