//! A gRPC client made of h2 and little else.

use bytes::{Bytes, BytesMut};
use h2::client::{ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request, Response};
use std::time::Duration;

use super::Server;

pub(super) type Send = SendRequest<Bytes>;

/// Runs `f` as an HTTP/2 client.
pub(super) fn client<F, Fut>(server: &Server, f: F)
where
    F: FnOnce(Send) -> Fut,
    Fut: Future<Output = ()>,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(server.addr()).await.unwrap();
        let (send, connection) = h2::client::Builder::new()
            // h2 would cut off a server whose small answers pile up unread.
            .data_frame_budget(1 << 20)
            .handshake(stream)
            .await
            .unwrap();
        tokio::spawn(async move {
            let _ = connection.await;
        });
        tokio::time::timeout(Duration::from_secs(60), f(send))
            .await
            .expect("hangs");
    });
}

pub(super) fn framed(message: &[u8]) -> Bytes {
    let mut frame = BytesMut::from(&[0][..]);
    frame.extend_from_slice(&(message.len() as u32).to_be_bytes());
    frame.extend_from_slice(message);
    frame.freeze()
}

/// The head of a call.
pub(super) fn head(path: &str, headers: &[(&'static str, &str)]) -> Request<()> {
    let mut head = Request::post(format!("http://x{path}"))
        .header("te", "trailers")
        .header("content-type", "application/grpc");
    for (name, value) in headers {
        head = head.header(*name, *value);
    }
    head.body(()).unwrap()
}

/// Begins a call.
pub(super) async fn begin(send: &Send, head: Request<()>) -> (ResponseFuture, SendStream<Bytes>) {
    let mut send = send.clone().ready().await.unwrap();
    send.send_request(head, false).unwrap()
}

/// Sends a piece of body as flow control allows.
pub(super) async fn send_all(stream: &mut SendStream<Bytes>, mut bytes: Bytes, end: bool) {
    if bytes.is_empty() {
        stream.send_data(bytes, end).unwrap();
        return;
    }
    while !bytes.is_empty() {
        stream.reserve_capacity(bytes.len());
        let Some(Ok(room)) = std::future::poll_fn(|cx| stream.poll_capacity(cx)).await else {
            // The server has answered and wants no more.
            return;
        };
        let piece = bytes.split_to(room.min(bytes.len()));
        let last = end && bytes.is_empty();
        if stream.send_data(piece, last).is_err() {
            return;
        }
    }
}

/// What a call answered.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) head: Response<()>,
    pub(super) body: Bytes,
    trailers: HeaderMap,
}

impl Reply {
    /// The end of the call, wherever it stands.
    pub(super) fn ending(&self) -> &HeaderMap {
        if self.head.headers().contains_key("grpc-status") {
            assert!(self.body.is_empty() && self.trailers.is_empty());
            self.head.headers()
        } else {
            &self.trailers
        }
    }

    pub(super) fn status(&self) -> &str {
        self.ending()["grpc-status"].to_str().unwrap()
    }

    pub(super) fn message(&self) -> &str {
        let message = self.ending().get("grpc-message");
        message.map_or("", |message| message.to_str().unwrap())
    }

    /// The messages, none of them compressed.
    pub(super) fn messages(&self) -> Vec<Bytes> {
        let mut body = self.body.clone();
        let mut messages = Vec::new();
        while !body.is_empty() {
            messages.push(take_message(&mut body).expect("whole messages"));
        }
        messages
    }
}

fn take_message(body: &mut Bytes) -> Option<Bytes> {
    let length = u32::from_be_bytes(body.get(1..5)?.try_into().unwrap()) as usize;
    assert_eq!(body[0], 0, "not compressed");
    if body.len() < 5 + length {
        return None;
    }
    let mut message = body.split_to(5 + length);
    Some(message.split_off(5))
}

/// Reads an answer to its end.
pub(super) async fn finish(reply: ResponseFuture) -> Result<Reply, h2::Error> {
    let (head, mut body) = reply.await?.into_parts();
    let mut whole = BytesMut::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk?;
        let _ = body.flow_control().release_capacity(chunk.len());
        whole.extend_from_slice(&chunk);
    }
    let trailers = body.trailers().await?.unwrap_or_default();
    Ok(Reply {
        head: Response::from_parts(head, ()),
        body: whole.freeze(),
        trailers,
    })
}

/// A whole unary call with a body as it is.
pub(super) async fn call(
    send: &Send,
    path: &str,
    headers: &[(&'static str, &str)],
    body: impl Into<Bytes>,
) -> Reply {
    let (reply, mut stream) = begin(send, head(path, headers)).await;
    send_all(&mut stream, body.into(), true).await;
    finish(reply).await.unwrap()
}

/// Replies of a stream, one by one.
pub(super) struct Messages {
    pub(super) stream: RecvStream,
    buffer: Bytes,
}

impl Messages {
    pub(super) async fn of(reply: ResponseFuture) -> Self {
        let reply = reply.await.unwrap();
        assert_eq!(reply.headers()["content-type"], "application/grpc");
        Messages {
            stream: reply.into_body(),
            buffer: Bytes::new(),
        }
    }

    pub(super) async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(message) = (self.buffer.len() >= 5)
                .then(|| take_message(&mut self.buffer))
                .flatten()
            {
                return Some(message);
            }
            let chunk = self.stream.data().await?.unwrap();
            let _ = self.stream.flow_control().release_capacity(chunk.len());
            let mut joined = BytesMut::from(&self.buffer[..]);
            joined.extend_from_slice(&chunk);
            self.buffer = joined.freeze();
        }
    }

    /// The trailers' status.
    pub(super) async fn status(&mut self) -> String {
        assert_eq!(self.next().await, None);
        let trailers = self.stream.trailers().await.unwrap().unwrap();
        trailers["grpc-status"].to_str().unwrap().to_owned()
    }
}
