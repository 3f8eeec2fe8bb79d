//! Regions that one server plays: how far they are from each other, and which are cut off.
//!
//! A request comes in by a region, which the name that the server was called by tells. What it is about
//! is kept in one. Between the two lies a [`Way`]. A dialect asks in its one place where a request has
//! been understood, and only while there are regions.

mod entered;
mod host;
mod map;
mod way;

pub use entered::{entered, entering};
pub use host::{NoSuchRegion, region_of};
pub use map::{LATENCY_MS_MAX, Link, Map, MapError, REGIONS_MAX, read_latency};
pub use way::{Cut, Way};

use crate::http::Watched;
use crate::interceptors::reason;
use std::sync::{Arc, OnceLock};
use tokio::sync::watch;

/// The regions of a process; clones are the same ones.
#[derive(Clone, Debug, Default)]
pub struct Regions(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    watched: Watched,
    map: watch::Sender<Option<Arc<Map>>>,
    /// What the server was started with.
    at_start: OnceLock<Map>,
}

impl Regions {
    /// None; while there are any, requests are watched.
    pub fn watching(watched: Watched) -> Self {
        Self(Arc::new(Shared {
            watched,
            ..Shared::default()
        }))
    }

    /// Those that there are, if there are any.
    pub fn map(&self) -> Option<Arc<Map>> {
        self.0.map.borrow().clone()
    }

    /// Sets those that the server starts with.
    pub fn start_with(&self, map: Map) {
        let map = self.0.at_start.get_or_init(|| map);
        self.set(Some(map.clone()));
    }

    /// Sets them, in place of all that there were.
    pub fn set(&self, map: Option<Map>) {
        self.0.watched.set(reason::REGIONS, map.is_some());
        self.0.map.send_replace(map.map(Arc::new));
    }

    /// Changes what lies between them.
    ///
    /// # Errors
    /// What is wrong with the change, of which nothing is kept then; or that there are no regions.
    pub fn change(
        &self,
        change: impl FnOnce(&mut Map) -> Result<(), MapError>,
    ) -> Result<(), MapError> {
        let mut outcome = Err(MapError::off());
        self.0.map.send_if_modified(|current| {
            let Some(map) = current else {
                return false;
            };
            let mut changed = Map::clone(map);
            outcome = change(&mut changed);
            if outcome.is_ok() {
                *map = Arc::new(changed);
            }
            outcome.is_ok()
        });
        outcome
    }

    /// Brings back what the server was started with; whether that is anything else.
    pub fn begin_anew(&self) -> bool {
        let at_start = self.0.at_start.get();
        let differs = self.map().as_deref() != at_start;
        if differs {
            self.set(at_start.cloned());
        }
        differs
    }

    /// Whether they are as the server was started with.
    pub fn are_as_started(&self) -> bool {
        self.map().as_deref() == self.0.at_start.get()
    }

    /// The way from one to another.
    pub fn way(&self, from: &str, to: &str) -> Way {
        Way::new(self.clone(), from, to)
    }

    fn watch(&self) -> watch::Receiver<Option<Arc<Map>>> {
        self.0.map.subscribe()
    }
}

#[cfg(test)]
mod tests;
