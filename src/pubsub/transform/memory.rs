//! Counts what the functions of a process keep in memory, and refuses an engine more than its share.

use rquickjs::allocator::{Allocator, RustAllocator};
use std::cell::Cell;
use std::rc::Rc;

/// Bytes that all engines of a thread have at present.
#[derive(Clone, Default)]
pub(super) struct MemoryInUse(Rc<Cell<usize>>);

impl MemoryInUse {
    pub(super) fn bytes(&self) -> usize {
        self.0.get()
    }
}

/// One engine's allocator.
pub(super) struct CountingAllocator {
    inner: RustAllocator,
    all: MemoryInUse,
    own: usize,
    own_max: usize,
}

impl CountingAllocator {
    /// An engine gets at most `own_max` bytes.
    pub(super) fn new(all: MemoryInUse, own_max: usize) -> Self {
        Self {
            inner: RustAllocator,
            all,
            own: 0,
            own_max,
        }
    }

    fn has_room(&self, size: usize) -> bool {
        self.own.saturating_add(size) <= self.own_max
    }

    fn took(&mut self, place: *mut u8) -> *mut u8 {
        if !place.is_null() {
            // SAFETY: it was allocated by this allocator just now.
            let size = unsafe { RustAllocator::usable_size(place) };
            self.own += size;
            self.all.0.set(self.all.0.get() + size);
        }
        place
    }

    fn gives_back(&mut self, size: usize) {
        self.own = self.own.saturating_sub(size);
        self.all.0.set(self.all.0.get().saturating_sub(size));
    }
}

// SAFETY: everything that is handed out comes from `RustAllocator`, which keeps the contract; a
// request that is refused answers null, as it may.
unsafe impl Allocator for CountingAllocator {
    fn alloc(&mut self, size: usize) -> *mut u8 {
        if !self.has_room(size) {
            return std::ptr::null_mut();
        }
        let place = self.inner.alloc(size);
        self.took(place)
    }

    fn calloc(&mut self, count: usize, size: usize) -> *mut u8 {
        if !self.has_room(count.saturating_mul(size)) {
            return std::ptr::null_mut();
        }
        let place = self.inner.calloc(count, size);
        self.took(place)
    }

    unsafe fn dealloc(&mut self, place: *mut u8) {
        if place.is_null() {
            return;
        }
        // SAFETY: the caller says that it is of this allocator.
        unsafe {
            self.gives_back(RustAllocator::usable_size(place));
            self.inner.dealloc(place);
        }
    }

    unsafe fn realloc(&mut self, place: *mut u8, size: usize) -> *mut u8 {
        if place.is_null() {
            return self.alloc(size);
        }
        // SAFETY: the caller says that it is of this allocator.
        let before = unsafe { RustAllocator::usable_size(place) };
        if size > before && !self.has_room(size - before) {
            return std::ptr::null_mut();
        }
        // SAFETY: as above.
        let moved = unsafe { self.inner.realloc(place, size) };
        if moved.is_null() && size > 0 {
            return moved;
        }
        self.gives_back(before);
        self.took(moved)
    }

    unsafe fn usable_size(place: *mut u8) -> usize {
        // SAFETY: the caller says that it is of this allocator.
        unsafe { RustAllocator::usable_size(place) }
    }
}
