//! What hyper asks of a runtime: a timer and an executor.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::local::spawn_local;
use super::timer::Sleep;

/// hyper's timer on this core's table.
#[derive(Clone, Copy, Debug, Default)]
pub struct HyperTimer;

impl hyper::rt::Sleep for Sleep {}

impl hyper::rt::Timer for HyperTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(Sleep::until(deadline))
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn hyper::rt::Sleep>>, new_deadline: Instant) {
        match sleep.as_mut().downcast_mut_pin::<Sleep>() {
            Some(sleep) => sleep.get_mut().reset(new_deadline),
            None => *sleep = self.sleep_until(new_deadline),
        }
    }
}

/// hyper's executor for the streams of an HTTP/2 connection: tasks on this core.
///
/// A task started here is never polled inside its parent on either driver, so the answers of
/// streams that came in one read leave in one write.
///
/// A panic in a stream's handler ends that stream with an error log, not the core.
#[derive(Clone, Copy, Debug, Default)]
pub struct HyperExecutor;

impl<F> hyper::rt::Executor<F> for HyperExecutor
where
    F: Future + 'static,
{
    fn execute(&self, future: F) {
        spawn_local(StreamTask {
            future: Some(future),
        });
    }
}

pin_project_lite::pin_project! {
    struct StreamTask<F> {
        #[pin]
        future: Option<F>,
    }
}

impl<F: Future> Future for StreamTask<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut slot = self.project().future;
        let Some(future) = slot.as_mut().as_pin_mut() else {
            return Poll::Ready(());
        };
        // Sound to assert: the future is dropped right away, and what its handler shares with the
        // rest of the core is the handler's to keep in order across an unwind.
        match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
            Ok(poll) => poll.map(|_| ()),
            Err(_) => {
                tracing::error!("a request's handler panicked; its HTTP/2 stream is closed");
                slot.set(None);
                Poll::Ready(())
            }
        }
    }
}
