//! Thousands of open streams, each of a subscription of its own to one topic.

use super::options::{Options, Streams};
use lclq_loadtest::http2::{Connection, Event, Messages};
use lclq_loadtest::pubsub::{Admin, method, publish_request, stream_request, take_ack_ids};
use lclq_loadtest::report::{Bound, Report};
use lclq_loadtest::server::{Server, raise_descriptor_limit};
use mio::{Events, Poll, Token};
use std::collections::HashMap;
use std::io;
use std::time::{Duration, Instant};

const IDLE_CPU_PERCENT_MAX: f64 = 1.0;
const STREAM_KIB_MAX: f64 = 20.0;
/// How long opening, and reaching them all, may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pause from one connection's streams to the next's.
const OPENING: Duration = Duration::from_millis(5);
const QUIET: Duration = Duration::from_millis(500);

struct Client {
    connection: Connection,
    streams: HashMap<u32, Messages>,
}

/// Measures.
pub fn streams(options: &Options, how: &Streams, report: &mut Report) -> io::Result<()> {
    raise_descriptor_limit(how.connections as u64 * 2 + 100)?;
    let total = how.connections * how.streams;
    let server = Server::start(&options.setup())?;
    let address = server.pubsub.clone().expect("lclq has one");
    let mut admin = Admin::connect(&address)?;
    admin.create_topic("streams", 0)?;
    for number in 0..total {
        admin.create_subscription(&format!("streams-{number}"), "streams")?;
    }
    let mut poll = Poll::new()?;
    let mut clients = Vec::new();
    for index in 0..how.connections {
        let mut connection = Connection::connect(&address, method::STREAMING_PULL)?;
        connection.register(poll.registry(), Token(index))?;
        clients.push(Client {
            connection,
            streams: HashMap::new(),
        });
    }
    let before = server.resident_bytes()?;
    let begun = Instant::now();
    for index in 0..how.connections {
        let client = &mut clients[index];
        for number in 0..how.streams {
            let name = format!("streams-{}", index * how.streams + number);
            let out = &mut client.connection.out;
            let stream = out.open(method::STREAMING_PULL, &stream_request(&name));
            client.streams.insert(stream, Messages::default());
        }
        client.connection.flush()?;
        // A connection at a time: clients don't all come in the same moment.
        turn(&mut poll, &mut clients, Instant::now() + OPENING, 1)?;
    }
    settle(&mut poll, &mut clients, &server)?;
    let opened = begun.elapsed().saturating_sub(QUIET).as_secs_f64();
    let memory = server.resident_bytes()?.saturating_sub(before) as f64;

    let (cpu, watched) = (server.cpu()?, Instant::now());
    turn(
        &mut poll,
        &mut clients,
        watched + Duration::from_secs_f64(how.seconds),
        1,
    )?;
    let busy = server.cpu()?.saturating_sub(cpu).as_secs_f64();
    let busy = busy / watched.elapsed().as_secs_f64() * 100.0;

    let begun = Instant::now();
    admin.publish(&publish_request("streams", 200, 1))?;
    let published = begun.elapsed();
    let reached = turn(&mut poll, &mut clients, begun + PATIENCE, total)?;
    let elapsed = begun.elapsed();
    if reached != total {
        return Err(io::Error::other(format!(
            "{reached} of {total} streams were reached"
        )));
    }
    let name = format!("{} connections of {}", how.connections, how.streams);
    let mut add = |text: &str, value: f64, unit, bound| {
        report.add("streams", format!("{name}: {text}"), value, unit, bound);
    };
    add("opened", total as f64 / opened, "streams/s", Bound::None);
    let kib = memory / total as f64 / 1024.0;
    add("memory", kib, "KiB/stream", Bound::AtMost(STREAM_KIB_MAX));
    add(
        "CPU when idle",
        busy,
        "% of a core",
        Bound::AtMost(IDLE_CPU_PERCENT_MAX),
    );
    add(
        "publish answered",
        published.as_secs_f64() * 1000.0,
        "ms",
        Bound::None,
    );
    add(
        "last one reached",
        elapsed.as_secs_f64() * 1000.0,
        "ms",
        Bound::None,
    );
    add(
        "streams reached",
        reached as f64,
        "",
        Bound::AtLeast(total as f64),
    );
    Ok(())
}

/// Waits until the server has nothing to do any more: all streams are open.
fn settle(poll: &mut Poll, clients: &mut [Client], server: &Server) -> io::Result<()> {
    let until = Instant::now() + PATIENCE;
    loop {
        let cpu = server.cpu()?;
        turn(poll, clients, Instant::now() + QUIET, 1)?;
        let busy = server.cpu()?.saturating_sub(cpu);
        if busy < QUIET / 50 {
            return Ok(());
        }
        if Instant::now() >= until {
            return Err(io::Error::other("the streams don't get quiet"));
        }
    }
}

/// Reads what comes until then, or until so many messages have come; answers how many.
fn turn(
    poll: &mut Poll,
    clients: &mut [Client],
    until: Instant,
    wanted: usize,
) -> io::Result<usize> {
    let mut events = Events::with_capacity(256);
    let (mut taken, mut broken) = (0, None);
    while taken < wanted {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        poll.poll(&mut events, Some(left))?;
        for event in &events {
            let Client {
                connection,
                streams,
            } = &mut clients[event.token().0];
            connection.read(|out, event| match event {
                Event::Data { stream, bytes } => {
                    if let Some(messages) = streams.get_mut(&stream) {
                        messages.take(bytes, |response| {
                            let mut acks = Vec::new();
                            match take_ack_ids(response, &mut acks) {
                                Ok(count) => taken += count,
                                Err(_) => broken = Some("a response can't be read"),
                            }
                            if !acks.is_empty() {
                                out.send(stream, &acks);
                            }
                        });
                    }
                }
                Event::End { .. } => broken = Some("a stream ended"),
                Event::Pong => {}
            })?;
        }
    }
    match broken {
        Some(why) => Err(io::Error::other(why)),
        None => Ok(taken),
    }
}
