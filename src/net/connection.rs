//! One connection: opened, handed to its protocol, cut off when it must be.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::channel::{Channel, Secure};
use super::drain::{Connections, Place};
use super::figures::OpenConnection;
use super::protocol::Protocol;
use crate::runtime::{Stream, timeout};

/// Serves one connection to its end.
pub(super) async fn run<P: Protocol>(
    stream: Stream,
    opening_ms_max: u64,
    secure: Option<Rc<dyn Secure>>,
    protocol: Rc<P>,
    connections: Rc<Connections>,
    open: Rc<OpenConnection>,
) {
    let place = connections.enter().await;
    drop(connections);
    let drain = place.drain();
    let time = Duration::from_millis(opening_ms_max);
    let opening = Channel::open(stream, secure, Instant::now() + time, open);
    let Ok(Some(Ok(Some(channel)))) = timeout(time, drain.or_stop(opening)).await else {
        // Closed before its first byte, broken, too slow, or we are stopping.
        return;
    };
    Serving {
        future: protocol.serve(channel, drain),
        place,
    }
    .await;
}

pin_project_lite::pin_project! {
    /// A connection that its protocol has.
    struct Serving<F> {
        #[pin]
        future: F,
        place: Place,
    }
}

impl<F: Future<Output = ()>> Future for Serving<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if this.place.is_dropped() {
            return Poll::Ready(());
        }
        let future = this.future;
        // Sound to assert: the connection is dropped right away, and what it shares with the rest
        // of the core is its protocol's to keep in order across an unwind.
        match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
            Ok(poll) => poll,
            Err(_) => {
                tracing::error!("a request's handler panicked; its connection is closed");
                Poll::Ready(())
            }
        }
    }
}
