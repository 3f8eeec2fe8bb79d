//! Requests of a call on their way to its handler.

use bytes::Bytes;
use http_body::Body;
use hyper::body::Incoming;
use prost::Name;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::http::{Admission, BodyBudget, Busy};

use super::encoded::decode;
use super::error::{bodies_full, cancelled, cut_short, no_message, several_messages};
use super::frames::FrameDecoder;
use super::status::Status;

/// A body that is read message by message, no faster than they are asked for.
#[derive(Debug)]
pub(super) struct MessageStream {
    body: Incoming,
    decoder: FrameDecoder,
    bodies: BodyBudget,
    /// Waits for room for a large message.
    waiting: Option<Turn>,
    /// Room for the message that is being read, and for how many bytes.
    admission: Option<(Admission, usize)>,
    ended: bool,
}

/// A turn at the budget that is being waited for.
struct Turn {
    bytes: usize,
    admitted: Pin<Box<dyn Future<Output = Result<Admission, Busy>>>>,
}

impl std::fmt::Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Turn({} bytes)", self.bytes)
    }
}

impl MessageStream {
    pub(super) fn new(body: Incoming, decoder: FrameDecoder, bodies: BodyBudget) -> Self {
        MessageStream {
            body,
            decoder,
            bodies,
            waiting: None,
            admission: None,
            ended: false,
        }
    }

    /// The next message, `None` at the end. After an error it has ended.
    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, Status>> {
        if self.ended {
            return Poll::Ready(Ok(None));
        }
        let result = ready!(self.poll_message(cx));
        self.ended = !matches!(result, Ok(Some(_)));
        Poll::Ready(result)
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Status>> {
        loop {
            if let Some(turn) = &mut self.waiting {
                let admitted = ready!(turn.admitted.as_mut().poll(cx));
                let admission = admitted.map_err(|Busy| bodies_full())?;
                self.admission = Some((admission, turn.bytes));
                self.waiting = None;
            }
            if let Some(message) = self.decoder.next()? {
                let message = match self.admission.take() {
                    Some((admission, _)) => admission.hold(message),
                    None => message,
                };
                return Poll::Ready(Ok(Some(message)));
            }
            let has_room = self.admission.as_ref().map_or(0, |(_, bytes)| *bytes);
            if let Some(bytes) = self.decoder.room_wanted_bytes()
                && (bytes > has_room || self.decoder.is_expanding())
            {
                let bodies = self.bodies.clone();
                let admitted = Box::pin(async move { bodies.admit(bytes).await });
                self.waiting = Some(Turn { bytes, admitted });
                continue;
            }
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    if let Ok(chunk) = frame.into_data() {
                        self.decoder.push(chunk);
                    }
                }
                // Reset, or the connection broke.
                Some(Err(_)) => return Poll::Ready(Err(cancelled())),
                None if self.decoder.is_between() => return Poll::Ready(Ok(None)),
                None => return Poll::Ready(Err(cut_short())),
            }
        }
    }

    /// Reads the one message of a unary request, and the request's end.
    pub(super) async fn only(mut self) -> Result<Bytes, Status> {
        let next = poll_fn(|cx| self.poll_next(cx)).await?;
        let Some(message) = next else {
            return Err(no_message());
        };
        if self.decoder.is_between() && self.body.is_end_stream() {
            return Ok(message);
        }
        match poll_fn(|cx| self.poll_next(cx)).await? {
            None => Ok(message),
            Some(_) => Err(several_messages()),
        }
    }
}

/// The requests of a stream. They are read as the handler asks for them, and the client waits
/// meanwhile (HTTP/2's flow control).
#[derive(Debug)]
pub struct Requests<Q> {
    messages: MessageStream,
    decode: fn(Bytes) -> Result<Q, Status>,
}

impl<Q: Name + Default> Requests<Q> {
    pub(super) fn of_messages(messages: MessageStream) -> Self {
        Requests {
            messages,
            decode: decode::<Q>,
        }
    }
}

impl Requests<Bytes> {
    pub(super) fn of_encoded(messages: MessageStream) -> Self {
        Requests {
            messages,
            decode: Ok,
        }
    }
}

impl<Q> Requests<Q> {
    /// The next request, `None` once the client has sent its last. Nothing is lost if the future
    /// is dropped.
    pub async fn next(&mut self) -> Result<Option<Q>, Status> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The same for whoever waits for several things at once.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Q>, Status>> {
        match ready!(self.messages.poll_next(cx))? {
            Some(message) => Poll::Ready((self.decode)(message).map(Some)),
            None => Poll::Ready(Ok(None)),
        }
    }
}
