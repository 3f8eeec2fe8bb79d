//! A slab that grows by chunks, so that growing never moves what it holds.
//!
//! A doubling `Vec` would copy every resident message (tens of milliseconds at a million) and keep
//! up to half of its memory unused; chunks keep growth flat in both.

/// Entries in one chunk. Large enough that the table of chunks stays small, small enough that one
/// allocation is cheap.
const CHUNK_ENTRIES: usize = 1024;

/// The slot number that stands for "none" in links between entries.
pub const NONE: u32 = u32::MAX;

enum Cell<T> {
    Free { next: u32 },
    Used(T),
}

/// Values addressed by a stable `u32` slot; a freed slot is used again.
pub struct Slab<T> {
    chunks: Vec<Box<[Cell<T>; CHUNK_ENTRIES]>>,
    free: u32,
    len: usize,
    unused_from: u32,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            chunks: Vec::new(),
            free: NONE,
            len: 0,
            unused_from: 0,
        }
    }
}

impl<T> Slab<T> {
    /// Number of values held.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no value is held.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Stores `value` and answers its slot.
    ///
    /// # Panics
    /// When 2^32 - 1 values are held, which memory bounds rule out long before.
    #[inline]
    pub fn insert(&mut self, value: T) -> u32 {
        self.len += 1;
        if self.free != NONE {
            let slot = self.free;
            let cell = self.cell_mut(slot);
            let Cell::Free { next } = *cell else {
                unreachable!("a free slot holds a value")
            };
            *cell = Cell::Used(value);
            self.free = next;
            return slot;
        }
        let slot = self.unused_from;
        assert!(slot < NONE, "slab is full");
        if slot as usize / CHUNK_ENTRIES == self.chunks.len() {
            let chunk: Vec<Cell<T>> = (0..CHUNK_ENTRIES)
                .map(|_| Cell::Free { next: NONE })
                .collect();
            let chunk = Box::try_from(chunk).ok().expect("made of so many");
            self.chunks.push(chunk);
        }
        self.unused_from += 1;
        *self.cell_mut(slot) = Cell::Used(value);
        slot
    }

    /// Takes the value out of `slot`.
    ///
    /// # Panics
    /// When the slot holds nothing: a link in the engine would be broken.
    #[inline]
    pub fn remove(&mut self, slot: u32) -> T {
        let free = self.free;
        let cell = std::mem::replace(self.cell_mut(slot), Cell::Free { next: free });
        let Cell::Used(value) = cell else {
            unreachable!("slot {slot} was already free")
        };
        self.free = slot;
        self.len -= 1;
        value
    }

    /// The value in `slot`, or `None` where it is free or out of range.
    #[inline]
    pub fn get(&self, slot: u32) -> Option<&T> {
        let chunk = self.chunks.get(slot as usize / CHUNK_ENTRIES)?;
        match &chunk[slot as usize % CHUNK_ENTRIES] {
            Cell::Used(value) => Some(value),
            Cell::Free { .. } => None,
        }
    }

    /// The value in `slot`, or `None` where it is free or out of range.
    #[inline]
    pub fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        let chunk = self.chunks.get_mut(slot as usize / CHUNK_ENTRIES)?;
        match &mut chunk[slot as usize % CHUNK_ENTRIES] {
            Cell::Used(value) => Some(value),
            Cell::Free { .. } => None,
        }
    }

    /// Slots that have ever held a value are below.
    pub fn slots(&self) -> u32 {
        self.unused_from
    }

    /// All values with their slots, in slot order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.chunks
            .iter()
            .flat_map(|chunk| chunk.iter())
            .enumerate()
            .filter_map(|(slot, cell)| match cell {
                Cell::Used(value) => Some((slot as u32, value)),
                Cell::Free { .. } => None,
            })
    }

    #[inline]
    fn cell_mut(&mut self, slot: u32) -> &mut Cell<T> {
        &mut self.chunks[slot as usize / CHUNK_ENTRIES][slot as usize % CHUNK_ENTRIES]
    }
}

impl<T> std::ops::Index<u32> for Slab<T> {
    type Output = T;
    #[inline]
    fn index(&self, slot: u32) -> &T {
        self.get(slot).expect("slot holds a value")
    }
}

impl<T> std::ops::IndexMut<u32> for Slab<T> {
    #[inline]
    fn index_mut(&mut self, slot: u32) -> &mut T {
        self.get_mut(slot).expect("slot holds a value")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_stable_and_used_again() {
        let mut slab = Slab::default();
        let slots: Vec<u32> = (0..3000u32).map(|n| slab.insert(n)).collect();
        assert_eq!(slab.len(), 3000);
        for (n, slot) in slots.iter().enumerate() {
            assert_eq!(slab[*slot], n as u32);
        }
        assert_eq!(slab.remove(slots[7]), 7);
        assert!(slab.get(slots[7]).is_none());
        assert_eq!(slab.insert(99), slots[7]);
        assert_eq!(slab.iter().count(), 3000);
        assert!(slab.get(NONE).is_none());
    }
}
