//! Which characters a message may hold.

use std::borrow::Cow;

/// Whether `text` holds a character that the service refuses: all but `#x9 #xA #xD #x20-#xD7FF
/// #xE000-#xFFFD #x10000-#x10FFFF`. Surrogates can't be in a `str`.
pub fn has_illegal(text: &str) -> bool {
    let bytes = text.as_bytes();
    // Two plain passes that the compiler turns into vector code; the second is rarely entered.
    let mut controls = false;
    let mut specials = false;
    for byte in bytes {
        controls |= *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r');
        specials |= *byte == 0xef;
    }
    // U+FFFE and U+FFFF are EF BF BE and EF BF BF.
    controls || specials && text.contains(['\u{fffe}', '\u{ffff}'])
}

/// Bytes that came in as text. Not `String::from_utf8_lossy` straight away: that looks at each byte.
pub fn as_text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_legal_characters_pass() {
        for code in 0..=0x10ffffu32 {
            let Some(char) = char::from_u32(code) else {
                continue;
            };
            let legal = matches!(code, 0x9 | 0xa | 0xd | 0x20..=0xd7ff | 0xe000..=0xfffd)
                || code >= 0x10000;
            assert_eq!(
                has_illegal(char.encode_utf8(&mut [0; 4])),
                !legal,
                "U+{code:04X}"
            );
        }
    }
}
