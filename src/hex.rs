//! Bytes as hexadecimal digits, and back.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Writes bytes as lower-case digits.
pub fn write(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGEST_BYTES: usize = 16;
    for chunk in bytes.chunks(DIGEST_BYTES) {
        let mut digits = [0; 2 * DIGEST_BYTES];
        fill(&mut digits, chunk);
        out.extend_from_slice(&digits[..2 * chunk.len()]);
    }
}

/// The digits of a hash of 32 bytes.
pub fn of_32(bytes: &[u8]) -> [u8; 64] {
    let mut digits = [b'0'; 64];
    fill(&mut digits, bytes);
    digits
}

fn fill(digits: &mut [u8], bytes: &[u8]) {
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

/// Bytes as lower-case digits.
pub fn text(bytes: &[u8]) -> String {
    let mut out = Vec::with_capacity(2 * bytes.len());
    write(&mut out, bytes);
    out.into_iter().map(char::from).collect()
}

/// Exactly so many bytes, of digits in either case.
pub fn read<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    };
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_as_the_library_writes_it_and_can_be_read(
            bytes in prop::collection::vec(any::<u8>(), 0..40),
            hash: [u8; 32],
        ) {
            let expected: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            prop_assert_eq!(text(&bytes), expected);
            prop_assert_eq!(read::<32>(&text(&hash)), Some(hash));
            prop_assert_eq!(read::<32>(&text(&hash).to_uppercase()), Some(hash));
            prop_assert_eq!(of_32(&hash).to_vec(), text(&hash).into_bytes());
        }
    }

    #[test]
    fn what_are_no_digits_is_not_read() {
        for text in ["", "0", "0g", "+1", "000", "é"] {
            assert_eq!(read::<1>(text), None, "{text}");
        }
    }
}
