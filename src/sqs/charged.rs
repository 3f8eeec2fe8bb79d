//! Whose quotas a request is on.

use super::error::{SqsError, throttled};
use super::gate::Passed;
use super::head::Head;
use super::intercepted::access_key;
use crate::interceptors::{About, Interceptors, Refusal};
use crate::net::Peer;
use crate::observe::Dialect;
use crate::quotas::{Exceeded, Waits};
use std::cell::OnceCell;

/// Who is charged for a request.
pub(super) struct Charged {
    pub peer: Option<Peer>,
    /// The access key that it was signed with; checked, where that is asked for.
    pub key: Option<Box<str>>,
    /// Has it count among the calls that wait, once it does.
    pub waits: OnceCell<Waits>,
}

impl Charged {
    pub fn of(head: &Head, passed: Option<&Passed>) -> Self {
        let principal = passed.and_then(|passed| passed.principal.as_ref());
        Self {
            peer: head.arrival.peer(),
            key: match principal {
                Some(principal) => Some(principal.key_id.as_str().into()),
                None => access_key(head),
            },
            waits: OnceCell::new(),
        }
    }

    /// Takes down that there is no quota left.
    #[cold]
    pub fn refused(
        &self,
        exceeded: &Exceeded,
        resource: &str,
        interceptors: &Interceptors,
    ) -> SqsError {
        interceptors.refused(&Refusal {
            dialect: Some(Dialect::Sqs),
            about: About::Limit,
            enforced: true,
            who: self.key.as_deref().unwrap_or(""),
            peer: self.peer.as_ref().and_then(Peer::address),
            operation: "",
            resource,
            reason: &exceeded.to_string(),
        });
        throttled()
    }
}
