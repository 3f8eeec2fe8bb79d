//! An endpoint that isn't HTTP, on a real server's cores: what lclq doesn't know of is accepted,
//! bounded and drained like what it does.

use lclq::config::Config;
use lclq::net::{AnyProtocol, Channel, Drain, Protocol};
use lclq::server::{Dialect, Endpoint, OnCore, Registry, Server, StartOnCore, Until};
use std::error::Error;
use std::future::{Future, poll_fn};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

/// How long anything may take that should take milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// Sends back what it gets. Told to drain, it ends after the line that it is at.
struct Echo;

impl Protocol for Echo {
    #[allow(
        clippy::manual_async_fn,
        reason = "an `async fn` would borrow the protocol for as long as the connection lives"
    )]
    fn serve(&self, channel: Channel, drain: Drain) -> impl Future<Output = ()> + 'static {
        async move {
            // A client that breaks off is the end of its echo and nothing else.
            let _ = echo(channel, drain).await;
        }
    }
}

async fn echo(mut channel: Channel, drain: Drain) -> io::Result<()> {
    let mut in_line = false;
    loop {
        let mut room = [0; 1024];
        let mut read = hyper::rt::ReadBuf::new(&mut room);
        let more = poll_fn(|cx| {
            if drain.is_asked() && !in_line {
                return Poll::Ready(Ok(false));
            }
            let read = hyper::rt::Read::poll_read(Pin::new(&mut channel), cx, read.unfilled());
            read.map_ok(|()| true)
        })
        .await?;
        if !more || read.filled().is_empty() {
            return Ok(());
        }
        let mut rest = read.filled();
        in_line = rest.last() != Some(&b'\n');
        while !rest.is_empty() {
            let written =
                poll_fn(|cx| hyper::rt::Write::poll_write(Pin::new(&mut channel), cx, rest))
                    .await?;
            rest = &rest[written..];
        }
    }
}

struct EchoDialect;

impl Dialect for EchoDialect {
    fn endpoints(&self) -> Vec<Endpoint> {
        vec![Endpoint {
            name: "echo",
            scheme: "tcp",
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        }]
    }

    fn prepare(self: Box<Self>) -> Result<StartOnCore, Box<dyn Error + Send + Sync>> {
        Ok(Box::new(|_: &OnCore<'_>| {
            Rc::new(Echo) as Rc<dyn AnyProtocol>
        }))
    }
}

/// lclq with an echo, and where that listens.
fn started(flags: &[&str]) -> (Server, SocketAddr) {
    let mut args = vec!["lclq", "start", "--cores", "2"];
    args.extend(["--sqs-port", "0", "--pubsub-port", "0"]);
    args.extend(["--pubsub-rest-port", "0", "--admin-port", "0"]);
    args.extend(flags);
    let config = Config::from_args(args).unwrap();
    let mut registry = Registry::of(&config);
    registry.add(EchoDialect);
    let server = Server::start(config, registry, Until::Told).unwrap();
    let all: Vec<String> = server
        .listening()
        .iter()
        .map(|one| one.name().to_owned())
        .collect();
    assert_eq!(all, ["sqs", "pubsub", "pubsub-rest", "admin", "echo"]);
    let echo = &server.listening()[4];
    let address = echo.address();
    assert_eq!(echo.to_string(), format!("tcp://{address}"));
    (server, address)
}

fn connect(address: SocketAddr) -> TcpStream {
    let client = TcpStream::connect(address).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client
}

fn echoes(client: &mut TcpStream, text: &str) {
    client.write_all(text.as_bytes()).unwrap();
    let mut back = vec![0; text.len()];
    client.read_exact(&mut back).unwrap();
    assert_eq!(back, text.as_bytes());
}

/// Waits until the server closes the connection.
fn closed(client: &mut TcpStream) {
    loop {
        match client.read(&mut [0]) {
            Ok(0) => return,
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return,
            // The server runs in this process, and so do its signals.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => panic!("not closed: {other:?}"),
        }
    }
}

#[test]
fn an_echo_is_served_beside_the_dialects() {
    let (server, address) = started(&[]);
    let mut client = connect(address);
    echoes(&mut client, "hello\n");
    // Longer than what is looked at first, and what TLS begins with means nothing to it.
    echoes(&mut connect(address), &"x".repeat(10_000));
    echoes(&mut connect(address), "\u{16}\u{3}\u{1}");
    let mut sqs = connect(server.listening()[0].address());
    write!(sqs, "GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut status = [0; 12];
    sqs.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    server.shutdown().trigger();
    server.join().unwrap();
}

#[test]
fn connections_beyond_the_bound_are_refused() {
    let (server, address) = started(&["--connections-max", "2"]);
    let mut clients = [connect(address), connect(address)];
    for client in &mut clients {
        echoes(client, "one\n");
    }
    closed(&mut connect(address));
    for client in &mut clients {
        echoes(client, "still here\n");
    }
    server.shutdown().trigger();
    server.join().unwrap();
}

#[test]
fn a_stop_drains_and_then_cuts() {
    let (server, address) = started(&["--shutdown-ms-max", "1000"]);
    let mut idle = connect(address);
    echoes(&mut idle, "done\n");
    let mut silent = connect(address);
    let mut ending = connect(address);
    echoes(&mut ending, "to be ");
    let mut never = connect(address);
    echoes(&mut never, "never");
    let asked = Instant::now();
    server.shutdown().trigger();
    closed(&mut idle);
    closed(&mut silent);
    // What is under way goes on.
    echoes(&mut ending, "continued\n");
    closed(&mut ending);
    assert!(asked.elapsed() < Duration::from_millis(900), "{asked:?}");
    closed(&mut never);
    let time = asked.elapsed();
    assert!(time >= Duration::from_millis(950), "{time:?}");
    server.join().unwrap();
}
