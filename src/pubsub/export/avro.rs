//! Messages in an Avro object container file, under the schemas that the real service uses.

use super::batch::ExportMessage;
use apache_avro::types::Value;
use apache_avro::{Schema, Writer};
use std::collections::HashMap;
use std::sync::OnceLock;

const DATA_ONLY: &str = r#"{
    "type": "record", "namespace": "com.google.pubsub", "name": "PubsubMessage",
    "fields": [{"name": "data", "type": "bytes"}]
}"#;

const WITH_METADATA: &str = r#"{
    "type": "record", "namespace": "com.google.pubsub", "name": "PubsubMessageWithMetadata",
    "fields": [
        {"name": "subscription_name", "type": "string"},
        {"name": "message_id", "type": "string"},
        {"name": "publish_time", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "attributes", "type": {"type": "map", "values": "string"}},
        {"name": "data", "type": "bytes"}
    ]
}"#;

/// What is told of a message beside its data, as fields of a record.
pub(super) const METADATA_FIELDS: &str = r#"[
    {"name": "subscription_name", "type": "string"},
    {"name": "message_id", "type": "string"},
    {"name": "publish_time", "type": {"type": "long", "logicalType": "timestamp-micros"}},
    {"name": "attributes", "type": {"type": "map", "values": "string"}}
]"#;

fn schema(write_metadata: bool) -> &'static Schema {
    static SCHEMAS: [OnceLock<Schema>; 2] = [OnceLock::new(), OnceLock::new()];
    SCHEMAS[usize::from(write_metadata)].get_or_init(|| {
        let text = if write_metadata {
            WITH_METADATA
        } else {
            DATA_ONLY
        };
        Schema::parse_str(text).expect("a schema of ours")
    })
}

/// A file in the making, in memory.
pub(super) struct AvroFile {
    writer: Writer<'static, Vec<u8>>,
    write_metadata: bool,
}

impl AvroFile {
    pub(super) fn new(write_metadata: bool) -> Self {
        Self {
            writer: Writer::new(schema(write_metadata), Vec::new())
                .expect("a schema of ours can be written"),
            write_metadata,
        }
    }

    pub(super) fn push(&mut self, subscription: &str, message: &ExportMessage<'_>) {
        let data = Value::Bytes(message.data.to_vec());
        let record = if self.write_metadata {
            let text = |text: &str| Value::String(text.to_owned());
            let mut attributes: HashMap<String, Value> = message
                .attributes
                .iter()
                .map(|(key, value)| ((*key).to_owned(), text(value)))
                .collect();
            if !message.ordering_key.is_empty() {
                attributes.insert("ordering_key".to_owned(), text(message.ordering_key));
            }
            let micros = message.publish_time_millis.saturating_mul(1000);
            let micros = i64::try_from(micros).unwrap_or(i64::MAX);
            vec![
                ("subscription_name".to_owned(), text(subscription)),
                ("message_id".to_owned(), text(message.message_id)),
                ("publish_time".to_owned(), Value::TimestampMicros(micros)),
                ("attributes".to_owned(), Value::Map(attributes)),
                ("data".to_owned(), data),
            ]
        } else {
            vec![("data".to_owned(), data)]
        };
        self.writer
            .append_value(Value::Record(record))
            .expect("a record of our schema, into memory");
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.writer.into_inner().expect("memory takes everything")
    }
}
