//! A server within the process that is given bytes as a connection would bring them, for tests/fuzz. It has
//! one core, keeps messages in memory, and goes nowhere.

use super::admin::AdminDialect;
use super::pubsub::PubsubDialect;
use super::registry::{Dialect, Endpoint, OnCore, Registry, StartOnCore};
use super::sqs::SqsDialect;
use super::{Server, Until, metrics};
use crate::config::Config;
use crate::fuzzing::{divided, first_line};
use crate::net::{AnyProtocol, Wire};
use crate::portable::{Counts, End, Framer, Line};
use crate::pubsub::push::Hosts;
use crate::runtime::{spawn_local, yield_to_io};
use futures_util::future::{Either, select};
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::rc::Rc;
use std::sync::mpsc;
use std::sync::{LazyLock, Mutex};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Turns of the core without a byte either way after which nothing more is expected.
const QUIET_TURNS: usize = 16;

/// Turns that a connection may take in all.
const TURNS_MAX: usize = 100_000;

/// What HTTP/2 begins with: the preface, and settings of which none is changed.
const HTTP2_OPENING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// Bytes of a path of gRPC that fit into a head here, whose lengths are of one byte.
const GRPC_PATH_BYTES_MAX: usize = 100;

/// Bytes of a frame of HTTP/2 where nobody said otherwise.
const FRAME_BYTES_MAX: usize = 16 << 10;

/// The first line of an export.
const IMPORT_HEAD: &str = concat!(
    r#"{"type":"header","name":"lclq-export","format":1,"version":"0.1.0","exported_at":1,"#,
    r#""sequence":1000,"deduplication_secret":"00000000000000000000000000000000"}"#,
    "\n"
);

/// Who is spoken to.
#[derive(Clone, Copy)]
enum Front {
    Sqs = 0,
    Pubsub = 1,
    Admin = 2,
}

struct Fronts {
    given: UnboundedSender<(Front, Vec<u8>)>,
    answered: mpsc::Receiver<Vec<u8>>,
    _server: Server,
}

static FRONTS: LazyLock<Mutex<Fronts>> = LazyLock::new(|| Mutex::new(Fronts::start()));

impl Fronts {
    fn start() -> Self {
        let arguments = ["lclq", "start", "--cores", "1", "--runtime", "epoll"];
        let arguments = arguments.into_iter().chain(["--test-controls"]);
        let mut config = Config::from_args(arguments).expect("a configuration");
        // Nobody's name is looked up, and nobody is connected to.
        config.push.destinations.deny = vec![
            Hosts::Below(String::new()),
            Hosts::Network("0.0.0.0/0".parse().expect("a network")),
            Hosts::Network("::/0".parse().expect("a network")),
        ];
        let (given, inputs) = unbounded_channel();
        let (answers, answered) = mpsc::channel();
        let mut registry = Registry::default();
        registry.add(FrontsDialect {
            config: config.clone(),
            inputs,
            answers,
        });
        let server = Server::start(config, registry, Until::Told).expect("a server");
        Self {
            given,
            answered,
            _server: server,
        }
    }

    fn talk(front: Front, bytes: Vec<u8>) -> Vec<u8> {
        let fronts = FRONTS.lock().expect("nobody panics with it");
        fronts.given.send((front, bytes)).expect("it runs");
        fronts.answered.recv().expect("it runs")
    }
}

struct FrontsDialect {
    config: Config,
    inputs: UnboundedReceiver<(Front, Vec<u8>)>,
    answers: mpsc::Sender<Vec<u8>>,
}

impl Dialect for FrontsDialect {
    /// A server without an endpoint ends at once. Nobody connects to this one.
    fn endpoints(&self) -> Vec<Endpoint> {
        vec![Endpoint {
            name: "fronts",
            scheme: "http",
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        }]
    }

    fn prepare(self: Box<Self>) -> Result<StartOnCore, Box<dyn Error + Send + Sync>> {
        let config = &self.config;
        let starts: [Box<dyn Dialect>; 3] = [
            Box::new(SqsDialect::new(config)),
            Box::new(PubsubDialect::new(config)),
            Box::new(AdminDialect::new(config, metrics::settings(config))),
        ];
        let starts = starts.into_iter().map(|dialect| dialect.prepare());
        let starts = starts.collect::<Result<Vec<_>, _>>()?;
        let ends = Mutex::new(Some((self.inputs, self.answers)));
        Ok(Box::new(move |core: &OnCore<'_>| {
            let protocols: Vec<_> = starts.iter().map(|start| start(core)).collect();
            let ends = ends.lock().ok().and_then(|mut ends| ends.take());
            let (inputs, answers) = ends.expect("there is one core");
            let first = protocols[0].clone();
            spawn_local(answer_all(protocols, inputs, answers));
            first
        }))
    }
}

