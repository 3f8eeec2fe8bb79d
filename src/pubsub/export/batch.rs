//! One object in the making.

use super::avro::AvroFile;
use super::datetime::write_datetime;
use super::settings::{ExportFormat, ExportSettings};
use super::topic_schema::{TopicFile, TopicSchema};
use crate::pubsub::civil_time::CivilTime;
use bytes::Bytes;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Bytes of an object, whatever the subscription allows: a batch is made in memory.
const OBJECT_BYTES_MAX: u64 = 64 << 20;

/// Messages of an object, whatever the subscription allows: they are all leased until it is stored.
const OBJECT_MESSAGES_MAX: u64 = 100_000;

/// A message as it is exported.
#[derive(Clone, Debug, Default)]
pub struct ExportMessage<'a> {
    pub data: &'a [u8],
    pub attributes: &'a [(&'a str, &'a str)],
    pub message_id: &'a str,
    /// Milliseconds since 1970.
    pub publish_time_millis: u64,
    pub ordering_key: &'a str,
}

/// A finished object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    pub bucket: String,
    pub name: String,
    pub content_type: &'static str,
    pub data: Bytes,
}

/// Messages on their way into one object.
pub struct Batch {
    form: Form,
    messages: u64,
    bytes: u64,
    due: Instant,
}

enum Form {
    Text(Vec<u8>),
    Avro(Box<AvroFile>),
    Topic(Box<TopicFile>),
}

impl Batch {
    /// An empty batch that begins now, of messages of `schema` or of any.
    pub fn new(settings: &ExportSettings, schema: Option<Rc<TopicSchema>>, now: Instant) -> Self {
        Self {
            form: match (settings.format, schema) {
                (ExportFormat::Text, _) => Form::Text(Vec::new()),
                (ExportFormat::Avro { .. }, Some(schema)) => {
                    Form::Topic(Box::new(TopicFile::new(schema)))
                }
                (ExportFormat::Avro { write_metadata, .. }, None) => {
                    Form::Avro(Box::new(AvroFile::new(write_metadata)))
                }
            },
            messages: 0,
            bytes: 0,
            due: now + settings.duration(),
        }
    }

    /// Adds a message of `subscription`, a full resource name.
    pub fn push(&mut self, subscription: &str, message: &ExportMessage<'_>) {
        match &mut self.form {
            Form::Text(text) => {
                text.extend_from_slice(message.data);
                text.push(b'\n');
            }
            Form::Avro(file) => file.push(subscription, message),
            Form::Topic(file) => file.push(subscription, message),
        }
        self.messages += 1;
        // A little more than what a message adds at most; the bound may be exceeded by one anyway.
        let attributes: usize = message
            .attributes
            .iter()
            .map(|(key, value)| key.len() + value.len() + 8)
            .sum();
        self.bytes += (message.data.len() + attributes + 1) as u64;
    }

    /// Messages so far.
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// True if the object should be written now.
    pub fn is_due(&self, settings: &ExportSettings, now: Instant) -> bool {
        let or = |bound: u64, max: u64| if bound == 0 { max } else { bound.min(max) };
        self.messages > 0
            && (now >= self.due
                || self.bytes >= or(settings.max_bytes, OBJECT_BYTES_MAX)
                || self.messages >= or(settings.max_messages, OBJECT_MESSAGES_MAX))
    }

    /// Time until the object is due by age.
    pub fn due_in(&self, now: Instant) -> Duration {
        self.due.saturating_duration_since(now)
    }

