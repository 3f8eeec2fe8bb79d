//! A server that reads a request and answers with what SendMessage would: the ceiling that lclq is
//! measured against. It runs on lclq's own runtime and HTTP layers, and does nothing else.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::rc::Rc;

use clap::Parser;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use lclq::http::{HttpLimits, ReplyBody, read_body, serve};
use lclq::runtime::{self, RuntimeChoice, SharedListener, Shutdown};

#[derive(Parser)]
struct Options {
    /// Which driver to run on.
    #[arg(long, value_enum, default_value_t = RuntimeChoice::Auto)]
    runtime: RuntimeChoice,
    /// Cores to run on.
    #[arg(long, default_value_t = 1)]
    cores: usize,
    /// Port to listen on, 0 for any.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Answer after this many milliseconds, like a long poll.
    #[arg(long, default_value_t = 0)]
    delay_ms: u64,
}

const BODY: &str = concat!(
    r#"{"MD5OfMessageBody":"0123456789abcdef0123456789abcdef","#,
    r#""MessageId":"c2b9e4f4-1f0b-4c34-9f0e-6d3a8f2a7b11"}"#
);

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    match run(Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("noop-server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> Result<(), Box<dyn std::error::Error>> {
    let (driver, _why) = runtime::choose(options.runtime)?;
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    let shared = SharedListener::bind(addr, options.cores)?;
    println!("listening sqs http://{}", shared.local_addr());
    let shutdown = Shutdown::new();
    let delay = std::time::Duration::from_millis(options.delay_ms);
    let cores = runtime::spawn_cores(driver, options.cores, move |core| {
        let (shared, shutdown) = (shared.clone(), shutdown.clone());
        async move {
            if core == 0 {
                let shutdown = shutdown.clone();
                runtime::spawn_local(async move {
                    let _ = runtime::shutdown_signal().await;
                    shutdown.trigger();
                });
            }
            let limits = Rc::new(HttpLimits::default());
            let handler = {
                let limits = limits.clone();
                move |request| answer(request, limits.clone(), delay)
            };
            let listener = shared.listener(core).expect("the listener can be shared");
            serve(listener, limits, handler, shutdown).await;
        }
    })?;
    println!("ready");
    cores.join()?;
    Ok(())
}

async fn answer(
    request: Request<Incoming>,
    limits: Rc<HttpLimits>,
    delay: std::time::Duration,
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
