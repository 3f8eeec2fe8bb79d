//! Receipt handles: which receive of which message, signed.
//!
//! A handle carries what finds the message in O(1) and a MAC over it, so that a forged handle, or
//! one from another server or queue, is refused without touching the engine. Base64url text of
//! 51 bytes: version, shard, queue id, sequence number, slot, receive number, time, MAC.
//!
//! The MAC is SipHash-2-4 of 128 bits, a keyed function made for short inputs: every receive and
//! every delete of a message computes one, and HMAC-SHA-256 was half of what they cost. Its 128-bit
//! key is drawn at random with the data directory (or at start), and a guess at a MAC succeeds once
//! in 2^128, without the caller learning how near it was. More isn't asked of it: a handle keeps
//! strangers' and stale handles out, and whoever holds the queue's URL may receive anyway.

use crate::Millis;
use siphasher::sip128::{Hasher128, SipHasher24};
use std::hash::Hasher;

const VERSION: u8 = 2;
const BODY_BYTES: usize = 35;
const MAC_BYTES: usize = 16;
const HANDLE_BYTES: usize = BODY_BYTES + MAC_BYTES;
/// Characters of a handle.
pub const HANDLE_CHARS: usize = HANDLE_BYTES / 3 * 4;
const _: () = assert!(HANDLE_BYTES.is_multiple_of(3), "a handle needs no padding");

/// What a receipt handle says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// Shard of the queue.
    pub shard: u16,
    /// Id of the queue within its shard; never used twice.
    pub queue_id: u64,
    /// Sequence number of the message within its shard; never used twice.
    pub sequence: u64,
    /// Where the message was in memory; a hint, checked against the sequence number.
    pub slot: u32,
    /// Which receive of the message this was, from 1.
    pub receive_count: u32,
    /// When it was received, ms since 1970.
    pub received_at: Millis,
}

/// Signs and checks receipt handles with a secret that is kept with the data.
#[derive(Clone)]
pub struct ReceiptSigner {
    keyed: SipHasher24,
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

impl ReceiptSigner {
    /// A signer for `secret`.
    pub fn new(secret: &[u8; 32]) -> Self {
        let key = secret.first_chunk().expect("the secret is longer");
        Self {
            keyed: SipHasher24::new_with_key(key),
        }
    }

    /// Writes the handle's text at the end of `out`.
    pub fn seal(&self, receipt: &Receipt, out: &mut Vec<u8>) {
        let mut bytes = [0u8; HANDLE_BYTES];
        bytes[0] = VERSION;
        bytes[1..3].copy_from_slice(&receipt.shard.to_le_bytes());
        bytes[3..11].copy_from_slice(&receipt.queue_id.to_le_bytes());
        bytes[11..19].copy_from_slice(&receipt.sequence.to_le_bytes());
        bytes[19..23].copy_from_slice(&receipt.slot.to_le_bytes());
        bytes[23..27].copy_from_slice(&receipt.receive_count.to_le_bytes());
        bytes[27..35].copy_from_slice(&receipt.received_at.to_le_bytes());
        let mac = self.mac(&bytes[..BODY_BYTES]);
        bytes[BODY_BYTES..].copy_from_slice(&mac);
        let mut text = [0u8; HANDLE_CHARS];
        for (group, chars) in bytes.chunks_exact(3).zip(text.chunks_exact_mut(4)) {
            let word = u32::from(group[0]) << 16 | u32::from(group[1]) << 8 | u32::from(group[2]);
            chars.copy_from_slice(
                &[18, 12, 6, 0].map(|shift| ALPHABET[(word >> shift) as usize & 63]),
            );
        }
        out.extend_from_slice(&text);
    }

    /// Reads a handle; `None` unless this secret made it.
    pub fn open(&self, text: &str) -> Option<Receipt> {
        let text = text.as_bytes();
        if text.len() != HANDLE_CHARS {
            return None;
        }
        let mut decoded = [0u8; HANDLE_BYTES];
        let mut strange = 0;
        for (chars, out) in text.chunks_exact(4).zip(decoded.chunks_exact_mut(3)) {
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
        let (body, mac) = decoded.split_at(BODY_BYTES);
        // All of it is looked at, so that time doesn't tell how much is right.
        let differing = self
            .mac(body)
            .iter()
            .zip(mac)
            .fold(0, |differing, (one, other)| differing | (one ^ other));
        if body[0] != VERSION || differing != 0 {
            return None;
        }
        let u32_at = |at: usize| u32::from_le_bytes(body[at..at + 4].try_into().expect("4 bytes"));
        let u64_at = |at: usize| u64::from_le_bytes(body[at..at + 8].try_into().expect("8 bytes"));
        Some(Receipt {
            shard: u16::from_le_bytes([body[1], body[2]]),
            queue_id: u64_at(3),
            sequence: u64_at(11),
            slot: u32_at(19),
            receive_count: u32_at(23),
            received_at: u64_at(27),
        })
    }

    fn mac(&self, bytes: &[u8]) -> [u8; MAC_BYTES] {
        let mut keyed = self.keyed;
        keyed.write(bytes);
        keyed.finish128().as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn receipt() -> Receipt {
        Receipt {
            shard: 3,
            queue_id: 77,
            sequence: 1 << 40,
            slot: 12,
            receive_count: 2,
            received_at: 1_700_000_000_000,
        }
    }

    fn sealed(signer: &ReceiptSigner) -> String {
        let mut out = Vec::new();
        signer.seal(&receipt(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn opens_what_it_sealed_and_nothing_else() {
        let signer = ReceiptSigner::new(&[1; 32]);
        let text = sealed(&signer);
        assert_eq!(text.len(), HANDLE_CHARS);
        assert_eq!(signer.open(&text), Some(receipt()));
        assert_eq!(ReceiptSigner::new(&[2; 32]).open(&text), None);
        for at in 0..text.len() {
            let mut forged = text.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(
                signer.open(std::str::from_utf8(&forged).unwrap()),
                None,
                "byte {at}"
            );
        }
        assert_eq!(signer.open(&text[1..]), None);
        assert_eq!(signer.open(&format!("{text}A")), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,100}") {
            prop_assert_eq!(ReceiptSigner::new(&[1; 32]).open(&text), None);
        }

        #[test]
        fn no_text_of_the_right_length_opens(text in "[A-Za-z0-9_-]{68}", odd in ".{17,68}") {
            prop_assert_eq!(ReceiptSigner::new(&[1; 32]).open(&text), None);
            prop_assert_eq!(ReceiptSigner::new(&[1; 32]).open(&odd), None);
        }
    }
}
