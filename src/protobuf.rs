//! Protocol buffers' encoding, read field by field where it lies.
//!
//! What numbers fields may have, whether groups may be there and how deep messages may be nested is
//! each reader's own to say: this tells keys and values apart and never looks beyond the end.

/// How a field's value is written: the last three bits of its key.
pub mod wire {
    pub const VARINT: u8 = 0;
    pub const FIXED64: u8 = 1;
    /// A length and as many bytes: text, bytes, messages, packed fields.
    pub const SIZED: u8 = 2;
    pub const GROUP: u8 = 3;
    pub const GROUP_END: u8 = 4;
    pub const FIXED32: u8 = 5;
}

/// Why there is no further field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The bytes end within it.
    EndsEarly,
    /// A varint has more than 64 bits, or more than ten bytes where bits beyond 64 are dropped.
    TooLong,
    /// There is no such wire type.
    UnknownWire(u8),
}

/// What stands behind a field's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Integers and booleans.
    Varint(u64),
    /// Strings, bytes, messages, packed fields.
    Bytes(&'a [u8]),
    Fixed32(u32),
    Fixed64(u64),
    /// A group begins: its fields follow.
    Group,
    /// A group ends.
    GroupEnd,
}

/// What remains to be read of an encoded message.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Of an encoded message.
    #[inline]
    pub fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// Whether all has been read.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// A varint of at most 64 bits.
    #[inline]
    pub fn varint(&mut self) -> Result<u64, Fault> {
        read_varint::<false>(&mut self.rest)
    }

    /// A varint of at most ten bytes. Bits beyond 64 are dropped, as most readers of this encoding
    /// do.
    #[inline]
    pub fn cut_varint(&mut self) -> Result<u64, Fault> {
        read_varint::<true>(&mut self.rest)
    }

    /// So many bytes.
    #[inline]
    pub fn take(&mut self, bytes: usize) -> Result<&'a [u8], Fault> {
        let (head, rest) = self.rest.split_at_checked(bytes).ok_or(Fault::EndsEarly)?;
        self.rest = rest;
        Ok(head)
    }

    /// A length and as many bytes.
    #[inline]
    pub fn sized(&mut self) -> Result<&'a [u8], Fault> {
        let bytes = self.varint()?;
        self.take_long(bytes)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(Fault::EndsEarly)?;
        self.rest = rest;
        Ok(*head)
    }

    #[inline]
    fn take_long(&mut self, bytes: u64) -> Result<&'a [u8], Fault> {
        self.take(usize::try_from(bytes).map_err(|_| Fault::EndsEarly)?)
    }

    /// The value behind a key of that wire type.
    #[inline]
    pub fn value(&mut self, wire: u8) -> Result<Value<'a>, Fault> {
        self.any_value::<false>(wire)
    }

    /// The same, with varints and lengths as [`Reader::cut_varint`] takes them.
    #[inline]
    pub fn cut_value(&mut self, wire: u8) -> Result<Value<'a>, Fault> {
        self.any_value::<true>(wire)
    }

    #[inline]
    fn any_value<const CUT: bool>(&mut self, wire: u8) -> Result<Value<'a>, Fault> {
        Ok(match wire {
            wire::VARINT => Value::Varint(read_varint::<CUT>(&mut self.rest)?),
            wire::SIZED => {
                let bytes = read_varint::<CUT>(&mut self.rest)?;
                Value::Bytes(self.take_long(bytes)?)
            }
            wire::FIXED64 => Value::Fixed64(u64::from_le_bytes(self.array()?)),
            wire::FIXED32 => Value::Fixed32(u32::from_le_bytes(self.array()?)),
            wire::GROUP => Value::Group,
            wire::GROUP_END => Value::GroupEnd,
            _ => return Err(Fault::UnknownWire(wire)),
        })
    }
}

/// The number and the wire type that a key is made of.
#[inline]
pub fn key_parts(key: u64) -> (u64, u8) {
    (key >> 3, (key & 7) as u8)
}

