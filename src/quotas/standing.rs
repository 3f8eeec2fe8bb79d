//! How many of something one asker has at a time: connections, calls that wait.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// Counts of all cores, by whose they are.
#[derive(Debug)]
pub struct Standing<K> {
    each_max: u64,
    counts: Arc<Mutex<HashMap<K, u64>>>,
}

impl<K> Clone for Standing<K> {
    fn clone(&self) -> Self {
        Self {
            each_max: self.each_max,
            counts: self.counts.clone(),
        }
    }
}

/// One of them. Dropped, it is one fewer.
#[derive(Debug)]
pub struct Place<K: Hash + Eq> {
    key: K,
    counts: Arc<Mutex<HashMap<K, u64>>>,
}

impl<K: Hash + Eq + Clone> Standing<K> {
    /// So many of each.
    pub fn new(each_max: u64) -> Self {
        Self {
            each_max,
            counts: Arc::default(),
        }
    }

    /// One more, if there may be one. There is an entry for each that has any, so what bounds those
    /// bounds this.
    pub fn enter(&self, key: &K) -> Option<Place<K>> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(key.clone()).or_insert(0);
        if *count >= self.each_max {
            return None;
        }
        *count += 1;
        Some(Place {
            key: key.clone(),
            counts: self.counts.clone(),
        })
    }
}

impl<K: Hash + Eq> Drop for Place<K> {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_may_have_so_many_and_leaves_nothing_behind() {
        let standing = Standing::new(2);
        let first = standing.enter(&"a");
        let second = standing.enter(&"a");
        assert!(first.is_some() && second.is_some());
        assert!(standing.enter(&"a").is_none());
        assert!(standing.enter(&"b").is_some());
        drop(first);
        assert!(standing.enter(&"a").is_some());
        drop(second);
        assert!(standing.counts.lock().unwrap().is_empty());
    }
}
