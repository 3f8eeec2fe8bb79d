//! A gRPC server that reads a Publish request and answers what Publish would for one message: the
//! ceiling that lclq's Pub/Sub is measured against. It runs on lclq's own runtime, HTTP and gRPC
//! layers, answers any method, and does nothing else.

use std::error::Error;
use std::rc::Rc;

use clap::Parser;
use http::Request;
use hyper::body::Incoming;
use lclq::grpc::{Answer, Call, Encoded, GrpcCore, GrpcLimits};
use lclq::proto::google::pubsub::v1::PublishResponse;
use lclq_loadtest::noop::{NoopOptions, serve_noop};

#[derive(Parser)]
struct Options {
    #[command(flatten)]
    noop: NoopOptions,
    /// Messages that each request is answered for.
    #[arg(long, default_value_t = 1)]
    messages: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let messages = options.messages;
    serve_noop(&options.noop, "pubsub", move || {
        let grpc = GrpcCore::new(GrpcLimits::default(), None);
        // Ids of 17 digits, as lclq gives them.
        let reply = Encoded::of(&PublishResponse {
            message_ids: vec!["12345678901234567".into(); messages],
        });
        move |request| answer(request, grpc.clone(), reply.clone())
    })
}

async fn answer(request: Request<Incoming>, grpc: Rc<GrpcCore>, reply: Encoded) -> Answer {
    match Call::new(grpc, request) {
        Ok(call) => call.unary(|_request| async move { Ok(reply) }).await,
        Err(answer) => answer,
    }
}
