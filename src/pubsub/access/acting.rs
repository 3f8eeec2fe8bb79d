//! For whom a call is carried out, where that has a say. It is known to all that the call's task does,
//! without being handed from function to function.

use super::super::error::{PubsubResult, over_quota};
use crate::bearer::Identity;
use crate::interceptors::{About, Interceptors, Refusal, carried, carrying};
use crate::net::Peer;
use crate::observe::Dialect;
use crate::quotas::{CoreQuotas, Exceeded, Waits};
use std::future::Future;
use std::net::IpAddr;
use std::rc::Rc;

/// Who asks, and what bounds them.
pub struct Acting {
    /// Whose token came with it. Nobody's, where a bad one is only told of, or none is asked for.
    pub identity: Option<Rc<Identity>>,
    pub peer: Option<Peer>,
    /// Whether what policies deny is refused, or only told of.
    pub enforced: bool,
    pub quotas: Option<Rc<CoreQuotas>>,
    /// Who hears of what is refused.
    pub interceptors: Interceptors,
}

/// For whom the running call is carried out, where anybody looked.
#[inline]
pub fn acting() -> Option<Rc<Acting>> {
    carried()?.downcast().ok()
}

/// Whose the running call is, where that is known.
pub fn who() -> Option<Box<str>> {
    let acting = acting()?;
    let identity = acting.identity.as_ref()?;
    Some((*identity.text).into())
}

/// Carries something out for somebody.
pub async fn acting_for<F: Future>(who: Acting, run: F) -> F::Output {
    carrying(Some(Rc::new(who)), run).await
}

impl Acting {
    /// Who it is, for people.
    pub fn name(&self) -> &str {
        self.identity.as_ref().map_or("", |identity| &identity.text)
    }

    pub fn address(&self) -> Option<IpAddr> {
        self.peer.as_ref().and_then(Peer::address)
    }

    fn key(&self) -> Option<&str> {
        self.identity.as_ref().map(|identity| &*identity.text)
    }

    /// Takes a request out of the quotas of who sends it.
    pub fn charge(&self, path: &str) -> PubsubResult<()> {
        let Some(quotas) = &self.quotas else {
            return Ok(());
        };
        let admitted = quotas.admit(self.peer.as_ref(), self.key());
        admitted.or_else(|exceeded| self.over_quota(&exceeded, path))
    }

    /// Has a call count among those of who sent it that wait, until what is given is dropped.
    pub fn wait(&self, path: &str) -> PubsubResult<Waits> {
        let Some(quotas) = &self.quotas else {
            return Ok(Waits::default());
        };
        let waits = quotas.wait(self.peer.as_ref(), self.key());
        waits.or_else(|exceeded| self.over_quota(&exceeded, path))
    }

    #[cold]
    fn over_quota<T>(&self, exceeded: &Exceeded, path: &str) -> PubsubResult<T> {
        self.interceptors.refused(&Refusal {
            dialect: Some(Dialect::Pubsub),
            about: About::Limit,
            enforced: true,
            who: self.name(),
            peer: self.address(),
            operation: path.rsplit('/').next().unwrap_or_default(),
            resource: "",
            reason: &exceeded.to_string(),
        });
        Err(over_quota(exceeded.retry_after))
    }
}

/// Has the running call count among those that wait, if there is a quota of them.
pub fn waits(method: &str) -> PubsubResult<Option<Waits>> {
    acting().map(|acting| acting.wait(method)).transpose()
}
