//! Publish: from the request's bytes to the engine without taking messages apart.
//!
//! A message is stored as its publisher encoded it, less what only the server may set (id and time
//! of publishing, which are added again on delivery).

use super::core::{Pubsub, TopicInfo, pubsub_refused, refused, unexpected};
use super::error::{
    self, AttributePart, PubsubError, PubsubResult, topic_keeps_changing, undecodable,
};
use super::limits::{
    ATTRIBUTE_KEY_BYTES_MAX, ATTRIBUTE_VALUE_BYTES_MAX, ATTRIBUTES_MAX, ORDERING_KEY_BYTES_MAX,
    PUBLISH_MESSAGES_MAX, PUBLISH_REQUEST_BYTES_MAX,
};
use super::proto::PubsubMessage;
use super::protobuf::{Fields, Malformed, Value, put_bytes, text};
use crate::grpc::{Encoded, EncodedBuf};
use crate::mesh::ask_until_current;
use bytes::Bytes;
use lclq_shards::command::{Command, Refusal, Reply};
use lclq_shards::pubsub::command::{PubsubCommand, SharedBytes, TopicRef};
use prost::Message;
use smallvec::SmallVec;

const RESERVED_PREFIX: &[u8] = b"goog";
const TRACE_ATTRIBUTES: [&[u8]; 2] = [b"googclient_traceparent", b"googclient_tracestate"];

/// Field numbers of `PubsubMessage`.
const DATA: u32 = 1;
const ATTRIBUTES: u32 = 2;
const ORDERING_KEY: u32 = 5;

/// The first message id: ids have 17 digits, as the service's have.
const MESSAGE_ID_BASE: u64 = 10_000_000_000_000_000;
/// Digits of a message id.
pub(super) const MESSAGE_ID_DIGITS: usize = 17;

/// How publishing ends without the shard.
enum Ended {
    /// All messages were filtered out.
    NothingLeft,
    Failed(PubsubError),
}

/// What is stored of messages of a topic that neither changes nor checks them.
#[inline]
fn as_they_are(info: &TopicInfo, drafts: &[Draft<'_>]) -> Option<Vec<SharedBytes>> {
    let plain = info.transforms.is_empty() && info.spec.schema_settings.is_none();
    plain.then(|| drafts.iter().map(stored).collect())
}

fn publish(info: &TopicInfo, messages: Vec<SharedBytes>) -> Command {
    Command::Pubsub(Box::new(PubsubCommand::Publish {
        topic: info.reference,
        messages,
    }))
}

/// A message as it came.
struct Draft<'r> {
    bytes: &'r [u8],
    /// It sets what only the server may set, or has fields that nobody will ever read: unknown ones
    /// and all but the last of one that counts once. Filters would walk over them again and again.
    has_surplus: bool,
}

/// The number that a message's id is, of so many shards.
#[inline]
pub fn message_number(shards: u16, shard: u16, sequence: u64) -> u64 {
    MESSAGE_ID_BASE + sequence * u64::from(shards) + u64::from(shard)
}

/// The shard and sequence number that a message's id tells, of so many shards.
pub fn from_message_number(shards: u16, number: u64) -> Option<(u16, u64)> {
    let number = number.checked_sub(MESSAGE_ID_BASE)?;
    let shards = u64::from(shards);
    Some(((number % shards) as u16, number / shards))
}

impl Pubsub {
    /// Publishes the messages of an encoded `PublishRequest`; answers a `PublishResponse`.
    pub(super) async fn publish_encoded(&self, request: Bytes) -> PubsubResult<Encoded> {
        let mut drafts = Drafts::new();
        let (topic, wrong) = read_request(&request, &mut drafts)?;
        // What doesn't exist is the first thing to be told.
        let info = self.topic(topic).await?;
        if let Some(wrong) = wrong {
            return Err(*wrong);
        }
        let (messages, mut filtered) = match as_they_are(&info, &drafts) {
            Some(messages) => (messages, Vec::new()),
            None => Box::pin(self.conforming(&info, &drafts)).await?,
        };
        // Of its name, whatever else changes.
        let TopicRef { shard, .. } = info.reference;
        if messages.is_empty() {
            return self.published(shard, 0, drafts.len(), &filtered);
        }
        // Again from the start if the topic has changed meanwhile: it may have a schema now.
        let anew = async |_| {
            let info = self.find_topic(topic).await.map_err(Ended::Failed)?;
            let messages;
            (messages, filtered) = match as_they_are(&info, &drafts) {
                Some(messages) => (messages, Vec::new()),
                None => self
                    .conforming(&info, &drafts)
                    .await
                    .map_err(Ended::Failed)?,
            };
            if messages.is_empty() {
                return Err(Ended::NothingLeft);
            }
            Ok((shard, publish(&info, messages)))
        };
        let command = publish(&info, messages);
        match ask_until_current(&self.mesh, shard, command, anew).await {
            Ok(Some(Reply::Published(first))) => {
                self.published(shard, first, drafts.len(), &filtered)
            }
            Ok(Some(Reply::Refused(Refusal::Pubsub(refusal)))) => {
                Err(pubsub_refused(refusal, topic))
            }
            Ok(Some(Reply::Refused(refusal))) => Err(refused(refusal)),
            Ok(Some(reply)) => Err(unexpected(&reply)),
            Ok(None) => Err(topic_keeps_changing()),
            Err(Ended::NothingLeft) => self.published(shard, 0, drafts.len(), &filtered),
            Err(Ended::Failed(error)) => Err(error),
        }
    }

