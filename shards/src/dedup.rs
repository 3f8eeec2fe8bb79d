//! The deduplication window of a FIFO queue: what was sent in the last five minutes.

use crate::Millis;
use hashbrown::HashMap;
use siphasher::sip128::{Hasher128, SipHasher13};
use std::collections::VecDeque;
use std::hash::Hasher;

/// How long a deduplication id is remembered, ms.
pub const WINDOW_MS: u64 = 5 * 60 * 1000;

/// A keyed hash of a deduplication id and, where the scope is the group, of the group's id. 128
/// bits under a secret key: two ids that collide can neither be met nor made.
pub type DedupKey = u128;

/// What is remembered of a message that was sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DedupEntry {
    /// Id of the message.
    pub message_id: [u8; 16],
    /// Sequence number of the message.
    pub sequence: u64,
    /// When it is forgotten, ms since 1970.
    pub expires_at: Millis,
}

/// A map, and a ring in order of insertion, which is the order of expiry.
#[derive(Default)]
pub(crate) struct DedupWindow {
    entries: HashMap<DedupKey, DedupEntry, foldhash::fast::FixedState>,
    ring: VecDeque<(Millis, DedupKey)>,
}

impl DedupWindow {
    /// The entry for `key` if it is still remembered.
    pub fn get(&self, key: DedupKey, now: Millis) -> Option<DedupEntry> {
        self.entries
            .get(&key)
            .copied()
            .filter(|entry| entry.expires_at > now)
    }

    pub fn insert(&mut self, key: DedupKey, entry: DedupEntry) {
        self.entries.insert(key, entry);
        self.ring.push_back((entry.expires_at, key));
    }

    /// Entries of the ring, which is what the memory goes by.
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// Forgets what is over, at most `entries_max` at once; answers how many.
    pub fn expire(&mut self, now: Millis, entries_max: usize) -> usize {
        let before = self.ring.len();
        for _ in 0..entries_max {
            let Some((expires_at, key)) = self.ring.front().copied() else {
                break;
            };
            if expires_at > now {
                break;
            }
            self.ring.pop_front();
            // A key that expired and was sent again has a later entry; leave that one.
            if self
                .entries
                .get(&key)
                .is_some_and(|entry| entry.expires_at <= now)
            {
                self.entries.remove(&key);
            }
        }
        if self.ring.is_empty() && self.ring.capacity() > 1024 {
            *self = Self::default();
        }
        before - self.ring.len()
    }

    pub fn next_expiry(&self) -> Option<Millis> {
        self.ring.front().map(|(at, _)| *at)
    }
}

/// Hashes a deduplication id under `secret`.
pub(crate) fn dedup_key(secret: &[u8; 16], group: Option<&[u8]>, id: &[u8]) -> DedupKey {
    let mut hasher = SipHasher13::new_with_key(secret);
    hasher.write_u8(u8::from(group.is_some()));
    if let Some(group) = group {
        hasher.write_u32(group.len() as u32);
        hasher.write(group);
    }
    hasher.write(id);
    hasher.finish128().as_u128()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_for_the_window_only() {
        let mut window = DedupWindow::default();
        let entry = DedupEntry {
            message_id: [1; 16],
            sequence: 1,
            expires_at: 100,
        };
        window.insert(5, entry);
        assert_eq!(window.get(5, 99), Some(entry));
        assert_eq!(window.get(5, 100), None);
        let again = DedupEntry {
            expires_at: 200,
            ..entry
        };
        window.insert(5, again);
        window.expire(150, 10);
        assert_eq!(window.get(5, 150), Some(again));
        window.expire(200, 10);
        assert_eq!(window.next_expiry(), None);
    }

    #[test]
    fn group_and_id_do_not_run_together() {
        let key = [3; 16];
        assert_ne!(
            dedup_key(&key, Some(b"a"), b"bc"),
            dedup_key(&key, Some(b"ab"), b"c")
        );
        assert_ne!(
            dedup_key(&key, None, b"c"),
            dedup_key(&key, Some(b""), b"c")
        );
    }
}
