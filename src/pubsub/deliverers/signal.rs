//! Tells a task of the same core to look at its subscription again.

use std::cell::{Cell, RefCell};
use std::task::{Context, Poll, Waker};

/// Set by one task, awaited by one other.
#[derive(Default)]
pub(in crate::pubsub) struct Signal {
    set: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Signal {
    /// Wakes the waiting task, now or when it next waits.
    pub fn set(&self) {
        self.set.set(true);
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    /// Whether it was set, and no longer is.
    pub fn take(&self) -> bool {
        self.set.take()
    }

    /// Ready once per setting.
    pub fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.set.take() {
            return Poll::Ready(());
        }
        *self.waker.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }
}
