//! The regions that a server plays, as settings say it.

use super::settings::{Settings, place};
use crate::regions::{Map, read_latency};

/// What settings say; or what is wrong with them.
pub(super) fn regions(settings: &Settings) -> Result<Option<Map>, String> {
    let at = |key: &str| format!("--{key} ({})", place(key));
    let (names, latencies) = ("pubsub-regions", "pubsub-region-latency");
    if settings.pubsub_regions.is_empty() {
        return match settings.pubsub_region_latency.is_empty() {
            true => Ok(None),
            false => Err(format!(
                "{}: between which regions? Give them with {}",
                at(latencies),
                at(names)
            )),
        };
    }
    if settings.cluster {
        return Err(format!(
            "{}: the regions of a server are its own; leave it out, or start one server without --cluster \
             ({})",
            at(names),
            place("cluster")
        ));
    }
    let map = Map::new(&settings.pubsub_regions);
    let mut map = map.map_err(|error| format!("{}: {error}", at(names)))?;
    for text in &settings.pubsub_region_latency {
        let wrong = |error: String| format!("{}: {text}: {error}", at(latencies));
        let (between, ms) = read_latency(text).map_err(wrong)?;
        map.set_latency(&between, ms)
            .map_err(|error| wrong(error.to_string()))?;
    }
    Ok(Some(map))
}
