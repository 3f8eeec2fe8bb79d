//! Real sockets against [`super::Http`], on both drivers and two cores.

mod http1;
mod http2;
mod limits;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;

use super::{Http, HttpLimits, ReplyBody, read_body};
use crate::net::{self, NetLimits};
use crate::runtime::{self, CoreThreads, DriverKind, SharedListener, Shutdown, spawn_cores};

/// The size of the future that a function makes. hyper moves the future of a request before it
/// runs, so its size costs every request.
pub(crate) fn future_bytes<A, F>(_: impl Fn(A) -> F) -> usize {
    size_of::<F>()
}

/// What the handlers below have seen.
#[derive(Default)]
struct Seen {
    /// Long polls that were dropped before they were answered.
    dropped: AtomicU32,
    /// Long polls begun.
    polls: AtomicU32,
}

struct Server {
    kind: DriverKind,
    shared: SharedListener,
    seen: Arc<Seen>,
    shutdown: Shutdown,
    cores: CoreThreads,
}

impl Server {
    fn start(kind: DriverKind, net: NetLimits, limits: HttpLimits) -> Server {
        let cores = 2;
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let shared = SharedListener::bind(any, cores).unwrap();
        let (shutdown, seen) = (Shutdown::new(), Arc::new(Seen::default()));
        let on_core = (shared.clone(), shutdown.clone(), seen.clone());
        let cores = spawn_cores(kind, cores, move |core| {
            let (shared, shutdown, seen) = on_core.clone();
            let (net, limits) = (net.clone(), Rc::new(limits.clone()));
            async move {
                let listener = shared.listener(core).unwrap();
                let for_handler = limits.clone();
                let handler = move |request, _| answer(request, for_handler.clone(), seen.clone());
                let http = Rc::new(Http::new(limits, handler));
                let uncounted = Default::default();
                net::serve(listener, net, None, http, shutdown, None, uncounted).await;
            }
        })
        .unwrap();
        Server {
            kind,
            shared,
            seen,
            shutdown,
            cores,
        }
    }

    fn addr(&self) -> SocketAddr {
        self.shared.local_addr()
    }

    fn connect(&self) -> TcpStream {
        let client = TcpStream::connect(self.addr()).unwrap();
        client
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        client.set_nodelay(true).unwrap();
        client
    }

    fn stop(self) {
        self.shutdown.trigger();
        runtime::tests::join(self.kind, self.cores).unwrap();
        assert_eq!(self.shared.connections_open_total(), 0);
    }
}

/// Runs `f` against a server on each driver.
fn on_servers(limits: HttpLimits, f: impl Fn(&Server)) {
    on_bounded_servers(NetLimits::default(), limits, f);
}

/// Like [`on_servers`], with bounds on connections.
fn on_bounded_servers(net: NetLimits, limits: HttpLimits, f: impl Fn(&Server)) {
    for kind in runtime::tests::drivers() {
        let server = Server::start(kind, net.clone(), limits.clone());
        f(&server);
        server.stop();
    }
}

async fn answer(
    request: Request<Incoming>,
    limits: Rc<HttpLimits>,
    seen: Arc<Seen>,
) -> Response<ReplyBody> {
    match request.uri().path() {
        "/echo" => match read_body(request.into_body(), &limits).await {
            Ok(body) => Response::new(body.into()),
            Err(error) => {
                let mut reply = Response::new(ReplyBody::new(format!("{error:?}")));
                *reply.status_mut() = StatusCode::BAD_REQUEST;
                reply
            }
        },
        "/poll" => {
            struct Poll(Arc<Seen>, bool);
            impl Drop for Poll {
                fn drop(&mut self) {
                    if !self.1 {
                        self.0.dropped.fetch_add(1, Ordering::SeqCst);
                    }
                }
            }
            let mut poll = Poll(seen.clone(), false);
            seen.polls.fetch_add(1, Ordering::SeqCst);
            runtime::sleep(Duration::from_millis(400)).await;
            poll.1 = true;
            Response::new("polled".into())
        }
        "/panic" => panic!("as told"),
        path => Response::new(path.to_owned().into()),
    }
}

fn wait_for(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if condition() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{what}: not within ten seconds");
}

/// Reads one response with a Content-Length: its head and its body.
fn read_reply(client: &mut TcpStream) -> (String, Vec<u8>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length = head.split("content-length: ").nth(1).map_or(0, |rest| {
        rest.split("\r\n").next().unwrap().parse().unwrap()
    });
    let mut body = vec![0; length];
    client.read_exact(&mut body).unwrap();
    (head, body)
}

fn get(client: &mut TcpStream, path: &str) -> String {
    write!(client, "GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let (head, body) = read_reply(client);
    assert!(head.starts_with("http/1.1 200"), "{head}");
    String::from_utf8(body).unwrap()
}

/// Whether the server has closed the connection, within the client's read timeout.
fn is_closed(client: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    match client.read_to_end(&mut rest) {
        Ok(_) => true,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}
