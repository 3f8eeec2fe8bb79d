//! Receipt handles: which receive of which message, signed.
//!
//! A handle carries what finds the message in O(1), sealed, so that a forged handle, or one from
//! another server or queue, is refused without touching the engine. Text of 51 bytes: version,
//! shard, queue id, sequence number, slot, receive number, time, MAC.

use crate::Millis;
use crate::sealed::{MAC_BYTES, Sealer, sealed_chars};

const VERSION: u8 = 2;
const HANDLE_BYTES: usize = 35 + MAC_BYTES;
/// Characters of a handle.
pub const HANDLE_CHARS: usize = sealed_chars(HANDLE_BYTES);

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
    sealer: Sealer,
}

impl ReceiptSigner {
    /// A signer for `secret`.
    pub fn new(secret: &[u8; 32]) -> Self {
        let key = secret.first_chunk().expect("the secret is longer");
        Self {
            sealer: Sealer::new(key),
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
        out.extend_from_slice(&self.sealer.seal::<HANDLE_BYTES, HANDLE_CHARS>(bytes));
    }

    /// Reads a handle; `None` unless this secret made it.
    pub fn open(&self, text: &str) -> Option<Receipt> {
        let bytes = self.sealer.open::<HANDLE_BYTES>(text.as_bytes())?;
        if bytes[0] != VERSION {
            return None;
        }
        let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"));
        let u64_at = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
        Some(Receipt {
            shard: u16::from_le_bytes([bytes[1], bytes[2]]),
            queue_id: u64_at(3),
            sequence: u64_at(11),
            slot: u32_at(19),
            receive_count: u32_at(23),
            received_at: u64_at(27),
        })
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
