//! Clients that work until the server dies, and keep what they know for the next run.

use super::calls::{AckIds, Died, Held, acknowledge, give_back, note, publish, pull};
use super::ledger::{Delivery, Message, Moment, Seen};
use super::load::World;
use crate::support::streaming::Stream;
use crate::support::{Client, Server};
use lclq::pubsub::proto::{ReceivedMessage, StreamingPullRequest};
use rand::Rng;
use rand::rngs::SmallRng;
use std::collections::HashMap;
use std::io;
use std::time::Duration;

/// Publishers pause above this.
const LIVE_MAX: usize = 4000;
/// Ordering keys of one publisher.
const KEYS: u32 = 3;
/// Numbers of messages without a key, from one publisher to its next, so that no two share any.
const STRIDE: u32 = 4;
/// How long a stream is listened to before its client does something else.
const LISTEN: Duration = Duration::from_millis(20);
/// Responses of a stream before it is closed.
const RESPONSES_MAX: u32 = 30;

pub enum Worker {
    /// Publishes to one topic. Its ordering keys are its own, each used strictly in order.
    Publisher {
        topic: usize,
        index: u32,
        unkeyed: u32,
        keyed: [u32; KEYS as usize],
    },
    /// Pulls and acknowledges, most of the time.
    Puller {
        subscriptions: Vec<usize>,
        held: Vec<(usize, Vec<Held>)>,
    },
    /// Opens streams and acknowledges, most of the time.
    Streamer { subscriptions: Vec<usize> },
    /// Pulls and gives back.
    Rejecter { subscriptions: Vec<usize> },
}

impl Worker {
    pub fn publisher(topic: usize, index: u32) -> Self {
        Worker::Publisher {
            topic,
            index,
            unkeyed: index,
            keyed: [0; KEYS as usize],
        }
    }

    pub fn puller(subscriptions: Vec<usize>) -> Self {
        Worker::Puller {
            subscriptions,
            held: Vec::new(),
        }
    }

    pub fn run(&mut self, world: &World, server: &Server, rng: &mut SmallRng) {
        let mut client = server.pubsub_client();
        // Whatever fails, fails because the server was killed; checks panic instead.
        if self.start_over(world, &mut client).is_err() {
            return;
        }
        while !world.is_stopped() {
            if self.step(world, server, &mut client, rng).is_err() {
                return;
            }
        }
    }

    /// What a client does first after a restart.
    fn start_over(&mut self, world: &World, client: &mut Client) -> Result<(), Died> {
        if let Worker::Puller { held, .. } = self {
            for (subscription, held) in std::mem::take(held) {
                acknowledge(world, client, subscription, &held, AckIds::Late)?;
            }
        }
        Ok(())
    }

    fn step(
        &mut self,
        world: &World,
        server: &Server,
        client: &mut Client,
        rng: &mut SmallRng,
    ) -> Result<(), Died> {
        match self {
            Worker::Publisher { .. } if world.ledger().live() > LIVE_MAX => {
                std::thread::sleep(Duration::from_millis(5));
                Ok(())
            }
            Worker::Publisher {
                topic,
                index,
                unkeyed,
                keyed,
            } => {
                let count = rng.random_range(1..=10);
                let mut next = || {
                    if rng.random_ratio(1, 2) {
                        *unkeyed += STRIDE;
                        return (*topic, 0, *unkeyed);
                    }
                    let key = rng.random_range(0..KEYS);
                    keyed[key as usize] += 1;
                    (*topic, 1 + *index * KEYS + key, keyed[key as usize])
                };
                let messages: Vec<Message> = (0..count).map(|_| next()).collect();
                publish(world, client, &messages)
            }
            Worker::Puller {
                subscriptions,
                held,
            } => {
                let subscription = one_of(subscriptions, rng);
                // A wait may outlast the server's orderly end, but not its death.
                let waits = rng.random_ratio(1, 40);
                let got = pull(world, client, subscription, true, waits)?;
                if got.is_empty() {
                    return Ok(());
                }
                match rng.random_range(0..10) {
                    // Acknowledged after the next restart, with ack ids from before it.
                    0 => held.push((subscription, got)),
                    // Forgotten: comes back after the next restart.
                    1 => {}
                    2 => give_back(world, client, subscription, &got)?,
                    3..5 => {
                        for one in &got {
                            let one = std::slice::from_ref(one);
                            acknowledge(world, client, subscription, one, AckIds::Current)?;
                        }
                    }
                    _ => acknowledge(world, client, subscription, &got, AckIds::Current)?,
                }
                Ok(())
            }
            Worker::Streamer { subscriptions } => {
                let subscription = one_of(subscriptions, rng);
                let mut open = OpenStream::new(world, server, subscription)?;
                let result = open.listen(world, client, rng);
                open.close(world);
                result
            }
            Worker::Rejecter { subscriptions } => {
                let subscription = one_of(subscriptions, rng);
                let mut got = pull(world, client, subscription, false, false)?;
                if got.is_empty() {
                    std::thread::sleep(Duration::from_millis(1));
                    return Ok(());
                }
                if rng.random_ratio(1, 10) {
                    let one = got.split_off(got.len() - 1);
                    acknowledge(world, client, subscription, &one, AckIds::Current)?;
                }
                if got.is_empty() {
                    return Ok(());
                }
                give_back(world, client, subscription, &got)
            }
        }
    }
}

fn one_of(subscriptions: &[usize], rng: &mut SmallRng) -> usize {
    subscriptions[rng.random_range(0..subscriptions.len())]
}

