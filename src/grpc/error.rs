//! Every status that a call can end with before and beside its method: codes and texts are chosen
//! here.

use super::fields::FIELDS_MAX;
use super::status::{Code, Status};

/// A method that doesn't exist.
pub(super) fn unknown_method(path: &str) -> Status {
    Status::new(Code::Unimplemented, format!("Method not found: {path}"))
}

/// A streaming method was called as a unary one.
pub fn not_unary() -> Status {
    Status::new(Code::Unimplemented, "The method streams.")
}

/// A client that has gone, or whose connection broke.
pub(super) fn cancelled() -> Status {
    Status::new(Code::Cancelled, "The client has cancelled the call.")
}

/// A call that ran out of its time.
pub(super) fn deadline_exceeded() -> Status {
    Status::new(Code::DeadlineExceeded, "Deadline Exceeded")
}

/// The server is ending.
pub(super) fn stopping() -> Status {
    Status::new(Code::Unavailable, "The server is stopping. Please retry.")
}

/// A stream whose handler panicked.
pub(super) fn failed() -> Status {
    Status::new(Code::Internal, "The server failed.")
}

/// A message for which there is no room beside those of other requests.
pub(super) fn bodies_full() -> Status {
    Status::new(
        Code::ResourceExhausted,
        "The server has too many large requests to read at once; try again.",
    )
}

/// A message longer than is taken.
pub(super) fn too_large(bytes_max: usize) -> Status {
    Status::new(
        Code::InvalidArgument,
        format!("Request payload size exceeds the limit: {bytes_max} bytes."),
    )
}

/// A body that ends within a message.
pub(super) fn cut_short() -> Status {
    Status::new(Code::Internal, "The request ends within a message.")
}

/// A flag before a message that means nothing.
pub(super) fn invalid_flag(flag: u8) -> Status {
    Status::new(
        Code::Internal,
        format!("A message's compression flag is {flag}; it must be 0 or 1."),
    )
}

/// A unary call's body without a message.
pub(super) fn no_message() -> Status {
    Status::new(
        Code::Internal,
        "The request has no message, but the method takes one.",
    )
}

/// A unary call's body with more than a message.
pub(super) fn several_messages() -> Status {
    Status::new(
        Code::Internal,
        "The request has several messages, but the method takes one.",
    )
}

/// Messages compressed in a way that isn't known.
pub(super) fn unknown_compression(name: &[u8]) -> Status {
    Status::new(
        Code::Unimplemented,
        format!(
            "Messages compressed with {} can't be read.",
            String::from_utf8_lossy(name)
        ),
    )
}

/// A compressed message of a call that names no compression.
pub(super) fn unnamed_compression() -> Status {
    Status::new(
        Code::Internal,
        "A message is compressed, but the call names no compression.",
    )
}

/// A message that isn't compressed as the call says.
pub(super) fn broken_compression() -> Status {
    Status::new(Code::Internal, "A message's compression is broken.")
}

/// A message of more fields than are decoded.
pub(super) fn too_many_fields() -> Status {
    Status::new(
        Code::InvalidArgument,
        format!("The request has too many fields: at most {FIELDS_MAX} are allowed."),
    )
}

/// A message that can't be decoded.
pub(super) fn undecodable() -> Status {
    Status::new(Code::Internal, "Failed to parse the request's message.")
}

/// A health check of a service that isn't there.
pub(super) fn unknown_service() -> Status {
    Status::new(Code::NotFound, "unknown service")
}

/// A question to reflection that asks nothing.
pub(super) fn nothing_asked() -> Status {
    Status::new(Code::InvalidArgument, "nothing asked for")
}

/// A file, symbol or message that reflection doesn't know.
pub(super) fn not_found(what: &str) -> Status {
    Status::new(Code::NotFound, format!("{what} not found"))
}

/// An extension that reflection doesn't know.
pub(super) fn extension_not_found() -> Status {
    Status::new(Code::NotFound, "extension not found")
}
