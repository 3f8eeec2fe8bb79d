//! Reading the encoded `PubsubMessage`s that the engine stores.
//!
//! The engine needs three things of a message: its attributes (filters), its ordering key, and a
//! way to add attributes (dead letters). The rest is the dialect's. Bytes that are not protobuf
//! read as a message without fields: the dialect has checked them before.

/// Field numbers of `google.pubsub.v1.PubsubMessage`.
const ATTRIBUTES: u32 = 2;
const ORDERING_KEY: u32 = 5;
/// Field numbers of a map entry.
const ENTRY_KEY: u32 = 1;
const ENTRY_VALUE: u32 = 2;

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const LENGTH: u32 = 2;
const FIXED32: u32 = 5;

/// Fields of a message: number and, for length-delimited ones, bytes.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = (u32, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let tag = take_varint(&mut self.0)? as u32;
        let length = match tag & 7 {
            VARINT => {
                take_varint(&mut self.0)?;
                0
            }
            FIXED64 => 8,
            FIXED32 => 4,
            LENGTH => usize::try_from(take_varint(&mut self.0)?).ok()?,
            _ => return None,
        };
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some((tag >> 3, bytes))
    }
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// The attributes in the order in which they stand; of a key that stands twice, the last counts.
pub(super) fn attributes(message: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    Fields(message)
        .filter(|(number, _)| *number == ATTRIBUTES)
        .map(|(_, entry)| key_and_value(entry))
}

fn key_and_value(entry: &[u8]) -> (&[u8], &[u8]) {
    let (mut key, mut value): (&[u8], &[u8]) = (&[], &[]);
    for (number, bytes) in Fields(entry) {
        match number {
            ENTRY_KEY => key = bytes,
            ENTRY_VALUE => value = bytes,
            _ => {}
        }
    }
    (key, value)
}

/// One attribute.
pub(super) fn attribute<'a>(message: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    attributes(message)
        .filter(|(found, _)| *found == key)
        .last()
        .map(|(_, value)| value)
}

/// The ordering key of a stored message; empty where there is none.
pub fn ordering_key(message: &[u8]) -> &[u8] {
    Fields(message)
        .filter(|(number, _)| *number == ORDERING_KEY)
        .last()
        .map_or(&[], |(_, key)| key)
}

/// Copies a message without some of its attributes, into a buffer with room for more.
pub(super) fn without_attributes(
    message: &[u8],
    dropped: impl Fn(&[u8]) -> bool,
    room_bytes: usize,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + room_bytes);
    let mut fields = Fields(message);
    loop {
        let rest = fields.0;
        let Some((number, bytes)) = fields.next() else {
            // Nothing, or what can't be read and is not ours to drop.
            out.extend_from_slice(rest);
            return out;
        };
        if number != ATTRIBUTES || !dropped(key_and_value(bytes).0) {
            out.extend_from_slice(&rest[..rest.len() - fields.0.len()]);
        }
    }
}

/// Adds an attribute at the end of a message.
pub(super) fn add_attribute(message: &mut Vec<u8>, key: &str, value: &str) {
    let length = field_bytes(key) + field_bytes(value);
    message.push((ATTRIBUTES << 3 | LENGTH) as u8);
    put_varint(message, length as u64);
    for (number, text) in [(ENTRY_KEY, key), (ENTRY_VALUE, value)] {
        message.push((number << 3 | LENGTH) as u8);
        put_varint(message, text.len() as u64);
        message.extend_from_slice(text.as_bytes());
    }
}

fn field_bytes(text: &str) -> usize {
    let mut length = Vec::new();
    put_varint(&mut length, text.len() as u64);
    1 + length.len() + text.len()
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A message as a dialect would encode it.
    pub fn message(data: &[u8], attributes: &[(&str, &str)], key: &str) -> Vec<u8> {
        let mut out = vec![0x0a];
        put_varint(&mut out, data.len() as u64);
        out.extend_from_slice(data);
        for (key, value) in attributes {
            add_attribute(&mut out, key, value);
        }
        if !key.is_empty() {
            out.push(0x2a);
            put_varint(&mut out, key.len() as u64);
            out.extend_from_slice(key.as_bytes());
        }
        out
    }

    #[test]
    fn reads_what_was_written() {
        let long = "v".repeat(300);
        let bytes = message(b"data", &[("a", "1"), ("b", &long)], "key");
        assert_eq!(attribute(&bytes, b"a"), Some(&b"1"[..]));
        assert_eq!(attribute(&bytes, b"b"), Some(long.as_bytes()));
        assert_eq!(attribute(&bytes, b"c"), None);
        assert_eq!(ordering_key(&bytes), b"key");
        let mut more = bytes.clone();
        add_attribute(&mut more, "a", "2");
        assert_eq!(attribute(&more, b"a"), Some(&b"2"[..]));
        let less = without_attributes(&bytes, |key| key == b"a", 0);
        assert_eq!(less, message(b"data", &[("b", &long)], "key"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = (attribute(&bytes, b"a"), ordering_key(&bytes));
            prop_assert_eq!(without_attributes(&bytes, |_| false, 0), bytes);
        }
    }
}
