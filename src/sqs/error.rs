//! Every error that the SQS dialect can answer with: codes, statuses and texts are chosen here.
//!
//! Source: the service's API model (shapes, query codes, statuses) and its recorded answers.

use std::borrow::Cow;

/// What kind of error it is. Decides codes and status.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    BatchEntryIdsNotDistinct,
    BatchRequestTooLong,
    EmptyBatchRequest,
    InvalidBatchEntryId,
    TooManyEntriesInBatchRequest,
    QueueDeletedRecently,
    QueueDoesNotExist,
    QueueNameExists,
    UnsupportedOperation,
    PurgeQueueInProgress,
    OverLimit,
    ReceiptHandleIsInvalid,
    ResourceNotFound,
    InvalidAddress,
    /// Not of the service: of the endpoint for developers.
    InvalidRequest,
    RequestThrottled,
    InvalidAttributeName,
    InvalidAttributeValue,
    InvalidMessageContents,
    InvalidParameterValue,
    MissingParameter,
    /// A member of a batch's entry is empty or not there.
    EmptyValue,
    InvalidAction,
    UnknownOperation,
    /// A query request without an action; it has an answer of its own.
    MissingAction,
    Serialization,
    RequestTooLarge,
    AccessDenied,
    ServiceUnavailable,
    InternalFailure,
}

/// An error as the dialect answers it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SqsError {
    pub kind: Kind,
    pub message: Cow<'static, str>,
}

pub type SqsResult<T> = Result<T, SqsError>;

