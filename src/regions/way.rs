//! The way from one region to another.

use super::{Link, Regions};
use crate::runtime::sleep;
use futures_util::future::{Either, select};
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

/// From one region to another, as long as it is whatever happens to either. What lies between them is
/// looked up as it is needed, so that a change holds for what is under way.
#[derive(Clone, Debug)]
pub struct Way {
    regions: Regions,
    from: Box<str>,
    to: Box<str>,
}

/// Two regions are cut off from each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Where a request came in.
    pub from: Box<str>,
    /// Where it was to go.
    pub to: Box<str>,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} can't be reached from {}", self.to, self.from)
    }
}

impl Way {
    pub(super) fn new(regions: Regions, from: &str, to: &str) -> Self {
        Self {
            regions,
            from: from.into(),
            to: to.into(),
        }
    }

    fn link(&self) -> Link {
        let map = self.regions.map();
        map.map_or_else(Link::default, |map| map.between(&self.from, &self.to))
    }

    /// How long it takes at present.
    pub fn latency(&self) -> Duration {
        Duration::from_millis(self.link().latency_ms)
    }

    /// That nothing gets through, where it is so.
    ///
    /// # Errors
    /// Then.
    pub fn is_whole(&self) -> Result<(), Cut> {
        match self.link().is_cut {
            true => Err(self.broken()),
            false => Ok(()),
        }
    }

    fn broken(&self) -> Cut {
        Cut {
            from: self.from.clone(),
            to: self.to.clone(),
        }
    }

    /// Waits until nothing gets through.
    pub fn cut(&self) -> impl Future<Output = Cut> + use<> {
        let (way, mut changes) = (self.clone(), self.regions.watch());
        async move {
            loop {
                // Before it looks, so that no change is missed.
                changes.borrow_and_update();
                if let Err(cut) = way.is_whole() {
                    return cut;
                }
                if changes.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        }
    }

    /// Goes from one end to the other.
    ///
    /// # Errors
    /// Where it is cut, before or meanwhile: nothing arrives then.
    pub async fn cross(&self) -> Result<(), Cut> {
        self.is_whole()?;
        let latency = self.latency();
        if latency.is_zero() {
            return Ok(());
        }
        self.unless_cut(sleep(latency)).await
    }

    /// Has something done at the other end for somebody who waits at this one.
    ///
    /// # Errors
    /// Where the way is cut meanwhile: nobody learns how far it had got.
    pub async fn unless_cut<F: Future>(&self, run: F) -> Result<F::Output, Cut> {
        match select(pin!(self.cut()), pin!(run)).await {
            Either::Left((cut, _)) => Err(cut),
            Either::Right((output, _)) => Ok(output),
        }
    }
}
