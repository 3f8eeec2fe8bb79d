//! Messages in an Avro object container file under their topic's own schema.
//!
//! Avro writes a record's fields one after the other, so what was published goes into the file as it
//! is, with the metadata's fields behind it: the file's schema is the topic's with those added.

use super::avro::METADATA_FIELDS;
use super::batch::ExportMessage;
use crate::pubsub::schema::{CompiledSchema, DefinitionError, MessageEncoding, MismatchError};
use crate::pubsub::schema::{SchemaKind, put_long, put_text};
use apache_avro::{Schema, Writer};
use serde_json::Value;
use std::rc::Rc;

/// Bytes of a block's messages, beyond which the next begins.
const BLOCK_BYTES: usize = 64 << 10;
/// Bytes of the marker after each block.
const MARKER_BYTES: usize = 16;

/// A revision of a topic's schema, ready to write files.
#[derive(Debug)]
pub struct TopicSchema {
    compiled: CompiledSchema,
    file: Schema,
    write_metadata: bool,
}

impl TopicSchema {
    /// Makes a definition ready.
    ///
    /// # Errors
    /// If it isn't one, or has no room for the metadata: it isn't a record, or has fields of the
    /// same names.
    pub fn new(definition: &str, write_metadata: bool) -> Result<Self, DefinitionError> {
        let compiled = CompiledSchema::compile(SchemaKind::Avro, definition)?;
        let wrong = |error: &dyn std::fmt::Display| DefinitionError(error.to_string());
        let mut file: Value = serde_json::from_str(definition).map_err(|error| wrong(&error))?;
        if write_metadata {
            let fields = file.get_mut("fields").and_then(Value::as_array_mut);
            let added: Value =
                serde_json::from_str(METADATA_FIELDS).map_err(|error| wrong(&error))?;
            match (fields, added) {
                (Some(fields), Value::Array(added)) => fields.extend(added),
                _ => return Err(wrong(&"metadata can be added to records only")),
            }
        }
        Ok(Self {
            compiled,
            // Fields of the same name are refused here.
            file: Schema::parse(&file).map_err(|error| wrong(&error))?,
            write_metadata,
        })
    }

    /// A message's data in the binary encoding.
    ///
    /// # Errors
    /// If it isn't one value of the schema.
    pub fn datum(&self, encoding: MessageEncoding, data: &[u8]) -> Result<Vec<u8>, MismatchError> {
        self.compiled.avro_datum(encoding, data)
    }
}

/// A file in the making, in memory.
pub(super) struct TopicFile {
    schema: Rc<TopicSchema>,
    file: Vec<u8>,
    marker: [u8; MARKER_BYTES],
    block: Vec<u8>,
    messages: i64,
}

impl TopicFile {
    pub(super) fn new(schema: Rc<TopicSchema>) -> Self {
        let file = Writer::new(&schema.file, Vec::new())
            .and_then(Writer::into_inner)
            .expect("a schema that was parsed, into memory");
        let mut marker = [0; MARKER_BYTES];
        marker.copy_from_slice(&file[file.len() - MARKER_BYTES..]);
        Self {
            schema,
            file,
            marker,
            block: Vec::new(),
            messages: 0,
        }
    }

    /// Adds a message whose data is a [`TopicSchema::datum`].
    pub(super) fn push(&mut self, subscription: &str, message: &ExportMessage<'_>) {
        let out = &mut self.block;
        out.extend_from_slice(message.data);
        if self.schema.write_metadata {
            put_text(out, subscription.as_bytes());
            put_text(out, message.message_id.as_bytes());
            let micros = message.publish_time_millis.saturating_mul(1000);
            put_long(out, i64::try_from(micros).unwrap_or(i64::MAX));
            let key = [("ordering_key", message.ordering_key)];
            let key = key.iter().filter(|(_, key)| !key.is_empty());
            let count = message.attributes.len() + key.clone().count();
            if count > 0 {
                put_long(out, count as i64);
            }
            for (key, value) in message.attributes.iter().chain(key) {
                put_text(out, key.as_bytes());
                put_text(out, value.as_bytes());
            }
            put_long(out, 0);
        }
        self.messages += 1;
        if self.block.len() >= BLOCK_BYTES {
            self.end_block();
        }
    }