impl Kind {
    /// Type in the JSON protocol, with its namespace.
    pub fn json_type(self) -> &'static str {
        use Kind::*;
        match self {
            BatchEntryIdsNotDistinct => "com.amazonaws.sqs#BatchEntryIdsNotDistinct",
            BatchRequestTooLong => "com.amazonaws.sqs#BatchRequestTooLong",
            EmptyBatchRequest => "com.amazonaws.sqs#EmptyBatchRequest",
            InvalidBatchEntryId => "com.amazonaws.sqs#InvalidBatchEntryId",
            TooManyEntriesInBatchRequest => "com.amazonaws.sqs#TooManyEntriesInBatchRequest",
            QueueDeletedRecently => "com.amazonaws.sqs#QueueDeletedRecently",
            QueueDoesNotExist => "com.amazonaws.sqs#QueueDoesNotExist",
            QueueNameExists => "com.amazonaws.sqs#QueueNameExists",
            UnsupportedOperation => "com.amazonaws.sqs#UnsupportedOperation",
            PurgeQueueInProgress => "com.amazonaws.sqs#PurgeQueueInProgress",
            OverLimit => "com.amazonaws.sqs#OverLimit",
            ReceiptHandleIsInvalid => "com.amazonaws.sqs#ReceiptHandleIsInvalid",
            ResourceNotFound => "com.amazonaws.sqs#ResourceNotFoundException",
            InvalidAddress => "com.amazonaws.sqs#InvalidAddress",
            InvalidRequest => "com.amazonaws.sqs#InvalidRequest",
            RequestThrottled => "com.amazonaws.sqs#RequestThrottled",
            InvalidAttributeName => "com.amazonaws.sqs#InvalidAttributeName",
            InvalidAttributeValue => "com.amazonaws.sqs#InvalidAttributeValue",
            InvalidMessageContents => "com.amazonaws.sqs#InvalidMessageContents",
            InvalidParameterValue => "com.amazon.coral.service#InvalidParameterValueException",
            MissingParameter => "com.amazon.coral.service#MissingRequiredParameterException",
            EmptyValue => "com.amazon.coral.service#EmptyValueException",
            InvalidAction => "com.amazon.coral.service#InvalidActionException",
            UnknownOperation | MissingAction => {
                "com.amazon.coral.service#UnknownOperationException"
            }
            Serialization => "com.amazon.coral.service#SerializationException",
            RequestTooLarge => "com.amazon.coral.service#RequestEntityTooLargeException",
            AccessDenied => "com.amazon.coral.service#AccessDeniedException",
            ServiceUnavailable => "com.amazon.coral.service#ServiceUnavailableException",
            InternalFailure => "com.amazon.coral.service#InternalFailure",
        }
    }

    /// Code in the query protocol, also sent to JSON clients in `x-amzn-query-error`.
    pub fn query_code(self) -> &'static str {
        use Kind::*;
        match self {
            BatchEntryIdsNotDistinct => "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
            BatchRequestTooLong => "AWS.SimpleQueueService.BatchRequestTooLong",
            EmptyBatchRequest => "AWS.SimpleQueueService.EmptyBatchRequest",
            InvalidBatchEntryId => "AWS.SimpleQueueService.InvalidBatchEntryId",
            TooManyEntriesInBatchRequest => "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
            QueueDeletedRecently => "AWS.SimpleQueueService.QueueDeletedRecently",
            QueueDoesNotExist => "AWS.SimpleQueueService.NonExistentQueue",
            QueueNameExists => "QueueAlreadyExists",
            UnsupportedOperation => "AWS.SimpleQueueService.UnsupportedOperation",
            PurgeQueueInProgress => "AWS.SimpleQueueService.PurgeQueueInProgress",
            OverLimit => "OverLimit",
            ReceiptHandleIsInvalid => "ReceiptHandleIsInvalid",
            ResourceNotFound => "ResourceNotFoundException",
            InvalidAddress => "InvalidAddress",
            InvalidRequest => "InvalidRequest",
            RequestThrottled => "RequestThrottled",
            InvalidAttributeName => "InvalidAttributeName",
            InvalidAttributeValue => "InvalidAttributeValue",
            InvalidMessageContents => "InvalidMessageContents",
            InvalidParameterValue => "InvalidParameterValue",
            MissingParameter => "MissingParameter",
            EmptyValue => "EmptyValue",
            InvalidAction => "InvalidAction",
            UnknownOperation | MissingAction => "UnknownOperation",
            Serialization => "MalformedInput",
            RequestTooLarge => "RequestEntityTooLarge",
            AccessDenied => "AccessDenied",
            ServiceUnavailable => "ServiceUnavailable",
            InternalFailure => "InternalFailure",
        }
    }

    /// HTTP status.
    pub fn status(self) -> u16 {
        use Kind::*;
        match self {
            PurgeQueueInProgress | OverLimit | RequestThrottled | AccessDenied => 403,
            ReceiptHandleIsInvalid
            | ResourceNotFound
            | InvalidAddress
            | UnknownOperation
            | MissingAction => 404,
            RequestTooLarge => 413,
            InternalFailure => 500,
            ServiceUnavailable => 503,
            _ => 400,
        }
    }

    /// Whether it is the client's doing.
    pub fn is_senders(self) -> bool {
        self.status() < 500
    }
}

