//! A server that reads a request and answers with what SendMessage would: the ceiling that lclq is
//! measured against. It runs on lclq's own runtime and HTTP layers, and does nothing else.

use std::error::Error;
use std::rc::Rc;
use std::time::Duration;

use clap::Parser;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use lclq::http::{HttpLimits, ReplyBody, read_body};
use lclq::runtime;
use lclq_loadtest::noop::{NoopOptions, serve_noop};

#[derive(Parser)]
struct Options {
    #[command(flatten)]
    noop: NoopOptions,
    /// Answer after this many milliseconds, like a long poll.
    #[arg(long, default_value_t = 0)]
    delay_ms: u64,
}

const BODY: &str = concat!(
    r#"{"MD5OfMessageBody":"0123456789abcdef0123456789abcdef","#,
    r#""MessageId":"c2b9e4f4-1f0b-4c34-9f0e-6d3a8f2a7b11"}"#
);

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let delay = Duration::from_millis(options.delay_ms);
    serve_noop(&options.noop, "sqs", move || {
        let limits = Rc::new(HttpLimits::default());
        move |request| answer(request, limits.clone(), delay)
    })
}

async fn answer(
    request: Request<Incoming>,
    limits: Rc<HttpLimits>,
    delay: Duration,
) -> Response<ReplyBody> {
    const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
    const ID: HeaderValue = HeaderValue::from_static("5b8c1e0e-8a0e-4b8f-9b0b-0e6a3c2d1f00");
    const TYPE: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.0");
    let read = read_body(request.into_body(), &limits).await.map(drop);
    if !delay.is_zero() {
        runtime::sleep(delay).await;
    }
    let mut reply = Response::new(ReplyBody::new(BODY));
    if read.is_err() {
        *reply.status_mut() = StatusCode::BAD_REQUEST;
    }
    reply.headers_mut().insert(CONTENT_TYPE, TYPE);
    reply.headers_mut().insert(REQUEST_ID, ID);
    reply
}
