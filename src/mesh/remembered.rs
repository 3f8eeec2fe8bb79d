//! What one core remembers of what names stand for. Without I/O and time; the
//! [`Directory`](super::Directory) puts it to use.

use super::versions::{Stamp, Versions};
use hashbrown::{DefaultHashBuilder, Equivalent, HashTable};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::hash::{BuildHasher, Hash};
use std::rc::Rc;
use std::sync::Arc;

/// What a name stands for, as a shard has answered it.
pub trait Definition {
    /// As it was given by the directory before the shard was asked.
    fn stamp(&self) -> &Stamp;

    /// Memory that it takes, bytes.
    fn bytes(&self) -> usize;

    /// Whether its shard says so wherever it is asked by something that has changed. What isn't is not remembered
    /// where other nodes may run shards: nobody hears of the changes that they make.
    fn is_checked_by_its_shard(&self) -> bool;
}

/// How much is remembered. Beyond that the oldest goes, which costs a question when it is used
/// again.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Names.
    pub names_max: usize,
    /// Bytes of names and definitions.
    pub bytes_max: usize,
}

struct Entry<K, D> {
    key: K,
    hash: u64,
    /// Its place in the order of coming.
    number: u64,
    bytes: usize,
    definition: Rc<D>,
}

struct Table<K, D> {
    entries: HashTable<Entry<K, D>>,
    /// Hashes and numbers of all entries, oldest first.
    order: VecDeque<(u64, u64)>,
    next_number: u64,
    bytes: usize,
}

/// Definitions by key. What is asked for is answered only while it is current.
pub struct Remembered<K, D> {
    versions: Arc<Versions>,
    bounds: Bounds,
    table: RefCell<Table<K, D>>,
    /// Seeded at random: which keys collide can't be told from outside.
    hasher: DefaultHashBuilder,
}

impl<K, D: Definition> Remembered<K, D> {
    /// Nothing yet.
    pub fn new(versions: Arc<Versions>, bounds: Bounds) -> Self {
        let table = Table {
            entries: HashTable::new(),
            order: VecDeque::new(),
            next_number: 0,
            bytes: 0,
        };
        Self {
            versions,
            bounds,
            table: RefCell::new(table),
            hasher: DefaultHashBuilder::default(),
        }
    }

    /// The versions that decide what is current.
    pub fn versions(&self) -> &Versions {
        &self.versions
    }

    /// What a key stands for, if that is known and no change has been answered since.
    #[inline]
    pub fn get<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<Rc<D>> {
        let hash = self.hasher.hash_one(key);
        let table = self.table.borrow();
        let entry = table
            .entries
            .find(hash, |entry| key.equivalent(&entry.key))?;
        self.versions
            .is_current(entry.definition.stamp())
            .then(|| entry.definition.clone())
    }

    /// The same, current or not: what a test does wrong on purpose.
    #[cfg(test)]
    pub fn get_stale<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<Rc<D>> {
        let hash = self.hasher.hash_one(key);
        let table = self.table.borrow();
        let same = |entry: &Entry<K, D>| key.equivalent(&entry.key);
        Some(table.entries.find(hash, same)?.definition.clone())
    }

    /// Remembers what a key stands for. `key_bytes` is the memory that the key takes.
    pub fn insert<Q>(&self, key: &Q, key_bytes: usize, definition: Rc<D>)
    where
        Q: Hash + Equivalent<K> + ?Sized,
        for<'q> K: From<&'q Q>,
    {
        let bytes = key_bytes + definition.bytes() + size_of::<Entry<K, D>>();
        if bytes > self.bounds.bytes_max {
            return;
        }
        let hash = self.hasher.hash_one(key);
        let table = &mut *self.table.borrow_mut();
        let known = table
            .entries
            .find_mut(hash, |entry| key.equivalent(&entry.key));
        if let Some(known) = known {
            // An answer that was overtaken by a later one's.
            if known.definition.stamp().is_after(definition.stamp()) {
                return;
            }
            table.bytes = table.bytes - known.bytes + bytes;
            known.bytes = bytes;
            known.definition = definition;
        } else {
            let number = table.next_number;
            table.next_number += 1;
            table.bytes += bytes;
            table.order.push_back((hash, number));
            let entry = Entry {
                key: K::from(key),
                hash,
                number,
                bytes,
                definition,
            };
            table.entries.insert_unique(hash, entry, |entry| entry.hash);
        }
        while table.order.len() > self.bounds.names_max || table.bytes > self.bounds.bytes_max {
            table.forget_oldest();
        }
    }
}

