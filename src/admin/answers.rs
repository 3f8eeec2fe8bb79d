//! What the admin API answers: JSON, and errors with a code and a message.

use crate::http::{BodyError, Refusal, ReplyBody};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use serde::Serialize;
use serde_json::json;
use std::fmt::Display;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

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

/// A whole answer, or one that goes on until somebody has enough.
pub enum AdminBody {
    /// All there is.
    Whole(ReplyBody),
    /// Piece by piece. A piece is asked for once the one before has been written, so a slow reader
    /// holds up nothing and piles nothing up. An error breaks the connection off, so that nobody
    /// takes what came before for all there is.
    Stream(Pin<Box<dyn Stream<Item = io::Result<Bytes>>>>),
}

impl From<ReplyBody> for AdminBody {
    fn from(body: ReplyBody) -> Self {
        Self::Whole(body)
    }
}

impl Body for AdminBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body)
                .poll_frame(cx)
                .map(|frame| frame.map(|frame| frame.map_err(|never| match never {}))),
            Self::Stream(stream) => {
                let piece = stream.as_mut().poll_next(cx);
                piece.map(|piece| piece.map(|piece| piece.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(body) if body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}

/// Events for a browser's EventSource, piece by piece.
pub(super) fn event_stream(pieces: impl Stream<Item = Bytes> + 'static) -> Response<AdminBody> {
    let mut answer = Response::new(AdminBody::Stream(Box::pin(pieces.map(Ok))));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// JSON.
pub(super) fn with_status(status: StatusCode, body: &impl Serialize) -> Response<ReplyBody> {
    // Our own types: they have no keys but texts, and nothing that can fail.
    let mut text = serde_json::to_vec(body).unwrap_or_default();
    text.push(b'\n');
    of_json(status, text)
}

/// JSON that is text already.
pub(super) fn of_json(status: StatusCode, text: impl Into<Bytes>) -> Response<ReplyBody> {
    let mut answer = Response::new(ReplyBody::new(text));
    *answer.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(CONTENT_TYPE, json);
    answer
}