async fn answer_all(
    protocols: Vec<Rc<dyn AnyProtocol>>,
    mut inputs: UnboundedReceiver<(Front, Vec<u8>)>,
    answers: mpsc::Sender<Vec<u8>>,
) {
    while let Some((front, bytes)) = inputs.recv().await {
        let said = converse(&protocols[front as usize], bytes).await;
        // The next input finds a server that has nothing.
        let reset = http1("POST", "/api/v1/test/reset", &[], b"");
        let done = converse(&protocols[Front::Admin as usize], reset).await;
        let done = String::from_utf8_lossy(&done);
        assert!(done.starts_with("HTTP/1.1 200"), "{done}");
        if answers.send(said).is_err() {
            return;
        }
    }
}

/// What is said to bytes until there is nothing more to say, and the client closes.
async fn converse(protocol: &Rc<dyn AnyProtocol>, bytes: Vec<u8>) -> Vec<u8> {
    // Cut in some way or other, and the same input always in the same.
    let sum: usize = bytes.iter().map(|byte| usize::from(*byte)).sum();
    let piece_bytes = [usize::MAX, usize::MAX, 64, 7][sum % 4];
    let wire = Wire::new(bytes, piece_bytes);
    let serving = protocol.clone().serve_within(wire.clone());
    let closing = pin!(async {
        quiet(&wire).await;
        wire.close();
        quiet(&wire).await;
    });
    // Dropping it ends it, whatever it is at.
    if let Either::Right(((), serving)) = select(serving, closing).await {
        drop(serving);
    }
    wire.said()
}

async fn quiet(wire: &Wire) {
    let (mut moved, mut turns) = (wire.moved(), 0);
    for _ in 0..TURNS_MAX {
        yield_to_io().await;
        let now = wire.moved();
        turns = if now == moved { turns + 1 } else { 0 };
        moved = now;
        if turns == QUIET_TURNS {
            return;
        }
    }
    panic!("it goes on and on");
}

fn http1(method: &str, target: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let mut out = format!("{method} {target} HTTP/1.1\r\nhost: localhost\r\n");
    for header in headers {
        out.push_str(header);
        out.push_str("\r\n");
    }
    out.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    let mut out = out.into_bytes();
    out.extend_from_slice(body);
    out
}

/// A server that says 500 has a mistake in it.
fn check_http1(said: &[u8]) {
    if said.is_empty() {
        return;
    }
    let text = String::from_utf8_lossy(said);
    assert!(text.starts_with("HTTP/1."), "{text}");
    assert!(!text.contains("HTTP/1.1 500"), "{text}");
}

fn http2(front: Front, frames: &[u8]) {
    let said = Fronts::talk(front, [HTTP2_OPENING, frames].concat());
    // Settings, before all else.
    assert!(said.is_empty() || said[3] == 4, "{said:?}");
}

/// Whatever comes to SQS' port.
pub fn sqs_bytes(bytes: &[u8]) {
    Fronts::talk(Front::Sqs, bytes.to_vec());
}

/// Frames of HTTP/2 to SQS' port.
pub fn sqs_http2(bytes: &[u8]) {
    http2(Front::Sqs, bytes);
}

/// Frames of HTTP/2 to Pub/Sub's port.
pub fn pubsub_http2(bytes: &[u8]) {
    http2(Front::Pubsub, bytes);
}

/// Whatever comes to the admin port.
pub fn admin_bytes(bytes: &[u8]) {
    Fronts::talk(Front::Admin, bytes.to_vec());
}

/// Requests to SQS in JSON: an action's name and its input, and more of them.
pub fn sqs_json(bytes: &[u8]) {
    let mut all = Vec::new();
    for part in divided(bytes) {
        let (action, body) = first_line(part);
        let Some(action) = plain(action) else {
            return;
        };
        let target = format!("x-amz-target: AmazonSQS.{action}");
        let kind = "content-type: application/x-amz-json-1.0";
        all.extend(http1("POST", "/", &[&target, kind], body));
    }
    check_http1(&Fronts::talk(Front::Sqs, all));
}