    /// What a topic that changes or checks messages stores of them, and which it filters out, by
    /// their place.
    async fn conforming(
        &self,
        info: &TopicInfo,
        drafts: &[Draft<'_>],
    ) -> PubsubResult<(Vec<SharedBytes>, Vec<usize>)> {
        let decode = |draft: &Draft<'_>| {
            let mut message =
                PubsubMessage::decode(draft.bytes).map_err(|_| undecodable(Malformed))?;
            message.message_id.clear();
            message.publish_time = None;
            Ok(message)
        };
        let messages = drafts.iter().map(decode).collect::<PubsubResult<_>>()?;
        let (mut stored, mut filtered) = (Vec::with_capacity(drafts.len()), Vec::new());
        for (at, message) in self.conform(info, messages).await?.into_iter().enumerate() {
            match message {
                Some(message) => stored.push(message.encode_to_vec().into()),
                None => filtered.push(at),
            }
        }
        Ok((stored, filtered))
    }

    /// The response. Publishers expect an id for every message, also for those that were filtered
    /// out.
    fn published(
        &self,
        shard: u16,
        first: u64,
        count: usize,
        filtered: &[usize],
    ) -> PubsubResult<Encoded> {
        let mut out = EncodedBuf::with_capacity(count * (2 + MESSAGE_ID_DIGITS));
        let (mut sequence, mut filtered) = (first, filtered.iter().copied().peekable());
        for at in 0..count {
            if filtered.next_if_eq(&at).is_some() {
                put_bytes(&mut out, 1, &filtered_id()?);
            } else {
                put_bytes(&mut out, 1, &self.message_id(shard, sequence));
                sequence += 1;
            }
        }
        Ok(out.finish())
    }

    /// A message's id in digits: unique within the server, ascending within a shard.
    pub(super) fn message_id(&self, shard: u16, sequence: u64) -> [u8; MESSAGE_ID_DIGITS] {
        let mut number = message_number(self.mesh.shards(), shard, sequence);
        let mut digits = [b'0'; MESSAGE_ID_DIGITS];
        for digit in digits.iter_mut().rev() {
            *digit += (number % 10) as u8;
            number /= 10;
        }
        digits
    }
}

/// An id for a message that nobody will ever see: of the digits' upper half, which no message's
/// sequence number reaches.
fn filtered_id() -> PubsubResult<[u8; MESSAGE_ID_DIGITS]> {
    let mut number = getrandom::u64().map_err(error::no_randomness)?;
    let mut digits = [b'0'; MESSAGE_ID_DIGITS];
    digits[0] = b'9';
    for digit in &mut digits[1..] {
        *digit += (number % 10) as u8;
        number /= 10;
    }
    Ok(digits)
}

type Drafts<'r> = SmallVec<[Draft<'r>; 8]>;

/// Reads and checks a request into `drafts`, which takes only as many messages as one may have.
/// Answers its topic, and what is wrong with the messages.
fn read_request<'r>(
    request: &'r [u8],
    drafts: &mut Drafts<'r>,
) -> PubsubResult<(&'r str, Option<Box<PubsubError>>)> {
    let mut topic = "";
    let mut given = 0;
    let mut wrong = None;
    let mut fields = Fields::of(request);
    while let Some((number, value)) = fields.next().map_err(undecodable)? {
        match (number, value) {
            (1, Value::Bytes(name)) => topic = text(name).map_err(undecodable)?,
            (2, Value::Bytes(message)) => {
                given += 1;
                if given <= PUBLISH_MESSAGES_MAX && wrong.is_none() {
                    match read_message(message) {
                        Ok(draft) => drafts.push(draft),
                        Err(error) => wrong = Some(Box::new(error)),
                    }
                }
            }
            _ => {}
        }
    }
    if request.len() > PUBLISH_REQUEST_BYTES_MAX {
        let (given, max) = (request.len(), PUBLISH_REQUEST_BYTES_MAX);
        wrong = Some(Box::new(error::too_large("request_size", given, max)));
    } else if given > PUBLISH_MESSAGES_MAX {
        let max = PUBLISH_MESSAGES_MAX;
        wrong = Some(Box::new(error::too_large("message_count", given, max)));
    } else if given == 0 {
        wrong = Some(Box::new(error::too_small("message_count", 0, 1)));
    }
    Ok((topic, wrong))
}

