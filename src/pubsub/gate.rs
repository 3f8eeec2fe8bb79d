//! Whether a request comes with the token of somebody who is known here, and where tokens are had.

use super::error::{PubsubError, not_believed};
use crate::bearer::{AccessTokens, Bearers, GrantError, Identity, KeysAwaited, Refused, exchange};
use crate::credentials::{Auth, Credentials};
use crate::http::{HttpLimits, ReplyBody, read_body};
use crate::interceptors::{About, Interceptors, Refusal};
use crate::net::{ByTls, Peer};
use crate::observe::Dialect;
use crate::runtime::fail_core;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use std::rc::Rc;

/// The service that tokens have to be meant for.
const SERVICE: &str = "pubsub.googleapis.com";

/// Where tokens are had.
const TOKEN_PATH: &str = "/token";

/// Open to everybody: whoever looks after a server asks how it is, and who verifies push's tokens needs
/// their keys.
const OPEN: &[&str] = &[
    "/",
    "/health",
    "/_lclq/jwks",
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
];

/// The gate of one core.
pub(super) struct Gate {
    bearers: Bearers<Credentials>,
    enforce: bool,
    interceptors: Interceptors,
}

/// Why a request doesn't pass, for good or for now.
pub(super) enum Barred {
    /// It is answered so.
    Refused(PubsubError),
    /// Its issuer's keys are being fetched, and it may be asked again when they are here.
    KeysAwaited(KeysAwaited),
}

impl Gate {
    pub fn new(auth: Auth, secret: &[u8; 32], interceptors: &Interceptors) -> Self {
        let tokens = AccessTokens::new(secret);
        if let Some(issuers) = &auth.issuers
            && let Err(error) = issuers.start()
        {
            tracing::error!(%error, "no thread for issuers' keys");
            fail_core("no thread for issuers' keys can be started");
        }
        Self {
            bearers: Bearers::new(auth.credentials, tokens, SERVICE, auth.issuers),
            enforce: auth.enforce,
            interceptors: interceptors.clone(),
        }
    }

    /// Whether strangers are refused, rather than told of.
    pub fn enforces(&self) -> bool {
        self.enforce
    }

    /// Whether it asks for a token.
    pub fn is_token_request(request: &Request<Incoming>) -> bool {
        request.method() == Method::POST && request.uri().path() == TOKEN_PATH
    }

    /// Lets a request pass, and says whose it is where that is known, or why not.
    pub fn admit(&self, request: &Request<Incoming>) -> Result<Option<Rc<Identity>>, Barred> {
        if is_open(request) {
            return Ok(None);
        }
        let refused = match self.verify(request) {
            Ok(identity) => return Ok(Some(identity)),
            Err(refused) => refused,
        };
        if refused == Refused::Missing
            && let Some(identity) = self.by_certificate(request)
        {
            return Ok(Some(Rc::new(identity)));
        }
        if refused == Refused::Unknown {
            if let Some(keys) = self.bearers.keys_awaited(request.headers()) {
                return Err(Barred::KeysAwaited(keys));
            }
            // They came between the two looks.
            if self.bearers.has_newer_keys() {
                return self.admit_after_all(request).map_err(Barred::Refused);
            }
        }
        self.refuse(refused, request).map_err(Barred::Refused)
    }

    /// The same for one that has waited.
    pub fn admit_after_all(
        &self,
        request: &Request<Incoming>,
    ) -> Result<Option<Rc<Identity>>, PubsubError> {
        match self.verify(request) {
            Ok(identity) => Ok(Some(identity)),
            Err(refused) => self.refuse(refused, request),
        }
    }

    /// Whom the certificate stands for that the client has shown.
    fn by_certificate(&self, request: &Request<Incoming>) -> Option<Identity> {
        let subject = request.extensions().get::<ByTls>()?.subject.as_ref()?;
        let (credentials, _) = self.bearers.parts();
        let email = credentials.certified(subject)?.email?;
        Some(Identity::service_account(email.to_string()))
    }

    fn verify(&self, request: &Request<Incoming>) -> Result<Rc<Identity>, Refused> {
        let host = request.uri().authority().map(http::uri::Authority::as_str);
        self.bearers.verify(request.headers(), host)
    }

    fn refuse(
        &self,
        refused: Refused,
        request: &Request<Incoming>,
    ) -> Result<Option<Rc<Identity>>, PubsubError> {
        let path = request.uri().path();
        self.interceptors.refused(&Refusal {
            dialect: Some(Dialect::Pubsub),
            about: About::Authentication,
            enforced: self.enforce,
            who: "",
            peer: request.extensions().get::<Peer>().and_then(Peer::address),
            operation: path.rsplit('/').next().unwrap_or_default(),
            resource: path,
            reason: refused.reason(),
        });
        match self.enforce {
            true => Err(not_believed(refused, path)),
            false => Ok(None),
        }
    }

    /// Gives a token for what a service account has signed (RFC 6749, section 5).
    pub async fn token(
        &self,
        request: Request<Incoming>,
        limits: &HttpLimits,
    ) -> Response<ReplyBody> {
        let (keys, tokens) = self.bearers.parts();
        let outcome = match read_body(request.into_body(), limits).await {
            Ok(form) => exchange(&form, keys, tokens),
            Err(_) => Err(GrantError::unreadable()),
        };
        let (status, body) = match outcome {
            Ok(given) => (StatusCode::OK, given),
            Err(error) => {
                tracing::debug!(error.code, error.description, "no token is given");
                (StatusCode::BAD_REQUEST, error.to_json())
            }
        };
        let mut reply = Response::new(ReplyBody::new(body.to_string()));
        *reply.status_mut() = status;
        let headers = reply.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/json; charset=utf-8"),
        );
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        reply
    }
}

fn is_open(request: &Request<Incoming>) -> bool {
    OPEN.contains(&request.uri().path())
}