/// A stream of a subscription, and what it was given.
struct OpenStream {
    stream: Stream,
    delivery: Delivery,
    given: Vec<Message>,
    /// Ordering keys of which something was given back, and when first: what was on its way then is
    /// not leased.
    unsure: HashMap<u32, Moment>,
}

impl OpenStream {
    fn new(world: &World, server: &Server, subscription: usize) -> Result<Self, Died> {
        let holder = world.tick();
        let first = StreamingPullRequest {
            subscription: world.subscriptions[subscription].full_name(),
            stream_ack_deadline_seconds: 600,
            max_outstanding_messages: 100,
            ..Default::default()
        };
        let delivery = Delivery {
            subscription,
            asked: holder,
            holder,
            leased: true,
            gave_back: None,
        };
        Ok(Self {
            stream: Stream::open(server.pubsub_address(), &first)?,
            delivery,
            given: Vec::new(),
            unsure: HashMap::new(),
        })
    }

    /// Takes responses for a while.
    fn listen(
        &mut self,
        world: &World,
        client: &mut Client,
        rng: &mut SmallRng,
    ) -> Result<(), Died> {
        let subscription = self.delivery.subscription;
        for _ in 0..rng.random_range(1..RESPONSES_MAX) {
            if world.is_stopped() {
                return Ok(());
            }
            let response = match self.stream.next(LISTEN) {
                Ok(Some(response)) => response,
                Ok(None) => return Ok(()),
                Err(error) => return Err(ended(error)),
            };
            let held = self.note(world, response.received_messages);
            if held.is_empty() {
                continue;
            }
            world.ledger().totals.streamed += held.len() as u64;
            let unsure = &self.unsure;
            let (doubtful, current): (Vec<Held>, Vec<Held>) = held
                .into_iter()
                .partition(|held| unsure.contains_key(&held.message.1));
            if !doubtful.is_empty() {
                acknowledge(world, client, subscription, &doubtful, AckIds::Doubtful)?;
            }
            if current.is_empty() {
                continue;
            }
            match rng.random_range(0..10) {
                // Kept until the stream ends.
                0 => {}
                1 => {
                    let keys = current.iter().map(|held| held.message.1);
                    let now = world.tick();
                    self.unsure
                        .extend(keys.filter(|key| *key != 0).map(|key| (key, now)));
                    give_back(world, client, subscription, &current)?;
                }
                2..6 if world.subscriptions[subscription].exactly_once => {
                    self.acknowledge_in_stream(world, &current)?;
                }
                _ => acknowledge(world, client, subscription, &current, AckIds::Current)?,
            }
        }
        Ok(())
    }

    fn note(&mut self, world: &World, received: Vec<ReceivedMessage>) -> Vec<Held> {
        let mut held = Vec::new();
        for one in received {
            let message = one.message.expect("a message");
            let mut attributes = message.attributes;
            let seen = Seen {
                data: String::from_utf8(message.data.to_vec()).expect("text"),
                message_id: message.message_id,
                key: message.ordering_key,
                dead_letter_of: attributes.remove("CloudPubSubDeadLetterSourceSubscription"),
                ack_id: one.ack_id,
            };
            let mut delivery = self.delivery;
            let is_its = |key: &u32| super::ledger::key_name(*key) == seen.key;
            let unsure = self.unsure.iter().find(|(key, _)| is_its(key));
            delivery.gave_back = unsure.map(|(_, at)| *at);
            delivery.leased = unsure.is_none();
            held.extend(note(world, &delivery, vec![seen]));
        }
        self.given.extend(held.iter().map(|held| held.message));
        held
    }

    /// Acknowledges over the stream, and waits until that is confirmed.
    fn acknowledge_in_stream(&mut self, world: &World, held: &[Held]) -> Result<(), Died> {
        let subscription = self.delivery.subscription;
        let messages: Vec<Message> = held.iter().map(|held| held.message).collect();
        world.ledger().acknowledging(subscription, &messages);
        let request = StreamingPullRequest {
            ack_ids: held.iter().map(|held| held.ack_id.clone()).collect(),
            ..Default::default()
        };
        self.stream.send(&request)?;
        loop {
            let response = match self.stream.next(Duration::from_secs(10)) {
                Ok(response) => response.expect("a confirmation in time"),
                Err(error) => return Err(ended(error)),
            };
            // What comes before the confirmation is kept until the stream ends.
            self.note(world, response.received_messages);
            if let Some(confirmation) = response.acknowledge_confirmation {
                for (ack_id, message) in request.ack_ids.iter().zip(messages) {
                    if confirmation.ack_ids.contains(ack_id) {
                        world.ledger().acknowledged(subscription, message);
                    } else {
                        // An earlier one of its ordering key is with somebody else: it comes again.
                        let unordered = &confirmation.unordered_ack_ids;
                        assert!(unordered.contains(ack_id), "{confirmation:?}");
                        world.ledger().refused(subscription, message);
                    }
                }
                return Ok(());
            }
        }
    }

    fn close(self, world: &World) {
        // Under exactly-once delivery what a stream was given stays leased when it ends.
        let subscription = self.delivery.subscription;
        if !world.subscriptions[subscription].exactly_once {
            world.ledger().releasing(subscription, &self.given);
        }
    }
}

/// A stream that the server ended for another reason than its own end is a failure.
fn ended(error: io::Error) -> Died {
    let text = error.to_string();
    let unavailable = text.contains("\"grpc-status\": \"14\"") || text.contains("is stopping");
    assert!(!text.contains("grpc-status") || unavailable, "{text}");
    Died
}
