//! Whether a request was signed by somebody who is known here.

use super::actions::Action;
use super::error::{SqsResult, not_believed};
use super::intercepted::access_key;
use crate::credentials::{Auth, Credentials, Principal};
use crate::interceptors::{About, Interceptors, Refusal};
use crate::net::{ByTls, Peer};
use crate::observe::Dialect;
use crate::sigv4::{Problem, Signed, Verifier};
use http::HeaderValue;
use http::header::{REFERER, USER_AGENT};
use http::request::Parts;
use std::cell::Cell;
use std::net::IpAddr;
use std::rc::Rc;
use time::OffsetDateTime;

/// The gate of one core.
pub(super) struct Gate {
    verifier: Verifier<Credentials>,
    credentials: Credentials,
    enforce: bool,
    interceptors: Rc<Interceptors>,
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
    pub peer: Option<IpAddr>,
    pub by_tls: bool,
    pub user_agent: Option<HeaderValue>,
    pub referer: Option<HeaderValue>,
    /// Who hears of what is denied.
    pub interceptors: Rc<Interceptors>,
}

impl Gate {
    pub fn new(auth: Auth, interceptors: &Interceptors) -> Self {
        Self {
            credentials: auth.credentials.clone(),
            verifier: Verifier::new(auth.credentials, "sqs"),
            enforce: auth.enforce,
            interceptors: Rc::new(interceptors.clone()),
        }
    }

    /// Lets a request pass that somebody known has signed, or nobody: a queue's policy may let everybody
    /// in. What is only reported on is carried out as if nobody had looked. Clients' clocks are real
    /// ones, so is this.
    pub fn passed(&self, head: &Parts, body: &[u8]) -> SqsResult<Option<Box<Passed>>> {
        let signed = Signed {
            method: &head.method,
            uri: &head.uri,
            headers: &head.headers,
            body,
        };
        let passed = |principal| {
            Box::new(Passed {
                principal,
                enforced: self.enforce,
                permitted: Cell::new(false),
                action: Cell::new(None),
                peer: peer(head),
                by_tls: head.extensions.get::<ByTls>().is_some(),
                user_agent: head.headers.get(USER_AGENT).cloned(),
                referer: head.headers.get(REFERER).cloned(),
                interceptors: self.interceptors.clone(),
            })
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
                    peer: peer(head),
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
    fn by_certificate(&self, head: &Parts) -> Option<Rc<Principal>> {
        let subject = head.extensions.get::<ByTls>()?.subject.as_ref()?;
        let principal = self.credentials.certified(subject)?.principal?;
        Some(Rc::new((*principal).clone()))
    }
}

/// Where a request comes from.
fn peer(head: &Parts) -> Option<IpAddr> {
    head.extensions.get::<Peer>()?.address()
}
