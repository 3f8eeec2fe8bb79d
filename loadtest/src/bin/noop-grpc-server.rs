//! A gRPC server that reads a Publish request and answers what Publish would for one message: the
//! ceiling that lclq's Pub/Sub is measured against. It runs on lclq's own runtime, HTTP and gRPC
//! layers, answers any method, and does nothing else.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::rc::Rc;

use clap::Parser;
use http::Request;
use hyper::body::Incoming;
use lclq::grpc::{Answer, Call, Encoded, GrpcCore, GrpcLimits};
use lclq::http::{HttpLimits, serve};
use lclq::proto::google::pubsub::v1::PublishResponse;
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
    /// Messages that each request is answered for.
    #[arg(long, default_value_t = 1)]
    messages: usize,
}

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    match run(Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("noop-grpc-server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> Result<(), Box<dyn std::error::Error>> {
    let (driver, _why) = runtime::choose(options.runtime)?;
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    let shared = SharedListener::bind(addr, options.cores)?;
    println!("listening pubsub http://{}", shared.local_addr());
    let shutdown = Shutdown::new();
    let messages = options.messages;
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
            let grpc = GrpcCore::new(GrpcLimits::default());
            // Ids of 17 digits, as lclq gives them.
            let reply = Encoded::of(&PublishResponse {
                message_ids: vec!["12345678901234567".into(); messages],
            });
            let handler = move |request| answer(request, grpc.clone(), reply.clone());
            let listener = shared.listener(core).expect("the listener can be shared");
            serve(listener, Rc::new(HttpLimits::default()), handler, shutdown).await;
        }
    })?;
    println!("ready");
    cores.join()?;
    Ok(())
}

async fn answer(request: Request<Incoming>, grpc: Rc<GrpcCore>, reply: Encoded) -> Answer {
    match Call::new(grpc, request) {
        Ok(call) => call.unary(|_request| async move { Ok(reply) }).await,
        Err(answer) => answer,
    }
}
