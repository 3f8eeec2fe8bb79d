//! The event loop: one thread, one poll, every connection.

use std::collections::VecDeque;
use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::net::ToSocketAddrs;
use std::rc::Rc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use lclq_loadtest::request::Requests;
use lclq_loadtest::response::{Framed, frame, string_values};
use lclq_loadtest::schedule::Schedule;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::options::{Action, Options};
use crate::targets::{Client, Target, create_queues, fill};

pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What the answer in hand belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Send,
    SendBatch,
    Receive,
    Delete,
}

struct Connection {
    stream: TcpStream,
    target: Rc<Target>,
    /// Asked, not answered: what, and since when.
    asked: VecDeque<(Step, Instant)>,
    /// Messages in the delete that was asked.
    deleting: u64,
    /// The beginning of an answer whose rest is yet to come.
    begun: Vec<u8>,
    /// What the socket had no room for.
    output: Vec<u8>,
}

struct Tally {
    latencies_us: Histogram<u64>,
    requests: u64,
    messages: u64,
    deleted: u64,
    errors: u64,
}

impl Tally {
    fn new() -> Result<Self> {
        let latencies_us = Histogram::new_with_max(60_000_000, 3)?;
        Ok(Tally {
            latencies_us,
            requests: 0,
            messages: 0,
            deleted: 0,
            errors: 0,
        })
    }
}

pub fn run(options: &Options) -> Result<()> {
    let host = options
        .url
        .trim_start_matches("http://")
        .trim_end_matches('/');
    let addr = host
        .to_socket_addrs()?
        .next()
        .ok_or("the URL has no address")?;
    let requests = Requests::new(host);
    let mut client = Client::connect(addr)?;
    let targets = create_queues(options, &mut client, &requests)?;

    let mut poll = Poll::new()?;
    let mut connections = Vec::with_capacity(options.connections);
    for index in 0..options.connections {
        let stream = std::net::TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        poll.registry().register(
            &mut stream,
            Token(index),
            Interest::READABLE | Interest::WRITABLE,
        )?;
        connections.push(Connection {
            stream,
            target: targets[index % targets.len()].clone(),
            asked: VecDeque::new(),
            deleting: 0,
            begun: Vec::new(),
            output: Vec::new(),
        });
    }

    // Had it gone sooner, which core is the least loaded would depend on when the server noticed.
    drop(client);
    let mut load = Load {
        options,
        requests,
        tally: Tally::new()?,
        due: VecDeque::new(),
        stamped: 0,
        input: vec![0; 16 * 1024],
    };
    let elapsed = match options.backlog {
        None => load.run_for_a_while(&mut poll, &mut connections)?,
        Some(backlog) => {
            let mut elapsed = 0.0;
            while elapsed < options.seconds {
                fill(addr, &targets, backlog, &mut load.stamped)?;
                elapsed += load.drain(&mut poll, &mut connections, backlog)?;
            }
            elapsed
        }
    };
    report(options, &load.tally, elapsed);
    if load.tally.requests == 0 {
        return Err("not one request was answered".into());
    }
    Ok(())
}