impl<K, D> Table<K, D> {
    fn forget_oldest(&mut self) {
        let Some((hash, number)) = self.order.pop_front() else {
            return;
        };
        if let Ok(found) = self
            .entries
            .find_entry(hash, |entry| entry.number == number)
        {
            let (entry, _) = found.remove();
            self.bytes -= entry.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lclq_shards::{NameBucket, NameSpace};

    struct Known {
        stamp: Stamp,
        bytes: usize,
    }

    impl Definition for Known {
        fn stamp(&self) -> &Stamp {
            &self.stamp
        }

        fn bytes(&self) -> usize {
            self.bytes
        }

        fn is_checked_by_its_shard(&self) -> bool {
            false
        }
    }

    fn bucket(name: &str) -> NameBucket {
        NameBucket::of(NameSpace::Topic, name)
    }

    fn remembered(names_max: usize, bytes_max: usize) -> Remembered<Box<str>, Known> {
        let bounds = Bounds {
            names_max,
            bytes_max,
        };
        Remembered::new(Arc::default(), bounds)
    }

    fn insert(to: &Remembered<Box<str>, Known>, name: &str, bytes: usize) {
        let stamp = to.versions().stamp(bucket(name));
        to.insert(name, name.len(), Rc::new(Known { stamp, bytes }));
    }

    #[test]
    fn what_changed_is_not_answered_until_it_is_found_again() {
        let known = remembered(10, 10_000);
        assert!(known.get("a").is_none());
        insert(&known, "a", 1);
        assert!(known.get("a").is_some());
        known.versions().advance(bucket("b"));
        assert!(known.get("a").is_some(), "another name's change");
        known.versions().advance(bucket("a"));
        assert!(known.get("a").is_none());
        insert(&known, "a", 2);
        assert_eq!(known.get("a").map(|found| found.bytes), Some(2));
    }

    #[test]
    fn an_answer_that_was_overtaken_is_not_remembered() {
        let known = remembered(10, 10_000);
        let early = known.versions().stamp(bucket("a"));
        known.versions().advance(bucket("a"));
        insert(&known, "a", 2);
        let late = Known {
            stamp: early,
            bytes: 1,
        };
        known.insert("a", 1, Rc::new(late));
        assert_eq!(known.get("a").map(|found| found.bytes), Some(2));
    }

    #[test]
    fn names_and_bytes_are_bounded_and_the_oldest_goes_first() {
        let known = remembered(4, 10_000);
        for n in 0..100 {
            insert(&known, &n.to_string(), 1);
            insert(&known, &n.to_string(), 2);
        }
        let left = (0..100).filter(|n| known.get(&*n.to_string()).is_some());
        assert_eq!(Vec::from_iter(left), [96, 97, 98, 99]);
        insert(&known, "large", 9_500);
        assert!(known.get("large").is_some() && known.get("99").is_some());
        insert(&known, "huge", 10_000);
        assert!(known.get("huge").is_none(), "it would push out all others");
        let table = known.table.borrow();
        let bytes: usize = table.entries.iter().map(|entry| entry.bytes).sum();
        assert_eq!(table.bytes, bytes);
        assert_eq!(table.order.len(), table.entries.len());
        assert!(bytes <= 10_000);
    }
}
