//! What goes wrong with what a queue has: attributes, redrive, policy and permissions, tags.

use super::super::limits::{
    RECEIVE_COUNT_MAX, REDRIVE_SOURCES_MAX, TAG_KEY_CHARS_MAX, TAG_VALUE_CHARS_MAX, TAGS_MAX,
};
use super::{Kind, SqsError, invalid, invalid_parameter, invalid_parameter_text, not_plain_name};

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

fn invalid_attribute_because(name: &str, reason: &str) -> SqsError {
    SqsError::new(
        Kind::InvalidAttributeValue,
        format!("Invalid value for the parameter {name}. Reason: {reason}"),
    )
}

pub fn fixed_type() -> SqsError {
    invalid_attribute_because("FifoQueue", "Modifying queue type is not supported.")
}

/// An attribute that only FIFO queues have.
pub fn only_for_fifo(name: &str) -> SqsError {
    SqsError::new(
        Kind::InvalidAttributeName,
        format!("You can specify the {name} only when FifoQueue is set to true."),
    )
}

pub fn both_encryptions() -> SqsError {
    SqsError::new(
        Kind::InvalidAttributeName,
        "You can use one type of server-side encryption (SSE) at one time. You can either enable \
         KMS SSE or SQS SSE.",
    )
}

/// A throughput limit for each group without deduplication for each.
pub fn throughput_without_scope() -> SqsError {
    invalid_parameter(
        "FifoThroughputLimit",
        "perMessageGroupId",
        "The perMessageGroupId value is allowed only when the value for DeduplicationScope is \
         messageGroup.",
    )
}

/// What of a RedrivePolicy is wrong.
pub enum RedriveFault<'a> {
    NotAMap,
    Missing(&'a str),
    Unknown(&'a str),
    InvalidTarget,
    InvalidCount(&'a str),
    OtherAccount,
    NoTarget,
    OtherType,
    NotAllowed,
}

pub fn invalid_redrive(policy: &str, fault: RedriveFault<'_>) -> SqsError {
    use RedriveFault::*;
    let reason = match fault {
        NotAMap => "Redrive policy is not a valid JSON map.",
        Missing(name) => &format!("Redrive policy does not contain mandatory attribute: {name}."),
        Unknown(name) => &format!(
            "Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount], got \
             {name}."
        ),
        InvalidTarget => "Invalid value for deadLetterTargetArn.",
        InvalidCount(count) => &format!(
            "Invalid value for maxReceiveCount: {count}, valid values are from 1 to \
             {RECEIVE_COUNT_MAX} both inclusive."
        ),
        OtherAccount => "Dead-letter queue must be in the same region and account as the source.",
        NoTarget => "Dead letter target does not exist.",
        OtherType => "Dead-letter queue must be same type of queue as the source.",
        NotAllowed => "The dead-letter queue's RedriveAllowPolicy does not allow this queue.",
    };
    invalid_parameter("RedrivePolicy", policy, reason)
}

/// What of a RedriveAllowPolicy is wrong.
#[derive(Clone, Copy)]
pub enum RedriveAllowFault {
    NotAMap,
    InvalidSources,
    SourcesNotAsked,
    SourcesMissing,
    InvalidPermission,
}

pub fn invalid_redrive_allow(policy: &str, fault: RedriveAllowFault) -> SqsError {
    use RedriveAllowFault::*;
    let reason = match fault {
        NotAMap => {
            "Amazon SQS can't create the redrive allow policy, as it’s in an unsupported format."
        }
        InvalidSources => "The sourceQueueArns must be a list of queue ARNs.",
        SourcesNotAsked => "The sourceQueueArns can be given only with redrivePermission byQueue.",
        SourcesMissing => &format!(
            "The redrivePermission byQueue needs 1 to {REDRIVE_SOURCES_MAX} sourceQueueArns."
        ),
        InvalidPermission => "The redrivePermission must be allowAll, denyAll or byQueue.",
    };
    invalid_parameter("RedriveAllowPolicy", policy, reason)
}

/// More of something in a policy than its quota.
pub fn policy_over_quota(what: &str, found: usize, allowed: usize) -> SqsError {
    SqsError::new(
        Kind::OverLimit,
        format!("{found} {what} were found, maximum allowed is {allowed}."),
    )
}

pub fn invalid_label(label: &str) -> SqsError {
    invalid_parameter("Label", label, &not_plain_name())
}

pub fn label_taken(label: &str) -> SqsError {
    invalid_parameter("Label", label, "Already exists.")
}

pub fn no_such_label(label: &str) -> SqsError {
    invalid_parameter("Label", label, "can't find label.")
}

/// An account that permissions can't be given to, or none at all: the empty text.
pub fn invalid_principal(account: &str) -> SqsError {
    invalid_parameter("PrincipalId", format!("[{account}]"), "Unable to verify.")
}

pub fn unknown_permission(action: &str) -> SqsError {
    invalid_parameter(
        "ActionName",
        format!("SQS:{action}"),
        "Please refer to the appropriate WSDL for a list of valid actions.",
    )
}

pub fn permission_of_owner(action: &str) -> SqsError {
    invalid_parameter(
        "ActionName",
        format!("SQS:{action}"),
        "Only the queue owner is allowed to invoke this action.",
    )
}

pub fn tag_key_length() -> SqsError {
    invalid(format!(
        "Tag keys must be between 1 and {TAG_KEY_CHARS_MAX} characters in length."
    ))
}

pub fn tag_value_length() -> SqsError {
    invalid(format!(
        "Tag values must be between 0 and {TAG_VALUE_CHARS_MAX} characters in length."
    ))
}

pub fn reserved_tag_key() -> SqsError {
    invalid_parameter_text("Tag keys must not start with aws:.")
}

pub fn too_many_tags() -> SqsError {
    invalid(format!(
        "Too many tags added for queue. At most {TAGS_MAX} are allowed."
    ))
}

/// A policy that isn't one.
pub fn invalid_policy(error: &lclq_policies::PolicyError) -> SqsError {
    SqsError::new(
        Kind::InvalidAttributeValue,
        format!("Invalid value for the parameter Policy. {error}"),
    )
}

/// A queue more than an account may have.
pub fn too_many_queues(queues_max: usize) -> SqsError {
    SqsError::new(
        Kind::OverLimit,
        format!(
            "The account has {queues_max} queues, which is as many as it may have in a region."
        ),
    )
}