/// Checks a message that was made here.
pub(super) fn check_message(bytes: &[u8]) -> PubsubResult<()> {
    read_message(bytes).map(drop)
}

/// Checks one message.
fn read_message(bytes: &[u8]) -> PubsubResult<Draft<'_>> {
    let mut has_data = false;
    let mut attributes = 0;
    let mut has_surplus = false;
    let (mut datas, mut keys) = (0_u32, 0_u32);
    let mut fields = Fields::of(bytes);
    while let Some((number, value)) = fields.next().map_err(undecodable)? {
        match (number, value) {
            (DATA, Value::Bytes(data)) => {
                datas += 1;
                has_data = !data.is_empty();
            }
            (ATTRIBUTES, Value::Bytes(entry)) => {
                attributes += 1;
                has_surplus |= check_attribute(entry)?;
            }
            (ORDERING_KEY, Value::Bytes(key)) => {
                keys += 1;
                text(key).map_err(undecodable)?;
                if key.len() > ORDERING_KEY_BYTES_MAX {
                    let (given, max) = (key.len(), ORDERING_KEY_BYTES_MAX);
                    return Err(error::ordering_key_too_long(given, max));
                }
            }
            _ => has_surplus = true,
        }
    }
    if !has_data && attributes == 0 {
        return Err(error::empty_message());
    }
    if attributes > ATTRIBUTES_MAX {
        return Err(error::too_large(
            "attributes_count",
            attributes,
            ATTRIBUTES_MAX,
        ));
    }
    Ok(Draft {
        bytes,
        has_surplus: has_surplus || datas > 1 || keys > 1,
    })
}

/// Gives whether the entry has more than a key and a value.
fn check_attribute(entry: &[u8]) -> PubsubResult<bool> {
    let (mut key, mut value): (&[u8], &[u8]) = (&[], &[]);
    let mut parts = 0_u32;
    let mut fields = Fields::of(entry);
    while let Some((number, field)) = fields.next().map_err(undecodable)? {
        parts += 1;
        match (number, field) {
            (1, Value::Bytes(bytes)) => key = bytes,
            (2, Value::Bytes(bytes)) => value = bytes,
            _ => {}
        }
    }
    let key_text = text(key).map_err(undecodable)?;
    text(value).map_err(undecodable)?;
    if key.is_empty() || is_reserved(key) {
        return Err(error::reserved_attribute(key_text));
    }
    if key.len() > ATTRIBUTE_KEY_BYTES_MAX {
        let (given, max) = (key.len(), ATTRIBUTE_KEY_BYTES_MAX);
        let part = AttributePart::Key;
        return Err(error::attribute_too_long(key_text, part, given, max));
    }
    if value.len() > ATTRIBUTE_VALUE_BYTES_MAX {
        let (given, max) = (value.len(), ATTRIBUTE_VALUE_BYTES_MAX);
        let part = AttributePart::Value;
        return Err(error::attribute_too_long(key_text, part, given, max));
    }
    Ok(parts > 2)
}

/// Whether a key is kept for the service. Two of those that begin so are its client libraries' to
/// publish: they carry traces.
fn is_reserved(key: &[u8]) -> bool {
    key.get(..RESERVED_PREFIX.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(RESERVED_PREFIX))
        && !TRACE_ATTRIBUTES.contains(&key)
}

/// What the engine stores of a message.
fn stored(draft: &Draft<'_>) -> SharedBytes {
    if !draft.has_surplus {
        return draft.bytes.into();
    }
    // Read once already, so it can be read.
    let mut message = PubsubMessage::decode(draft.bytes).unwrap_or_default();
    message.message_id.clear();
    message.publish_time = None;
    message.encode_to_vec().into()
}

#[cfg(test)]
mod tests {
    use super::super::proto::{PublishRequest, PubsubMessage, Timestamp};
    use super::*;
    use crate::grpc::Code;
    use prost::Message;

    fn check(message: PubsubMessage) -> PubsubResult<SharedBytes> {
        let bytes = message.encode_to_vec();
        read_message(&bytes).map(|draft| stored(&draft))
    }

    fn data() -> PubsubMessage {
        PubsubMessage {
            data: Bytes::from_static(b"data"),
            ..Default::default()
        }
    }

    #[test]
    fn what_only_the_server_sets_is_left_out() {
        let message = PubsubMessage {
            message_id: "17".into(),
            publish_time: Some(Timestamp {
                seconds: 5,
                nanos: 6,
            }),
            ordering_key: "k".into(),
            ..data()
        };
        let kept = PubsubMessage::decode(&*check(message).unwrap()).unwrap();
        let expected = PubsubMessage {
            ordering_key: "k".into(),
            ..data()
        };
        assert_eq!(kept, expected);
    }

