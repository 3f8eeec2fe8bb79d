//! Whether a request was signed by somebody who is known here.

use super::error::{SqsResult, not_believed};
use crate::credentials::{Auth, Credentials, Principal};
use crate::sigv4::{Signed, Verifier};
use http::request::Parts;
use std::rc::Rc;
use time::OffsetDateTime;

/// The gate of one core.
pub(super) struct Gate {
    verifier: Verifier<Credentials>,
    enforce: bool,
}

impl Gate {
    pub fn new(auth: Auth) -> Self {
        Self {
            verifier: Verifier::new(auth.credentials, "sqs"),
            enforce: auth.enforce,
        }
    }

    /// Who sent a request, where that has a say. What is only reported on is carried out as if nobody had
    /// looked. Clients' clocks are real ones, so is this.
    pub fn passed(&self, head: &Parts, body: &[u8]) -> SqsResult<Option<Rc<Principal>>> {
        let signed = Signed {
            method: &head.method,
            uri: &head.uri,
            headers: &head.headers,
            body,
        };
        match self.verifier.verify(&signed, OffsetDateTime::now_utc()) {
            Ok(principal) => Ok(self.enforce.then_some(principal)),
            Err(refusal) if self.enforce => Err(not_believed(refusal)),
            Err(refusal) => {
                let reason = refusal.message.lines().next().unwrap_or_default();
                tracing::warn!(reason, "would be refused: its signature");
                Ok(None)
            }
        }
    }
}
