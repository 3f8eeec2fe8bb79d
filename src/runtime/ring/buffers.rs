//! The pool of buffers that a core receives into. The kernel takes them out of it by itself.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::io;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::IoUring;
use io_uring::types::BufRingEntry;

/// The pool's number; a core has one.
pub(super) const GROUP: u16 = 0;
/// Holds a request of most kinds with its head.
pub(super) const BUFFER_BYTES: usize = 4096;
/// Buffers of a pool, a power of two: 1 MiB in all, of which only what is used becomes memory. When
/// all are in use, connections read by calls.
const BUFFERS: u16 = 256;
/// What the kernel asks of the list's address.
const PAGE_BYTES: usize = 4096;

const LIST: Layout = layout(BUFFERS as usize * size_of::<BufRingEntry>());
const MEMORY: Layout = layout(BUFFERS as usize * BUFFER_BYTES);

const fn layout(bytes: usize) -> Layout {
    match Layout::from_size_align(bytes, PAGE_BYTES) {
        Ok(layout) => layout,
        Err(_) => panic!("a pool's size"),
    }
}

/// Freed when dropped, so not before the ring.
pub(super) struct Buffers {
    /// Which buffers are free: a ring that the kernel takes from and we add to.
    list: NonNull<BufRingEntry>,
    memory: NonNull<u8>,
    /// Buffers ever added.
    added: u16,
}

impl Buffers {
    /// Makes a pool and gives it to a ring.
    pub(super) fn register(ring: &IoUring) -> io::Result<Self> {
        let mut buffers = Buffers {
            list: allocate(LIST).cast(),
            memory: allocate(MEMORY),
            added: 0,
        };
        for id in 0..BUFFERS {
            buffers.give_back(id);
        }
        // SAFETY: the list has that many entries and lives longer than the ring.
        unsafe {
            let list = buffers.list.as_ptr() as u64;
            ring.submitter()
                .register_buf_ring_with_flags(list, BUFFERS, GROUP, 0)?;
        }
        Ok(buffers)
    }

    /// Bytes of a buffer that the kernel has taken and filled that far.
    pub(super) fn bytes(&self, id: u16, range: Range<usize>) -> &[u8] {
        assert!(id < BUFFERS && range.start <= range.end && range.end <= BUFFER_BYTES);
        // SAFETY: inside the memory, which began as zeros, and until the buffer is given back the
        // kernel doesn't write to it.
        unsafe {
            let start = self.at(id).add(range.start);
            std::slice::from_raw_parts(start.as_ptr(), range.len())
        }
    }

    /// Lets the kernel have a buffer, which nobody may look into any more.
    pub(super) fn give_back(&mut self, id: u16) {
        let place = (self.added % BUFFERS) as usize;
        // SAFETY: the place is within the list, and at most as many buffers are ever free as the
        // list has places: the kernel has taken what this place held.
        let entry = unsafe { self.list.add(place).as_mut() };
        entry.set_addr(self.at(id).as_ptr() as u64);
        entry.set_len(BUFFER_BYTES as u32);
        entry.set_bid(id);
        self.added = self.added.wrapping_add(1);
        // SAFETY: the list's first entry has a field that tells the kernel how far we are; it is
        // only read there.
        let told = unsafe { &*BufRingEntry::tail(self.list.as_ptr()).cast::<AtomicU16>() };
        told.store(self.added, Ordering::Release);
    }

    fn at(&self, id: u16) -> NonNull<u8> {
        assert!(id < BUFFERS);
        // SAFETY: within the memory.
        unsafe { self.memory.add(id as usize * BUFFER_BYTES) }
    }
}

impl Drop for Buffers {
    fn drop(&mut self) {
        // SAFETY: allocated with these layouts, and no ring has them any more.
        unsafe {
            dealloc(self.list.as_ptr().cast(), LIST);
            dealloc(self.memory.as_ptr(), MEMORY);
        }
    }
}

fn allocate(layout: Layout) -> NonNull<u8> {
    // SAFETY: no layout here is of size 0.
    let memory = unsafe { alloc_zeroed(layout) };
    NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(layout))
}
