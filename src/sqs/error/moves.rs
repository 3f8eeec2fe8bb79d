//! What goes wrong with tasks that move messages.

use super::super::limits::{LISTED_MOVES_MAX, MOVE_RATE_MAX};
use super::{Kind, SqsError, invalid_parameter, invalid_parameter_text};

pub fn no_such_resource(parameter: &str) -> SqsError {
    SqsError::new(
        Kind::ResourceNotFound,
        format!("The resource that you specified for the {parameter} parameter doesn't exist."),
    )
}

pub fn no_such_task() -> SqsError {
    SqsError::new(Kind::ResourceNotFound, "Task does not exist.")
}

pub fn move_running() -> SqsError {
    SqsError::new(
        Kind::InvalidParameterValue,
        "There is already a task running. Only one active task is allowed for a source queue arn \
         at a given time.",
    )
}

/// The queue that a task's handle names is gone, and the task with it.
pub fn no_source_of_task() -> SqsError {
    SqsError {
        message: no_such_resource("SourceArn").message,
        ..no_such_task()
    }
}

pub fn move_rate_out_of_bounds(rate: i64) -> SqsError {
    invalid_parameter(
        "MaxNumberOfMessagesPerSecond",
        rate,
        &format!("Must be between 1 and {MOVE_RATE_MAX}, if provided."),
    )
}

pub fn listed_moves_out_of_bounds(number: i64) -> SqsError {
    invalid_parameter(
        "MaxResults",
        number,
        &format!("Must be between 1 and {LISTED_MOVES_MAX}, if provided."),
    )
}

pub fn source_no_dead_letter_queue() -> SqsError {
    invalid_parameter_text("Source queue must be configured as a Dead Letter Queue.")
}

pub fn move_onto_itself() -> SqsError {
    invalid_parameter_text("Source queue arn and destination queue arn cannot be the same.")
}

pub fn move_to_other_type() -> SqsError {
    invalid_parameter_text("Source queue and destination queue must be of the same type.")
}

pub fn invalid_task_handle() -> SqsError {
    invalid_parameter_text("Value for parameter TaskHandle is invalid.")
}
