//! Waking a core from another thread, for as little as it can cost: the core's side. How rings reach
//! it stands in `bell`.
//!
//! tokio's park hooks keep the bell's `PARKED`.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use slab::Slab;

use super::bell::{Doorbell, Shared};
use super::local::{CoreLocal, remember, try_with_core, with_core};

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
        if self.shared.take_pending() {
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
        let shared = Arc::new(Shared::new(core.bell.clone()));
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
        (Doorbell::new(shared), waiter)
    })
}

/// Notices rings now rather than when this core next runs out of work. One load when there are
/// none. Reading from a [`super::Stream`] does it too, so a core that never runs out of work still
/// answers its doorbells.
#[inline]
pub fn check_doorbell() {
    try_with_core(|core| {
        if core.bell.has_rung() {
            answer(core);
        }
    });
}

/// Wakes the tasks whose doorbells rang.
#[cold]
fn answer(core: &CoreLocal) {
    core.bell.hear();
    let mut waiters = core.waiters.borrow_mut();
    for (_, entry) in &mut waiters.table {
        if entry.shared.is_pending()
            && let Some(waker) = entry.waker.take()
        {
            waker.wake();
        }
    }
}

/// The core is about to sleep; see `cores`.
pub(super) fn before_park() {
    try_with_core(|core| core.bell.before_park(|| answer(core)));
}

/// tokio's hook: the core is back from the kernel.
pub(super) fn after_unpark() {
    try_with_core(|core| core.bell.after_unpark(|| answer(core)));
}
