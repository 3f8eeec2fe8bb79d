//! One HTTP server on one core, on the runtime that is named: all that differs is how bytes come in
//! and go out. It reads a request and answers with what SendMessage would.
//!
//! Listening and accepting are each runtime's own. Nobody is served by more than one thread.

mod on_glommio;
mod on_lclq;
mod on_monoio;
mod on_tokio;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Request, Response};
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

#[global_allocator]
static ALLOCATOR: lclq::allocator::Allocator = lclq::allocator::Allocator;

const BODY: &str = concat!(
    r#"{"MD5OfMessageBody":"0123456789abcdef0123456789abcdef","#,
    r#""MessageId":"c2b9e4f4-1f0b-4c34-9f0e-6d3a8f2a7b11"}"#
);

/// Answers a request whose body it has read.
async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
    const ID: HeaderValue = HeaderValue::from_static("5b8c1e0e-8a0e-4b8f-9b0b-0e6a3c2d1f00");
    const TYPE: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.0");
    // A body that breaks off ends its connection by itself.
    let _read = request.into_body().collect().await;
    let mut reply = Response::new(Full::new(Bytes::from_static(BODY.as_bytes())));
    reply.headers_mut().insert(CONTENT_TYPE, TYPE);
    reply.headers_mut().insert(REQUEST_ID, ID);
    Ok(reply)
}

/// A socket that listens, for runtimes that take one over.
fn listen() -> TcpListener {
    let socket = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a port");
    socket.set_nonblocking(true).expect("a socket");
    socket
}

/// Says where it listens, as lclq does.
fn announce(address: SocketAddr) {
    println!("listening sqs http://{address}\nready");
}

fn main() {
    let driver = std::env::args().nth(1).unwrap_or_default();
    match driver.as_str() {
        "lclq-epoll" => on_lclq::serve(lclq::runtime::DriverKind::Epoll),
        "lclq-io-uring" => on_lclq::serve(lclq::runtime::DriverKind::IoUring),
        "tokio" => on_tokio::serve(),
        "monoio" => on_monoio::serve(),
        "glommio" => on_glommio::serve(),
        _ => {
            eprintln!("a driver: lclq-epoll, lclq-io-uring, tokio, monoio or glommio");
            std::process::exit(2);
        }
    }
}
