//! Ack ids: which delivery of which message, signed.
//!
//! Sealed text of 51 bytes: version, shard, subscription id, sequence number, slot, delivery number,
//! run of the shard, MAC.

use crate::lease::LeaseRef;
use crate::sealed::{MAC_BYTES, Sealer, sealed_chars};

const VERSION: u8 = 3;
const ID_BYTES: usize = 35 + MAC_BYTES;
/// Characters of an ack id.
pub const ACK_ID_CHARS: usize = sealed_chars(ID_BYTES);

/// What an ack id says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AckId {
    /// Shard of the subscription.
    pub shard: u16,
    /// Id of the subscription within its shard.
    pub subscription_id: u64,
    /// The delivery.
    pub lease: LeaseRef,
}

/// Signs and checks ack ids with a secret that is kept with the data.
#[derive(Clone)]
pub struct AckIdSigner {
    sealer: Sealer,
}

impl AckIdSigner {
    /// A signer for `key`.
    pub fn new(key: [u8; 16]) -> Self {
        Self {
            sealer: Sealer::new(&key),
        }
    }

    /// The text of an ack id.
    pub fn seal(&self, id: &AckId) -> [u8; ACK_ID_CHARS] {
        let mut bytes = [0u8; ID_BYTES];
        bytes[0] = VERSION;
        bytes[1..3].copy_from_slice(&id.shard.to_le_bytes());
        bytes[3..11].copy_from_slice(&id.subscription_id.to_le_bytes());
        bytes[11..19].copy_from_slice(&id.lease.sequence.to_le_bytes());
        bytes[19..23].copy_from_slice(&id.lease.slot.to_le_bytes());
        bytes[23..27].copy_from_slice(&id.lease.receive_count.to_le_bytes());
        bytes[27..35].copy_from_slice(&id.lease.received_at.to_le_bytes());
        self.sealer.seal(bytes)
    }

    /// Reads an ack id; `None` unless this secret made it.
    pub fn open(&self, text: &[u8]) -> Option<AckId> {
        let bytes = self.sealer.open::<ID_BYTES>(text)?;
        if bytes[0] != VERSION {
            return None;
        }
        let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"));
        let u64_at = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
        Some(AckId {
            shard: u16::from_le_bytes([bytes[1], bytes[2]]),
            subscription_id: u64_at(3),
            lease: LeaseRef {
                sequence: u64_at(11),
                slot: u32_at(19),
                receive_count: u32_at(23),
                received_at: u64_at(27),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample() -> AckId {
        AckId {
            shard: 3,
            subscription_id: 77,
            lease: LeaseRef {
                sequence: 1 << 40,
                slot: 12,
                receive_count: 2,
                received_at: 1_700_000_000_000,
            },
        }
    }

    #[test]
    fn opens_what_it_sealed_and_nothing_else() {
        let signer = AckIdSigner::new([1; 16]);
        let text = signer.seal(&sample());
        assert_eq!(signer.open(&text), Some(sample()));
        assert_eq!(AckIdSigner::new([2; 16]).open(&text), None);
        for at in 0..text.len() {
            let mut forged = text;
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(signer.open(&forged), None, "changed at {at}");
        }
    }

    proptest! {
        #[test]
        fn garbage_is_refused(text in prop::collection::vec(any::<u8>(), 0..100)) {
            prop_assert_eq!(AckIdSigner::new([1; 16]).open(&text), None);
        }
    }
}
