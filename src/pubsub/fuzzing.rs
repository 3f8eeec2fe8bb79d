//! The dialect's parsers, for tests/fuzz.

pub use super::push::fuzzing::answer as push_answer;
pub use super::rest::fuzzing::{rest, values};

use super::names::{parse_any, parse_project, parse_schema_revision};
use super::schema::{CompiledSchema, MessageEncoding, SchemaKind};
use crate::fuzzing::halves;
use crate::regions::{Map, region_of};
use lclq_shards::pubsub::Filter;

/// A filter, and a message that it is asked about.
pub fn filter(bytes: &[u8]) {
    let (filter, message) = halves(bytes);
    if let Some(filter) = std::str::from_utf8(filter)
        .ok()
        .and_then(|text| Filter::parse(text).ok())
    {
        let _ = filter.matches(message);
    }
}

fn compiled(kind: SchemaKind, definition: &[u8]) -> Option<CompiledSchema> {
    let definition = std::str::from_utf8(definition).ok()?;
    CompiledSchema::compile(kind, definition).ok()
}

/// A definition in Avro, and a message. One in JSON is one in binary, too.
pub fn avro(bytes: &[u8]) {
    let (definition, message) = halves(bytes);
    let Some(schema) = compiled(SchemaKind::Avro, definition) else {
        return;
    };
    let _ = schema.validate(MessageEncoding::Binary, message);
    let is_json = schema.validate(MessageEncoding::Json, message);
    match schema.avro_datum(MessageEncoding::Json, message) {
        Ok(datum) => {
            assert_eq!(is_json, Ok(()));
            assert_eq!(schema.validate(MessageEncoding::Binary, &datum), Ok(()));
        }
        Err(error) => assert!(is_json.is_err(), "{error}"),
    }
}

/// A definition of protocol buffers, and a message.
pub fn protobuf(bytes: &[u8]) {
    let (definition, message) = halves(bytes);
    if let Some(schema) = compiled(SchemaKind::ProtocolBuffer, definition) {
        let _ = schema.validate(MessageEncoding::Binary, message);
        let _ = schema.validate(MessageEncoding::Json, message);
    }
}

/// Names of resources, and of endpoints.
pub fn names(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = (parse_any(text), parse_project(text));
        if let Ok(map) = Map::new(&["europe-west1".to_owned()]) {
            let _ = region_of(&map, Some(text));
        }
        if let Ok((_, revision)) = parse_schema_revision(text) {
            assert!(revision.is_none_or(|revision| text.ends_with(revision)));
        }
    }
}
