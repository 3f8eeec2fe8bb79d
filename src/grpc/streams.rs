//! The tasks that run streams' handlers.
//!
//! A handler runs in a task of its own, not inside its answer's body: hyper polls a body only while
//! the client grants room for it, and what the client sends must be looked at all the same.

use slab::Slab;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::error::{failed, stopping};
use super::intercept::Intercept;
use super::limits::GrpcLimits;
use super::replies::Queue;
use super::status::Status;
use super::trailers::trailers;
use crate::runtime::spawn_local;

/// What the calls of one core share.
#[derive(Debug)]
pub struct GrpcCore {
    pub(super) limits: GrpcLimits,
    pub(super) intercept: Option<Box<dyn Intercept>>,
    stopping: Cell<bool>,
    streams: RefCell<Slab<Waker>>,
}

impl GrpcCore {
    /// One per core.
    pub fn new(limits: GrpcLimits, intercept: Option<Box<dyn Intercept>>) -> Rc<Self> {
        Rc::new(GrpcCore {
            limits,
            intercept,
            stopping: Cell::new(false),
            streams: RefCell::default(),
        })
    }

    /// Ends every stream, and those to come, with UNAVAILABLE. Unary calls go on.
    pub fn stop(&self) {
        self.stopping.set(true);
        for (_, waker) in self.streams.borrow().iter() {
            waker.wake_by_ref();
        }
    }

    /// Streams whose handlers run.
    pub fn streams_open(&self) -> usize {
        self.streams.borrow().len()
    }
}

/// Runs a stream's handler until it ends, its client goes, or the core stops.
pub(super) fn spawn_stream<F>(core: Rc<GrpcCore>, queue: Rc<Queue>, handler: F)
where
    F: Future<Output = Result<(), Status>> + 'static,
{
    spawn_local(StreamTask {
        handler: Some(handler),
        place: Place {
            core,
            queue,
            key: None,
        },
    });
}

/// A stream's place in [`GrpcCore::streams`].
struct Place {
    core: Rc<GrpcCore>,
    queue: Rc<Queue>,
    key: Option<usize>,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            let waker = self.core.streams.borrow_mut().remove(key);
            drop(waker);
        }
        // Does nothing to a stream that has ended. One whose task is dropped as it runs, as the
        // core ends, mustn't leave its client waiting.
        self.queue.end(trailers(&Err(stopping())));
    }
}

pin_project_lite::pin_project! {
    struct StreamTask<F> {
        #[pin]
        handler: Option<F>,
        place: Place,
    }
}

impl<F: Future<Output = Result<(), Status>>> Future for StreamTask<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let Some(handler) = this.handler.as_mut().as_pin_mut() else {
            return Poll::Ready(());
        };
        let place = this.place;
        let queue = &place.queue;
        if queue.is_closed() {
            this.handler.set(None);
            return Poll::Ready(());
        }
        let end = if place.core.stopping.get() {
            Err(stopping())
        } else {
            // Sound to assert: the handler is dropped right away, and what it shares with the rest
            // of the core is its own to keep in order across an unwind.
            match catch_unwind(AssertUnwindSafe(|| handler.poll(cx))) {
                Ok(Poll::Ready(end)) => end,
                Ok(Poll::Pending) => {
                    // A task's waker stays the same, so once is enough.
                    if place.key.is_none() {
                        let waker = cx.waker().clone();
                        place.key = Some(place.core.streams.borrow_mut().insert(waker));
                    }
                    queue.watch(cx);
                    return Poll::Pending;
                }
                Err(_) => {
                    tracing::error!("a stream's handler panicked; the stream is closed");
                    Err(failed())
                }
            }
        };
        this.handler.set(None);
        queue.end(trailers(&end));
        Poll::Ready(())
    }
}
