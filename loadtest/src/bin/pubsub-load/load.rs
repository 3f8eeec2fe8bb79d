//! Publishing as fast as the server answers, or at a rate: one thread, one poll.

use hdrhistogram::Histogram;
use lclq_loadtest::http2::{Connection, Event, Out};
use lclq_loadtest::pubsub::{message_data, method, publish_request, topic_name};
use lclq_loadtest::response::frame;
use lclq_loadtest::schedule::Schedule;
use lclq_loadtest::server::Server;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

/// What to publish, and how.
#[derive(Clone, Debug)]
pub struct Load {
    pub connections: usize,
    pub streams: usize,
    pub batch: usize,
    pub body_bytes: usize,
    pub topics: Vec<String>,
    pub rest: bool,
    pub rate: Option<f64>,
    pub warmup: Duration,
    pub until: Until,
}

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// After this long.
    Time(Duration),
    /// When so many calls have been answered.
    Calls(u64),
}

/// How it went.
#[derive(Debug)]
pub struct Outcome {
    pub calls_per_s: f64,
    pub messages_per_s: f64,
    pub latencies_us: Histogram<u64>,
    /// The server's CPU time per call, µs.
    pub cpu_us: f64,
}

/// One connection with calls in flight.
enum Line {
    Grpc {
        connection: Box<Connection>,
        request: Vec<u8>,
        asked: InFlight,
    },
    Rest {
        stream: TcpStream,
        request: Vec<u8>,
        asked: VecDeque<Instant>,
        input: Vec<u8>,
        filled: usize,
        unsent: usize,
    },
}

/// When calls in flight were due, by stream. Streams are opened in order and end in nearly any.
#[derive(Default)]
struct InFlight {
    first: u32,
    since: VecDeque<Option<Instant>>,
}

impl InFlight {
    fn begin(&mut self, stream: u32, since: Instant) {
        if self.since.is_empty() {
            self.first = stream;
        }
        self.since.push_back(Some(since));
    }

    fn end(&mut self, stream: u32) -> Option<Instant> {
        let at = stream.checked_sub(self.first)? / 2;
        let since = self.since.get_mut(at as usize)?.take();
        while let Some(None) = self.since.front() {
            self.since.pop_front();
            self.first += 2;
        }
        since
    }
}

impl Line {
    fn connect(load: &Load, address: &str, topic: &str) -> io::Result<Self> {
        if !load.rest {
            return Ok(Line::Grpc {
                connection: Box::new(Connection::connect(address, method::PUBLISH)?),
                request: publish_request(topic, load.body_bytes, load.batch),
                asked: InFlight::default(),
            });
        }
        let stream = std::net::TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Line::Rest {
            stream: TcpStream::from_std(stream),
            request: rest_request(address, topic, load),
            asked: VecDeque::new(),
            input: vec![0; 64 << 10],
            filled: 0,
            unsent: 0,
        })
    }

    fn register(&mut self, poll: &Poll, token: Token) -> io::Result<()> {
        match self {
            Line::Grpc { connection, .. } => connection.register(poll.registry(), token),
            Line::Rest { stream, .. } => {
                let interest = Interest::READABLE | Interest::WRITABLE;
                poll.registry().register(stream, token, interest)
            }
        }
    }

    /// Makes a call that was due at `since`. It leaves with [`Line::flush`].
    fn ask(&mut self, since: Instant) {
        match self {
            Line::Grpc {
                connection,
                request,
                asked,
            } => ask_grpc(&mut connection.out, request, asked, since),
            Line::Rest {
                request,
                asked,
                unsent,
                ..
            } => {
                *unsent += request.len();
                asked.push_back(since);
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Line::Grpc { connection, .. } => connection.flush(),
            Line::Rest {
                stream,
                request,
                unsent,
                ..
            } => {
                // One call at a time, so what is unsent is the end of one request.
                while *unsent > 0 {
                    match stream.write(&request[request.len() - *unsent..]) {
                        Ok(sent) => *unsent -= sent,
                        Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                        Err(error) => return Err(error),
                    }
                }
                Ok(())
            }
        }
    }

    /// Takes what has come; `done` is told of each answer when its call was due and whether it is
    /// good, and says whether to call again at once.
    fn read(&mut self, mut done: impl FnMut(Instant, bool) -> Option<Instant>) -> io::Result<()> {
        match self {
            Line::Grpc {
                connection,
                request,
                asked,
            } => connection.read(|out, event| {
                if let Event::End { stream, good } = event
                    && let Some(since) = asked.end(stream)
                    && let Some(next) = done(since, good)
                {
                    ask_grpc(out, request, asked, next);
                }
            }),
            Line::Rest {
                stream,
                asked,
                input,
                filled,
                ..
            } => {
                let mut next = None;
                loop {
                    match stream.read(&mut input[*filled..]) {
                        Ok(0) => return Err(io::Error::other("the server closed a connection")),
                        Ok(read) => *filled += read,
                        Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                        Err(error) => return Err(error),
                    }
                    if *filled == input.len() {
                        input.resize(input.len() * 2, 0);
                    }
                }
                if let Some(framed) = frame(&input[..*filled]).map_err(io::Error::other)? {
                    input.copy_within(framed.end..*filled, 0);
                    *filled -= framed.end;
                    if let Some(since) = asked.pop_front() {
                        next = done(since, framed.status == 200);
                    }
                }
                if let Some(since) = next {
                    self.ask(since);
                    self.flush()?;
                }
                Ok(())
            }
        }
    }
}

