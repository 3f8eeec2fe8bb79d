//! Clients of topics and subscriptions of every kind, on every shard, and how they are checked.

use super::calls::{AckIds, Died, acknowledge, call, give_back, pull};
use super::ledger::{Ledger, Moment};
use super::plan::{Subscription, Topic, creation, subscriptions, topics};
use super::workers::Worker;
use crate::support::killing::Load;
use crate::support::{Client, Server};
use rand::Rng;
use rand::rngs::SmallRng;
use serde_json::json;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A drain that brings nothing for so long has brought all there is.
const STALL: Duration = Duration::from_secs(5);
/// Pulls in which all messages must have become dead letters.
const REJECTIONS_MAX: u32 = 20_000;
/// Restarts, of which one on average renews subscriptions.
const RESTARTS_PER_RENEWAL: u32 = 4;

pub struct World {
    pub topics: Vec<Topic>,
    pub subscriptions: Vec<Subscription>,
    ledger: Mutex<Ledger>,
    stop: AtomicBool,
}

impl World {
    pub fn new() -> Self {
        World {
            topics: topics(),
            subscriptions: subscriptions(),
            ledger: Mutex::new(Ledger::new(topics(), subscriptions())),
            stop: AtomicBool::new(false),
        }
    }

    /// The clients.
    pub fn workers(&self) -> Vec<Worker> {
        let consumed = self.subscriptions(|subscription| subscription.dead_letter.is_none());
        let streamed = self.subscriptions(|subscription| {
            subscription.dead_letter.is_none() && !self.topics[subscription.topic].dead_letters
        });
        vec![
            Worker::publisher(0, 0),
            Worker::publisher(0, 1),
            Worker::publisher(1, 2),
            Worker::publisher(2, 3),
            Worker::puller(consumed.clone()),
            Worker::puller(consumed),
            Worker::Streamer {
                subscriptions: streamed.clone(),
            },
            Worker::Streamer {
                subscriptions: streamed,
            },
            Worker::Rejecter {
                subscriptions: self
                    .subscriptions(|subscription| subscription.dead_letter.is_some()),
            },
        ]
    }

    pub fn ledger(&self) -> std::sync::MutexGuard<'_, Ledger> {
        // A failed check elsewhere has its own message; don't bury it under this one.
        self.ledger
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub fn tick(&self) -> Moment {
        self.ledger().tick()
    }

    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn subscriptions(&self, which: impl Fn(&Subscription) -> bool) -> Vec<usize> {
        let all = 0..self.subscriptions.len();
        all.filter(|at| which(&self.subscriptions[*at])).collect()
    }

    /// Gives messages back until all of them are dead letters.
    fn reject_all(&self, client: &mut Client) {
        for at in self.subscriptions(|subscription| subscription.dead_letter.is_some()) {
            for turn in 0.. {
                assert!(
                    turn < REJECTIONS_MAX,
                    "messages given back come back for ever"
                );
                let got = alive(pull(self, client, at, false, false));
                if got.is_empty() {
                    break;
                }
                alive(give_back(self, client, at, &got));
            }
        }
    }

    fn create(&self, client: &mut Client, subscription: &Subscription) {
        let body = creation(subscription, &self.topics);
        alive(call(client, "PUT", &subscription.path(), &body));
    }
}

/// The answer of a server that nobody has killed.
fn alive<T>(answer: Result<T, Died>) -> T {
    answer.unwrap_or_else(|Died| panic!("died by itself"))
}

impl Load for World {
    type Worker = Worker;

    fn set_up(&self, server: &Server) {
        let mut client = server.pubsub_client();
        for topic in &self.topics {
            let path = format!("/v1/{}", topic.name);
            alive(call(&mut client, "PUT", &path, &json!({})));
        }
        for subscription in &self.subscriptions {
            self.create(&mut client, subscription);
        }
    }

    fn restarted(&self, server: &Server, rng: &mut SmallRng) {
        self.ledger().restarted();
        if rng.random_ratio(1, RESTARTS_PER_RENEWAL) {
            let mut client = server.pubsub_client();
            for at in self.subscriptions(|subscription| subscription.renewed) {
                let subscription = &self.subscriptions[at];
                let path = subscription.path();
                alive(call(&mut client, "DELETE", &path, &json!({})));
                self.create(&mut client, subscription);
                self.ledger().renewed(at);
            }
        }
    }

    fn drain(&self, server: &Server) {
        let mut client = server.pubsub_client();
        if self.ledger().drains().is_multiple_of(2) {
            self.reject_all(&mut client);
        }
        self.ledger().begin_drain();
        let mut progress = Instant::now();
        let mut empty_rounds = 0;
        // Dead letters on their way between shards take a moment.
        while progress.elapsed() < STALL
            && (empty_rounds < 2 || !self.ledger().missing().is_empty())
        {
            let mut any = false;
            for subscription in 0..self.subscriptions.len() {
                loop {
                    let got = alive(pull(self, &mut client, subscription, true, false));
                    if got.is_empty() {
                        break;
                    }
                    (any, progress) = (true, Instant::now());
                    let ids = AckIds::Current;
                    alive(acknowledge(self, &mut client, subscription, &got, ids));
                }
            }
            empty_rounds = if any { 0 } else { empty_rounds + 1 };
            if !any {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        self.ledger().end_drain();
    }

    fn work(&self, worker: &mut Worker, server: &Server, rng: &mut SmallRng) {
        worker.run(self, server, rng);
    }

    fn stop(&self, stop: bool) {
        self.stop.store(stop, Ordering::Relaxed);
    }

    fn is_complete(&self) -> bool {
        let totals = self.ledger().totals;
        totals.published > 0
            && totals.streamed > 0
            && totals.acknowledged > 0
            && totals.dead_lettered > 0
    }

    fn summarise(&self) {
        println!("{:?}", self.ledger().totals);
    }
}
