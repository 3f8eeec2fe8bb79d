//! Requests of a call on their way to its handler.

use bytes::Bytes;
use http_body::Body;
use hyper::body::Incoming;
use prost::Name;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::encoded::decode;
use super::frames::{FrameDecoder, cut_short};
use super::status::{Code, Status};

/// A body that is read message by message, no faster than they are asked for.
#[derive(Debug)]
pub(super) struct MessageStream {
    body: Incoming,
    decoder: FrameDecoder,
    ended: bool,
}

impl MessageStream {
    pub(super) fn new(body: Incoming, decoder: FrameDecoder) -> Self {
        MessageStream {
            body,
            decoder,
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
            if let Some(message) = self.decoder.next()? {
                return Poll::Ready(Ok(Some(message)));
            }
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    if let Ok(chunk) = frame.into_data() {
                        self.decoder.push(chunk);
                    }
                }
                // Reset, or the connection broke.
                Some(Err(_)) => {
                    return Poll::Ready(Err(Status::new(
                        Code::Cancelled,
                        "The client has cancelled the call.",
                    )));
                }
                None if self.decoder.is_between() => return Poll::Ready(Ok(None)),
                None => return Poll::Ready(Err(cut_short())),
            }
        }
    }

    /// Reads the one message of a unary request, and the request's end.
    pub(super) async fn only(mut self) -> Result<Bytes, Status> {
        let next = poll_fn(|cx| self.poll_next(cx)).await?;
        let Some(message) = next else {
            return Err(Status::new(
                Code::Internal,
                "The request has no message, but the method takes one.",
            ));
        };
        if self.decoder.is_between() && self.body.is_end_stream() {
            return Ok(message);
        }
        match poll_fn(|cx| self.poll_next(cx)).await? {
            None => Ok(message),
            Some(_) => Err(Status::new(
                Code::Internal,
                "The request has several messages, but the method takes one.",
            )),
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
