//! How many fields a request has, before it is decoded.
//!
//! A field of two bytes can become a structure of a hundred: a request within its bound of bytes
//! would take many times as much memory once it is decoded.

use prost::encoding::decode_varint;

/// Fields of one request, at all levels together.
pub(super) const FIELDS_MAX: usize = 100_000;
/// Messages within messages, as prost takes them at most.
const LEVELS_MAX: usize = 100;

/// Whether an encoded message has at most so many fields. Without its contract a text can't be told
/// from a message, so a text that happens to read as one is counted as one: this says "no" too soon
/// rather than too late. What can't be read at all is left to the decoder.
///
/// Takes time for at most `fields_max` fields, however long the message is.
pub(super) fn has_at_most(message: &[u8], fields_max: usize) -> bool {
    let mut left = fields_max;
    // What remains to be read, at each level.
    let mut levels = [message; LEVELS_MAX];
    let mut level = 0;
    loop {
        let rest = &mut levels[level];
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
        match take_field(rest) {
            Some(inner) if !inner.is_empty() && level + 1 < LEVELS_MAX => {
                level += 1;
                levels[level] = inner;
            }
            Some(_) => {}
            // No message, after all, or a broken one.
            None => *rest = &[],
        }
    }
}

/// Reads one field off the front. Answers its bytes if it has a length.
fn take_field<'m>(rest: &mut &'m [u8]) -> Option<&'m [u8]> {
    let tag = decode_varint(rest).ok()?;
    let length = match tag & 7 {
        0 => {
            decode_varint(rest).ok()?;
            return Some(&[]);
        }
        1 => 8,
        2 => usize::try_from(decode_varint(rest).ok()?).ok()?,
        // Groups: their fields follow, and are counted like those around them.
        3 | 4 => 0,
        5 => 4,
        _ => return None,
    };
    let (field, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(if tag & 7 == 2 { field } else { &[] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_of_all_levels_are_counted() {
        // Three empty messages; one that holds two integers; one integer.
        let message = [0x12, 0, 0x12, 0, 0x12, 0, 0x12, 4, 8, 1, 16, 1, 8, 1];
        assert!(has_at_most(&message, 7));
        assert!(!has_at_most(&message, 6));
        assert!(has_at_most(&[], 0));
    }

    #[test]
    fn many_levels_and_much_text_cost_no_more() {
        let mut nested = vec![8, 1];
        for _ in 0..500 {
            let mut outer = vec![0x0a];
            prost::encoding::encode_varint(nested.len() as u64, &mut outer);
            outer.extend(nested);
            nested = outer;
        }
        assert!(has_at_most(&nested, 101));
        assert!(!has_at_most(&nested, 99));
        let text = vec![b'h'; 10 << 20];
        assert!(!has_at_most(&text, FIELDS_MAX));
    }

    proptest! {
        #[test]
        fn any_bytes_are_counted(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            // Every field takes two bytes or, at a text's end, one.
            prop_assert!(has_at_most(&bytes, bytes.len() * LEVELS_MAX));
        }
    }
}
