//! The allocator: mimalloc, because messages are made on the core that decodes them and freed on the
//! one that owns their queue, where the system's allocator takes a lock.
//!
//! Not by the `mimalloc` crate: it asks for every allocation by `mi_malloc_aligned`, which, unless a
//! block of just that size is at hand, asks for up to 15 bytes more and goes the slow way. That puts
//! a payload that fills its size class into the next larger one.

use libmimalloc_sys as mi;
use std::alloc::{GlobalAlloc, Layout};

/// mimalloc as Rust's global allocator.
pub struct Allocator;

/// Whether `mi_malloc` aligns to this anyway: its blocks are multiples of 16 bytes, save those of 8.
#[inline(always)]
fn is_natural(size: usize, align: usize) -> bool {
    const WORD: usize = 8;
    const WIDEST: usize = 16;
    align <= WORD || align <= WIDEST && size >= WIDEST
}

// SAFETY: mimalloc is an allocator; what its blocks are aligned to is seen to in each call, and
// `mi_free` takes back what any of the others gave.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let (size, align) = (layout.size(), layout.align());
        // SAFETY: any size and any power of two may be asked for.
        unsafe {
            if is_natural(size, align) {
                mi::mi_malloc(size).cast()
            } else {
                mi::mi_malloc_aligned(size, align).cast()
            }
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let (size, align) = (layout.size(), layout.align());
        // SAFETY: any size and any power of two may be asked for.
        unsafe {
            if is_natural(size, align) {
                mi::mi_zalloc(size).cast()
            } else {
                mi::mi_zalloc_aligned(size, align).cast()
            }
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, _layout: Layout) {
        // SAFETY: the caller gives back what one of the other functions gave.
        unsafe { mi::mi_free(block.cast()) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let align = layout.align();
        // SAFETY: the caller has `block` from one of the other functions.
        unsafe {
            if is_natural(size, align) {
                mi::mi_realloc(block.cast(), size).cast()
            } else {
                mi::mi_realloc_aligned(block.cast(), size, align).cast()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_aligned_as_asked() {
        for align in [1, 2, 4, 8, 16, 32, 64, 4096] {
            for size in (1..200).chain([1000, 1024, 1025, 5000, 8192, 9000, 100_000, 3 << 20]) {
                let layout = Layout::from_size_align(size, align).unwrap();
                // SAFETY: the size isn't 0, and each block is freed once, with its own layout.
                unsafe {
                    let block = Allocator.alloc(layout);
                    assert!(!block.is_null() && block.addr().is_multiple_of(align));
                    block.write_bytes(7, size);
                    let zeroed = Allocator.alloc_zeroed(layout);
                    assert!(zeroed.addr().is_multiple_of(align));
                    assert!((0..size).all(|at| zeroed.add(at).read() == 0));
                    Allocator.dealloc(zeroed, layout);
                    let larger = Allocator.realloc(block, layout, size * 2 + 1);
                    assert!(
                        larger.addr().is_multiple_of(align),
                        "{size} bytes by {align}"
                    );
                    assert!((0..size).all(|at| larger.add(at).read() == 7));
                    let layout = Layout::from_size_align(size * 2 + 1, align).unwrap();
                    Allocator.dealloc(larger, layout);
                }
            }
        }
    }
}
