//! What goes wrong with messages that are published.

use super::super::schema::{MessageEncoding, MismatchError, SchemaKind};
use super::super::transform::TransformError;
use super::{DOMAIN, PubsubError, failed, invalid};
use crate::proto::google::rpc;

/// A message that says nothing.
pub fn empty_message() -> PubsubError {
    invalid(
        "One or more messages in the publish request is empty. Each message must contain either \
         non-empty data, or at least one attribute.",
    )
}

/// An attribute's key that is kept for the service.
pub fn reserved_attribute(key: &str) -> PubsubError {
    invalid(format!(
        "The request contains an attribute key that is not valid (key={key}). Attribute keys must \
         be non-empty and must not begin with 'goog' (case-insensitive)."
    ))
}

/// An attribute whose key or value, as `part` says, is longer than it may be. Lengths are bytes,
/// which the service calls characters.
pub fn attribute_too_long(key: &str, part: AttributePart, given: usize, max: usize) -> PubsubError {
    let part = match part {
        AttributePart::Key => "key",
        AttributePart::Value => "value",
    };
    invalid(format!(
        "The attribute \"{key}\" in the request has a {part} that is too long. {}",
        too_long(given, max)
    ))
}

/// An ordering key that is longer than it may be; lengths as in [`attribute_too_long`].
pub fn ordering_key_too_long(given: usize, max: usize) -> PubsubError {
    invalid(format!(
        "The request contains an ordering key that is too long. {}",
        too_long(given, max)
    ))
}

fn too_long(given: usize, max: usize) -> String {
    format!(
        "The length is {given} characters, but the maximum allowed is {max}. Refer to \
         https://cloud.google.com/pubsub/quotas for more information."
    )
}

/// What of an attribute is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributePart {
    Key,
    Value,
}

/// A message that a schema doesn't allow. `reason` is that of the schema's kind and the message's
/// encoding, such as `INVALID_BINARY_AVRO_MESSAGE`; `revision_info` says what was tried and why it
/// failed.
fn schema_violation(reason: &str, revision_info: String) -> PubsubError {
    let metadata = [
        ("message", "Message failed schema validation".to_owned()),
        ("revisionInfo", revision_info),
    ];
    let info = rpc::ErrorInfo {
        reason: reason.into(),
        domain: DOMAIN.into(),
        metadata: metadata
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
    };
    invalid("Invalid data in message: Message failed schema validation.")
        .with_detail("google.rpc.ErrorInfo", &info)
}

/// The refusal of a message that a revision of the schema `name`, the last that was tried, doesn't
/// allow.
pub fn schema_refusal(
    name: &str,
    revision_id: &str,
    kind: SchemaKind,
    encoding: MessageEncoding,
    why: &MismatchError,
) -> PubsubError {
    let revision_info = format!(
        "Could not validate message with any schema revision for schema: {name}, last checked \
         revision: revision_id={revision_id} failed with status: {why}."
    );
    schema_violation(violation_reason(kind, encoding), revision_info)
}

/// The refusal of a message that a schema without a name doesn't allow.
pub fn nameless_schema_refusal(
    kind: SchemaKind,
    encoding: MessageEncoding,
    why: &MismatchError,
) -> PubsubError {
    let info = format!("Could not validate message with the schema given: {why}.");
    schema_violation(violation_reason(kind, encoding), info)
}

fn violation_reason(kind: SchemaKind, encoding: MessageEncoding) -> &'static str {
    match (encoding, kind) {
        (MessageEncoding::Json, SchemaKind::ProtocolBuffer) => "INVALID_JSON_PROTO_MESSAGE",
        (MessageEncoding::Binary, SchemaKind::ProtocolBuffer) => "INVALID_BINARY_PROTO_MESSAGE",
        (MessageEncoding::Json, SchemaKind::Avro) => "INVALID_JSON_AVRO_MESSAGE",
        (MessageEncoding::Binary, SchemaKind::Avro) => "INVALID_BINARY_AVRO_MESSAGE",
    }
}

/// A topic whose bounds on its schema's revisions leave none.
pub fn no_revision_allowed() -> PubsubError {
    failed("The topic's schema has no revision that it allows.")
}

/// A message that a topic's transforms can't change.
pub fn transform_failed(why: &TransformError) -> PubsubError {
    invalid(format!("Failed to apply the message transform: {why}"))
}
