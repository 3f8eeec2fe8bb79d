//! Every error that the SQS dialect can answer with: codes, statuses and texts are chosen here.
//!
//! Source: the service's API model (shapes, query codes, statuses) and its recorded answers.

use super::limits::{NAME_CHARS_MAX, REAL_INTERVAL_S};
use std::borrow::Cow;

mod attributes;
mod kind;
mod messages;
mod moves;
mod requests;
#[cfg(test)]
mod tests;

pub use attributes::*;
pub use kind::Kind;
pub use messages::*;
pub use moves::*;
pub use requests::*;

/// An error as the dialect answers it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SqsError {
    pub kind: Kind,
    pub message: Cow<'static, str>,
}

pub type SqsResult<T> = Result<T, SqsError>;

impl SqsError {
    /// Only for the functions of this folder: whoever answers with an error takes it from here.
    fn new(kind: Kind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    /// Text for the query protocol, which words one error in a way of its own.
    pub fn query_message(&self) -> &str {
        match self.kind {
            Kind::QueueDoesNotExist => "The specified queue does not exist for this wsdl version.",
            _ => &self.message,
        }
    }
}

fn invalid(message: String) -> SqsError {
    SqsError::new(Kind::InvalidParameterValue, message)
}

pub fn no_queue() -> SqsError {
    SqsError::new(
        Kind::QueueDoesNotExist,
        "The specified queue does not exist.",
    )
}

pub fn missing_parameter(name: &str) -> SqsError {
    SqsError::new(
        Kind::MissingParameter,
        format!("The request must contain the parameter {name}."),
    )
}

fn invalid_parameter(name: &str, value: impl std::fmt::Display, reason: &str) -> SqsError {
    invalid(format!(
        "Value {value} for parameter {name} is invalid. Reason: {reason}"
    ))
}

fn invalid_parameter_text(message: impl Into<Cow<'static, str>>) -> SqsError {
    SqsError::new(Kind::InvalidParameterValue, message)
}

/// The service's words for a name that isn't plain.
fn not_plain_name() -> String {
    format!(
        "Can only include alphanumeric characters, hyphens, or underscores. 1 to {NAME_CHARS_MAX} \
         in length"
    )
}

pub fn invalid_queue_name(fifo: bool) -> SqsError {
    SqsError::new(
        Kind::InvalidParameterValue,
        if fifo {
            format!(
                "The name of a FIFO queue can only include alphanumeric characters, hyphens, or \
                 underscores, must end with .fifo suffix and be 1 to {NAME_CHARS_MAX} in length."
            )
        } else {
            not_plain_name()
        },
    )
}

pub fn queue_exists(attribute: &str) -> SqsError {
    SqsError::new(
        Kind::QueueNameExists,
        format!(
            "A queue already exists with the same name and a different value for attribute \
             {attribute}"
        ),
    )
}

pub fn deleted_recently() -> SqsError {
    SqsError::new(
        Kind::QueueDeletedRecently,
        format!(
            "You must wait {REAL_INTERVAL_S} seconds after deleting a queue before you can create \
             another with the same name."
        ),
    )
}

pub fn purged_recently(queue: &str) -> SqsError {
    SqsError::new(
        Kind::PurgeQueueInProgress,
        format!(
            "Only one PurgeQueue operation on {queue} is allowed every {REAL_INTERVAL_S} seconds."
        ),
    )
}