impl SqsError {
    pub fn new(kind: Kind, message: impl Into<Cow<'static, str>>) -> Self {
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

/// A member that the entry `at` (counted from 0) of a batch needs is empty or not there.
pub fn empty_member(entry: &str, at: usize, member: &str) -> SqsError {
    SqsError::new(
        Kind::EmptyValue,
        format!("No Value Found for {entry}.{}.{member}.", at + 1),
    )
}

pub fn invalid_parameter(name: &str, value: impl std::fmt::Display, reason: &str) -> SqsError {
    invalid(format!(
        "Value {value} for parameter {name} is invalid. Reason: {reason}"
    ))
}

pub fn invalid_parameter_text(message: impl Into<Cow<'static, str>>) -> SqsError {
    SqsError::new(Kind::InvalidParameterValue, message)
}

pub fn invalid_queue_name(fifo: bool) -> SqsError {
    SqsError::new(
        Kind::InvalidParameterValue,
        if fifo {
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or \
             underscores, must end with .fifo suffix and be 1 to 80 in length."
        } else {
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
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

pub fn unknown_attribute(name: &str) -> SqsError {
    SqsError::new(
        Kind::InvalidAttributeName,
        format!("Unknown Attribute {name}."),
    )
}

pub fn invalid_attribute(name: &str) -> SqsError {
    SqsError::new(
        Kind::InvalidAttributeValue,
        format!("Invalid value for the parameter {name}."),
    )
}

pub fn invalid_attribute_because(name: &str, reason: &str) -> SqsError {
    SqsError::new(
        Kind::InvalidAttributeValue,
        format!("Invalid value for the parameter {name}. Reason: {reason}"),
    )
}

pub fn fixed_type() -> SqsError {
    invalid_attribute_because("FifoQueue", "Modifying queue type is not supported.")
}

pub fn deleted_recently() -> SqsError {
    SqsError::new(
        Kind::QueueDeletedRecently,
        "You must wait 60 seconds after deleting a queue before you can create another with the \
         same name.",
    )
}

pub fn purged_recently(queue: &str) -> SqsError {
    SqsError::new(
        Kind::PurgeQueueInProgress,
        format!("Only one PurgeQueue operation on {queue} is allowed every 60 seconds."),
    )
}

pub fn invalid_handle(handle: &str) -> SqsError {
    SqsError::new(
        Kind::ReceiptHandleIsInvalid,
        format!("The input receipt handle \"{handle}\" is not a valid receipt handle."),
    )
}

pub fn handle_expired(handle: &str) -> SqsError {
    invalid_parameter("ReceiptHandle", handle, "The receipt handle has expired.")
}

pub fn not_available_for_change(handle: &str) -> SqsError {
    invalid_parameter(
        "ReceiptHandle",
        handle,
        "Message does not exist or is not available for visibility timeout change.",
    )
}

pub fn invisible_too_long() -> SqsError {
    invalid_parameter_text(
        "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]",
    )
}

pub fn message_too_long(bytes_max: u32) -> SqsError {
    invalid(format!(
        "One or more parameters are invalid. Reason: Message must be shorter than {bytes_max} \
         bytes."
    ))
}

/// Which characters a body or an attribute's text may hold, in the service's words.
pub const VALID_CHARACTERS: &str = "Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF \
                                    | #xE000 to #xFFFD | #x10000 to #x10FFFF.";

pub fn invalid_contents() -> SqsError {
    SqsError::new(
        Kind::InvalidMessageContents,
        format!("Invalid characters found. {VALID_CHARACTERS}"),
    )
}

pub fn not_for_queue_type(name: &str, value: impl std::fmt::Display) -> SqsError {
    invalid_parameter(
        name,
        value,
        "The request include parameter that is not valid for this queue type.",
    )
}

pub fn no_deduplication_id() -> SqsError {
    invalid_parameter_text(
        "The queue should either have ContentBasedDeduplication enabled or \
         MessageDeduplicationId provided explicitly",
    )
}

pub fn in_flight_limit() -> SqsError {
    SqsError::new(
        Kind::OverLimit,
        "The maximum number of in flight messages is reached: 120000.",
    )
}

pub fn memory_full() -> SqsError {
    SqsError::new(
        Kind::RequestThrottled,
        "The server's memory bound for messages is reached; receive or delete some first.",
    )
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

pub fn internal() -> SqsError {
    SqsError::new(Kind::InternalFailure, "Internal failure.")
}

pub fn batch_too_long(bytes: usize) -> SqsError {
    SqsError::new(
        Kind::BatchRequestTooLong,
        format!(
            "Batch requests cannot be longer than {} bytes. You have sent {bytes} bytes.",
            super::limits::BATCH_BYTES_MAX
        ),
    )
}

pub fn too_many_entries(entries: usize) -> SqsError {
    SqsError::new(
        Kind::TooManyEntriesInBatchRequest,
        format!("Maximum number of entries per request are 10. You have sent {entries}."),
    )
}

pub fn no_entries(shape: &str) -> SqsError {
    SqsError::new(
        Kind::EmptyBatchRequest,
        format!("There should be at least one {shape} in the request."),
    )
}

pub fn entry_id_repeated(id: &str) -> SqsError {
    SqsError::new(Kind::BatchEntryIdsNotDistinct, format!("Id {id} repeated."))
}

pub fn invalid_entry_id() -> SqsError {
    SqsError::new(
        Kind::InvalidBatchEntryId,
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It \
         can be at most 80 letters long.",
    )
}

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
