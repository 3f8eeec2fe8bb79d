//! A StreamingPull client made of h2 and little else. It blocks, like everything else here.

use bytes::{Buf, Bytes, BytesMut};
use h2::client::ResponseFuture;
use h2::{RecvStream, SendStream};
use http::Request;
use lclq::pubsub::proto::{StreamingPullRequest, StreamingPullResponse};
use prost::Message;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

const PATH: &str = "/google.pubsub.v1.Subscriber/StreamingPull";
/// Before each message: whether it is compressed, and its length.
const FRAME_HEAD_BYTES: usize = 5;

/// One stream on a connection of its own, which ends with it.
pub struct Stream {
    requests: SendStream<Bytes>,
    head: Option<ResponseFuture>,
    replies: Option<RecvStream>,
    buffer: BytesMut,
    // The last to be dropped: the connection lives in it.
    runtime: Runtime,
}

impl Stream {
    /// Opens a stream with its first request.
    pub fn open(address: SocketAddr, first: &StreamingPullRequest) -> io::Result<Self> {
        Self::open_at(address, "localhost", first)
    }

    /// The same, by another name for the server.
    pub fn open_at(
        address: SocketAddr,
        authority: &str,
        first: &StreamingPullRequest,
    ) -> io::Result<Self> {
        Self::open_by(address, authority, None, first)
    }

    /// The same, with a token.
    pub fn open_by(
        address: SocketAddr,
        authority: &str,
        token: Option<&str>,
        first: &StreamingPullRequest,
    ) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (head, requests) = runtime.block_on(async {
            let stream = TcpStream::connect(address).await?;
            let handshake = h2::client::handshake(stream).await;
            let (send, connection) = handshake.map_err(io::Error::other)?;
            tokio::spawn(async move {
                let _ = connection.await;
            });
            let mut head = Request::post(format!("http://{authority}{PATH}"))
                .header("te", "trailers")
                .header("content-type", "application/grpc");
            if let Some(token) = token {
                head = head.header("authorization", format!("Bearer {token}"));
            }
            let head = head.body(()).expect("a request");
            let mut send = send.ready().await.map_err(io::Error::other)?;
            send.send_request(head, false).map_err(io::Error::other)
        })?;
        let mut stream = Self {
            requests,
            head: Some(head),
            replies: None,
            buffer: BytesMut::new(),
            runtime,
        };
        stream.send(first)?;
        Ok(stream)
    }

    /// Sends one request.
    pub fn send(&mut self, request: &StreamingPullRequest) -> io::Result<()> {
        let message = request.encode_to_vec();
        let mut frame = vec![0];
        frame.extend_from_slice(&(message.len() as u32).to_be_bytes());
        frame.extend_from_slice(&message);
        // h2 keeps what flow control holds up; requests here are small.
        let sent = self.requests.send_data(frame.into(), false);
        sent.map_err(io::Error::other)
    }

    /// The next response; `None` if there is none within `patience`. An end of the stream is an
    /// error, with the status that came with it.
    pub fn next(&mut self, patience: Duration) -> io::Result<Option<StreamingPullResponse>> {
        let Self {
            head,
            replies,
            buffer,
            runtime,
            ..
        } = self;
        let next = next(head, replies, buffer);
        runtime.block_on(async {
            match tokio::time::timeout(patience, next).await {
                Ok(response) => response.map(Some),
                Err(_) => Ok(None),
            }
        })
    }
}

async fn next(
    head: &mut Option<ResponseFuture>,
    replies: &mut Option<RecvStream>,
    buffer: &mut BytesMut,
) -> io::Result<StreamingPullResponse> {
    if let Some(future) = head {
        let response = future.await;
        *head = None;
        let response = response.map_err(io::Error::other)?;
        if let Some(status) = response.headers().get("grpc-status") {
            return Err(io::Error::other(format!("grpc-status {status:?}")));
        }
        *replies = Some(response.into_body());
    }
    let replies = replies.as_mut().ok_or(io::ErrorKind::NotConnected)?;
    loop {
        if let Some(message) = take_message(buffer) {
            return StreamingPullResponse::decode(message).map_err(io::Error::other);
        }
        let Some(chunk) = replies.data().await else {
            let trailers = replies.trailers().await.map_err(io::Error::other)?;
            return Err(io::Error::other(format!("the stream ended: {trailers:?}")));
        };
        let chunk = chunk.map_err(io::Error::other)?;
        let _ = replies.flow_control().release_capacity(chunk.len());
        buffer.extend_from_slice(&chunk);
    }
}

fn take_message(buffer: &mut BytesMut) -> Option<Bytes> {
    let length = buffer.get(1..FRAME_HEAD_BYTES)?;
    let length = u32::from_be_bytes(length.try_into().expect("4 bytes")) as usize;
    if buffer.len() < FRAME_HEAD_BYTES + length {
        return None;
    }
    assert_eq!(buffer[0], 0, "nobody asked for compression");
    buffer.advance(FRAME_HEAD_BYTES);
    Some(buffer.split_to(length).freeze())
}
