//! Bytes that only we could have written, as text: base64url of a body and a MAC over it.
//!
//! What receipt handles and ack ids are made of. The MAC is SipHash-2-4 of 128 bits, a keyed
//! function made for short inputs: every delivery makes one and every acknowledgement checks one,
//! and HMAC-SHA-256 was half of what they cost. The key is drawn at random with the data directory
//! (or at start), and a guess at a MAC succeeds once in 2^128, without the caller learning how near
//! it was. More isn't asked of it: a handle keeps strangers' and stale handles out, and whoever
//! knows the queue's URL may receive anyway.

use siphasher::sip128::{Hasher128, SipHasher24};
use std::hash::Hasher;

/// Bytes that sealing adds.
pub(crate) const MAC_BYTES: usize = 16;

/// Characters of so many bytes, body and MAC together; they must be a multiple of three, which
/// needs no padding.
pub(crate) const fn sealed_chars(bytes: usize) -> usize {
    assert!(bytes.is_multiple_of(3), "sealed bytes need no padding");
    bytes / 3 * 4
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const NO_SEXTET: u8 = 0xff;
/// What each character stands for.
const SEXTETS: [u8; 256] = {
    let mut sextets = [NO_SEXTET; 256];
    let mut at = 0;
    while at < ALPHABET.len() {
        sextets[ALPHABET[at] as usize] = at as u8;
        at += 1;
    }
    sextets
};

/// Seals and opens under one key.
#[derive(Clone)]
pub(crate) struct Sealer {
    keyed: SipHasher24,
}

impl Sealer {
    pub fn new(key: &[u8; 16]) -> Self {
        Self {
            keyed: SipHasher24::new_with_key(key),
        }
    }

    /// Overwrites the last [`MAC_BYTES`] with the MAC of those before, and answers all as text.
    #[inline]
    pub fn seal<const BYTES: usize, const CHARS: usize>(
        &self,
        mut bytes: [u8; BYTES],
    ) -> [u8; CHARS] {
        const { assert!(CHARS == sealed_chars(BYTES)) };
        let (body, mac) = bytes.split_at_mut(BYTES - MAC_BYTES);
        mac.copy_from_slice(&self.mac(body));
        let mut text = [0u8; CHARS];
        for (group, chars) in bytes.chunks_exact(3).zip(text.chunks_exact_mut(4)) {
            let word = u32::from(group[0]) << 16 | u32::from(group[1]) << 8 | u32::from(group[2]);
            chars.copy_from_slice(
                &[18, 12, 6, 0].map(|shift| ALPHABET[(word >> shift) as usize & 63]),
            );
        }
        text
    }

    /// The bytes of a text; `None` unless this key sealed it.
    #[inline]
    pub fn open<const BYTES: usize>(&self, text: &[u8]) -> Option<[u8; BYTES]> {
        if text.len() != sealed_chars(BYTES) {
            return None;
        }
        let mut bytes = [0u8; BYTES];
        let mut strange = 0;
        for (chars, out) in text.chunks_exact(4).zip(bytes.chunks_exact_mut(3)) {
            let mut word = 0u32;
            for char in chars {
                let sextet = SEXTETS[usize::from(*char)];
                strange |= sextet;
                word = word << 6 | u32::from(sextet & 63);
            }
            out.copy_from_slice(&word.to_be_bytes()[1..]);
        }
        // Only NO_SEXTET has the upper bits.
        if strange > 63 {
            return None;
        }
        let (body, mac) = bytes.split_at(BYTES - MAC_BYTES);
        // All of it is looked at, so that time doesn't tell how much is right.
        let differing = self
            .mac(body)
            .iter()
            .zip(mac)
            .fold(0, |differing, (one, other)| differing | (one ^ other));
        (differing == 0).then_some(bytes)
    }

    #[inline]
    fn mac(&self, body: &[u8]) -> [u8; MAC_BYTES] {
        let mut keyed = self.keyed;
        keyed.write(body);
        keyed.finish128().as_bytes()
    }
}