    fn end_block(&mut self) {
        if self.messages == 0 {
            return;
        }
        put_long(&mut self.file, self.messages);
        put_text(&mut self.file, &self.block);
        self.file.extend_from_slice(&self.marker);
        self.block.clear();
        self.messages = 0;
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.end_block();
        self.file
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apache_avro::Reader;
    use apache_avro::types::Value as Avro;

    const PERSON: &str = r#"{"type": "record", "name": "Person", "fields": [
        {"name": "name", "type": "string"}, {"name": "age", "type": "int"}]}"#;

    fn read(schema: TopicSchema, messages: usize) -> Vec<Avro> {
        let schema = Rc::new(schema);
        let mut file = TopicFile::new(schema.clone());
        for n in 0..messages {
            let json = format!(r#"{{"name": "Ada", "age": {n}}}"#);
            let data = schema.datum(MessageEncoding::Json, json.as_bytes());
            let message = ExportMessage {
                data: &data.unwrap(),
                attributes: &[("a", "b")],
                message_id: "17",
                publish_time_millis: 1_700_000_000_123,
                ordering_key: "key",
            };
            file.push("projects/p/subscriptions/s", &message);
        }
        let bytes = file.finish();
        let reader = Reader::new(&bytes[..]).expect("a container file");
        reader.map(|record| record.expect("a record")).collect()
    }

    fn person(age: i32) -> Vec<(String, Avro)> {
        vec![
            ("name".to_owned(), Avro::String("Ada".to_owned())),
            ("age".to_owned(), Avro::Int(age)),
        ]
    }

    #[test]
    fn records_are_those_of_the_topic() {
        let plain = read(TopicSchema::new(PERSON, false).unwrap(), 20_000);
        assert_eq!(plain.len(), 20_000, "in several blocks");
        for (age, record) in plain.into_iter().enumerate() {
            assert_eq!(record, Avro::Record(person(age as i32)));
        }
        assert!(read(TopicSchema::new(PERSON, false).unwrap(), 0).is_empty());
    }

    #[test]
    fn metadata_comes_behind() {
        let text = |text: &str| Avro::String(text.to_owned());
        let attributes = [
            ("a".to_owned(), text("b")),
            ("ordering_key".to_owned(), text("key")),
        ];
        let mut record = person(0);
        record.extend([
            (
                "subscription_name".to_owned(),
                text("projects/p/subscriptions/s"),
            ),
            ("message_id".to_owned(), text("17")),
            (
                "publish_time".to_owned(),
                Avro::TimestampMicros(1_700_000_000_123_000),
            ),
            ("attributes".to_owned(), Avro::Map(attributes.into())),
        ]);
        let read = read(TopicSchema::new(PERSON, true).unwrap(), 1);
        assert_eq!(read, [Avro::Record(record)]);
    }

    #[test]
    fn metadata_needs_room() {
        assert!(TopicSchema::new(r#""string""#, false).is_ok());
        assert!(TopicSchema::new(r#""string""#, true).is_err());
        let taken = PERSON.replace("age", "message_id");
        assert!(TopicSchema::new(&taken, false).is_ok());
        assert!(TopicSchema::new(&taken, true).is_err());
    }

    #[test]
    fn what_does_not_conform_is_told() {
        let schema = TopicSchema::new(PERSON, false).unwrap();
        let good = b"\x06Ada\x48";
        assert_eq!(schema.datum(MessageEncoding::Binary, good).unwrap(), good);
        assert!(schema.datum(MessageEncoding::Binary, b"\x06Ad").is_err());
        assert!(schema.datum(MessageEncoding::Json, b"{}").is_err());
    }
}
