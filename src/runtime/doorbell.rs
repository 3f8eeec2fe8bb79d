//! Waking a core from another thread, for as little as it can cost.
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
//! tokio's park hooks keep `PARKED`.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Poll, Waker};

use slab::Slab;

use super::local::{CoreLocal, remember, try_with_core, with_core};

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

    /// The core is gone: leave `RUNG` set, so that no ring ever wakes it again.
    pub(super) fn retire(&self) {
        self.state.store(RUNG, Ordering::Release);
    }
}

struct Shared {
    pending: AtomicBool,
    bell: Arc<Bell>,
}

/// The ringing end: any thread, any number of clones.
#[derive(Clone)]
pub struct Doorbell {
    shared: Arc<Shared>,
}

impl Doorbell {
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

/// The waiting end: stays on the core that made it.
pub struct DoorbellWaiter {
    shared: Arc<Shared>,
    slot: usize,
    /// The slot is an index into this core's table.
    _local: std::marker::PhantomData<*const ()>,
}

impl DoorbellWaiter {
    /// Waits until the doorbell has rung since the last wait. Rings don't add up: after this
    /// returns, look at everything the ringers may have left.
    pub async fn wait(&mut self) {
        poll_fn(|cx| self.poll_wait(cx)).await
    }

    /// The polling form of [`DoorbellWaiter::wait`].
    pub fn poll_wait(&mut self, cx: &mut std::task::Context<'_>) -> Poll<()> {
        if self.shared.pending.swap(false, Ordering::AcqRel) {
            return Poll::Ready(());
        }
        // A ring from here on sets RUNG, and only this thread answers that, after this poll.
        with_core(|core| {
            let waiters = &mut core.waiters.borrow_mut();
            let entry = &mut waiters.table[self.slot];
            remember(&mut entry.waker, cx);
        });
        Poll::Pending
    }
}

impl Drop for DoorbellWaiter {
    fn drop(&mut self) {
        let entry = try_with_core(|core| core.waiters.borrow_mut().table.remove(self.slot));
        drop(entry);
    }
}

struct WaiterEntry {
    shared: Arc<Shared>,
    waker: Option<Waker>,
}

/// Every doorbell that is answered on one core.
#[derive(Default)]
pub(super) struct Waiters {
    table: Slab<WaiterEntry>,
}

/// Makes a doorbell that is answered on the calling core.
pub fn doorbell() -> (Doorbell, DoorbellWaiter) {
    with_core(|core| {
        let shared = Arc::new(Shared {
            pending: AtomicBool::new(false),
            bell: core.bell.clone(),
        });
        let entry = WaiterEntry {
            shared: shared.clone(),
            waker: None,
        };
        let slot = core.waiters.borrow_mut().table.insert(entry);
        let waiter = DoorbellWaiter {
            shared: shared.clone(),
            slot,
            _local: std::marker::PhantomData,
        };
        (Doorbell { shared }, waiter)
    })
}

/// Notices rings now rather than when this core next runs out of work. One load when there are
/// none. Reading from a [`super::Stream`] does it too, so a core that never runs out of work still
/// answers its doorbells.
#[inline]
pub fn check_doorbell() {
    try_with_core(|core| {
        if core.bell.state.load(Ordering::Relaxed) & RUNG != 0 {
            answer(core);
        }
    });
}

/// Wakes the tasks whose doorbells rang.
#[cold]
fn answer(core: &CoreLocal) {
    // Clears RUNG before looking at the doorbells: a ring that comes later sets it again.
    core.bell.state.swap(0, Ordering::AcqRel);
    let mut waiters = core.waiters.borrow_mut();
    for (_, entry) in &mut waiters.table {
        if entry.shared.pending.load(Ordering::Acquire)
            && let Some(waker) = entry.waker.take()
        {
            waker.wake();
        }
    }
}

/// The core is about to sleep; see `cores`.
pub(super) fn before_park() {
    try_with_core(|core| {
        // Until PARKED is set and RUNG wasn't: a ring whose waiter isn't waiting wakes no task, so
        // the core may still go to sleep, and then it must be seen to sleep.
        while core.bell.state.fetch_or(PARKED, Ordering::AcqRel) & RUNG != 0 {
            answer(core);
        }
    });
}

/// tokio's hook: the core is back from the kernel.
pub(super) fn after_unpark() {
    try_with_core(|core| {
        let before = core.bell.state.fetch_and(!PARKED, Ordering::AcqRel);
        if before & RUNG != 0 {
            answer(core);
        }
    });
}
