//! Where messages are kept, as settings say it.

use super::forms::store_url;
use super::given::DurabilityArg;
use super::settings::{Settings, place};
use crate::mesh::Storage;
use lclq_shards::journal::Durability;
use lclq_stores::StoreSettings;
use std::time::Duration;

/// What settings say; or what is wrong with them, without a password.
pub(super) fn storage(settings: &Settings, recover: bool) -> Result<Storage, String> {
    let durability = match settings.durability {
        DurabilityArg::Full => Durability::Full,
        DurabilityArg::Normal => Durability::Normal,
    };
    if let Some(url) = &settings.store {
        let wrong = |error: String| format!("--store ({}): {error}", place("store"));
        store_url(url).map_err(|expected| wrong(format!("expected {expected}")))?;
        let found = StoreSettings::new(url, settings.shards);
        let found = found.map_err(|error| wrong(error.to_string()))?;
        let grace = Duration::from_millis(settings.store_grace_ms);
        return Ok(Storage::Store {
            settings: Box::new(found.with_grace(grace)),
            durability,
        });
    }
    Ok(match settings.data_dir.clone() {
        None => Storage::Memory,
        Some(path) => Storage::Sqlite {
            path,
            durability,
            recover,
        },
    })
}
