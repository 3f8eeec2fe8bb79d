//! The deduplication window of a FIFO queue: what was sent in the last five minutes.

use crate::Millis;
use crate::ring::Ring;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use serde::{Deserialize, Serialize};
use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hasher;

/// How long a deduplication id is remembered, ms.
pub const WINDOW_MS: u64 = 5 * 60 * 1000;

/// Memory that one remembered id takes, bytes: entries of ring and index, with room.
pub(crate) const DEDUP_BYTES: u64 = 64;

/// A keyed hash of a deduplication id and, where the scope is the group, of the group's id. 128
/// bits under a secret key: two ids that collide can neither be met nor made.
pub type DedupKey = u128;

/// What is remembered of a message that was sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DedupEntry {
    /// Id of the message.
    pub message_id: [u8; 16],
    /// Sequence number of the message.
    pub sequence: u64,
    /// When it is forgotten, ms since 1970.
    pub expires_at: Millis,
}

struct Remembered {
    key: DedupKey,
    entry: DedupEntry,
}

/// A ring in order of insertion, which is the order of expiry, and an index into it: entries of 48
/// bytes don't belong into a hash table that is half empty on average.
#[derive(Default)]
pub(crate) struct DedupWindow {
    ring: Ring<Remembered>,
    /// The latest place of each key, counted from the first entry ever, modulo 2^32.
    index: HashTable<u32>,
    /// Place of the ring's front, counted the same way.
    front: u32,
}

impl DedupWindow {
    /// The entry for `key` if it is still remembered.
    pub fn get(&self, key: DedupKey, now: Millis) -> Option<DedupEntry> {
        let place = self
            .index
            .find(hash(key), |&place| self.at(place).key == key)?;
        let entry = self.at(*place).entry;
        (entry.expires_at > now).then_some(entry)
    }

    pub fn insert(&mut self, key: DedupKey, entry: DedupEntry) {
        // Memory bounds keep the ring far below 2^32 entries, so that places stay distinct.
        let newest = self.front.wrapping_add(self.ring.len() as u32);
        let Self { ring, index, front } = self;
        let key_at = |place: u32| ring[place.wrapping_sub(*front) as usize].key;
        match index.entry(
            hash(key),
            |&place| key_at(place) == key,
            |&place| hash(key_at(place)),
        ) {
            Entry::Occupied(mut place) => *place.get_mut() = newest,
            Entry::Vacant(free) => {
                free.insert(newest);
            }
        }
        self.ring.push_back(Remembered { key, entry });
    }

    /// Entries of the ring, which is what the memory goes by.
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// Forgets what is over, at most `entries_max` at once; answers how many.
    pub fn expire(&mut self, now: Millis, entries_max: usize) -> usize {
        let mut forgotten = 0;
        while forgotten < entries_max
            && let Some(oldest) = self.ring.front()
            && oldest.entry.expires_at <= now
        {
            // A key that expired and was sent again has a later place; that one stays.
            let front = self.front;
            if let Ok(place) = self
                .index
                .find_entry(hash(oldest.key), |&place| place == front)
            {
                place.remove();
            }
            self.ring.drop_front();
            self.front = self.front.wrapping_add(1);
            forgotten += 1;
        }
        if self.ring.len() == 0 && self.index.capacity() > 1024 {
            *self = Self::default();
        }
        forgotten
    }

    /// The place of the oldest entry, to walk from.
    pub fn first_place(&self) -> u32 {
        self.front
    }

    /// The first entry from a place on, with its own place.
    pub fn at_or_after(&self, place: u32) -> Option<(u32, DedupKey, DedupEntry)> {
        // Those before the front are gone.
        let ahead = place.wrapping_sub(self.front);
        let place = if ahead as i32 >= 0 { place } else { self.front };
        let ahead = place.wrapping_sub(self.front) as usize;
        (ahead < self.ring.len()).then(|| {
            let found = self.at(place);
            (place, found.key, found.entry)
        })
    }

    fn at(&self, place: u32) -> &Remembered {
        &self.ring[place.wrapping_sub(self.front) as usize]
    }

    pub fn next_expiry(&self) -> Option<Millis> {
        self.ring.front().map(|oldest| oldest.entry.expires_at)
    }
}

/// A key is a good hash already.
fn hash(key: DedupKey) -> u64 {
    key as u64
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
    fn many_keys_come_and_go_in_order() {
        let mut window = DedupWindow {
            // Places go past 2^32 on the way.
            front: u32::MAX - 700,
            ..DedupWindow::default()
        };
        let entry = |n: u64| DedupEntry {
            message_id: [0; 16],
            sequence: n,
            expires_at: n + 500,
        };
        for n in 0..5000 {
            // Each key comes again after 600 ms, when it is forgotten.
            let key = DedupKey::from(n % 600);
            assert_eq!(window.get(key, n), None);
            window.insert(key, entry(n));
            window.expire(n, 2);
            let oldest = n.saturating_sub(499);
            assert_eq!(
                window.get(DedupKey::from(oldest % 600), n),
                Some(entry(oldest))
            );
            assert_eq!(window.len() as u64, n + 1 - oldest);
        }
        assert_eq!(window.index.len(), window.len());
        assert_eq!(window.expire(6000, 10_000), 500);
        assert_eq!(window.index.len(), 0);
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
