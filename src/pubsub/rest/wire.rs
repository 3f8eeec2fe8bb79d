//! protobuf's encoding, by hand: what the transcoding in both directions needs of it.

use prost::encoding::{WireType, encode_key, encode_varint};

use crate::protobuf::{Reader, Value, key_parts};

/// The value of a field, as it was encoded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Raw<'a> {
    Varint(u64),
    Fixed32(u32),
    Fixed64(u64),
    Bytes(&'a [u8]),
}

/// Why bytes aren't a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Takes the next field off an encoded message: its number and value. `None` at the end.
pub fn next_field<'a>(rest: &mut Reader<'a>) -> Result<Option<(u32, Raw<'a>)>, Malformed> {
    if rest.is_empty() {
        return Ok(None);
    }
    let key = rest.varint().map_err(|_| Malformed)?;
    let (number, wire) = key_parts(u32::try_from(key).map_err(|_| Malformed)?.into());
    if number == 0 {
        return Err(Malformed);
    }
    Ok(Some((number as u32, next_raw(wire, rest)?)))
}

/// Takes a value off.
pub fn next_raw<'a>(wire: u8, rest: &mut Reader<'a>) -> Result<Raw<'a>, Malformed> {
    match rest.value(wire).map_err(|_| Malformed)? {
        Value::Varint(value) => Ok(Raw::Varint(value)),
        Value::Fixed32(value) => Ok(Raw::Fixed32(value)),
        Value::Fixed64(value) => Ok(Raw::Fixed64(value)),
        Value::Bytes(bytes) => Ok(Raw::Bytes(bytes)),
        Value::Group | Value::GroupEnd => Err(Malformed),
    }
}

/// Starts something whose length comes first. Pass what this returns to [`end`].
pub fn begin(number: u32, out: &mut Vec<u8>) -> usize {
    encode_key(number, WireType::LengthDelimited, out);
    out.push(0);
    out.len()
}

/// Writes the length of what was written since [`begin`]. What is longer than 127 bytes moves to
/// make room for it.
pub fn end(start: usize, out: &mut Vec<u8>) {
    let length = out.len() - start;
    let extra = prost::encoding::encoded_len_varint(length as u64) - 1;
    if extra > 0 {
        out.resize(out.len() + extra, 0);
        out.copy_within(start..start + length, start + extra);
    }
    let mut head = &mut out[start - 1..start + extra];
    encode_varint(length as u64, &mut head);
}

/// Writes bytes or text.
pub fn put_bytes(number: u32, bytes: &[u8], out: &mut Vec<u8>) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths_are_written_after_what_they_measure() {
        for length in [0, 1, 127, 128, 16_383, 16_384, 2_097_152] {
            let mut out = vec![9];
            let outer = begin(3, &mut out);
            let inner = begin(16, &mut out);
            out.resize(out.len() + length, 7);
            end(inner, &mut out);
            end(outer, &mut out);
            let mut rest = Reader::of(&out[1..]);
            let Ok(Some((3, Raw::Bytes(middle)))) = next_field(&mut rest) else {
                panic!("{length}");
            };
            let mut middle = Reader::of(middle);
            assert_eq!(
                next_field(&mut middle),
                Ok(Some((16, Raw::Bytes(&vec![7; length]))))
            );
            assert!(rest.is_empty() && middle.is_empty());
        }
    }

    proptest! {
        #[test]
        fn any_bytes_may_be_read(bytes: Vec<u8>) {
            let mut rest = Reader::of(&bytes);
            while let Ok(Some(_)) = next_field(&mut rest) {}
        }
    }
}
