//! Whether a request comes with the token of somebody who is known here, and where tokens are had.

use super::error::{PubsubError, not_believed};
use crate::bearer::{AccessTokens, Bearers, GrantError, exchange};
use crate::credentials::{Auth, Credentials};
use crate::http::{HttpLimits, ReplyBody, read_body};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;

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
}

impl Gate {
    pub fn new(auth: Auth, secret: &[u8; 32]) -> Self {
        let tokens = AccessTokens::new(secret);
        Self {
            bearers: Bearers::new(auth.credentials, tokens, SERVICE),
            enforce: auth.enforce,
        }
    }

    /// Whether it asks for a token.
    pub fn is_token_request(request: &Request<Incoming>) -> bool {
        request.method() == Method::POST && request.uri().path() == TOKEN_PATH
    }

    /// Lets a request pass, or says why not.
    pub fn admit(&self, request: &Request<Incoming>) -> Result<(), PubsubError> {
        let path = request.uri().path();
        if OPEN.contains(&path) {
            return Ok(());
        }
        let host = request.uri().authority().map(http::uri::Authority::as_str);
        match self.bearers.verify(request.headers(), host) {
            Ok(_) => Ok(()),
            Err(refused) if self.enforce => Err(not_believed(refused, path)),
            Err(refused) => {
                tracing::warn!(reason = ?refused, path, "would be refused: its token");
                Ok(())
            }
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
