//! Tells the core of a subscription that it was made or changed.

use crate::runtime::Doorbell;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// One per process; clones are cheap.
#[derive(Clone)]
pub struct DeliveryHub {
    cores: Arc<[Mailbox]>,
}

/// Names of subscriptions that one core has to look at. A name stands there once however often it
/// changes, so it is bounded by the subscriptions.
#[derive(Default)]
struct Mailbox {
    names: Mutex<BTreeSet<Box<str>>>,
    bell: OnceLock<Doorbell>,
}

impl DeliveryHub {
    /// For so many cores.
    pub fn new(cores: usize) -> Self {
        Self {
            cores: (0..cores).map(|_| Mailbox::default()).collect(),
        }
    }

    /// A subscription of a shard of `core` was made or changed.
    pub(in crate::pubsub) fn notify(&self, core: usize, name: &str) {
        let mailbox = &self.cores[core];
        let mut names = mailbox.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.insert(name.into());
        drop(names);
        if let Some(bell) = mailbox.bell.get() {
            bell.ring();
        }
    }

    /// The bell that rings when `core` has something to look at.
    pub(super) fn attach(&self, core: usize, bell: Doorbell) {
        let _ = self.cores[core].bell.set(bell);
    }

    /// What `core` has to look at.
    pub(super) fn take(&self, core: usize) -> BTreeSet<Box<str>> {
        let mut names = self.cores[core]
            .names
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *names)
    }
}
