//! Models look things up all the time: by numbers that count up, and by keys in no order.

use std::collections::HashMap;
use std::ops::Index;

/// A map that hashes fast, and the same in every run.
pub type Map<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// Things with the numbers 1, 2, 3 and so on.
pub struct Numbered<T>(Vec<T>);

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Numbered<T> {
    /// Adds what has the next number.
    pub fn insert(&mut self, number: u64, thing: T) {
        self.0.push(thing);
        assert_eq!(number, self.len(), "numbers count up by one");
    }

    pub fn len(&self) -> u64 {
        self.0.len() as u64
    }

    pub fn get(&self, number: u64) -> Option<&T> {
        self.0.get(at(number)?)
    }

    pub fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        self.0.get_mut(at(number)?)
    }

    pub fn numbers(&self) -> impl Iterator<Item = u64> + use<T> {
        1..=self.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        (1..).zip(&self.0)
    }

    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut()
    }
}

fn at(number: u64) -> Option<usize> {
    usize::try_from(number.checked_sub(1)?).ok()
}

impl<T> Index<u64> for Numbered<T> {
    type Output = T;

    fn index(&self, number: u64) -> &T {
        self.get(number).expect("a known number")
    }
}
