//! How many fields a request has, before it is decoded.
//!
//! A field of two bytes can become a structure of a hundred: a request within its bound of bytes
//! would take many times as much memory once it is decoded.

use prost::Name;

use crate::protobuf::{Reader, Value, key_parts};

include!(concat!(env!("OUT_DIR"), "/shapes.rs"));

/// Fields of one request, at all levels together.
pub(super) const FIELDS_MAX: usize = 100_000;
/// Messages within messages, as prost takes them at most.
const LEVELS_MAX: usize = 100;

/// A kind of message: its place in `MESSAGES`.
#[derive(Clone, Copy)]
pub(super) struct Kind(u16);

impl Kind {
    /// That of a message of the contracts.
    ///
    /// # Panics
    /// If it isn't one of them.
    pub fn of<M: Name>() -> Self {
        Self::named(&M::full_name())
    }

    fn named(name: &str) -> Self {
        let place = MESSAGES.binary_search_by_key(&name, |(name, _)| name);
        let place = place.unwrap_or_else(|_| panic!("{name} is in no contract"));
        Self(place as u16)
    }

    /// That of the messages in one of its fields, if it holds messages.
    fn of_field(self, number: u64) -> Option<Self> {
        let (_, fields) = MESSAGES[usize::from(self.0)];
        let field = fields.iter().find(|(of, _)| u64::from(*of) == number);
        field.map(|(_, kind)| Self(*kind))
    }
}

/// Whether an encoded message has at most so many fields, those of the messages in it included.
/// What can't be read is left to the decoder.
///
/// Takes time for at most `fields_max` fields, however long the message is.
pub(super) fn has_at_most(kind: Kind, message: &[u8], fields_max: usize) -> bool {
    let mut left = fields_max;
    // What remains to be read, at each level.
    let mut levels = [(kind, Reader::of(message)); LEVELS_MAX];
    let mut level = 0;
    loop {
        let (kind, rest) = &mut levels[level];
        if rest.is_empty() {
            if level == 0 {
                return true;
            }
            level -= 1;
            continue;
        }
        if left == 0 {
            return false;
        }
        left -= 1;
        match next_field(rest) {
            Some((number, inner)) if !inner.is_empty() && level + 1 < LEVELS_MAX => {
                if let Some(inner_kind) = kind.of_field(number) {
                    level += 1;
                    levels[level] = (inner_kind, Reader::of(inner));
                }
            }
            Some(_) => {}
            // The decoder won't come this far.
            None => return true,
        }
    }
}

/// Reads one field. Answers its number, and its bytes if it has a length. Fields of groups follow
/// theirs, and are counted like those around them.
fn next_field<'m>(rest: &mut Reader<'m>) -> Option<(u64, &'m [u8])> {
    let (number, wire) = key_parts(rest.varint().ok()?);
    match rest.value(wire).ok()? {
        Value::Bytes(inner) => Some((number, inner)),
        _ => Some((number, &[])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::google::pubsub::v1::{
        PublishRequest, PubsubMessage, Topic, ValidateMessageRequest,
    };
    use proptest::prelude::*;
    use prost::Message;

    #[test]
    fn fields_of_all_levels_are_counted() {
        let message = PubsubMessage {
            data: "data".into(),
            attributes: [("key".into(), "value".into())].into(),
            ..Default::default()
        };
        let request = PublishRequest {
            topic: "projects/p/topics/t".into(),
            messages: vec![message.clone(), message, PubsubMessage::default()],
        };
        // The topic and three messages; twice the data and an attribute of key and value.
        let (kind, bytes) = (Kind::of::<PublishRequest>(), request.encode_to_vec());
        assert!(has_at_most(kind, &bytes, 4 + 2 * 4));
        assert!(!has_at_most(kind, &bytes, 4 + 2 * 4 - 1));
        assert!(has_at_most(kind, &[], 0));
    }

    #[test]
    fn texts_and_bytes_are_one_field_whatever_is_in_them() {
        for byte in [0, b'x', b'\n'] {
            let request = ValidateMessageRequest {
                parent: "projects/p".into(),
                message: vec![byte; 9 << 20].into(),
                ..Default::default()
            };
            let kind = Kind::of::<ValidateMessageRequest>();
            assert!(has_at_most(kind, &request.encode_to_vec(), 2));
        }
    }

    #[test]
    fn many_levels_are_counted() {
        // A message may hold messages of its own kind without end: field 3 of a descriptor's
        // messages.
        let mut nested = vec![0x0a, 1, b'm'];
        for field in [3; 98].into_iter().chain([4]) {
            let mut outer = vec![field << 3 | 2u8];
            prost::encoding::encode_varint(nested.len() as u64, &mut outer);
            outer.extend(nested);
            nested = outer;
        }
        let kind = Kind::named("google.protobuf.FileDescriptorProto");
        assert!(has_at_most(kind, &nested, 100));
        assert!(!has_at_most(kind, &nested, 99));
    }

    proptest! {
        #[test]
        fn any_bytes_are_counted(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            // Every field takes two bytes or, at a message's end, one.
            prop_assert!(has_at_most(Kind::of::<Topic>(), &bytes, bytes.len() * LEVELS_MAX));
        }
    }
}