impl Load<'_> {
    /// Asks for as long as the options say; answers the seconds that were measured.
    fn run_for_a_while(&mut self, poll: &mut Poll, connections: &mut [Connection]) -> Result<f64> {
        let load = self;
        let options = load.options;
        let started = Instant::now();
        let measure_from = started + Duration::from_secs_f64(options.warmup_seconds);
        let until = measure_from + Duration::from_secs_f64(options.seconds);
        let mut measuring = false;
        let mut free: VecDeque<usize> = VecDeque::new();
        let mut schedule = options.rate.map(|rate| Schedule::new(rate, started));
        for (index, connection) in connections.iter_mut().enumerate() {
            for _ in 0..options.pipeline {
                if schedule.is_some() {
                    free.push_back(index);
                } else {
                    load.ask_first(connection, Instant::now())?;
                }
            }
        }

        let mut events = Events::with_capacity(1024);
        loop {
            let mut now = Instant::now();
            if now >= until {
                break;
            }
            if !measuring && now >= measure_from {
                measuring = true;
                load.tally = Tally::new()?;
            }
            let mut wait = until - now;
            if let Some(schedule) = &mut schedule {
                schedule.fill(now, &mut load.due);
                while let Some(index) = if load.due.is_empty() {
                    None
                } else {
                    free.pop_front()
                } {
                    let due = load.due.pop_front().expect("not empty");
                    load.ask_first(&mut connections[index], due)?;
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
                let connection = &mut connections[index];
                if event.is_writable() && !connection.output.is_empty() {
                    connection.flush()?;
                }
                if event.is_readable() {
                    for _ in 0..load.read(connection, now)? {
                        if schedule.is_some() {
                            free.push_back(index);
                        } else {
                            load.ask_first(connection, now)?;
                        }
                    }
                }
            }
        }
        Ok((Instant::now() - measure_from).as_secs_f64())
    }

    /// Receives and deletes until `messages` are deleted; answers how long that took, seconds.
    fn drain(
        &mut self,
        poll: &mut Poll,
        connections: &mut [Connection],
        messages: u64,
    ) -> Result<f64> {
        let goal = self.tally.deleted + messages;
        let started = Instant::now();
        let mut done = None;
        for connection in &mut *connections {
            self.ask_first(connection, started)?;
        }
        let mut events = Events::with_capacity(1024);
        // What is still asked when the last message is gone has to be answered too, or it would be
        // in the way of the next round.
        while connections
            .iter()
            .any(|connection| !connection.asked.is_empty())
        {
            match poll.poll(&mut events, Some(DRAIN_SILENCE_MAX)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                result => result?,
            }
            if events.is_empty() {
                return Err("the server stopped answering".into());
            }
            let now = Instant::now();
            for event in &events {
                let Token(index) = event.token();
                let connection = &mut connections[index];
                if event.is_writable() && !connection.output.is_empty() {
                    connection.flush()?;
                }
                if event.is_readable() {
                    for _ in 0..self.read(connection, now)? {
                        if self.tally.deleted < goal {
                            self.ask_first(connection, now)?;
                        }
                    }
                }
            }
            if done.is_none() && self.tally.deleted >= goal {
                done = Some(now);
            }
        }
        let done = done.ok_or("the queue was empty before all was deleted")?;
        Ok((done - started).as_secs_f64())
    }
}

/// How long a server may go without an answer while a queue is drained.
const DRAIN_SILENCE_MAX: Duration = Duration::from_secs(10);

struct Load<'a> {
    options: &'a Options,
    requests: Requests,
    tally: Tally,
    due: VecDeque<Instant>,
    /// Deduplication ids used.
    stamped: u64,
    /// What is read from whichever connection has something: with thousands of them, buffers of their own would be
    /// in no cache.
    input: Vec<u8>,
}

