//! What the admin API answers: JSON, and errors with a code and a message.

use crate::http::{BodyError, Refusal, ReplyBody};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use serde::Serialize;
use serde_json::json;
use std::fmt::Display;

/// What a request comes to.
pub(super) type AdminResult<T> = Result<T, AdminError>;

/// Why a request was not carried out.
#[derive(Debug)]
pub(super) struct AdminError {
    pub status: StatusCode,
    /// For programs: the dialect's code where a dialect refused.
    pub code: String,
    /// For people.
    pub message: String,
}

impl AdminError {
    pub fn new(status: StatusCode, code: &str, message: impl Display) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.to_string(),
        }
    }

    pub fn bad_request(message: impl Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    pub fn not_found(what: impl Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFound", what)
    }

    pub fn wrong_method(allowed: &str) -> Self {
        let message = format!("this path takes {allowed}");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message)
    }

    pub fn forbidden(refusal: Refusal) -> Self {
        Self::new(StatusCode::FORBIDDEN, "Forbidden", refusal)
    }

    pub fn unread(error: BodyError) -> Self {
        let status = match error {
            BodyError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            BodyError::Timeout => StatusCode::REQUEST_TIMEOUT,
            BodyError::Broken => StatusCode::BAD_REQUEST,
            BodyError::Busy => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, "BadBody", error)
    }

    /// A shard that can't answer: the server stops, or is overloaded.
    pub fn unavailable(what: impl Display) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Unavailable", what)
    }

    pub fn answer(self) -> Response<ReplyBody> {
        let body = json!({ "error": { "code": self.code, "message": self.message } });
        with_status(self.status, &body)
    }
}

/// JSON with 200.
pub(super) fn ok(body: &impl Serialize) -> Response<ReplyBody> {
    with_status(StatusCode::OK, body)
}

pub(super) fn with_status(status: StatusCode, body: &impl Serialize) -> Response<ReplyBody> {
    // Our own types: they have no keys but texts, and nothing that can fail.
    let mut text = serde_json::to_vec(body).unwrap_or_default();
    text.push(b'\n');
    let mut answer = Response::new(ReplyBody::new(text));
    *answer.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(CONTENT_TYPE, json);
    answer
}