fn ask_grpc(out: &mut Out, request: &[u8], asked: &mut InFlight, since: Instant) {
    asked.begin(out.call(method::PUBLISH, request), since);
}

fn rest_request(address: &str, topic: &str, load: &Load) -> Vec<u8> {
    let data = base64(&message_data(load.body_bytes));
    let message = format!(r#"{{"data":"{data}"}}"#);
    let body = format!(
        r#"{{"messages":[{}]}}"#,
        vec![message; load.batch].join(",")
    );
    format!(
        "POST /v1/{}:publish HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
         user-agent: load/1.0\r\ncontent-length: {}\r\n\r\n{body}",
        topic_name(topic),
        body.len()
    )
    .into_bytes()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let mut word = 0u32;
        for at in 0..3 {
            word = word << 8 | u32::from(group.get(at).copied().unwrap_or(0));
        }
        for at in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * at)) as usize & 63];
            text.push(if at > group.len() { '=' } else { digit as char });
        }
    }
    text
}

fn histogram() -> io::Result<Histogram<u64>> {
    Histogram::new_with_max(60_000_000, 3).map_err(io::Error::other)
}

/// Publishes.
pub fn run(load: &Load, server: &Server) -> io::Result<Outcome> {
    let address = server.pubsub.as_deref().unwrap_or(&server.address);
    let mut poll = Poll::new()?;
    let mut lines = Vec::with_capacity(load.connections);
    for index in 0..load.connections {
        let topic = &load.topics[index % load.topics.len()];
        let mut line = Line::connect(load, address, topic)?;
        line.register(&poll, Token(index))?;
        lines.push(line);
    }
    let started = Instant::now();
    let measure_from = started + load.warmup;
    let mut schedule = load.rate.map(|rate| Schedule::new(rate, started));
    let calls_max = match load.until {
        Until::Calls(calls) => calls,
        Until::Time(_) => u64::MAX,
    };
    let streams = if load.rest { 1 } else { load.streams };
    // Open loop: lines that have room for a call. Closed loop: none ever has.
    let mut free = VecDeque::new();
    let mut asked = 0;
    for index in (0..streams).flat_map(|_| 0..load.connections) {
        if schedule.is_some() {
            free.push_back(index);
        } else if asked < calls_max {
            lines[index].ask(started);
            asked += 1;
        }
    }
    for line in &mut lines {
        line.flush()?;
    }
    let mut latencies_us = histogram()?;
    let (mut answered, mut errors, mut measured_from) = (0u64, 0u64, started);
    let mut cpu_from = server.cpu()?;
    let mut measuring = load.warmup.is_zero();
    let mut events = Events::with_capacity(1024);
    let mut waiting: VecDeque<Instant> = VecDeque::new();
    loop {
        let mut now = Instant::now();
        if !measuring && now >= measure_from {
            (measuring, measured_from) = (true, now);
            cpu_from = server.cpu()?;
            latencies_us.reset();
            (answered, errors) = (0, 0);
        }
        let mut wait = Duration::from_millis(100);
        match load.until {
            Until::Time(time) if now >= measure_from + time => break,
            Until::Calls(calls) if answered >= calls => break,
            Until::Time(time) => wait = wait.min(measure_from + time - now),
            Until::Calls(_) => {}
        }
        if let Some(schedule) = &mut schedule {
            schedule.fill(now, &mut waiting);
            while !waiting.is_empty()
                && let Some(index) = free.pop_front()
            {
                let due = waiting.pop_front().expect("not empty");
                lines[index].ask(due);
                lines[index].flush()?;
            }
            wait = wait.min(schedule.next().saturating_duration_since(now));
        }
        match poll.poll(&mut events, Some(wait)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            result => result?,
        }
        now = Instant::now();
        for event in &events {
            let Token(index) = event.token();
            if event.is_writable() {
                lines[index].flush()?;
            }
            if event.is_readable() {
                lines[index].read(|since, good| {
                    answered += 1;
                    errors += u64::from(!good);
                    let latency = now.saturating_duration_since(since);
                    latencies_us.saturating_record(latency.as_micros() as u64);
                    if schedule.is_some() {
                        free.push_back(index);
                        return None;
                    }
                    asked += 1;
                    (asked <= calls_max).then_some(now)
                })?;
            }
        }
    }
    let seconds = measured_from.elapsed().as_secs_f64();
    let cpu = server.cpu()?.saturating_sub(cpu_from);
    if answered == 0 || errors > 0 {
        return Err(io::Error::other(format!(
            "of {answered} calls {errors} failed"
        )));
    }
    Ok(Outcome {
        calls_per_s: answered as f64 / seconds,
        messages_per_s: answered as f64 * load.batch as f64 / seconds,
        latencies_us,
        cpu_us: cpu.as_secs_f64() * 1e6 / answered as f64,
    })
}

