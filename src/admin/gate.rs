//! Who may ask the admin endpoint for what: by a token, or by a session that was begun with one.

use super::answers::{AdminError, AdminResult};
use super::route::{Route, Scope};
use super::sessions::{Sessions, session_of};
use crate::credentials::{AdminAuth, Holder};
use crate::interceptors::{About, Interceptors, Refusal};
use crate::net::{ByTls, Peer};
use http::StatusCode;
use http::header::AUTHORIZATION;
use http::request::Parts;
use time::OffsetDateTime;

/// The gate of one core.
pub(super) struct Gate {
    auth: AdminAuth,
    sessions: Sessions,
    interceptors: Interceptors,
}

impl Gate {
    pub fn new(auth: AdminAuth, sessions: Sessions, interceptors: Interceptors) -> Self {
        Self {
            auth,
            sessions,
            interceptors,
        }
    }

    /// The sessions.
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Who has a token, if anybody has and it is still good.
    pub fn holder_of(&self, token: &str) -> Option<Holder> {
        let now = OffsetDateTime::now_utc().unix_timestamp();
        self.auth.credentials.as_ref()?.holder_of(token, now)
    }

    /// Whom the certificate stands for that the client has shown.
    fn by_certificate(&self, head: &Parts) -> Option<Holder> {
        let subject = head.extensions.get::<ByTls>()?.subject.as_ref()?;
        self.auth.credentials.as_ref()?.certified(subject)?.holder
    }

    /// Who asks, if that is asked for at all.
    ///
    /// # Errors
    /// They have no token, or may not do what this takes.
    pub fn admit(&self, head: &Parts, route: &Route) -> AdminResult<Option<Holder>> {
        match route.is_open {
            true => Ok(None),
            false => self.admit_to(head, route.scope, route.operation),
        }
    }

    /// The same for what is no route of the API.
    pub fn admit_to(
        &self,
        head: &Parts,
        scope: Scope,
        operation: &str,
    ) -> AdminResult<Option<Holder>> {
        if !self.auth.enforce {
            return Ok(None);
        }
        let refused = |who: &str, about, error: AdminError| {
            self.interceptors.refused(&Refusal {
                dialect: None,
                about,
                enforced: true,
                who,
                peer: head.extensions.get::<Peer>().and_then(Peer::address),
                operation,
                resource: head.uri.path(),
                reason: &error.message,
            });
            Err(error)
        };
        let holder = match bearer(head) {
            Some(token) => self.holder_of(token),
            None => session_of(head)
                .and_then(|session| self.sessions.holder_of(session))
                .or_else(|| self.by_certificate(head)),
        };
        let Some(holder) = holder else {
            let error = unknown(self.auth.credentials.is_some());
            return refused("", About::Authentication, error);
        };
        if holder.scope < scope {
            let error = not_allowed(&holder, scope);
            return refused(&holder.name, About::Authorization, error);
        }
        Ok(Some(holder))
    }
}

fn bearer(head: &Parts) -> Option<&str> {
    let header = head.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn unknown(are_there_tokens: bool) -> AdminError {
    let message = match are_there_tokens {
        true => {
            "this takes a token that is known here: Authorization: Bearer TOKEN (for lclq's own \
             commands, LCLQ_TOKEN)"
        }
        false => {
            "this endpoint can be reached from other machines, so it takes a token, and none is \
             known here: make one by lclq credentials create-token, and start the server with \
             --credentials. --admin-auth off lets everybody in"
        }
    };
    AdminError::new(StatusCode::UNAUTHORIZED, "Unauthenticated", message)
}

fn not_allowed(holder: &Holder, scope: Scope) -> AdminError {
    let Holder {
        name, scope: has, ..
    } = holder;
    let message = format!(
        "the token {name} may {}, and this takes one that may {}",
        has.name(),
        scope.name()
    );
    AdminError::new(StatusCode::FORBIDDEN, "Forbidden", message)
}
