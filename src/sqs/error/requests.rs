//! What goes wrong with any request: its body, its address, its parameters' form, and a server that
//! can't serve it.

use super::super::limits::LISTED_NAMES_MAX;
use super::{Kind, SqsError, invalid_parameter, invalid_parameter_text};
use crate::http::{BodyError, Refusal};
use crate::sigv4::{self, Problem};
use lclq_shards::QueueName;

pub fn missing_action() -> SqsError {
    SqsError::new(Kind::MissingAction, "The request names no action.")
}

pub fn unknown_action(action: &str) -> SqsError {
    SqsError::new(
        Kind::InvalidAction,
        format!("The action {action} is not valid for this endpoint."),
    )
}

pub fn serialization(detail: impl std::fmt::Display) -> SqsError {
    SqsError::new(
        Kind::Serialization,
        format!("The request can't be read: {detail}"),
    )
}

/// What the policies of who asks, or of the queue, don't let be done. The service has the action in
/// lower case.
pub fn not_authorized(
    who: &str,
    action: &str,
    arn: &str,
    explicitly: bool,
    of_resource: bool,
) -> SqsError {
    let action = action.to_ascii_lowercase();
    let based = if of_resource { "resource" } else { "identity" };
    let why = match explicitly {
        true => format!(
            "with an explicit deny in {} {based}-based policy",
            article(based)
        ),
        false => format!("because no {based}-based policy allows the {action} action"),
    };
    let message =
        format!("User: {who} is not authorized to perform: {action} on resource: {arn} {why}");
    SqsError::new(Kind::AccessDenied, message)
}

fn article(word: &str) -> &'static str {
    match word.starts_with('i') {
        true => "an",
        false => "a",
    }
}

/// Nobody has signed it, and no policy lets everybody do it.
pub fn missing_token() -> SqsError {
    SqsError::new(
        Kind::MissingToken,
        "Request is missing Authentication Token",
    )
}

/// A queue of an account that isn't the signer's.
pub fn other_account(name: &QueueName) -> SqsError {
    SqsError::new(
        Kind::AccessDenied,
        format!("Access to the resource {} is denied.", name.arn()),
    )
}

/// Recorded answers have 403 for each, in both protocols.
pub fn not_believed(refusal: sigv4::Refusal) -> SqsError {
    let kind = match refusal.problem {
        Problem::Missing => Kind::MissingToken,
        Problem::Incomplete => Kind::IncompleteSignature,
        Problem::UnknownKey => Kind::InvalidToken,
        Problem::ExpiredSession => Kind::ExpiredToken,
        Problem::Mismatch => Kind::SignatureMismatch,
    };
    SqsError::new(kind, refusal.message)
}

pub fn overloaded() -> SqsError {
    SqsError::new(
        Kind::RequestThrottled,
        "The server is overloaded; try again.",
    )
}

pub fn journal_down() -> SqsError {
    SqsError::new(
        Kind::ServiceUnavailable,
        "The server can't write its journal, so it can't promise that this was done. See the \
         server's log.",
    )
}

pub fn stopping() -> SqsError {
    SqsError::new(Kind::ServiceUnavailable, "The server is stopping.")
}

/// Its shard is nobody's at the moment, or its node has not answered.
pub fn unreachable() -> SqsError {
    SqsError::new(
        Kind::ServiceUnavailable,
        "No server of the cluster runs this queue at the moment, or the one that does has not answered: this \
         may be done or not. Try again.",
    )
}

/// What a fault rule has asked for; an internal failure where the code isn't one of SQS.
pub fn injected(code: &str, message: String) -> SqsError {
    let kind = Kind::named(code).unwrap_or(Kind::InternalFailure);
    SqsError::new(kind, message)
}

/// A request too many: by a fault rule, or for a quota.
pub fn throttled() -> SqsError {
    SqsError::new(Kind::RequestThrottled, "Request is throttled.")
}

pub fn internal() -> SqsError {
    SqsError::new(Kind::InternalFailure, "Internal failure.")
}

pub fn memory_full() -> SqsError {
    SqsError::new(
        Kind::RequestThrottled,
        "The server's memory bound for messages is reached; receive or delete some first.",
    )
}

/// Messages of an account that has as many as it may.
pub fn account_memory_full() -> SqsError {
    SqsError::new(
        Kind::RequestThrottled,
        "The account's memory bound for messages is reached; receive or delete some first.",
    )
}

/// A request that may not ask at all.
pub fn not_let_in(refusal: &Refusal) -> SqsError {
    SqsError::new(Kind::AccessDenied, refusal.to_string())
}

pub fn body_not_read(error: &BodyError) -> SqsError {
    let (kind, message) = match error {
        BodyError::TooLarge => (Kind::RequestTooLarge, "The request's body is too large."),
        BodyError::Timeout => (
            Kind::Serialization,
            "The request's body did not come in time.",
        ),
        BodyError::Busy => (
            Kind::ServiceUnavailable,
            "The server has too many large requests to read at once; try again.",
        ),
        BodyError::Broken => (Kind::Serialization, "The request's body could not be read."),
    };
    SqsError::new(kind, message)
}

/// A receive while clients leave too many large answers unread.
pub fn replies_full() -> SqsError {
    SqsError::new(
        Kind::ServiceUnavailable,
        "Too many large answers wait for clients to read them; try again.",
    )
}

pub fn unknown_operation(target: &str) -> SqsError {
    SqsError::new(
        Kind::UnknownOperation,
        format!("The operation {target} is unknown."),
    )
}

pub fn invalid_address(url: &str) -> SqsError {
    SqsError::new(
        Kind::InvalidAddress,
        format!("The address {url} is not valid for this endpoint."),
    )
}

/// A call of the endpoint for developers that asks for anything but messages.
pub fn only_receive() -> SqsError {
    SqsError::new(
        Kind::InvalidRequest,
        "This endpoint only accepts ReceiveMessage calls",
    )
}

pub fn too_many_parameters() -> SqsError {
    serialization("too many parameters")
}

pub fn not_an_integer(name: &str, value: &str) -> SqsError {
    invalid_parameter(name, value, "Must be an integer.")
}

pub fn not_a_whole_number(name: &str, value: &str) -> SqsError {
    invalid_parameter(name, value, "Must be a whole number.")
}

pub fn no_such_state(value: &str) -> SqsError {
    invalid_parameter("State", value, "Must be visible, in-flight or delayed.")
}

pub fn listed_names_out_of_bounds(number: i64) -> SqsError {
    invalid_parameter(
        "MaxResults",
        number,
        &format!("MaxResults must be an integer between 1 and {LISTED_NAMES_MAX}."),
    )
}

pub fn invalid_next_token() -> SqsError {
    invalid_parameter_text("Invalid or expired next token.")
}

pub fn next_token_alone() -> SqsError {
    invalid_parameter_text(
        "MaxResults is a mandatory parameter when you provide a value for NextToken.",
    )
}
