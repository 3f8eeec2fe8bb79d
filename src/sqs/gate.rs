//! Whether a request was signed by somebody who is known here.

use super::error::{SqsResult, not_believed};
use crate::config::given::AuthArg;
use crate::credentials::{Credentials, Principal};
use crate::sigv4::{Signed, Verifier};
use http::request::Parts;
use std::rc::Rc;
use time::OffsetDateTime;

/// How signatures are looked at.
#[derive(Clone, Debug)]
pub struct SqsAuth {
    /// Whether the wrong are refused, or told in the log.
    pub enforce: bool,
    /// Who is known.
    pub credentials: Credentials,
}

impl SqsAuth {
    /// As it was asked for.
    pub fn new(mode: AuthArg, credentials: Credentials) -> Option<Self> {
        let enforce = match mode {
            AuthArg::Off => return None,
            AuthArg::Report => false,
            AuthArg::Enforce => true,
        };
        Some(Self {
            enforce,
            credentials,
        })
    }
}

/// The gate of one core.
pub(super) struct Gate {
    verifier: Verifier<Credentials>,
    enforce: bool,
}

impl Gate {
    pub fn new(auth: SqsAuth) -> Self {
        Self {
            verifier: Verifier::new(auth.credentials, "sqs"),
            enforce: auth.enforce,
        }
    }

    /// Who sent a request; nobody, where that is let pass. Clients' clocks are real ones, so is this.
    pub fn passed(&self, head: &Parts, body: &[u8]) -> SqsResult<Option<Rc<Principal>>> {
        let signed = Signed {
            method: &head.method,
            uri: &head.uri,
            headers: &head.headers,
            body,
        };
        match self.verifier.verify(&signed, OffsetDateTime::now_utc()) {
            Ok(principal) => Ok(Some(principal)),
            Err(refusal) if self.enforce => Err(not_believed(refusal)),
            Err(refusal) => {
                let reason = refusal.message.lines().next().unwrap_or_default();
                tracing::warn!(reason, "would be refused: its signature");
                Ok(None)
            }
        }
    }
}