    #[test]
    fn what_nobody_reads_is_left_out() {
        let mut bytes = b"\x0a\x01x".repeat(1000);
        bytes.extend(b"\xf8\x01\x00".repeat(1000));
        bytes.extend(b"\x2a\x01a\x2a\x01k");
        bytes.extend([0x12, 126]);
        bytes.extend(b"\x0a\x01b".repeat(40));
        bytes.extend(b"\x12\x04last");
        bytes.extend(data().encode_to_vec());
        let kept = read_message(&bytes).map(|draft| stored(&draft)).unwrap();
        let expected = PubsubMessage {
            ordering_key: "k".into(),
            attributes: [("b".to_owned(), "last".to_owned())].into(),
            ..data()
        };
        assert_eq!(PubsubMessage::decode(&*kept).unwrap(), expected);
        assert_eq!(kept.len(), expected.encoded_len());
        let usual = expected.encode_to_vec();
        assert!(!read_message(&usual).unwrap().has_surplus);
    }

    #[test]
    fn messages_have_bounds() {
        let with = |key: &str, value: &str| PubsubMessage {
            attributes: [(key.to_owned(), value.to_owned())].into(),
            ..Default::default()
        };
        assert!(check(with("k", "")).is_ok(), "an attribute is enough");
        for bad in [
            PubsubMessage::default(),
            with("", "v"),
            with("googclient", "v"),
            with("googclient_schemaname", "v"),
            with("GOOGclient_traceparent", "v"),
            with("Googly", "v"),
            with(&"k".repeat(257), "v"),
            with("k", &"v".repeat(1025)),
            PubsubMessage {
                ordering_key: "k".repeat(1025),
                ..data()
            },
            PubsubMessage {
                attributes: (0..101).map(|n| (n.to_string(), String::new())).collect(),
                ..Default::default()
            },
        ] {
            assert_eq!(check(bad).unwrap_err().code, Code::InvalidArgument);
        }
        assert!(check(with(&"k".repeat(256), &"v".repeat(1024))).is_ok());
        for traces in ["googclient_traceparent", "googclient_tracestate", "goo"] {
            assert!(check(with(traces, "v")).is_ok(), "{traces}");
        }
    }

    #[test]
    fn refusals_have_the_services_words() {
        let text = |key: &str, value: &str| {
            let message = PubsubMessage {
                attributes: [(key.to_owned(), value.to_owned())].into(),
                ..data()
            };
            check(message).unwrap_err().message
        };
        assert_eq!(
            text("GOOGle", "v"),
            "The request contains an attribute key that is not valid (key=GOOGle). Attribute keys \
             must be non-empty and must not begin with 'goog' (case-insensitive)."
        );
        assert_eq!(
            text("app_id", &"v".repeat(1043)),
            "The attribute \"app_id\" in the request has a value that is too long. The length is \
             1043 characters, but the maximum allowed is 1024. Refer to \
             https://cloud.google.com/pubsub/quotas for more information."
        );
        let key = "k".repeat(257);
        assert_eq!(
            text(&key, "v"),
            format!(
                "The attribute \"{key}\" in the request has a key that is too long. The length is \
                 257 characters, but the maximum allowed is 256. Refer to \
                 https://cloud.google.com/pubsub/quotas for more information."
            )
        );
    }

    #[test]
    fn a_request_is_read_where_it_lies() {
        let request = PublishRequest {
            topic: "projects/p/topics/t".into(),
            messages: vec![data(), data()],
        }
        .encode_to_vec();
        // The topic, and how many messages there are or what is wrong with them.
        let read = |request: &[u8]| {
            let mut drafts = Drafts::new();
            let (topic, wrong) = read_request(request, &mut drafts)?;
            let code = wrong.map(|wrong| wrong.code);
            PubsubResult::Ok((topic.to_owned(), code.map_or(Ok(drafts.len()), Err)))
        };
        let topic = "projects/p/topics/t".to_owned();
        assert_eq!(read(&request).unwrap(), (topic.clone(), Ok(2)));
        assert!(read(b"\x0a\xff").is_err());
        let tiny = b"\x12\x03\x0a\x01x";
        let most = tiny.repeat(PUBLISH_MESSAGES_MAX);
        assert_eq!(read(&most).unwrap().1, Ok(PUBLISH_MESSAGES_MAX));
        let more = [&most[..], tiny].concat();
        assert_eq!(read(&more).unwrap().1, Err(Code::InvalidArgument));
        let bad = [b"\x12\x00\x0a\x13".as_slice(), topic.as_bytes()].concat();
        let refused = (topic, Err(Code::InvalidArgument));
        assert_eq!(read(&bad).unwrap(), refused, "also after a bad message");
    }
}
