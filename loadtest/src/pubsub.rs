//! Pub/Sub's requests as the bytes that go over the wire, and what is wanted of its replies.

use std::io;
use std::time::Duration;

use crate::http2::{Connection, Event};
use crate::protobuf::{Malformed, for_each_field, put_field, put_integer};

/// Paths of the methods that are called.
pub mod method {
    /// Publisher.CreateTopic.
    pub const CREATE_TOPIC: &str = "/google.pubsub.v1.Publisher/CreateTopic";
    /// Publisher.Publish.
    pub const PUBLISH: &str = "/google.pubsub.v1.Publisher/Publish";
    /// Subscriber.CreateSubscription.
    pub const CREATE_SUBSCRIPTION: &str = "/google.pubsub.v1.Subscriber/CreateSubscription";
    /// Subscriber.StreamingPull.
    pub const STREAMING_PULL: &str = "/google.pubsub.v1.Subscriber/StreamingPull";
}

/// What a call of the set-up is given to be answered in.
const CALL_WAIT: Duration = Duration::from_secs(60);

/// A topic's full name.
pub fn topic_name(topic: &str) -> String {
    format!("projects/load/topics/{topic}")
}

/// A subscription's full name.
pub fn subscription_name(subscription: &str) -> String {
    format!("projects/load/subscriptions/{subscription}")
}

/// A message's data.
pub fn message_data(bytes: usize) -> Vec<u8> {
    const TEXT: &[u8] = b"The quick brown fox jumps over the lazy dog. 0123456789 ";
    TEXT.iter().copied().cycle().take(bytes).collect()
}

/// A `PublishRequest` of `count` messages.
pub fn publish_request(topic: &str, body_bytes: usize, count: usize) -> Vec<u8> {
    let mut message = Vec::with_capacity(body_bytes + 4);
    put_field(&mut message, 1, &message_data(body_bytes));
    let mut request = Vec::with_capacity(count * (message.len() + 4) + 100);
    put_field(&mut request, 1, topic_name(topic).as_bytes());
    for _ in 0..count {
        put_field(&mut request, 2, &message);
    }
    request
}

/// The first request of a stream; no bounds on what may be outstanding.
pub fn stream_request(subscription: &str) -> Vec<u8> {
    let mut request = Vec::new();
    let name = subscription_name(subscription);
    put_field(&mut request, 1, name.as_bytes());
    put_integer(&mut request, 5, 600);
    // With this version the server answers pings.
    put_integer(&mut request, 10, 1);
    request
}

/// Reads a `StreamingPullResponse`: appends the ack id of each message to `acks`, as a
/// `StreamingPullRequest` has them, and answers how many there were.
///
/// # Errors
/// If the response can't be read.
#[inline]
pub fn take_ack_ids(response: &[u8], acks: &mut Vec<u8>) -> Result<usize, Malformed> {
    let mut count = 0;
    let mut outcome = Ok(());
    for_each_field(response, |number, received| {
        if number == 1 {
            count += 1;
            let read = for_each_field(received, |number, bytes| {
                if number == 1 {
                    put_field(acks, 2, bytes);
                }
            });
            outcome = outcome.and(read);
        }
    })?;
    outcome.map(|()| count)
}

/// Makes topics and subscriptions, one call after the other.
#[derive(Debug)]
pub struct Admin {
    connection: Connection,
}

impl Admin {
    /// On a connection of its own to `address`.
    ///
    /// # Errors
    /// If the server can't be reached.
    pub fn connect(address: &str) -> io::Result<Self> {
        let connection = Connection::connect(address, method::CREATE_TOPIC)?;
        Ok(Self { connection })
    }

    /// Makes a topic; retained for so many seconds, if that isn't 0.
    ///
    /// # Errors
    /// If the server refuses.
    pub fn create_topic(&mut self, topic: &str, retention_s: u64) -> io::Result<()> {
        let mut request = Vec::new();
        put_field(&mut request, 1, topic_name(topic).as_bytes());
        if retention_s > 0 {
            let mut duration = Vec::new();
            put_integer(&mut duration, 1, retention_s);
            put_field(&mut request, 8, &duration);
        }
        self.call(method::CREATE_TOPIC, &request).map(drop)
    }

    /// Makes a subscription with the longest ack deadline.
    ///
    /// # Errors
    /// If the server refuses.
    pub fn create_subscription(&mut self, subscription: &str, topic: &str) -> io::Result<()> {
        let mut request = Vec::new();
        let name = subscription_name(subscription);
        put_field(&mut request, 1, name.as_bytes());
        put_field(&mut request, 2, topic_name(topic).as_bytes());
        put_integer(&mut request, 5, 600);
        self.call(method::CREATE_SUBSCRIPTION, &request).map(drop)
    }

    /// Publishes, and answers once that is done.
    ///
    /// # Errors
    /// If the server refuses.
    pub fn publish(&mut self, request: &[u8]) -> io::Result<()> {
        self.call(method::PUBLISH, request).map(drop)
    }

    /// Calls a unary method.
    ///
    /// # Errors
    /// If it fails or takes too long.
    pub fn call(&mut self, path: &str, request: &[u8]) -> io::Result<Vec<u8>> {
        let stream = self.connection.out.call(path, request);
        let mut reply = Vec::new();
        let mut ended = None;
        self.connection.wait(
            CALL_WAIT,
            |_, event| match event {
                Event::Data { stream: of, bytes } if of == stream => reply.extend_from_slice(bytes),
                Event::End { stream: of, good } if of == stream => ended = Some(good),
                _ => {}
            },
            |event| matches!(event, Event::End { stream: of, .. } if *of == stream),
        )?;
        match ended {
            Some(true) => Ok(reply),
            _ => Err(io::Error::other(format!("{path} failed"))),
        }
    }
}
