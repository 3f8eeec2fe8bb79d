//! The body of an answer.

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::replies::Queue;
use crate::http::ReplyBody;

/// An answer's body: gRPC's, or a plain one, so that one port can serve both.
#[derive(Debug)]
pub struct GrpcBody {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Plain(ReplyBody),
    Unary {
        frame: Bytes,
        trailers: HeaderMap,
    },
    /// The unary reply has left.
    Trailers(HeaderMap),
    Stream(Stream),
    Done,
}

/// Takes what a stream's handler has queued. Dropping it ends the handler: the client has gone.
#[derive(Debug)]
struct Stream {
    queue: Rc<Queue>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl GrpcBody {
    /// Nothing: what there is to say stands in the head.
    pub(super) const fn empty() -> Self {
        GrpcBody { kind: Kind::Done }
    }

    /// One framed message, and the trailers.
    pub(super) fn unary(frame: Bytes, trailers: HeaderMap) -> Self {
        GrpcBody {
            kind: Kind::Unary { frame, trailers },
        }
    }

    /// What comes out of a queue.
    pub(super) fn stream(queue: Rc<Queue>) -> Self {
        GrpcBody {
            kind: Kind::Stream(Stream { queue }),
        }
    }
}

impl From<ReplyBody> for GrpcBody {
    fn from(body: ReplyBody) -> Self {
        GrpcBody {
            kind: Kind::Plain(body),
        }
    }
}

impl Body for GrpcBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let kind = &mut self.get_mut().kind;
        match kind {
            Kind::Plain(body) => Pin::new(body).poll_frame(cx),
            Kind::Done => Poll::Ready(None),
            Kind::Unary { frame, trailers } => {
                let (frame, trailers) = (std::mem::take(frame), std::mem::take(trailers));
                *kind = Kind::Trailers(trailers);
                Poll::Ready(Some(Ok(Frame::data(frame))))
            }
            Kind::Trailers(trailers) => {
                let trailers = std::mem::take(trailers);
                *kind = Kind::Done;
                Poll::Ready(Some(Ok(Frame::trailers(trailers))))
            }
            Kind::Stream(stream) => {
                let frame = std::task::ready!(stream.queue.poll_take(cx));
                if frame.is_trailers() {
                    *kind = Kind::Done;
                }
                Poll::Ready(Some(Ok(frame)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Plain(body) => body.is_end_stream(),
            kind => matches!(kind, Kind::Done),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            // hyper would make a Content-Length of an exact size.
            Kind::Plain(body) => body.size_hint(),
            _ => SizeHint::default(),
        }
    }
}
