//! Publishing one message at a time and waiting for its delivery on a stream.

use lclq_loadtest::http2::{Connection, Event, Messages};
use lclq_loadtest::pubsub::{Admin, method, publish_request, stream_request, take_ack_ids};
use lclq_loadtest::server::Server;
use mio::{Events, Poll, Token};
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

const PUBLISHER: Token = Token(0);
const SUBSCRIBER: Token = Token(1);
/// What a delivery may take before it counts as lost.
const DELIVERY_WAIT: Duration = Duration::from_secs(20);

/// A publisher and an open stream, each with a connection of its own.
pub struct Probe {
    poll: Poll,
    events: Events,
    publisher: Connection,
    subscriber: Connection,
    stream: u32,
    request: Vec<u8>,
    messages: Messages,
    /// Answers to publishes, deliveries, and responses without messages so far.
    published: u64,
    delivered: u64,
    pub empty_responses: u64,
    broken: Option<&'static str>,
}

impl Probe {
    /// On a topic and a subscription of their own.
    pub fn open(server: &Server, name: &str) -> io::Result<Self> {
        let address = server.pubsub.as_deref().expect("lclq has one");
        let mut admin = Admin::connect(address)?;
        admin.create_topic(name, 0)?;
        admin.create_subscription(name, name)?;
        let poll = Poll::new()?;
        let mut publisher = Connection::connect(address, method::PUBLISH)?;
        let mut subscriber = Connection::connect(address, method::STREAMING_PULL)?;
        publisher.register(poll.registry(), PUBLISHER)?;
        subscriber.register(poll.registry(), SUBSCRIBER)?;
        let first = stream_request(name);
        let stream = subscriber.out.open(method::STREAMING_PULL, &first);
        subscriber.flush()?;
        Ok(Self {
            poll,
            events: Events::with_capacity(16),
            publisher,
            subscriber,
            stream,
            request: publish_request(name, 200, 1),
            messages: Messages::default(),
            published: 0,
            delivered: 0,
            empty_responses: 0,
            broken: None,
        })
    }

    /// Publishes a message and waits until it has come and its publisher knows its id. Answers the
    /// time to its delivery.
    pub fn once(&mut self) -> io::Result<Duration> {
        let wanted = self.delivered + 1;
        let begun = Instant::now();
        self.publisher.out.call(method::PUBLISH, &self.request);
        self.publisher.flush()?;
        let mut taken = None;
        while taken.is_none() || self.published < wanted {
            if begun.elapsed() > DELIVERY_WAIT {
                return Err(io::Error::other("a message was not delivered"));
            }
            self.turn(DELIVERY_WAIT)?;
            if self.delivered >= wanted && taken.is_none() {
                taken = Some(begun.elapsed());
            }
        }
        if self.delivered > wanted {
            return Err(io::Error::other("a message came twice"));
        }
        taken.ok_or_else(|| io::Error::other("not delivered"))
    }

    /// Sends an empty request, as clients do to keep a stream alive.
    pub fn keep_alive(&mut self) -> io::Result<()> {
        self.subscriber.out.send(self.stream, &[]);
        self.subscriber.flush()
    }

    /// Reads what comes until `until`.
    pub fn rest(&mut self, until: Instant) -> io::Result<()> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            self.turn(left)?;
        }
    }

    fn turn(&mut self, wait: Duration) -> io::Result<()> {
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        let (mut publisher, mut subscriber) = (false, false);
        for event in &self.events {
            publisher |= event.token() == PUBLISHER;
            subscriber |= event.token() == SUBSCRIBER;
        }
        let broken = &mut self.broken;
        if subscriber {
            let (messages, stream) = (&mut self.messages, self.stream);
            let (delivered, empty) = (&mut self.delivered, &mut self.empty_responses);
            self.subscriber.read(|out, event| match event {
                Event::Data { bytes, .. } => messages.take(bytes, |response| {
                    let mut acks = Vec::new();
                    match take_ack_ids(response, &mut acks) {
                        Ok(0) => *empty += 1,
                        Ok(count) => *delivered += count as u64,
                        Err(_) => *broken = Some("a response can't be read"),
                    }
                    if !acks.is_empty() {
                        out.send(stream, &acks);
                    }
                }),
                Event::End { .. } => *broken = Some("the stream ended"),
                Event::Pong => {}
            })?;
        }
        if publisher {
            let published = &mut self.published;
            self.publisher.read(|_, event| {
                if let Event::End { good, .. } = event {
                    *published += 1;
                    if !good {
                        *broken = Some("a publish failed");
                    }
                }
            })?;
        }
        match self.broken {
            Some(why) => Err(io::Error::other(why)),
            None => Ok(()),
        }
    }
}