/// Publishes so many messages, quickly, and returns when all are published.
pub fn fill(server: &Server, topic: &str, messages: usize, body_bytes: usize) -> io::Result<()> {
    let batch = if body_bytes > 4000 { 10 } else { 100 };
    assert!(messages.is_multiple_of(batch), "in whole batches");
    let load = Load {
        connections: 4,
        streams: 4,
        batch,
        body_bytes,
        topics: vec![topic.to_owned()],
        rest: false,
        rate: None,
        warmup: Duration::ZERO,
        until: Until::Calls((messages / batch) as u64),
    };
    run(&load, server).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_padded() {
        assert_eq!(base64(b"Man"), "TWFu");
        assert_eq!(base64(b"Ma"), "TWE=");
        assert_eq!(base64(b"M"), "TQ==");
    }

    #[test]
    fn calls_end_in_any_order() {
        let now = Instant::now();
        let mut calls = InFlight::default();
        for stream in [5, 7, 9] {
            calls.begin(stream, now);
        }
        assert_eq!(calls.end(7), Some(now));
        assert_eq!(calls.end(7), None);
        assert_eq!(calls.end(5), Some(now));
        assert_eq!(calls.end(9), Some(now));
        assert!(calls.since.is_empty());
        calls.begin(11, now);
        assert_eq!(calls.end(11), Some(now));
    }
}
