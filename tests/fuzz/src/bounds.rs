//! What an input may take: time on a CPU, and memory.

use crate::targets::Target;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Tries in which an input must keep to its time once: others may keep the machine busy, and what is made
/// at first need is made by the second.
const TRIES: usize = 4;

/// The system's allocator, which knows how much is taken. The pieces that libFuzzer takes aren't Rust's.
struct Counting;

static TAKEN_BYTES: AtomicUsize = AtomicUsize::new(0);
static MOST_BYTES: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn took(bytes: usize) {
    let now = TAKEN_BYTES.fetch_add(bytes, Ordering::Relaxed) + bytes;
    MOST_BYTES.fetch_max(now, Ordering::Relaxed);
}

fn gave(bytes: usize) {
    TAKEN_BYTES.fetch_sub(bytes, Ordering::Relaxed);
}

// SAFETY: it is the system's allocator; what is counted changes nothing of what it gives and takes.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        // SAFETY: as the caller has it.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        // SAFETY: as the caller has it.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        gave(layout.size());
        // SAFETY: as the caller has it.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        took(size);
        gave(layout.size());
        // SAFETY: as the caller has it.
        unsafe { System.realloc(block, layout, size) }
    }
}

/// Time that this process has had on CPUs, its threads' together.
fn cpu_time() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the kernel writes one timespec.
    let done = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    assert_eq!(done, 0, "the kernel has such a clock");
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

/// What an input took, bytes and time.
fn measured(target: &Target, bytes: &[u8]) -> (usize, Duration) {
    let before_bytes = TAKEN_BYTES.load(Ordering::Relaxed);
    MOST_BYTES.store(before_bytes, Ordering::Relaxed);
    let before = cpu_time();
    (target.run)(bytes);
    let took = cpu_time() - before;
    let most = MOST_BYTES.load(Ordering::Relaxed);
    (most.saturating_sub(before_bytes), took)
}

/// Gives an input to a target, and panics if it takes more than it may.
pub fn within(target: &Target, bytes: &[u8]) {
    let (bytes_max, time_max) = (target.bytes_max, Duration::from_millis(target.cpu_ms_max));
    let mut took = Vec::new();
    for _ in 0..TRIES {
        let (most_bytes, time) = measured(target, bytes);
        if most_bytes <= bytes_max && time <= time_max {
            return;
        }
        took.push((most_bytes, time));
    }
    panic!(
        "it took too much (bytes, time), each time: {took:?}; its bounds are {bytes_max} bytes, {time_max:?}"
    );
}
