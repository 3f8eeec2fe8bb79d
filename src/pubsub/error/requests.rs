//! What goes wrong with any request: its path, its body, and how it is let in.

use super::super::limits::REQUEST_BYTES_MAX;
use super::super::protobuf::Malformed;
use super::super::push::hops::HOPS_MAX;
use super::{PubsubError, exhausted, failed, invalid};
use crate::grpc::{Code, Status};
use crate::http::Refusal;
use crate::proto::google::rpc;

/// A request that may not ask at all.
pub fn not_let_in(refusal: &Refusal) -> PubsubError {
    Status::new(Code::PermissionDenied, refusal.to_string())
}

/// A REST request that can't be made into the method's. Each violation is the field's path, which
/// may be empty, and what is wrong.
pub fn malformed_request(violations: Vec<(String, String)>) -> PubsubError {
    let texts: Vec<&str> = violations.iter().map(|(_, text)| &**text).collect();
    let message = texts.join("\n");
    let field_violations = violations
        .into_iter()
        .map(|(field, description)| rpc::bad_request::FieldViolation {
            field,
            description,
            ..Default::default()
        })
        .collect();
    invalid(message).with_detail(
        "google.rpc.BadRequest",
        &rpc::BadRequest { field_violations },
    )
}

/// A path that nothing is served at.
pub fn unknown_path(path: &str) -> PubsubError {
    Status::new(Code::NotFound, format!("Method not found: {path}"))
}

/// A path that isn't served with this HTTP method. REST answers with 405, for which there is no
/// code.
pub fn wrong_http_method(method: &str, path: &str) -> PubsubError {
    Status::new(
        Code::Unimplemented,
        format!("The HTTP method {method} is not allowed for {path}."),
    )
}

/// A path whose escapes aren't UTF-8.
pub fn path_not_text() -> PubsubError {
    invalid("The request's path is not UTF-8.")
}

/// A body that didn't come to its end in time.
pub fn body_timeout() -> PubsubError {
    Status::new(
        Code::DeadlineExceeded,
        "The request's body did not come in time.",
    )
}

/// A body for which there is no room beside those of other requests.
pub fn bodies_full() -> PubsubError {
    exhausted("The server has too many large requests to read at once; try again.")
}

/// A pull while clients leave too many large replies unread.
pub fn replies_full() -> PubsubError {
    exhausted("Too many large replies wait for clients to read them; try again.")
}

/// A body that broke off, or isn't compressed as it says.
pub fn body_broken() -> PubsubError {
    invalid("The request's body could not be read.")
}

/// A reply that can't be shown. That is our fault.
pub fn unreadable_reply(why: serde_json::Error) -> PubsubError {
    Status::new(
        Code::Internal,
        format!("The reply could not be written as JSON: {why}"),
    )
}

/// A request longer than its method takes.
pub fn request_too_large(bytes_max: usize) -> PubsubError {
    invalid(format!(
        "Request payload size exceeds the limit: {bytes_max} bytes."
    ))
}

/// A request longer than [`REQUEST_BYTES_MAX`].
pub fn payload_too_large() -> PubsubError {
    request_too_large(REQUEST_BYTES_MAX)
}

/// A request whose fields can't be read.
pub fn undecodable(_: Malformed) -> PubsubError {
    invalid("The request can't be decoded.")
}

/// Messages that push deliveries bring to topics again and again.
pub fn pushed_in_circles() -> PubsubError {
    failed(format!(
        "The messages have been pushed more than {HOPS_MAX} times: they go in circles."
    ))
}
