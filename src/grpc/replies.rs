//! Replies of a stream on their way to its client.

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use prost::Message;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::compression::{Encoding, compress, join};
use super::encoded::Encoded;
use crate::http::GZIP_BYTES_MIN;

/// Replies that are ready together leave in one DATA frame of up to this length.
const JOINED_BYTES_MAX: usize = 64 * 1024;
/// A reply from this length on leaves alone: copying it would cost more than a frame's head.
const JOINED_REPLY_BYTES_MAX: usize = 8 * 1024;

/// The client has gone, or the call has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the stream's client has gone")
    }
}

impl std::error::Error for Closed {}

/// Between a stream's handler and its answer's body.
#[derive(Debug)]
pub(super) struct Queue {
    bytes_max: usize,
    state: RefCell<State>,
}

#[derive(Debug, Default)]
struct State {
    frames: VecDeque<Bytes>,
    bytes: usize,
    /// Set once, by the handler's end.
    trailers: Option<HeaderMap>,
    closed: bool,
    /// The body, waiting for frames.
    taker: Option<Waker>,
    /// The handler, waiting for room or for its end.
    giver: Option<Waker>,
}

impl Queue {
    pub(super) fn new(bytes_max: usize) -> Rc<Self> {
        Rc::new(Queue {
            bytes_max,
            state: RefCell::default(),
        })
    }

    /// The body has been dropped: nobody takes any more.
    pub(super) fn close(&self) {
        let giver = {
            let mut state = self.state.borrow_mut();
            state.closed = true;
            state.frames = VecDeque::new();
            state.bytes = 0;
            state.giver.take()
        };
        if let Some(giver) = giver {
            giver.wake();
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state.borrow().closed
    }

    /// The handler has ended: the last frames may leave, then the trailers.
    pub(super) fn end(&self, trailers: HeaderMap) {
        let taker = {
            let mut state = self.state.borrow_mut();
            state.trailers.get_or_insert(trailers);
            state.taker.take()
        };
        if let Some(taker) = taker {
            taker.wake();
        }
    }

    /// Wakes this task when the body is dropped.
    pub(super) fn watch(&self, cx: &mut Context<'_>) {
        note(&mut self.state.borrow_mut().giver, cx);
    }

    fn push(&self, frame: Bytes) -> Result<(), Closed> {
        let taker = {
            let mut state = self.state.borrow_mut();
            if state.closed || state.trailers.is_some() {
                return Err(Closed);
            }
            state.bytes += frame.len();
            state.frames.push_back(frame);
            state.taker.take()
        };
        if let Some(taker) = taker {
            taker.wake();
        }
        Ok(())
    }

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        let mut state = self.state.borrow_mut();
        if state.closed || state.trailers.is_some() {
            return Poll::Ready(Err(Closed));
        }
        if state.bytes < self.bytes_max {
            return Poll::Ready(Ok(()));
        }
        note(&mut state.giver, cx);
        Poll::Pending
    }

    /// The next frames as one, or the trailers.
    pub(super) fn poll_take(&self, cx: &mut Context<'_>) -> Poll<Frame<Bytes>> {
        let (frame, giver) = {
            let mut state = self.state.borrow_mut();
            let state = &mut *state;
            let (mut count, mut bytes) = (0, 0);
            for frame in &state.frames {
                let fits = frame.len() <= JOINED_REPLY_BYTES_MAX
                    && bytes + frame.len() <= JOINED_BYTES_MAX;
                if count > 0 && !fits {
                    break;
                }
                count += 1;
                bytes += frame.len();
                if !fits {
                    break;
                }
            }
            if count == 0 {
                if let Some(trailers) = &mut state.trailers {
                    return Poll::Ready(Frame::trailers(std::mem::take(trailers)));
                }
                note(&mut state.taker, cx);
                return Poll::Pending;
            }
            let frame = match count {
                1 => state.frames.pop_front().unwrap_or_default(),
                _ => join(state.frames.drain(..count), bytes),
            };
            let was_full = state.bytes >= self.bytes_max;
            state.bytes -= bytes;
            let giver = if was_full && state.bytes < self.bytes_max {
                state.giver.take()
            } else {
                None
            };
            (frame, giver)
        };
        if let Some(giver) = giver {
            giver.wake();
        }
        Poll::Ready(Frame::data(frame))
    }
}

fn note(slot: &mut Option<Waker>, cx: &mut Context<'_>) {
    match slot {
        Some(waker) if waker.will_wake(cx.waker()) => {}
        _ => *slot = Some(cx.waker().clone()),
    }
}

/// Where a stream's handler puts its replies. They leave in order, as fast as the client takes
/// them; meanwhile at most [`stream_queue_bytes_max`](super::GrpcLimits::stream_queue_bytes_max)
/// bytes, and one reply more, wait here.
#[derive(Debug)]
pub struct Replies<R> {
    queue: Rc<Queue>,
    encoding: Encoding,
    encode: fn(R) -> Encoded,
}