/// Requests to SQS as forms.
pub fn sqs_query(bytes: &[u8]) {
    let mut all = Vec::new();
    for part in divided(bytes) {
        let kind = "content-type: application/x-www-form-urlencoded";
        all.extend(http1("POST", "/", &[kind], part));
    }
    check_http1(&Fronts::talk(Front::Sqs, all));
}

/// Requests by method and path, and more of them.
fn requests(front: Front, prefix: &str, bytes: &[u8]) {
    let mut all = Vec::new();
    for part in divided(bytes) {
        let (line, body) = first_line(part);
        let line = plain(line).and_then(|line| line.split_once(' '));
        let Some((method, path)) = line else {
            return;
        };
        let target = [prefix, path].concat();
        all.extend(http1(method, &target, &[], body));
    }
    check_http1(&Fronts::talk(front, all));
}

/// Requests to Pub/Sub's REST.
pub fn rest(bytes: &[u8]) {
    requests(Front::Pubsub, "", bytes);
}

/// Requests to the admin API, whose paths are given without its prefix.
pub fn admin(bytes: &[u8]) {
    requests(Front::Admin, "/api/v1", bytes);
}

/// Lines of an export between its first and its last, which are imported, used and exported again.
pub fn import(bytes: &[u8]) {
    let mut lines = IMPORT_HEAD.as_bytes().to_vec();
    let mut counts = Counts::default();
    for line in bytes.split(|byte| *byte == b'\n') {
        if let Ok(read) = Line::read(line) {
            counts.add(&read);
            lines.extend_from_slice(line);
            lines.push(b'\n');
        }
    }
    lines.extend(Line::End(End { counts }).text());
    let (mut framer, mut rest) = (Framer::new().expect("there is memory"), &*lines);
    let mut file = Vec::new();
    while !rest.is_empty() {
        let taken = framer.step(rest, &mut file).expect("there is memory");
        rest = &rest[taken..];
    }
    framer.finish(&mut file).expect("there is memory");
    let kind = ["content-type: application/zstd"];
    let mut all = http1("POST", "/api/v1/import", &kind, &file);
    for (method, path) in [
        ("GET", "/queues"),
        ("POST", "/queues/q/receive"),
        ("POST", "/queues/q.fifo/receive"),
        ("POST", "/queues/q/redrive"),
        ("GET", "/topics"),
        (
            "POST",
            "/subscriptions/projects%2Fp%2Fsubscriptions%2Fsub/pull",
        ),
        ("POST", "/topics/projects%2Fp%2Ftopics%2Ftop/publish"),
        ("GET", "/export"),
    ] {
        all.extend(http1(method, &format!("/api/v1{path}"), &[], b"{}"));
    }
    check_http1(&Fronts::talk(Front::Admin, all));
}

/// A line that can be part of a head.
fn plain(line: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(line).ok()?;
    text.bytes()
        .all(|byte| (0x20..0x7f).contains(&byte))
        .then_some(text)
}

/// Calls by gRPC: a method as in `google.pubsub.v1.Publisher/Publish` and its encoded request, and more of
/// them.
pub fn grpc(bytes: &[u8]) {
    let mut frames = Vec::new();
    for (number, part) in divided(bytes).enumerate() {
        let (method, message) = first_line(part);
        let Some(method) = plain(method) else {
            return;
        };
        if method.len() > GRPC_PATH_BYTES_MAX || message.len() + 5 > FRAME_BYTES_MAX {
            return;
        }
        let stream = 2 * number as u32 + 1;
        frame(&mut frames, 1, 4, stream, &grpc_head(method));
        let mut body = vec![0];
        body.extend_from_slice(&(message.len() as u32).to_be_bytes());
        body.extend_from_slice(message);
        frame(&mut frames, 0, 1, stream, &body);
    }
    http2(Front::Pubsub, &frames);
}

fn frame(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    out.extend_from_slice(&(payload.len() as u32).to_be_bytes()[1..]);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

/// The head of a call in HPACK, every field as it is: POST and http by their numbers in its table, and
/// names by theirs where they have any.
fn grpc_head(method: &str) -> Vec<u8> {
    let mut out = vec![0x83, 0x86];
    let mut field = |name: &[u8], value: &str| {
        out.extend_from_slice(name);
        out.push(value.len() as u8);
        out.extend_from_slice(value.as_bytes());
    };
    field(&[0x04], &format!("/{method}"));
    field(&[0x01], "localhost");
    field(&[0x0f, 0x10], "application/grpc");
    field(b"\0\x02te", "trailers");
    out
}
