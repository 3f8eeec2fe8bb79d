//! One connection: opened, handed to its protocol, cut off when it must be.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::channel::{Channel, Secure};
use super::drain::{Connections, Place};
use super::figures::OpenConnection;
use super::listed::{Listed, Listing};
use super::protocol::Protocol;
use crate::runtime::{Stream, timeout};

/// Serves one connection to its end.
pub(super) async fn run<P: Protocol>(
    stream: Stream,
    opening_ms_max: u64,
    secure: Option<Rc<dyn Secure>>,
    protocol: Rc<P>,
    connections: Rc<Connections>,
    listing: Option<Listing>,
    open: Rc<OpenConnection>,
) {
    let place = connections.enter().await;
    drop(connections);
    let listed = match listing {
        None => None,
        Some(listing) => {
            let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
            let peer = stream.peer_addr().ok();
            Some(listing.add(peer, stream.transferred().clone(), waker))
        }
    };
    let drain = place.drain();
    let time = Duration::from_millis(opening_ms_max);
    let opening = Channel::open(stream, secure, Instant::now() + time, open);
    let opening = or_end(listed.as_ref(), drain.or_stop(opening));
    let Ok(Some(Some(Ok(Some(mut channel))))) = timeout(time, opening).await else {
        // Closed before its first byte, broken, too slow, ended, or we are stopping.
        return;
    };
    channel.connection = listed.as_ref().map(|listed| listed.connection.clone());
    Serving {
        future: protocol.serve(channel, drain),
        place,
        listed,
    }
    .await;
}

/// Runs `future` until somebody ends the connection, which gives `None`.
async fn or_end<F: Future>(listed: Option<&Listed>, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| match listed {
        Some(listed) if listed.connection.is_ended() => Poll::Ready(None),
        _ => future.as_mut().poll(cx).map(Some),
    })
    .await
}

pin_project_lite::pin_project! {
    /// A connection that its protocol has.
    struct Serving<F> {
        #[pin]
        future: F,
        place: Place,
        listed: Option<Listed>,
    }
}

impl<F: Future<Output = ()>> Future for Serving<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let is_ended = |listed: &Listed| listed.connection.is_ended();
        if this.place.is_dropped() || this.listed.as_ref().is_some_and(is_ended) {
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