impl<R: Message> Replies<R> {
    pub(super) fn of_messages(queue: Rc<Queue>, encoding: Encoding) -> Self {
        Replies {
            queue,
            encoding,
            encode: |reply| Encoded::of(&reply),
        }
    }
}

impl Replies<Encoded> {
    pub(super) fn of_encoded(queue: Rc<Queue>, encoding: Encoding) -> Self {
        Replies {
            queue,
            encoding,
            encode: |reply| reply,
        }
    }
}

impl<R> Replies<R> {
    /// Waits for room, then queues a reply.
    pub async fn send(&self, reply: R) -> Result<(), Closed> {
        self.ready().await?;
        self.send_now(reply)
    }

    /// Waits for room. Whoever takes something out of elsewhere to send it should do so first.
    pub async fn ready(&self) -> Result<(), Closed> {
        poll_fn(|cx| self.poll_ready(cx)).await
    }

    /// Whether there is room. Only the task that runs the handler may wait for it.
    pub fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        self.queue.poll_ready(cx)
    }

    /// Queues a reply whether there is room or not. That must be bounded by something else: by
    /// having seen room before, or by what the client itself sent.
    pub fn send_now(&self, reply: R) -> Result<(), Closed> {
        let frame = (self.encode)(reply).into_frame();
        self.queue
            .push(compress(self.encoding, frame, GZIP_BYTES_MIN))
    }

    /// Bytes that wait for the client.
    pub fn queued_bytes(&self) -> usize {
        self.queue.state.borrow().bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::task::Waker;

    fn frame(bytes: usize) -> Bytes {
        Bytes::from(vec![7; bytes])
    }

    fn take(queue: &Queue) -> Option<Frame<Bytes>> {
        match queue.poll_take(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(frame) => Some(frame),
            Poll::Pending => None,
        }
    }

    fn is_ready(queue: &Queue) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        queue.poll_ready(&mut cx).is_ready()
    }

    #[test]
    fn short_replies_leave_together_and_long_ones_alone() {
        let queue = Queue::new(1_000_000);
        for bytes in [10, 20, 30, JOINED_REPLY_BYTES_MAX + 1, 40, 50] {
            queue.push(frame(bytes)).unwrap();
        }
        let mut sizes = Vec::new();
        while let Some(frame) = take(&queue) {
            sizes.push(frame.into_data().unwrap().len());
        }
        assert_eq!(sizes, [60, JOINED_REPLY_BYTES_MAX + 1, 90]);
    }

    #[test]
    fn a_full_queue_is_not_ready() {
        let queue = Queue::new(100);
        assert!(is_ready(&queue));
        queue.push(frame(99)).unwrap();
        assert!(is_ready(&queue));
        queue.push(frame(99)).unwrap();
        assert!(!is_ready(&queue));
        take(&queue).unwrap();
        assert!(is_ready(&queue));
    }

    #[test]
    fn the_end_comes_after_the_replies() {
        let queue = Queue::new(100);
        queue.push(frame(10)).unwrap();
        queue.end(HeaderMap::new());
        assert_eq!(queue.push(frame(10)), Err(Closed));
        assert!(take(&queue).unwrap().is_data());
        assert!(take(&queue).unwrap().is_trailers());
    }

    #[test]
    fn a_dropped_body_takes_the_replies_along() {
        let queue = Queue::new(100);
        queue.push(frame(1000)).unwrap();
        assert!(!is_ready(&queue));
        queue.close();
        assert!(queue.is_closed());
        assert_eq!(queue.push(frame(10)), Err(Closed));
        assert!(is_ready(&queue), "a closed queue says so at once");
    }

    proptest! {
        #[test]
        fn bytes_are_kept_and_counted(
            replies in prop::collection::vec(1..20_000usize, 1..100),
            takes in prop::collection::vec(0..3usize, 1..10),
        ) {
            let queue = Queue::new(50_000);
            let mut next = 0u8;
            let (mut given, mut taken) = (Vec::new(), Vec::new());
            let mut takes = takes.into_iter().cycle();
            for bytes in replies {
                next = next.wrapping_add(1);
                given.extend(std::iter::repeat_n(next, bytes));
                queue.push(Bytes::from(vec![next; bytes])).unwrap();
                for _ in 0..takes.next().unwrap() {
                    if let Some(frame) = take(&queue) {
                        let data = frame.into_data().unwrap();
                        prop_assert!(data.len() <= JOINED_BYTES_MAX);
                        taken.extend_from_slice(&data);
                    }
                }
                prop_assert_eq!(queue.state.borrow().bytes, given.len() - taken.len());
                prop_assert_eq!(is_ready(&queue), given.len() - taken.len() < 50_000);
            }
            while let Some(frame) = take(&queue) {
                taken.extend_from_slice(&frame.into_data().unwrap());
            }
            prop_assert!(given == taken);
        }
    }
}
