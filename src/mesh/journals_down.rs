//! Journals that can't be written, as health checks ask for them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Shards of all cores whose journals can't write at the moment, and why.
#[derive(Default)]
pub(super) struct JournalsDown(Mutex<BTreeMap<u16, String>>);

impl JournalsDown {
    pub fn note(&self, shard: u16, reason: Option<&str>) {
        let mut down = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match reason {
            Some(reason) => {
                tracing::error!(shard, reason, "can't write the journal; refusing changes");
                down.insert(shard, reason.to_owned());
            }
            None => {
                tracing::info!(shard, "the journal is written again");
                down.remove(&shard);
            }
        }
    }

    /// Somebody else has the shard.
    pub fn forget(&self, shard: u16) {
        let mut down = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        down.remove(&shard);
    }

    pub fn any(&self) -> Option<String> {
        let down = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (shard, reason) = down.first_key_value()?;
        Some(format!("shard {shard}: {reason}"))
    }
}
