//! Reading and writing protobuf by hand, for the hot paths.
//!
//! What passes through is not taken apart into structures and put together again: requests are
//! read field by field where they lie, and replies are written straight into their buffer.

use bytes::{BufMut, BytesMut};

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const LENGTH: u32 = 2;
const FIXED32: u32 = 5;

/// The value of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Integers and booleans.
    Varint(u64),
    /// Strings, bytes, messages, packed fields.
    Bytes(&'a [u8]),
    /// Fixed-width numbers, of which the contracts have none.
    Fixed,
}

/// The message can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Fields of an encoded message, in the order in which they stand.
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Of an encoded message.
    pub fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// The next field's number and value, `None` at the end.
    #[inline]
    pub fn next(&mut self) -> Result<Option<(u32, Value<'a>)>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = take_varint(&mut self.rest)?;
        let number = u32::try_from(tag >> 3).map_err(|_| Malformed)?;
        let value = match tag as u32 & 7 {
            _ if number == 0 => return Err(Malformed),
            VARINT => Value::Varint(take_varint(&mut self.rest)?),
            LENGTH => {
                let length = take_varint(&mut self.rest)?;
                let length = usize::try_from(length).map_err(|_| Malformed)?;
                Value::Bytes(self.take(length)?)
            }
            FIXED64 => {
                self.take(8)?;
                Value::Fixed
            }
            FIXED32 => {
                self.take(4)?;
                Value::Fixed
            }
            _ => return Err(Malformed),
        };
        Ok(Some((number, value)))
    }

    fn take(&mut self, bytes: usize) -> Result<&'a [u8], Malformed> {
        let (head, rest) = self.rest.split_at_checked(bytes).ok_or(Malformed)?;
        self.rest = rest;
        Ok(head)
    }
}

/// Reads a varint off the front.
#[inline]
pub fn take_varint(bytes: &mut &[u8]) -> Result<u64, Malformed> {
    // Nearly all are tags and lengths of one byte.
    if let [first @ 0..0x80, rest @ ..] = *bytes {
        *bytes = rest;
        return Ok(u64::from(*first));
    }
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(Malformed)?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Malformed)
}

/// Text of a string field.
pub fn text(bytes: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(bytes).map_err(|_| Malformed)
}

/// Writes a varint.
#[inline]
pub fn put_varint(out: &mut BytesMut, mut value: u64) {
    while value >= 0x80 {
        out.put_u8(value as u8 | 0x80);
        value >>= 7;
    }
    out.put_u8(value as u8);
}

/// Bytes that a varint takes.
pub const fn varint_bytes(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

/// Writes a length-delimited field. Field numbers below 16.
#[inline]
pub fn put_bytes(out: &mut BytesMut, number: u8, bytes: &[u8]) {
    out.put_u8(number << 3 | LENGTH as u8);
    put_varint(out, bytes.len() as u64);
    out.put_slice(bytes);
}

/// Writes the head of a length-delimited field whose bytes follow.
#[inline]
pub fn put_head(out: &mut BytesMut, number: u8, bytes: usize) {
    out.put_u8(number << 3 | LENGTH as u8);
    put_varint(out, bytes as u64);
}

/// Writes an integer field, unless it is 0.
#[inline]
pub fn put_integer(out: &mut BytesMut, number: u8, value: u64) {
    if value != 0 {
        out.put_u8(number << 3 | VARINT as u8);
        put_varint(out, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn varints_come_back(value in any::<u64>()) {
            let mut out = BytesMut::new();
            put_varint(&mut out, value);
            prop_assert_eq!(out.len(), varint_bytes(value));
            let mut bytes = &out[..];
            prop_assert_eq!(take_varint(&mut bytes), Ok(value));
            prop_assert!(bytes.is_empty());
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut fields = Fields::of(&bytes);
            while let Ok(Some(_)) = fields.next() {}
        }
    }

    #[test]
    fn fields_come_as_they_were_written() {
        let mut out = BytesMut::new();
        put_bytes(&mut out, 1, b"text");
        put_integer(&mut out, 2, 300);
        put_integer(&mut out, 3, 0);
        let mut fields = Fields::of(&out);
        assert_eq!(fields.next(), Ok(Some((1, Value::Bytes(b"text")))));
        assert_eq!(fields.next(), Ok(Some((2, Value::Varint(300)))));
        assert_eq!(fields.next(), Ok(None));
        assert_eq!(Fields::of(&out[..3]).next(), Err(Malformed));
    }
}
