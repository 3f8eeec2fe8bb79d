//! The connections open on one core's side of a listener, and how they come to their end.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::task::{Poll, Waker};

use slab::Slab;

/// The connections open on one core's side of a listener.
#[derive(Default)]
pub(super) struct Connections {
    open: RefCell<Slab<Waker>>,
    /// End when what is under way is done.
    stopping: Cell<bool>,
    /// End now.
    dropping: Cell<bool>,
    /// Whoever waits for the last connection to end.
    drained: Cell<Option<Waker>>,
}

impl Connections {
    /// Takes in the connection of the calling task.
    pub(super) async fn enter(self: &Rc<Self>) -> Place {
        let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
        Place {
            key: self.open.borrow_mut().insert(waker),
            connections: self.clone(),
        }
    }

    pub(super) fn count(&self) -> usize {
        self.open.borrow().len()
    }

    /// Asks every connection to end.
    pub(super) fn stop(&self) {
        self.stopping.set(true);
        self.wake_all();
    }

    /// Ends every connection.
    pub(super) fn drop_all(&self) {
        self.dropping.set(true);
        self.wake_all();
    }

    /// Waits until the last connection has ended.
    pub(super) async fn drained(&self) {
        poll_fn(|cx| {
            if self.open.borrow().is_empty() {
                return Poll::Ready(());
            }
            self.drained.set(Some(cx.waker().clone()));
            Poll::Pending
        })
        .await
    }

    /// Makes every connection look at the flags.
    fn wake_all(&self) {
        for (_, waker) in self.open.borrow().iter() {
            waker.wake_by_ref();
        }
    }
}

/// A connection's place among those of its core.
pub(super) struct Place {
    connections: Rc<Connections>,
    key: usize,
}

impl Place {
    /// Whether the connection has to end now.
    pub(super) fn is_dropped(&self) -> bool {
        self.connections.dropping.get()
    }

    pub(super) fn drain(&self) -> Drain {
        Drain(self.connections.clone())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let waker = self.connections.open.borrow_mut().remove(self.key);
        drop(waker);
        if self.connections.open.borrow().is_empty()
            && let Some(waker) = self.connections.drained.take()
        {
            waker.wake();
        }
    }
}

/// What tells a connection that the server is stopping.
#[derive(Clone)]
pub struct Drain(Rc<Connections>);

impl Drain {
    /// Of a server that never stops.
    #[cfg(feature = "fuzzing")]
    pub(super) fn never() -> Self {
        Self(Rc::default())
    }

    /// Whether the connection should end as soon as what is under way is done. The connection's
    /// task is woken when this becomes true, and other tasks are not.
    pub fn is_asked(&self) -> bool {
        self.0.stopping.get()
    }

    /// Runs `future` until the connection should end, which gives `None`. For the connection's own
    /// task.
    pub async fn or_stop<F: Future>(&self, future: F) -> Option<F::Output> {
        let mut future = std::pin::pin!(future);
        poll_fn(|cx| {
            if self.is_asked() {
                return Poll::Ready(None);
            }
            future.as_mut().poll(cx).map(Some)
        })
        .await
    }
}
