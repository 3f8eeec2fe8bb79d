//! A queue in chunks: growing copies nothing, and at most one chunk is unused.

use std::collections::VecDeque;
use std::ops::Index;

/// Entries in one chunk. The first one grows as a `Vec` does: there may be many short rings.
const CHUNK_ENTRIES: usize = 256;

/// First in, first out, and looked at by distance from the front.
pub(crate) struct Ring<T> {
    chunks: VecDeque<Vec<T>>,
    /// Entries of the first chunk that are gone.
    gone: usize,
    len: usize,
}

impl<T> Default for Ring<T> {
    fn default() -> Self {
        Self {
            chunks: VecDeque::new(),
            gone: 0,
            len: 0,
        }
    }
}

impl<T> Ring<T> {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn front(&self) -> Option<&T> {
        self.chunks.front()?.get(self.gone)
    }

    pub fn push_back(&mut self, value: T) {
        let chunk = match self.chunks.back_mut() {
            Some(last) if last.len() < CHUNK_ENTRIES => last,
            last => {
                let entries = if last.is_some() { CHUNK_ENTRIES } else { 0 };
                self.chunks.push_back(Vec::with_capacity(entries));
                self.chunks.back_mut().expect("just added")
            }
        };
        chunk.push(value);
        self.len += 1;
    }

    /// Lets go of the first entry, if there is one.
    pub fn drop_front(&mut self) {
        if self.len == 0 {
            return;
        }
        self.len -= 1;
        self.gone += 1;
        if self.gone == CHUNK_ENTRIES {
            self.chunks.pop_front();
            self.gone = 0;
        }
        if self.len == 0 {
            *self = Self::default();
        }
    }
}

impl<T> Index<usize> for Ring<T> {
    type Output = T;

    fn index(&self, at: usize) -> &T {
        let at = at + self.gone;
        &self.chunks[at / CHUNK_ENTRIES][at % CHUNK_ENTRIES]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_queue() {
        let (mut ring, mut model) = (Ring::default(), VecDeque::new());
        for n in 0..20_000u32 {
            // Grows in the first half, shrinks to nothing in the second.
            if n % 3 < 2 && n < 10_000 {
                ring.push_back(n);
                model.push_back(n);
            } else {
                ring.drop_front();
                model.pop_front();
            }
            assert_eq!(ring.len(), model.len());
            assert_eq!(ring.front(), model.front());
            if let Some(last) = model.len().checked_sub(1) {
                assert_eq!((ring[last], ring[last / 2]), (model[last], model[last / 2]));
            }
        }
        assert!(ring.chunks.is_empty());
    }

    #[test]
    fn little_is_unused() {
        let mut ring = Ring::default();
        for n in 0..100_000u64 {
            ring.push_back(n);
        }
        let room: usize = ring.chunks.iter().map(Vec::capacity).sum();
        assert!(room <= 100_000 + CHUNK_ENTRIES);
    }
}
