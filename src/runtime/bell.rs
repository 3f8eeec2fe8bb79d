//! A core's bell and the doorbells that ring it: the part that other threads touch.
//!
//! Each core has one atomic word, its bell, with two bits:
//!
//! - `RUNG`: some doorbell of this core rang and the core hasn't looked yet;
//! - `PARKED`: the core sleeps in the kernel, or is about to.
//!
//! A ringer marks its own doorbell pending and sets `RUNG`. Only the ringer that finds `RUNG` clear
//! and `PARKED` set makes a wake call, so a busy core costs its ringers no syscall and a parked one
//! exactly one, however many ring.
//!
//! No ring can be lost. Both bits live in one word that is only ever changed by read-modify-write,
//! so there is no store-buffer race: the core sets `PARKED` with the same kind of operation that
//! the ringer sets `RUNG` with, and whichever comes second sees the first. Either the core sees
//! `RUNG` and doesn't sleep, or the ringer sees `PARKED` and wakes it. The same holds one level up:
//! a doorbell's `pending` is swapped, never stored, by both sides, so a ringer that is told
//! "already pending" has published its data to the waiter's next swap.
//!
//! `tests/loom` goes through the orders in which all this can happen.

#[cfg(loom)]
use loom::sync::atomic::{AtomicBool, AtomicU32, Ordering};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Waker;

const RUNG: u32 = 1;
const PARKED: u32 = 2;

/// One core's word. On its own pair of cache lines, since every other core writes to it.
#[repr(align(128))]
pub(super) struct Bell {
    state: AtomicU32,
    waker: OnceLock<Waker>,
}

impl Bell {
    pub(super) fn new() -> Self {
        Bell {
            state: AtomicU32::new(0),
            waker: OnceLock::new(),
        }
    }

    pub(super) fn set_waker(&self, waker: Waker) {
        assert!(self.waker.set(waker).is_ok(), "a core starts once");
        // Whoever rang before the core was up found nobody to wake. The core is running now and
        // looks at its bell right after this call.
    }

    fn ring(&self) {
        let before = self.state.fetch_or(RUNG, Ordering::AcqRel);
        if before & RUNG == 0
            && before & PARKED != 0
            && let Some(waker) = self.waker.get()
        {
            waker.wake_by_ref();
        }
    }

    /// Whether a doorbell rang since the core last looked. One load.
    #[inline]
    pub(super) fn has_rung(&self) -> bool {
        self.state.load(Ordering::Relaxed) & RUNG != 0
    }

    /// The core looks at its doorbells after this: a ring that comes later is told again.
    pub(super) fn hear(&self) {
        self.state.swap(0, Ordering::AcqRel);
    }

    /// The core is about to sleep, unless `answer`, which has to [hear](Self::hear), finds something
    /// to do.
    pub(super) fn before_park(&self, mut answer: impl FnMut()) {
        // Until PARKED is set and RUNG wasn't: a ring whose waiter isn't waiting wakes no task, so
        // the core may still go to sleep, and then it must be seen to sleep.
        while self.state.fetch_or(PARKED, Ordering::AcqRel) & RUNG != 0 {
            answer();
        }
    }

    /// The core is back from its sleep.
    pub(super) fn after_unpark(&self, answer: impl FnOnce()) {
        let before = self.state.fetch_and(!PARKED, Ordering::AcqRel);
        if before & RUNG != 0 {
            answer();
        }
    }

    /// The core is gone: leave `RUNG` set, so that no ring ever wakes it again.
    pub(super) fn retire(&self) {
        self.state.store(RUNG, Ordering::Release);
    }
}

/// What a doorbell's two ends share.
pub(super) struct Shared {
    pending: AtomicBool,
    bell: Arc<Bell>,
}

impl Shared {
    pub(super) fn new(bell: Arc<Bell>) -> Self {
        Shared {
            pending: AtomicBool::new(false),
            bell,
        }
    }

    /// Whether it rang since it was last taken.
    pub(super) fn is_pending(&self) -> bool {
        self.pending.load(Ordering::Acquire)
    }

    /// The same, once for each time.
    pub(super) fn take_pending(&self) -> bool {
        self.pending.swap(false, Ordering::AcqRel)
    }
}

/// The ringing end: any thread, any number of clones.
#[derive(Clone)]
pub struct Doorbell {
    shared: Arc<Shared>,
}

impl Doorbell {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Doorbell { shared }
    }

    /// Makes the waiter's task run soon. Whatever was written before this call is visible to it.
    pub fn ring(&self) {
        if !self.shared.pending.swap(true, Ordering::AcqRel) {
            self.shared.bell.ring();
        }
    }
}

impl std::fmt::Debug for Doorbell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Doorbell").finish_non_exhaustive()
    }
}