    /// The object, named after the time and a random id.
    pub fn finish(self, settings: &ExportSettings, now_millis: u64, id: [u8; 16]) -> Object {
        let (data, content_type, extension) = match self.form {
            Form::Text(text) => (text, "text/plain", ".txt"),
            Form::Avro(file) => (file.finish(), "application/avro", ".avro"),
            Form::Topic(file) => (file.finish(), "application/avro", ".avro"),
        };
        let time = CivilTime::from_millis(now_millis);
        let datetime = write_datetime(&settings.filename_datetime_format, time);
        let suffix = if settings.filename_suffix.is_empty() {
            extension
        } else {
            &settings.filename_suffix
        };
        Object {
            bucket: settings.bucket.clone(),
            name: format!(
                "{}{datetime}_{}{suffix}",
                settings.filename_prefix,
                uuid::Uuid::from_bytes(id)
            ),
            content_type,
            data: data.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apache_avro::Reader;
    use apache_avro::types::Value;

    const SUBSCRIPTION: &str = "projects/p/subscriptions/s";
    const NOW_MILLIS: u64 = 1_700_000_000_123;

    fn settings(format: ExportFormat) -> ExportSettings {
        ExportSettings {
            bucket: "bucket".to_owned(),
            format,
            ..ExportSettings::default()
        }
    }

    fn message(data: &[u8]) -> ExportMessage<'_> {
        ExportMessage {
            data,
            attributes: &[("a", "b")],
            message_id: "17",
            publish_time_millis: NOW_MILLIS,
            ordering_key: "key",
        }
    }

    fn object(settings: &ExportSettings, data: &[&[u8]]) -> Object {
        let mut batch = Batch::new(settings, None, Instant::now());
        for data in data {
            batch.push(SUBSCRIPTION, &message(data));
        }
        batch.finish(settings, NOW_MILLIS, [0xab; 16])
    }

    #[test]
    fn text_is_data_and_newlines() {
        let mut settings = settings(ExportFormat::Text);
        settings.filename_prefix = "logs/".to_owned();
        settings.filename_suffix = ".log".to_owned();
        let object = object(&settings, &[b"one", b"two"]);
        assert_eq!(object.data, "one\ntwo\n");
        assert_eq!(
            object.name,
            "logs/2023-11-14/22_13_20Z_abababab-abab-abab-abab-abababababab.log"
        );
        assert_eq!(object.bucket, "bucket");
    }

    #[test]
    fn avro_with_and_without_metadata() {
        let read = |object: &Object| {
            let reader = Reader::new(&object.data[..]).expect("a container file");
            let records: Vec<Value> = reader.map(|record| record.expect("a record")).collect();
            records
        };
        let data: &[&[u8]] = &[b"one", b"\x00\xff"];
        let plain = object(
            &settings(ExportFormat::Avro {
                write_metadata: false,
                use_topic_schema: false,
            }),
            data,
        );
        assert!(plain.name.ends_with(".avro"));
        let bytes = |bytes: &[u8]| ("data".to_owned(), Value::Bytes(bytes.to_vec()));
        assert_eq!(
            read(&plain),
            [
                Value::Record(vec![bytes(b"one")]),
                Value::Record(vec![bytes(b"\x00\xff")])
            ]
        );
        let full = object(
            &settings(ExportFormat::Avro {
                write_metadata: true,
                use_topic_schema: false,
            }),
            data,
        );
        let text = |text: &str| Value::String(text.to_owned());
        let attributes = [
            ("a".to_owned(), text("b")),
            ("ordering_key".to_owned(), text("key")),
        ];
        let record = |data: &[u8]| {
            Value::Record(vec![
                ("subscription_name".to_owned(), text(SUBSCRIPTION)),
                ("message_id".to_owned(), text("17")),
                (
                    "publish_time".to_owned(),
                    Value::TimestampMicros(1_700_000_000_123_000),
                ),
                (
                    "attributes".to_owned(),
                    Value::Map(attributes.clone().into()),
                ),
                bytes(data),
            ])
        };
        assert_eq!(read(&full), [record(b"one"), record(b"\x00\xff")]);
    }

    #[test]
    fn due_by_age_bytes_and_messages() {
        let now = Instant::now();
        let mut settings = settings(ExportFormat::Text);
        settings.max_bytes = 1000;
        settings.max_messages = 1000;
        settings.max_duration = Some(Duration::from_secs(60));
        let mut batch = Batch::new(&settings, None, now);
        let late = now + Duration::from_secs(60);
        assert!(!batch.is_due(&settings, late), "nothing to write");
        batch.push(SUBSCRIPTION, &message(b"x"));
        assert!(!batch.is_due(&settings, now));
        assert_eq!(batch.due_in(now), Duration::from_secs(60));
        assert!(batch.is_due(&settings, late));
        batch.push(SUBSCRIPTION, &message(&[b'x'; 1000]));
        assert!(batch.is_due(&settings, now), "by bytes");
        settings.max_bytes = 0;
        assert!(!batch.is_due(&settings, now));
        for _ in 0..998 {
            batch.push(SUBSCRIPTION, &message(b""));
        }
        assert_eq!(batch.messages(), 1000);
        assert!(batch.is_due(&settings, now), "by messages");
    }
}
