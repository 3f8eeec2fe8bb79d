//! Schemas: definitions compiled once, messages validated against them on publish.
//!
//! Definitions of protocol buffers are compiled by a well-kept crate, within bounds that are checked
//! before it sees them; those of Avro are parsed here, because its crate's work isn't bounded by the
//! definition's size. Messages are walked by code of our own, because it must stand anything that a
//! client sends: it allocates next to nothing, its depth is bounded, and its work is a small multiple
//! of the message's size, whatever the definition is and whatever the bytes claim to hold.

mod avro;
mod avro_binary;
mod avro_default;
mod avro_definition;
mod avro_encode;
mod avro_json;
mod avro_shown;
mod cache;
mod check;
mod protobuf;
mod protobuf_binary;
mod protobuf_bounds;
mod protobuf_json;
mod protobuf_layout;
mod protobuf_required;
mod revisions;
#[cfg(test)]
mod tests;

pub(super) use avro_encode::{put_long, put_text};
pub use cache::SchemaCache;
pub use check::{Check, Revision};
pub use revisions::{AllowedRevisions, allowed_revisions};

use super::limits::DEFINITION_BYTES_MAX;
use super::proto::schema::Type;
use avro::AvroSchema;
use protobuf::{ProtobufSchema, ShownProtobuf};
use serde_json::Value;

/// Levels of nesting that a binary message may have. JSON has serde_json's bound of 128.
const DEPTH_MAX: usize = 512;

/// Values of a message that are shown to people, and bytes of a message in protocol buffers.
const VALUES_SHOWN_MAX: usize = 1 << 16;

/// The language of a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SchemaKind {
    Avro,
    ProtocolBuffer,
}

impl SchemaKind {
    /// The language that a schema names, if it names one.
    pub(super) fn of(named: Type) -> Option<Self> {
        match named {
            Type::Avro => Some(Self::Avro),
            Type::ProtocolBuffer => Some(Self::ProtocolBuffer),
            Type::Unspecified => None,
        }
    }
}

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageEncoding {
    Json,
    Binary,
}

/// What is wrong with a definition, in words for its author.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DefinitionError(pub(crate) String);

/// Why a message doesn't conform, in words for its publisher.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MismatchError(pub(crate) String);

impl MismatchError {
    fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// A definition made ready to show binary messages as JSON, for people who look at them. Compiling
/// takes far longer than showing a message.
#[derive(Debug)]
pub struct ShownSchema(ShownForm);

#[derive(Debug)]
enum ShownForm {
    Avro(AvroSchema),
    Protobuf(ShownProtobuf),
}

impl ShownSchema {
    /// Compiles a definition.
    ///
    /// # Errors
    /// If it is none.
    pub fn compile(kind: SchemaKind, definition: &str) -> Result<Self, DefinitionError> {
        Ok(Self(match kind {
            SchemaKind::Avro => ShownForm::Avro(AvroSchema::compile(definition)?),
            SchemaKind::ProtocolBuffer => ShownForm::Protobuf(ShownProtobuf::compile(definition)?),
        }))
    }

    /// A message's value.
    ///
    /// # Errors
    /// If the data isn't one value of the schema, or it is too large to be shown.
    pub fn show(&self, data: &[u8]) -> Result<Value, MismatchError> {
        match &self.0 {
            ShownForm::Avro(schema) => avro_shown::shown(schema, data),
            ShownForm::Protobuf(schema) => schema.show(data),
        }
    }
}

/// A definition made ready to validate messages.
#[derive(Debug)]
pub struct CompiledSchema {
    form: Form,
}

#[derive(Debug)]
enum Form {
    Avro(AvroSchema),
    Protobuf(ProtobufSchema),
}

impl CompiledSchema {
    /// Compiles a definition.
    ///
    /// # Errors
    /// If it is too large, doesn't parse, or isn't one top-level type without imports.
    pub fn compile(kind: SchemaKind, definition: &str) -> Result<Self, DefinitionError> {
        if definition.is_empty() {
            return Err(DefinitionError("the definition is empty".to_owned()));
        }
        if definition.len() > DEFINITION_BYTES_MAX {
            return Err(DefinitionError(format!(
                "the definition has {} bytes, but the maximum is {DEFINITION_BYTES_MAX}",
                definition.len()
            )));
        }
        let form = match kind {
            SchemaKind::Avro => Form::Avro(AvroSchema::compile(definition)?),
            SchemaKind::ProtocolBuffer => Form::Protobuf(ProtobufSchema::compile(definition)?),
        };
        Ok(Self { form })
    }

    /// A message's data in Avro's binary encoding.
    ///
    /// # Errors
    /// If it isn't one value of this schema, or this isn't an Avro schema.
    pub fn avro_datum(
        &self,
        encoding: MessageEncoding,
        data: &[u8],
    ) -> Result<Vec<u8>, MismatchError> {
        match (&self.form, encoding) {
            (Form::Avro(schema), MessageEncoding::Json) => avro_encode::encode_json(schema, data),
            (Form::Avro(schema), MessageEncoding::Binary) => {
                avro_binary::validate(schema, data)?;
                Ok(data.to_vec())
            }
            (Form::Protobuf(_), _) => Err(MismatchError::new("the schema isn't in Avro")),
        }
    }

    /// Checks that a message's data is one value of this schema and nothing else.
    pub fn validate(&self, encoding: MessageEncoding, data: &[u8]) -> Result<(), MismatchError> {
        match (&self.form, encoding) {
            (Form::Avro(schema), MessageEncoding::Json) => avro_json::validate(schema, data),
            (Form::Avro(schema), MessageEncoding::Binary) => avro_binary::validate(schema, data),
            (Form::Protobuf(schema), MessageEncoding::Json) => {
                protobuf_json::validate(schema.layout(), data)
            }
            (Form::Protobuf(schema), MessageEncoding::Binary) => {
                protobuf_binary::validate(schema.layout(), data)
            }
        }
    }
}
