//! Timers: one ordered table per core, driven by one of tokio's timers.
//!
//! A server arms a timer for almost everything it does and almost none of them fires. Here arming
//! is an insert into a local table, moving a deadline later is a plain store (the timer fires at
//! its old deadline, sees the new one, and goes back to sleep), and tokio is only told when the
//! earliest deadline changes.

use std::collections::BTreeSet;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use slab::Slab;

use super::local::{spawn_local, try_with_core, with_core};

/// No slot: the sleep isn't in its core's table.
const NO_SLOT: u32 = u32::MAX;

struct Entry {
    /// The deadline in the table, which may be earlier than the sleep's own.
    due: Instant,
    fired: bool,
    waker: Waker,
}

/// One core's sleeps.
pub(super) struct Timers {
    /// Tells this core's table from every other's, since a `Sleep` is a plain index and can be
    /// carried to another thread.
    tag: u32,
    entries: Slab<Entry>,
    order: BTreeSet<(Instant, u32)>,
    /// What the driver's timer is set to.
    armed: Option<Instant>,
    driver_waker: Option<Waker>,
}

impl Timers {
    pub(super) fn new() -> Self {
        static NEXT_TAG: AtomicU32 = AtomicU32::new(1);
        Timers {
            tag: NEXT_TAG.fetch_add(1, Ordering::Relaxed),
            entries: Slab::new(),
            order: BTreeSet::new(),
            armed: None,
            driver_waker: None,
        }
    }

    fn insert(&mut self, due: Instant, waker: Waker) -> u32 {
        let slot = u32::try_from(self.entries.insert(Entry {
            due,
            fired: false,
            waker,
        }))
        .expect("fewer than 2^32 timers");
        self.order_insert(due, slot);
        slot
    }

    fn order_insert(&mut self, due: Instant, slot: u32) {
        self.order.insert((due, slot));
        if self.armed.is_none_or(|armed| due < armed)
            && let Some(waker) = self.driver_waker.take()
        {
            waker.wake();
        }
    }

    fn remove(&mut self, slot: u32) -> Entry {
        let entry = self.entries.remove(slot as usize);
        if !entry.fired {
            self.order.remove(&(entry.due, slot));
        }
        entry
    }

    /// Fires everything that is due, and tells the next deadline.
    fn fire(&mut self, now: Instant) -> Option<Instant> {
        while let Some(&(due, slot)) = self.order.first() {
            if due > now {
                return Some(due);
            }
            self.order.pop_first();
            let entry = &mut self.entries[slot as usize];
            entry.fired = true;
            entry.waker.wake_by_ref();
        }
        None
    }
}

/// Starts the calling core's timer task.
pub(super) fn spawn_timers() {
    spawn_local(async {
        let mut native = pin!(tokio::time::sleep(Duration::ZERO));
        poll_fn(|cx| {
            loop {
                let next = with_core(|core| {
                    let mut timers = core.timers.borrow_mut();
                    let next = timers.fire(Instant::now());
                    timers.armed = next;
                    timers.driver_waker = Some(cx.waker().clone());
                    next
                });
                match next {
                    None => return Poll::Pending,
                    Some(deadline) => {
                        let deadline = tokio::time::Instant::from_std(deadline);
                        if native.deadline() != deadline {
                            native.as_mut().reset(deadline);
                        }
                        ready!(native.as_mut().poll(cx));
                    }
                }
            }
        })
        .await
    });
}

/// A point in time to wait for. Made on any core, polled on the one that first polled it.
#[derive(Debug)]
pub struct Sleep {
    deadline: Instant,
    slot: u32,
    tag: u32,
}

impl Sleep {
    /// A sleep that ends at `deadline`.
    pub fn until(deadline: Instant) -> Self {
        Sleep {
            deadline,
            slot: NO_SLOT,
            tag: 0,
        }
    }

    /// When it ends.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Moves the deadline. Moving it later is nearly free. Poll again afterwards.
    pub fn reset(&mut self, deadline: Instant) {
        if deadline < self.deadline {
            self.disarm();
        }
        self.deadline = deadline;
    }

    fn disarm(&mut self) {
        let slot = std::mem::replace(&mut self.slot, NO_SLOT);
        if slot == NO_SLOT {
            return;
        }
        let entry = try_with_core(|core| {
            let mut timers = core.timers.borrow_mut();
            (timers.tag == self.tag).then(|| timers.remove(slot))
        });
        // A waker's drop may run a task's destructors: not inside the borrow above.
        drop(entry);
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.disarm();
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        with_core(|core| {
            let mut timers = core.timers.borrow_mut();
            if this.slot == NO_SLOT {
                if Instant::now() >= this.deadline {
                    return Poll::Ready(());
                }
                this.tag = timers.tag;
                this.slot = timers.insert(this.deadline, cx.waker().clone());
                return Poll::Pending;
            }
            assert_eq!(
                this.tag, timers.tag,
                "a sleep stays on the core that polled it first"
            );
            let slot = this.slot;
            let entry = &mut timers.entries[slot as usize];
            entry.waker.clone_from(cx.waker());
            if !entry.fired {
                return Poll::Pending;
            }
            if Instant::now() >= this.deadline {
                timers.remove(slot);
                this.slot = NO_SLOT;
                return Poll::Ready(());
            }
            // The deadline was moved later while it waited for the old one.
            entry.fired = false;
            entry.due = this.deadline;
            timers.order_insert(this.deadline, slot);
            Poll::Pending
        })
    }
}

/// Waits for `duration`.
pub fn sleep(duration: Duration) -> Sleep {
    sleep_until(Instant::now() + duration)
}

/// Waits until `deadline`.
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep::until(deadline)
}

/// What [`timeout`] returns when time is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut;

impl std::fmt::Display for TimedOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("timed out")
    }
}

impl std::error::Error for TimedOut {}

/// Runs `future` for at most `duration`. No timer is armed if it is ready at its first poll.
pub async fn timeout<F: Future>(duration: Duration, future: F) -> Result<F::Output, TimedOut> {
    let mut future = pin!(future);
    let mut limit = sleep(duration);
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Ok(output));
        }
        Pin::new(&mut limit).poll(cx).map(|()| Err(TimedOut))
    })
    .await
}
