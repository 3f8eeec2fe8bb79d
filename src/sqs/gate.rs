//! Whether a request was signed by somebody who is known here.

use super::actions::Action;
use super::error::{SqsResult, not_believed};
use super::head::Head;
use super::intercepted::access_key;
use crate::credentials::{Auth, Credentials, Principal};
use crate::interceptors::{About, Interceptors, Refusal};
use crate::observe::Dialect;
use crate::sigv4::{Problem, Signed, Verifier};
use std::cell::Cell;
use std::rc::Rc;
use time::OffsetDateTime;

/// The gate of one core.
pub(super) struct Gate {
    verifier: Verifier<Credentials>,
    credentials: Credentials,
    enforce: bool,
    interceptors: Interceptors,
}

/// A request that has come through the gate.
pub(super) struct Passed {
    /// Who has signed it; nobody, if it isn't signed at all.
    pub principal: Option<Rc<Principal>>,
    /// Whether what policies deny is refused, or only told of.
    pub enforced: bool,
    /// Whether a policy has allowed anything to it.
    pub permitted: Cell<bool>,
    /// What it asks for, once that is known.
    pub action: Cell<Option<Action>>,
}

impl Gate {
    pub fn new(auth: Auth, interceptors: &Interceptors) -> Self {
        Self {
            credentials: auth.credentials.clone(),
            verifier: Verifier::new(auth.credentials, "sqs"),
            enforce: auth.enforce,
            interceptors: interceptors.clone(),
        }
    }

    /// Lets a request pass that somebody known has signed, or nobody: a queue's policy may let everybody
    /// in. What is only reported on is carried out as if nobody had looked. Clients' clocks are real
    /// ones, so is this.
    pub fn passed(&self, head: &Head, body: &[u8]) -> SqsResult<Option<Passed>> {
        let signed = Signed {
            method: &head.method,
            uri: &head.uri,
            headers: &head.headers,
            body,
        };
        let passed = |principal| Passed {
            principal,
            enforced: self.enforce,
            permitted: Cell::new(false),
            action: Cell::new(None),
        };
        match self.verifier.verify(&signed, OffsetDateTime::now_utc()) {
            Ok(principal) => Ok(Some(passed(Some(principal)))),
            Err(refusal) if refusal.problem == Problem::Missing => {
                Ok(Some(passed(self.by_certificate(head))))
            }
            Err(refusal) => {
                self.interceptors.refused(&Refusal {
                    dialect: Some(Dialect::Sqs),
                    about: About::Authentication,
                    enforced: self.enforce,
                    who: access_key(head).as_deref().unwrap_or(""),
                    peer: head.arrival.address(),
                    operation: "",
                    resource: head.uri.path(),
                    reason: refusal.message.lines().next().unwrap_or_default(),
                });
                match self.enforce {
                    true => Err(not_believed(refusal)),
                    false => Ok(None),
                }
            }
        }
    }
}

impl Gate {
    /// Whom the certificate stands for that the client has shown.
    fn by_certificate(&self, head: &Head) -> Option<Rc<Principal>> {
        let subject = head.arrival.by_tls()?.subject.as_ref()?;
        let principal = self.credentials.certified(subject)?.principal?;
        Some(Rc::new((*principal).clone()))
    }
}
