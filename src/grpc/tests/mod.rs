//! Real HTTP/2 against the gRPC layer, on both drivers.

mod client;
mod errors;
mod services;
mod streams;
mod unary;

use bytes::Bytes;
use http::Request;
use hyper::body::Incoming;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::{
    Answer, Call, Code, Encoded, EncodedBuf, GrpcCore, GrpcLimits, HealthService,
    ReflectionService, Replies, Requests, Status,
};
use crate::http::{HttpLimits, serve};
use crate::proto::DESCRIPTORS;
use crate::proto::google::rpc;
use crate::proto::grpc::{health, reflection};
use crate::runtime::{self, CoreThreads, DriverKind, SharedListener, Shutdown, spawn_cores};

const SERVICES: &[&str] = &["test", health::v1::health::NAME];

/// What the handlers below have seen.
#[derive(Default)]
struct Seen {
    /// Handlers begun.
    begun: AtomicUsize,
    /// Handlers that ended, in whatever way.
    gone: AtomicUsize,
    /// Requests of streams.
    requests: AtomicUsize,
    /// Bytes of replies that were queued.
    sent_bytes: AtomicUsize,
    /// What health says.
    is_down: AtomicBool,
}

struct Running(Arc<Seen>);

impl Running {
    fn new(seen: &Arc<Seen>) -> Self {
        seen.begun.fetch_add(1, Ordering::SeqCst);
        Running(seen.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.gone.fetch_add(1, Ordering::SeqCst);
    }
}

struct Server {
    kind: DriverKind,
    shared: SharedListener,
    seen: Arc<Seen>,
    /// Ends the streams, not the server.
    streams_end: Shutdown,
    shutdown: Shutdown,
    cores: CoreThreads,
}

impl Server {
    fn start(kind: DriverKind, limits: HttpLimits) -> Server {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let shared = SharedListener::bind(any, 1).unwrap();
        let (shutdown, streams_end) = (Shutdown::new(), Shutdown::new());
        let seen = Arc::new(Seen::default());
        let on_core = (
            shared.clone(),
            shutdown.clone(),
            streams_end.clone(),
            seen.clone(),
        );
        let cores = spawn_cores(kind, 1, move |core| {
            let (shared, shutdown, streams_end, seen) = on_core.clone();
            let limits = Rc::new(limits.clone());
            async move {
                let listener = shared.listener(core).unwrap();
                let service = Rc::new(Service::new(seen));
                {
                    let core = service.core.clone();
                    runtime::spawn_local(async move {
                        streams_end.wait().await;
                        core.stop();
                    });
                }
                let handler = {
                    let service = service.clone();
                    move |request| answer(request, service.clone())
                };
                serve(listener, limits, handler, shutdown).await;
                // A handler goes a moment after its body.
                for _ in 0..1_000 {
                    if service.core.streams_open() == 0 {
                        break;
                    }
                    runtime::sleep(Duration::from_millis(10)).await;
                }
                assert_eq!(service.core.streams_open(), 0);
            }
        })
        .unwrap();
        Server {
            kind,
            shared,
            seen,
            streams_end,
            shutdown,
            cores,
        }
    }

    fn addr(&self) -> SocketAddr {
        self.shared.local_addr()
    }

    fn stop(self) {
        self.streams_end.trigger();
        self.shutdown.trigger();
        runtime::tests::join(self.kind, self.cores).unwrap();
        let seen = &self.seen;
        assert_eq!(
            seen.begun.load(Ordering::SeqCst),
            seen.gone.load(Ordering::SeqCst)
        );
    }
}

/// Runs `f` against a server on each driver.
fn on_servers(limits: HttpLimits, f: impl Fn(&Server)) {
    for kind in runtime::tests::drivers() {
        let server = Server::start(kind, limits.clone());
        f(&server);
        server.stop();
    }
}

struct Service {
    core: Rc<GrpcCore>,
    health: Rc<HealthService>,
    reflection: Rc<ReflectionService>,
    seen: Arc<Seen>,
}

impl Service {
    fn new(seen: Arc<Seen>) -> Self {
        let limits = GrpcLimits {
            request_ms_max: 300,
            ..GrpcLimits::default()
        };
        let for_health = seen.clone();
        Service {
            core: GrpcCore::new(limits, None),
            health: HealthService::new(SERVICES, move || {
                !for_health.is_down.load(Ordering::SeqCst)
            }),
            reflection: ReflectionService::new(DESCRIPTORS, SERVICES),
            seen,
        }
    }
}

fn encoded(message: &[u8]) -> Encoded {
    let mut buffer = EncodedBuf::with_capacity(message.len());
    buffer.extend_from_slice(message);
    buffer.finish()
}

async fn answer(request: Request<Incoming>, service: Rc<Service>) -> Answer {
    let call = match Call::new(service.core.clone(), request) {
        Ok(call) => call,
        Err(answer) => return answer,
    };
    let seen = service.seen.clone();
    let (name, method) = call.names();
    match name {
        health::v1::health::NAME => match health::v1::health::Method::from_name(method) {
            Some(method) => {
                health::v1::health::dispatch(service.health.clone(), method, call).await
            }
            None => call.unimplemented(),
        },
        reflection::v1::server_reflection::NAME => {
            let method = reflection::v1::server_reflection::Method::ServerReflectionInfo;
            reflection::v1::server_reflection::dispatch(service.reflection.clone(), method, call)
                .await
        }
        "test" => match method {
            "Echo" => {
                call.unary(|request| async move { Ok(encoded(&request)) })
                    .await
            }
            "Slow" => {
                let slow = |_| async move {
                    let _running = Running::new(&seen);
                    runtime::sleep(Duration::from_secs(20)).await;
                    Ok(Encoded::EMPTY)
                };
                call.unary(slow).await
            }
            "Fail" => call.unary(|_| async { Err(failure()) }).await,
            "Chat" => {
                call.streaming_encoded(|from, to| chat(from, to, seen))
                    .await
            }
            "Flood" => {
                call.streaming_encoded(|from, to| flood(from, to, seen))
                    .await
            }
            "Panic" => {
                let panic = |_, _| async { panic!("as told") };
                call.streaming_encoded(panic).await
            }
            _ => call.unimplemented(),
        },
        _ => call.unimplemented(),
    }
}

fn failure() -> Status {
    let info = rpc::ErrorInfo {
        reason: "WHY".into(),
        ..Default::default()
    };
    Status::new(Code::FailedPrecondition, "dégât").with_detail("google.rpc.ErrorInfo", &info)
}

/// Sends every request back.
async fn chat(
    mut requests: Requests<Bytes>,
    replies: Replies<Encoded>,
    seen: Arc<Seen>,
) -> Result<(), Status> {
    let _running = Running::new(&seen);
    while let Some(request) = requests.next().await? {
        seen.requests.fetch_add(1, Ordering::SeqCst);
        if replies.send(encoded(&request)).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// Sends as much as is taken, and looks at requests meanwhile.
async fn flood(
    mut requests: Requests<Bytes>,
    replies: Replies<Encoded>,
    seen: Arc<Seen>,
) -> Result<(), Status> {
    let _running = Running::new(&seen);
    let reply = encoded(&[7; 1000]);
    let send = async {
        while replies.send(reply.clone()).await.is_ok() {
            seen.sent_bytes.fetch_add(1000, Ordering::SeqCst);
        }
        Ok(())
    };
    let read = async {
        while requests.next().await?.is_some() {
            seen.requests.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    };
    futures_util::future::try_join(send, read).await.map(|_| ())
}

fn wait_for(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if condition() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{what}: not within twenty seconds");
}
