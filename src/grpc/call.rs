//! One call: from its head to its answer.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::uri::PathAndQuery;
use http::{Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use prost::{Message, Name};
use std::future::Future;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::body::GrpcBody;
use super::compression::{
    ACCEPT_ENCODING, ACCEPTED, ENCODING, Encoding, compress, reply_encoding, request_encoding,
};
use super::deadline::{WithDeadline, deadline};
use super::encoded::{Encoded, decode};
use super::error::unknown_method;
use super::frames::FrameDecoder;
use super::intercept::Answering;
use super::replies::{Queue, Replies};
use super::requests::{MessageStream, Requests};
use super::status::Status;
use super::streams::{GrpcCore, spawn_stream};
use super::trailers::{answer, error_answer, http_error, ok_trailers};
use crate::http::{Caller, GZIP_BYTES_MIN};
use crate::interceptors::{asker, asking, carried, carrying};

/// The answer to a call.
pub type Answer = Response<GrpcBody>;

/// Whether a request is a gRPC call, as far as its head tells.
pub fn is_grpc(request: &Request<Incoming>) -> bool {
    request.version() == Version::HTTP_2
        && request
            .headers()
            .get(CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

/// A call whose head was good.
#[derive(Debug)]
pub struct Call {
    core: Rc<GrpcCore>,
    /// Of the request, its path and its body: the rest of its head is of no more use, and a call is
    /// moved from future to future.
    path: PathAndQuery,
    body: Incoming,
    request_encoding: Encoding,
    reply_encoding: Encoding,
    deadline: Option<Instant>,
    /// Where somebody wants to know.
    caller: Option<Box<Caller>>,
}

impl Call {
    /// Reads the head of a request that [`is_grpc`]. What is wrong with it makes the answer.
    #[allow(
        clippy::result_large_err,
        reason = "the answer is as large as any, and made to be passed on"
    )]
    pub fn new(core: Rc<GrpcCore>, request: Request<Incoming>) -> Result<Self, Answer> {
        if request.method() != Method::POST {
            return Err(http_error(StatusCode::METHOD_NOT_ALLOWED));
        }
        let headers = request.headers();
        let content_type = headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.as_bytes().strip_prefix(b"application/grpc"));
        // Messages are in protobuf's encoding: `+json` and the like are something else.
        if !matches!(content_type, Some(b"" | b"+proto" | [b';', ..])) {
            return Err(http_error(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let request_encoding = request_encoding(headers).map_err(|status| {
            let mut answer = error_answer(&status);
            answer.headers_mut().insert(ACCEPT_ENCODING, ACCEPTED);
            answer
        })?;
        let caller = Caller::of(headers, request.uri(), request.extensions());
        let path = request.uri().path_and_query().cloned();
        let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
        Ok(Call {
            reply_encoding: reply_encoding(headers, request_encoding),
            deadline: deadline(headers),
            request_encoding,
            core,
            path,
            caller,
            body: request.into_body(),
        })
    }

    /// `package.Service` and `Method`.
    pub fn names(&self) -> (&str, &str) {
        self.path
            .path()
            .trim_start_matches('/')
            .split_once('/')
            .unwrap_or_default()
    }

    /// The answer to a method that doesn't exist.
    pub fn unimplemented(self) -> Answer {
        let path = self.path.path();
        error_answer(&unknown_method(path))
    }

    /// One encoded request, one encoded reply.
    pub async fn unary<F, Fut>(self, method: F) -> Answer
    where
        F: FnOnce(Bytes) -> Fut,
        Fut: Future<Output = Result<Encoded, Status>>,
    {
        let (reply_encoding, deadline) = (self.reply_encoding, self.deadline);
        let core = self.core.clone();
        let run = async move {
            match self.caller {
                Some(_) => Box::pin(self.intercepted(method)).await,
                None => method(self.only_message().await?).await,
            }
        };
        match WithDeadline::at(deadline, run).await {
            Ok(reply) => {
                let frame = compress(reply_encoding, reply.into_frame(), GZIP_BYTES_MIN);
                let frame = core.limits.bodies.hold_reply(frame);
                with_encoding(
                    reply_encoding,
                    answer(GrpcBody::unary(frame, ok_trailers())),
                )
            }
            Err(status) => error_answer(&status),
        }
    }

    async fn intercepted<F, Fut>(mut self, method: F) -> Result<Encoded, Status>
    where
        F: FnOnce(Bytes) -> Fut,
        Fut: Future<Output = Result<Encoded, Status>>,
    {
        let (core, path) = (self.core.clone(), self.path.clone());
        let caller = self.take_caller();
        let request = self.only_message().await?;
        match &core.intercept {
            Some(intercept) => {
                let method = Box::new(|request| Box::pin(method(request)) as Answering<'_>);
                let path = path.path();
                intercept.around(caller, path, request, method).await
            }
            None => method(request).await,
        }
    }

    /// Whether somebody looks at it.
    pub fn is_watched(&self) -> bool {
        self.caller.is_some()
    }

    /// Who calls, if there was a reason to look when the call came.
    pub fn take_caller(&mut self) -> Caller {
        self.caller.take().map(|caller| *caller).unwrap_or_default()
    }

    /// One request, many replies.
    pub async fn server_streaming<Q, R, F, Fut>(self, method: F) -> Answer
    where
        Q: Name + Default,
        R: Message + 'static,
        F: FnOnce(Q, Replies<R>) -> Fut,
        Fut: Future<Output = Result<(), Status>> + 'static,
    {
        let (core, encoding, deadline) = (self.core.clone(), self.reply_encoding, self.deadline);
        let read = WithDeadline::at(deadline, self.only_message()).await;
        let request = match read.and_then(decode) {
            Ok(request) => request,
            Err(status) => return error_answer(&status),
        };
        let queue = Queue::new(core.limits.stream_queue_bytes_max);
        let replies = Replies::of_messages(queue.clone(), encoding);
        let run = WithDeadline::at(deadline, method(request, replies));
        spawn_stream(core, queue.clone(), run);
        with_encoding(encoding, answer(GrpcBody::stream(queue)))
    }

    /// Many requests, many replies.
    pub async fn streaming<Q, R, F, Fut>(self, method: F) -> Answer
    where
        Q: Name + Default,
        R: Message + 'static,
        F: FnOnce(Requests<Q>, Replies<R>) -> Fut,
        Fut: Future<Output = Result<(), Status>> + 'static,
    {
        self.stream(|messages, queue, encoding| {
            method(
                Requests::of_messages(messages),
                Replies::of_messages(queue, encoding),
            )
        })
    }

    /// Many encoded requests, many encoded replies.
    pub async fn streaming_encoded<F, Fut>(self, method: F) -> Answer
    where
        F: FnOnce(Requests<Bytes>, Replies<Encoded>) -> Fut,
        Fut: Future<Output = Result<(), Status>> + 'static,
    {
        self.stream(|messages, queue, encoding| {
            method(
                Requests::of_encoded(messages),
                Replies::of_encoded(queue, encoding),
            )
        })
    }

    fn stream<Fut>(self, start: impl FnOnce(MessageStream, Rc<Queue>, Encoding) -> Fut) -> Answer
    where
        Fut: Future<Output = Result<(), Status>> + 'static,
    {
        let (core, encoding, deadline) = (self.core.clone(), self.reply_encoding, self.deadline);
        let queue = Queue::new(core.limits.stream_queue_bytes_max);
        let run = start(self.messages(), queue.clone(), encoding);
        // A stream runs on when the call that opened it has been answered.
        let run = carrying(carried(), asking(asker(), run));
        spawn_stream(core, queue.clone(), WithDeadline::at(deadline, run));
        with_encoding(encoding, answer(GrpcBody::stream(queue)))
    }

    fn messages(self) -> MessageStream {
        let decoder = FrameDecoder::new(self.request_encoding, self.core.limits.request_bytes_max);
        MessageStream::new(self.body, decoder, self.core.limits.bodies.clone())
    }

    async fn only_message(self) -> Result<Bytes, Status> {
        let time = Duration::from_millis(self.core.limits.request_ms_max);
        WithDeadline::within(time, self.messages().only()).await
    }
}

fn with_encoding(encoding: Encoding, mut answer: Answer) -> Answer {
    if encoding != Encoding::Identity {
        answer.headers_mut().insert(ENCODING, encoding.header());
    }
    answer
}
