//! What is on its way between a stream's client and its subscription, where regions lie between them.
//!
//! Requests and replies take as long as the way is, and many are under way at once. Once the way is cut,
//! the stream has ended, and what it was given goes back to the subscription with it.

use super::error::{PubsubResult, region_unreachable};
use crate::grpc::{Closed, Encoded, Replies, Requests};
use crate::regions::{Cut, Way};
use crate::runtime::Sleep;
use bytes::Bytes;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

/// Bytes of a stream that are on their way in a direction, and one request or reply more. What there is no
/// room for waits where it comes from: at the client, by HTTP/2's flow control, or in its subscription.
const TRANSIT_BYTES_MAX: usize = 1 << 20;
/// Requests or replies of a stream that are on their way in a direction.
const TRANSIT_COUNT_MAX: usize = 1024;

/// A stream's two directions.
pub(super) struct Transit {
    requests: Requests<Bytes>,
    replies: Replies<Encoded>,
    between: Option<Box<Between>>,
}

/// What lies between both ends.
struct Between {
    way: Way,
    cut: Pin<Box<dyn Future<Output = Cut>>>,
    coming: Lane<Option<Bytes>>,
    going: Lane<Encoded>,
    /// The client has sent its last request.
    has_ended: bool,
}

/// One direction.
struct Lane<T> {
    /// With when it arrives and its length.
    under_way: VecDeque<(Instant, usize, T)>,
    bytes: usize,
    arrival: Sleep,
}

impl<T> Lane<T> {
    fn new() -> Self {
        Self {
            under_way: VecDeque::new(),
            bytes: 0,
            arrival: Sleep::until(Instant::now()),
        }
    }

    fn has_room(&self) -> bool {
        self.bytes < TRANSIT_BYTES_MAX && self.under_way.len() < TRANSIT_COUNT_MAX
    }

    fn set_out(&mut self, way: &Way, bytes: usize, what: T) {
        self.bytes += bytes;
        let arrives = Instant::now() + way.latency();
        self.under_way.push_back((arrives, bytes, what));
    }

    /// Whether the first has arrived; pending as long as it hasn't, or nothing is under way.
    fn poll_arrived(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some((arrives, ..)) = self.under_way.front() else {
            return Poll::Pending;
        };
        if self.arrival.deadline() != *arrives {
            self.arrival.reset(*arrives);
        }
        Pin::new(&mut self.arrival).poll(cx)
    }

    fn take(&mut self) -> Option<T> {
        let (_, bytes, what) = self.under_way.pop_front()?;
        self.bytes -= bytes;
        Some(what)
    }
}

impl Transit {
    /// Of a stream from one end of a way to the other; of one that has no way to go, without.
    pub fn new(way: Option<Way>, requests: Requests<Bytes>, replies: Replies<Encoded>) -> Self {
        let between = way.map(|way| {
            Box::new(Between {
                cut: Box::pin(way.cut()),
                way,
                coming: Lane::new(),
                going: Lane::new(),
                has_ended: false,
            })
        });
        Self {
            requests,
            replies,
            between,
        }
    }

    /// The next request, `None` once the client has sent its last.
    pub fn poll_request(&mut self, cx: &mut Context<'_>) -> Poll<PubsubResult<Option<Bytes>>> {
        let Some(between) = &mut self.between else {
            return self.requests.poll_next(cx);
        };
        between.poll_whole(cx)?;
        while !between.has_ended && between.coming.has_room() {
            let Poll::Ready(request) = self.requests.poll_next(cx)? else {
                break;
            };
            between.has_ended = request.is_none();
            let bytes = request.as_ref().map_or(0, Bytes::len);
            between.coming.set_out(&between.way, bytes, request);
        }
        ready!(between.coming.poll_arrived(cx));
        Poll::Ready(Ok(between.coming.take().flatten()))
    }

    /// Whether there is room for a reply. To be asked again whenever anything happens: it has replies arrive.
    pub fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        let Some(between) = &mut self.between else {
            return self.replies.poll_ready(cx);
        };
        while between.going.poll_arrived(cx).is_ready() {
            let Poll::Ready(ready) = self.replies.poll_ready(cx) else {
                break;
            };
            ready?;
            if let Some(reply) = between.going.take() {
                self.replies.send_now(reply)?;
            }
        }
        match between.going.has_room() {
            true => Poll::Ready(Ok(())),
            false => Poll::Pending,
        }
    }

    /// Sends a reply off, once there is room.
    pub async fn send(&mut self, reply: Encoded) -> PubsubResult<()> {
        let room = poll_fn(|cx| -> Poll<PubsubResult<Result<(), Closed>>> {
            if let Some(between) = &mut self.between {
                between.poll_whole(cx)?;
            }
            self.poll_room(cx).map(Ok)
        });
        // A client that has gone ends the stream by its requests' end.
        if room.await?.is_err() {
            return Ok(());
        }
        match &mut self.between {
            None => {
                let _ = self.replies.send_now(reply);
            }
            Some(between) => {
                let bytes = reply.message_bytes();
                between.going.set_out(&between.way, bytes, reply);
            }
        }
        Ok(())
    }
}

impl Between {
    /// That the way isn't cut. Whoever asks has to end when it is.
    fn poll_whole(&mut self, cx: &mut Context<'_>) -> PubsubResult<()> {
        match self.cut.as_mut().poll(cx) {
            Poll::Ready(cut) => Err(region_unreachable(&cut)),
            Poll::Pending => Ok(()),
        }
    }
}