#[inline]
fn read_varint<const CUT: bool>(bytes: &mut &[u8]) -> Result<u64, Fault> {
    // Nearly all are keys and lengths of one byte.
    if let [first @ 0..0x80, rest @ ..] = *bytes {
        *bytes = rest;
        return Ok(u64::from(*first));
    }
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(Fault::EndsEarly)?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            // The tenth byte has room for one bit.
            if !CUT && shift == 63 && *byte > 1 {
                return Err(Fault::TooLong);
            }
            return Ok(value);
        }
    }
    Err(Fault::TooLong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use prost::encoding::{decode_varint, encode_varint};

    fn varint(bytes: &[u8]) -> Result<u64, Fault> {
        Reader::of(bytes).varint()
    }

    fn cut_varint(bytes: &[u8]) -> Result<u64, Fault> {
        Reader::of(bytes).cut_varint()
    }

    #[test]
    fn a_varint_that_breaks_off_ends_early() {
        for length in 0..10 {
            let bytes = [0x80; 10];
            assert_eq!(varint(&bytes[..length]), Err(Fault::EndsEarly), "{length}");
            assert_eq!(cut_varint(&bytes[..length]), Err(Fault::EndsEarly));
        }
    }

    #[test]
    fn a_varint_has_64_bits() {
        let mut bytes = [0xff; 10];
        bytes[9] = 1;
        assert_eq!(
            (varint(&bytes), cut_varint(&bytes)),
            (Ok(u64::MAX), Ok(u64::MAX))
        );
        for last in [2, 3, 0x7f] {
            bytes[9] = last;
            let cut = u64::MAX >> 1 | u64::from(last & 1) << 63;
            assert_eq!(
                (varint(&bytes), cut_varint(&bytes)),
                (Err(Fault::TooLong), Ok(cut))
            );
        }
        bytes[9] = 0x80;
        let longer = [&bytes[..], &[0]].concat();
        for bytes in [&bytes[..], &longer] {
            assert_eq!(varint(bytes), Err(Fault::TooLong));
            assert_eq!(cut_varint(bytes), Err(Fault::TooLong));
        }
        // Not the shortest form, but a number.
        assert_eq!(varint(&[0x85, 0x80, 0]), Ok(5));
    }

    #[test]
    fn a_length_ends_where_the_bytes_do() {
        let mut reader = Reader::of(b"\x02ab\x03ab");
        assert_eq!(reader.sized(), Ok(&b"ab"[..]));
        assert_eq!(reader.sized(), Err(Fault::EndsEarly));
        for length in [4, 1 << 31, 1 << 32, u64::MAX] {
            let mut bytes = Vec::new();
            encode_varint(length, &mut bytes);
            bytes.extend(b"abc");
            assert_eq!(
                Reader::of(&bytes).sized(),
                Err(Fault::EndsEarly),
                "{length}"
            );
            let value = Reader::of(&bytes).cut_value(wire::SIZED);
            assert_eq!(value, Err(Fault::EndsEarly), "{length}");
        }
        assert_eq!(Reader::of(&[0]).sized(), Ok(&[][..]));
    }

    #[test]
    fn fixed_numbers_have_their_bytes() {
        for (wire, bytes, value) in [
            (wire::FIXED64, 8, Value::Fixed64(0x0807_0605_0403_0201)),
            (wire::FIXED32, 4, Value::Fixed32(0x0403_0201)),
        ] {
            let mut reader = Reader::of(&[1, 2, 3, 4, 5, 6, 7, 8][..bytes]);
            assert_eq!(reader.value(wire), Ok(value));
            assert!(reader.is_empty());
            let short = Reader::of(&[9; 12][..bytes - 1]).value(wire);
            assert_eq!(short, Err(Fault::EndsEarly));
        }
    }

    #[test]
    fn groups_take_nothing_themselves() {
        let mut reader = Reader::of(&[0x08, 7]);
        assert_eq!(reader.value(wire::GROUP), Ok(Value::Group));
        assert_eq!(reader.varint().map(key_parts), Ok((1, wire::VARINT)));
        assert_eq!(reader.value(wire::VARINT), Ok(Value::Varint(7)));
        assert_eq!(reader.value(wire::GROUP_END), Ok(Value::GroupEnd));
        assert!(reader.is_empty());
    }

    #[test]
    fn there_are_six_wire_types() {
        for wire in 6..=7 {
            let mut reader = Reader::of(&[0; 16]);
            assert_eq!(reader.value(wire), Err(Fault::UnknownWire(wire)));
            assert_eq!(reader.cut_value(wire), Err(Fault::UnknownWire(wire)));
        }
        assert_eq!(key_parts(u64::MAX), (u64::MAX >> 3, 7));
    }

    proptest! {
        /// The same as a well-kept reader, which refuses what is longer than 64 bits.
        #[test]
        fn varints_are_read_as_prost_reads_them(
            bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(0x80), Just(0xff)], 0..12),
        ) {
            let (mut ours, mut theirs) = (Reader::of(&bytes), &bytes[..]);
            let value = ours.varint().ok();
            prop_assert_eq!(value, decode_varint(&mut theirs).ok());
            if value.is_some() {
                prop_assert_eq!(ours.rest, theirs);
                prop_assert_eq!(Reader::of(&bytes).cut_varint().ok(), value);
            }
        }

        #[test]
        fn any_bytes_come_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            for cut in [false, true] {
                let mut reader = Reader::of(&bytes);
                let mut left = bytes.len();
                while let Ok(key) = reader.varint() {
                    let (_, wire) = key_parts(key);
                    let value = if cut { reader.cut_value(wire) } else { reader.value(wire) };
                    if value.is_err() {
                        break;
                    }
                    prop_assert!(reader.rest.len() < left);
                    left = reader.rest.len();
                }
            }
        }
    }
}