impl Load<'_> {
    /// Begins a connection's next round of its action.
    fn ask_first(&mut self, connection: &mut Connection, since: Instant) -> Result<()> {
        let target = connection.target.clone();
        match self.options.action {
            Action::Send | Action::Cycle => {
                let send = target.send.stamped(&mut self.stamped);
                connection.ask(Step::Send, &send, since)
            }
            Action::SendBatch => {
                let send = target.send_batch.stamped(&mut self.stamped);
                connection.ask(Step::SendBatch, &send, since)
            }
            Action::ReceiveDelete => connection.ask(Step::Receive, &target.receive, since),
        }
    }

    /// Takes in what has come. Returns how many rounds have ended.
    fn read(&mut self, connection: &mut Connection, now: Instant) -> Result<usize> {
        let mut input = std::mem::take(&mut self.input);
        let mut filled = connection.begun.len();
        input[..filled].copy_from_slice(&connection.begun);
        let mut rounds = 0;
        loop {
            let room = input.len() - filled;
            let read = match connection.stream.read(&mut input[filled..]) {
                Ok(0) => return Err("the server closed a connection".into()),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            filled += read;
            let mut start = 0;
            while let Some(framed) = frame(&input[start..filled])? {
                let answer = &input[start..start + framed.end];
                start += framed.end;
                if self.answered(connection, answer, framed, now)? {
                    rounds += 1;
                }
            }
            input.copy_within(start..filled, 0);
            filled -= start;
            if filled == input.len() {
                input.resize(filled * 2, 0);
            }
            // A short read has emptied the socket: asking again would only return EAGAIN.
            if read < room {
                break;
            }
        }
        connection.begun.clear();
        connection.begun.extend_from_slice(&input[..filled]);
        self.input = input;
        Ok(rounds)
    }

    /// One answer. Returns whether it ended its round; if not, the next request of it is sent.
    fn answered(
        &mut self,
        connection: &mut Connection,
        answer: &[u8],
        framed: Framed,
        now: Instant,
    ) -> Result<bool> {
        let (step, since) = connection
            .asked
            .pop_front()
            .ok_or("an answer nobody asked for")?;
        let tally = &mut self.tally;
        tally.requests += 1;
        let latency_us = now.saturating_duration_since(since).as_micros() as u64;
        tally.latencies_us.saturating_record(latency_us);
        if framed.status != 200 {
            if tally.errors == 0 {
                eprintln!("first error:\n{}", String::from_utf8_lossy(answer));
            }
            tally.errors += 1;
            return Ok(true);
        }
        let target = connection.target.clone();
        match step {
            Step::Send => {
                tally.messages += 1;
                if self.options.action != Action::Cycle {
                    return Ok(true);
                }
                connection.ask(Step::Receive, &target.receive, now)?;
                Ok(false)
            }
            Step::SendBatch => {
                tally.messages += self.options.batch as u64;
                Ok(true)
            }
            Step::Receive => {
                let body = &answer[framed.body_start..];
                let handles = string_values(body, "ReceiptHandle");
                if handles.is_empty() {
                    return Ok(true);
                }
                if self.options.action == Action::ReceiveDelete {
                    tally.messages += handles.len() as u64;
                }
                let deleting = handles.len() as u64;
                let delete = self.requests.delete(&target.url, &handles);
                connection.deleting = deleting;
                connection.ask(Step::Delete, &delete, now)?;
                Ok(false)
            }
            Step::Delete => {
                tally.deleted += std::mem::take(&mut connection.deleting);
                Ok(true)
            }
        }
    }
}

impl Connection {
    fn ask(&mut self, step: Step, request: &[u8], since: Instant) -> Result<()> {
        self.asked.push_back((step, since));
        if !self.output.is_empty() {
            self.output.extend_from_slice(request);
            return Ok(());
        }
        let sent = match self.stream.write(request) {
            Ok(sent) => sent,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error.into()),
        };
        self.output.extend_from_slice(&request[sent..]);
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        while !self.output.is_empty() {
            match self.stream.write(&self.output) {
                Ok(sent) => drop(self.output.drain(..sent)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

fn report(options: &Options, tally: &Tally, elapsed: f64) {
    let at = |quantile| tally.latencies_us.value_at_quantile(quantile);
    let per_second = tally.requests as f64 / elapsed;
    let messages_per_second = tally.messages as f64 / elapsed;
    let action = clap::ValueEnum::to_possible_value(&options.action)
        .map_or_else(String::new, |value| value.get_name().to_owned());
    println!(
        "{action}: {per_second:.0} requests/s, {messages_per_second:.0} messages/s over {} \
         connections; p50 {} us, p90 {} us, p99 {} us, max {} us; {} errors",
        options.connections,
        at(0.5),
        at(0.9),
        at(0.99),
        tally.latencies_us.max(),
        tally.errors
    );
    println!(
        "{{\"action\":\"{action}\",\"connections\":{},\"pipeline\":{},\"body_bytes\":{},\
         \"seconds\":{elapsed:.3},\"requests\":{},\"messages\":{},\"errors\":{},\
         \"requests_per_second\":{per_second:.1},\"messages_per_second\":{messages_per_second:.1},\
         \"p50_us\":{},\"p90_us\":{},\"p99_us\":{},\"max_us\":{}}}",
        options.connections,
        options.pipeline,
        options.body_bytes,
        tally.requests,
        tally.messages,
        tally.errors,
        at(0.5),
        at(0.9),
        at(0.99),
        tally.latencies_us.max()
    );
}
