//! protobuf's encoding, by hand: what the transcoding in both directions needs of it.

use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint};

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
pub fn next_field<'a>(bytes: &mut &'a [u8]) -> Result<Option<(u32, Raw<'a>)>, Malformed> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let (number, wire_type) = decode_key(bytes).map_err(|_| Malformed)?;
    Ok(Some((number, next_raw(wire_type, bytes)?)))
}

/// Takes a value off.
pub fn next_raw<'a>(wire_type: WireType, bytes: &mut &'a [u8]) -> Result<Raw<'a>, Malformed> {
    Ok(match wire_type {
        WireType::Varint => Raw::Varint(decode_varint(bytes).map_err(|_| Malformed)?),
        WireType::ThirtyTwoBit => Raw::Fixed32(u32::from_le_bytes(next_array(bytes)?)),
        WireType::SixtyFourBit => Raw::Fixed64(u64::from_le_bytes(next_array(bytes)?)),
        WireType::LengthDelimited => {
            let length = decode_varint(bytes).map_err(|_| Malformed)?;
            let length = usize::try_from(length).map_err(|_| Malformed)?;
            let (taken, rest) = bytes.split_at_checked(length).ok_or(Malformed)?;
            *bytes = rest;
            Raw::Bytes(taken)
        }
        WireType::StartGroup | WireType::EndGroup => return Err(Malformed),
    })
}

fn next_array<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], Malformed> {
    let (taken, rest) = bytes.split_first_chunk().ok_or(Malformed)?;
    *bytes = rest;
    Ok(*taken)
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
            let mut rest = &out[1..];
            let Ok(Some((3, Raw::Bytes(mut middle)))) = next_field(&mut rest) else {
                panic!("{length}");
            };
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
            let mut rest = &*bytes;
            while let Ok(Some(_)) = next_field(&mut rest) {}
        }
    }
}
