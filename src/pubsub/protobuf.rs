//! Reading and writing protobuf by hand, for the hot paths.
//!
//! What passes through is not taken apart into structures and put together again: requests are
//! read field by field where they lie, and replies are written straight into their buffer.

use bytes::{BufMut, BytesMut};

use crate::protobuf::{Reader, key_parts, wire};

pub use crate::protobuf::Value;

/// The message can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Fields of an encoded message, in the order in which they stand. There are no groups among them:
/// the contracts have none.
pub struct Fields<'a> {
    rest: Reader<'a>,
}

impl<'a> Fields<'a> {
    /// Of an encoded message.
    pub fn of(message: &'a [u8]) -> Self {
        Self {
            rest: Reader::of(message),
        }
    }

    /// The next field's number and value, `None` at the end.
    #[inline]
    pub fn next(&mut self) -> Result<Option<(u32, Value<'a>)>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (number, wire) = key_parts(self.rest.cut_varint().map_err(|_| Malformed)?);
        let number = u32::try_from(number).map_err(|_| Malformed)?;
        if number == 0 || matches!(wire, wire::GROUP | wire::GROUP_END) {
            return Err(Malformed);
        }
        let value = self.rest.cut_value(wire).map_err(|_| Malformed)?;
        Ok(Some((number, value)))
    }
}

/// The numbers of a packed field, until one can't be read.
pub fn packed_varints(bytes: &[u8]) -> impl Iterator<Item = Result<u64, Malformed>> {
    let mut rest = Reader::of(bytes);
    std::iter::from_fn(move || (!rest.is_empty()).then(|| rest.cut_varint().map_err(|_| Malformed)))
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
    out.put_u8(number << 3 | wire::SIZED);
    put_varint(out, bytes.len() as u64);
    out.put_slice(bytes);
}

/// Writes the head of a length-delimited field whose bytes follow.
#[inline]
pub fn put_head(out: &mut BytesMut, number: u8, bytes: usize) {
    out.put_u8(number << 3 | wire::SIZED);
    put_varint(out, bytes as u64);
}

/// Writes an integer field, unless it is 0.
#[inline]
pub fn put_integer(out: &mut BytesMut, number: u8, value: u64) {
    if value != 0 {
        out.put_u8(number << 3 | wire::VARINT);
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
            let read: Vec<_> = packed_varints(&out).collect();
            prop_assert_eq!(read, [Ok(value)]);
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

    #[test]
    fn what_the_contracts_dont_have_cant_be_read() {
        // Field 0, a number of 32 bits and more, groups, unknown wire types.
        for bytes in [
            &[0x00, 1][..],
            &[0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 1],
            &[0x0b, 0x0c],
            &[0x0c],
            &[0x0e],
            &[0x0f],
        ] {
            assert_eq!(Fields::of(bytes).next(), Err(Malformed), "{bytes:?}");
        }
        // Bits beyond 64 are nothing.
        let mut long = [0xff; 11];
        (long[0], long[10]) = (0x08, 0x7f);
        let value = Value::Varint(u64::MAX);
        assert_eq!(Fields::of(&long).next(), Ok(Some((1, value))));
    }
}
