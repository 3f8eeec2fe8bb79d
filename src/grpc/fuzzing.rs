//! Framed messages, for tests/fuzz.

use super::compression::Encoding;
use super::frames::FrameDecoder;
use bytes::Bytes;

/// What a message may have, compressed or not.
const MESSAGE_BYTES_MAX: usize = 64 << 10;

/// The messages of a body that comes in pieces, and how it ends.
fn messages(encoding: Encoding, body: &[u8], piece_bytes: usize) -> (Vec<Bytes>, bool) {
    let mut decoder = FrameDecoder::new(encoding, MESSAGE_BYTES_MAX);
    let mut all = Vec::new();
    for piece in body.chunks(piece_bytes) {
        decoder.push(Bytes::copy_from_slice(piece));
        loop {
            match decoder.next() {
                Ok(Some(message)) => {
                    assert!(message.len() <= MESSAGE_BYTES_MAX);
                    all.push(message);
                }
                Ok(None) if decoder.is_expanding() => {}
                Ok(None) => break,
                Err(_) => return (all, false),
            }
        }
    }
    (all, decoder.is_between())
}

/// A body, after a byte that says how it is compressed. However it is cut, it is the same messages.
pub fn frames(bytes: &[u8]) {
    let Some((first, body)) = bytes.split_first() else {
        return;
    };
    let encoding = match first {
        b'g' => Encoding::Gzip,
        b'd' => Encoding::Deflate,
        _ => Encoding::Identity,
    };
    let whole = messages(encoding, body, body.len().max(1));
    for piece_bytes in [1, 7] {
        assert_eq!(messages(encoding, body, piece_bytes), whole);
    }
}
