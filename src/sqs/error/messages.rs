//! What goes wrong with messages: sending and receiving them, their leases, attributes and batches.

use super::super::limits::{
    ATTRIBUTE_NAME_CHARS_MAX, BATCH_BYTES_MAX, BATCH_ENTRIES_MAX, DELAY_S_MAX, GROUP_ID_CHARS_MAX,
    IN_FLIGHT_MAX, MESSAGE_ATTRIBUTES_MAX, NAME_CHARS_MAX, RECEIVED_MESSAGES_MAX,
    VISIBILITY_TIMEOUT_S_MAX, WAIT_S_MAX,
};
use super::{Kind, SqsError, invalid, invalid_parameter, invalid_parameter_text};

/// Which characters a body or an attribute's text may hold, in the service's words.
const VALID_CHARACTERS: &str = "Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF \
                               | #xE000 to #xFFFD | #x10000 to #x10FFFF.";

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
    invalid(format!(
        "Total VisibilityTimeout for the message is beyond the limit [{VISIBILITY_TIMEOUT_S_MAX} \
         seconds]"
    ))
}

pub fn message_too_long(bytes_max: u32) -> SqsError {
    invalid(format!(
        "One or more parameters are invalid. Reason: Message must be shorter than {bytes_max} \
         bytes."
    ))
}

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
        format!("The maximum number of in flight messages is reached: {IN_FLIGHT_MAX}."),
    )
}

pub fn batch_too_long(bytes: usize) -> SqsError {
    SqsError::new(
        Kind::BatchRequestTooLong,
        format!(
            "Batch requests cannot be longer than {BATCH_BYTES_MAX} bytes. You have sent {bytes} bytes."
        ),
    )
}

pub fn too_many_entries(entries: usize) -> SqsError {
    SqsError::new(
        Kind::TooManyEntriesInBatchRequest,
        format!(
            "Maximum number of entries per request are {BATCH_ENTRIES_MAX}. You have sent \
             {entries}."
        ),
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
        format!(
            "A batch entry id can only contain alphanumeric characters, hyphens and underscores. \
             It can be at most {NAME_CHARS_MAX} letters long."
        ),
    )
}

/// A member that the entry `at` (counted from 0) of a batch needs is empty or not there.
pub fn empty_member(entry: &str, at: usize, member: &str) -> SqsError {
    SqsError::new(
        Kind::EmptyValue,
        format!("No Value Found for {entry}.{}.{member}.", at + 1),
    )
}

pub fn delay_out_of_bounds(delay_s: i64) -> SqsError {
    invalid_parameter(
        "DelaySeconds",
        delay_s,
        &format!("DelaySeconds must be >= 0 and <= {DELAY_S_MAX}."),
    )
}

pub fn visibility_timeout_out_of_bounds(timeout_s: i64) -> SqsError {
    invalid_parameter(
        "VisibilityTimeout",
        timeout_s,
        &format!("VisibilityTimeout must be an integer between 0 and {VISIBILITY_TIMEOUT_S_MAX}."),
    )
}

/// As [`visibility_timeout_out_of_bounds`], in the words of a receive.
pub fn received_timeout_out_of_bounds(timeout_s: i64) -> SqsError {
    invalid_parameter(
        "VisibilityTimeout",
        timeout_s,
        &format!("Must be between 0 and {VISIBILITY_TIMEOUT_S_MAX}, if provided."),
    )
}

pub fn received_messages_out_of_bounds(number: i64) -> SqsError {
    invalid_parameter(
        "MaxNumberOfMessages",
        number,
        &format!("Must be between 1 and {RECEIVED_MESSAGES_MAX}, if provided."),
    )
}

pub fn wait_out_of_bounds(wait_s: i64) -> SqsError {
    invalid_parameter(
        "WaitTimeSeconds",
        wait_s,
        &format!("Must be >= 0 and <= {WAIT_S_MAX}, if provided."),
    )
}

/// A message group id or deduplication id, as `name` says.
pub fn invalid_group_id(name: &str, id: &str) -> SqsError {
    invalid_parameter(
        name,
        id,
        &format!(
            "{name} can only include alphanumeric and punctuation characters. 1 to \
             {GROUP_ID_CHARS_MAX} in length."
        ),
    )
}

/// A batch for a FIFO queue has a message without a group. Unlike with a single message, this is a
/// wrong value of the whole request.
pub fn no_group_in_batch() -> SqsError {
    invalid_parameter_text("The request must contain the parameter MessageGroupId.")
}

pub fn too_many_message_attributes(given: usize) -> SqsError {
    invalid(format!(
        "Number of message attributes [{given}] exceeds the allowed maximum \
         [{MESSAGE_ATTRIBUTES_MAX}]."
    ))
}

pub fn message_attribute_repeated(name: &str) -> SqsError {
    invalid(format!(
        "Message (user) attribute name '{name}' already exists."
    ))
}

pub fn unknown_system_attribute(name: &str) -> SqsError {
    invalid(format!(
        "Message system attribute name '{name}' is invalid."
    ))
}

pub fn system_attribute_no_text(name: &str) -> SqsError {
    invalid(format!(
        "Message system attribute '{name}' must be of type 'String'."
    ))
}

pub fn invalid_message_attribute_name(name: &str) -> SqsError {
    invalid(format!(
        "Message (user) attribute name '{name}' is invalid. It can contain A-Z, a-z, 0-9, \
         underscore, hyphen and period, must not start with 'AWS.' or 'Amazon.', nor start or end \
         with a period, and must be 1 to {ATTRIBUTE_NAME_CHARS_MAX} characters long."
    ))
}

pub fn message_attribute_without_type(name: &str) -> SqsError {
    invalid(format!(
        "Message (user) attribute '{name}' must contain a non-empty attribute type."
    ))
}

pub fn invalid_message_attribute_type(name: &str) -> SqsError {
    invalid(format!(
        "The type of message (user) attribute '{name}' is invalid. You must use only the \
         following supported type prefixes: Binary, Number, String."
    ))
}

pub fn message_attribute_empty(name: &str, base: &str) -> SqsError {
    invalid(format!(
        "Message (user) attribute '{name}' must contain a non-empty value of type '{base}'."
    ))
}

pub fn message_attribute_no_number(name: &str) -> SqsError {
    invalid(format!(
        "Can't cast the value of message (user) attribute '{name}' to a number."
    ))
}

pub fn message_attribute_illegal(name: &str) -> SqsError {
    invalid(format!(
        "Invalid characters found in the value of message (user) attribute '{name}'. \
         {VALID_CHARACTERS}"
    ))
}

pub fn message_attribute_no_base64(name: &str) -> SqsError {
    invalid(format!(
        "The value of message (user) attribute '{name}' is not base64."
    ))
}
