//! A standard queue that is purged now and then, and whose messages are made visible before their
//! time.

use super::belief::Belief;
use super::scene::{
    Died, Held, LEASE_S, Round, Scene, alive, counted, delete, queue_on, receive, sqs, text_of,
    until_drained, url,
};
use crate::support::{Client, Server};
use rand::Rng;
use rand::rngs::SmallRng;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Messages that are sent before some are taken out.
const LIVE_MAX: usize = 300;

pub struct Purged {
    queue: String,
    next: u32,
    messages: BTreeMap<u32, Belief>,
    /// In this client's hands until the server is restarted.
    leased: BTreeSet<u32>,
    held: Vec<Held>,
    sent: u64,
    deleted: u64,
    given_back: u64,
    purges: u64,
    purges_unanswered: u64,
}

impl Purged {
    pub fn new() -> Self {
        Self {
            queue: queue_on(1, "purged", ""),
            next: 0,
            messages: BTreeMap::new(),
            leased: BTreeSet::new(),
            held: Vec::new(),
            sent: 0,
            deleted: 0,
            given_back: 0,
            purges: 0,
            purges_unanswered: 0,
        }
    }

    fn send(&mut self, client: &mut Client, count: u32) -> Result<(), Died> {
        let numbers = self.next..self.next + count;
        self.next += count;
        let entry =
            |number: u32| json!({ "Id": number.to_string(), "MessageBody": text_of(number) });
        let entries: Vec<Value> = numbers.clone().map(entry).collect();
        self.messages
            .extend(numbers.clone().map(|number| (number, Belief::Either)));
        let request = json!({ "QueueUrl": url(&self.queue), "Entries": entries });
        let answer = sqs(client, "SendMessageBatch", &request)?;
        assert_eq!(
            answer["Successful"].as_array().map(Vec::len),
            Some(count as usize),
            "{answer}"
        );
        self.messages
            .extend(numbers.map(|number| (number, Belief::Here)));
        self.sent += u64::from(count);
        Ok(())
    }

    fn take(&mut self, client: &mut Client) -> Result<Vec<Held>, Died> {
        let got = receive(client, &self.queue, LEASE_S)?;
        for one in &got {
            let belief = self
                .messages
                .get_mut(&one.number)
                .expect("one that was sent");
            assert_ne!(*belief, Belief::Gone, "{} came back", one.number);
            *belief = Belief::Here;
            assert!(self.leased.insert(one.number), "{} is leased", one.number);
        }
        Ok(got)
    }

    fn delete(&mut self, client: &mut Client, held: &[Held]) -> Result<(), Died> {
        self.mark(held, |belief| belief.or(Belief::Gone));
        delete(client, &self.queue, held)?;
        self.mark(held, |_| Belief::Gone);
        self.deleted += held.len() as u64;
        Ok(())
    }

    fn mark(&mut self, held: &[Held], change: impl Fn(Belief) -> Belief) {
        for one in held {
            let belief = self
                .messages
                .get_mut(&one.number)
                .expect("one that was sent");
            *belief = change(*belief);
        }
    }

    /// Makes messages visible at once.
    fn give_back(&mut self, client: &mut Client, held: &[Held]) -> Result<(), Died> {
        // Whether there is an answer or not.
        for one in held {
            self.leased.remove(&one.number);
        }
        let entry = |(at, held): (usize, &Held)| json!({ "Id": at.to_string(), "ReceiptHandle": held.handle, "VisibilityTimeout": 0 });
        let entries: Vec<Value> = held.iter().enumerate().map(entry).collect();
        let request = json!({ "QueueUrl": url(&self.queue), "Entries": entries });
        let answer = sqs(client, "ChangeMessageVisibilityBatch", &request)?;
        assert_eq!(
            answer["Successful"].as_array().map(Vec::len),
            Some(held.len()),
            "{answer}"
        );
        self.given_back += held.len() as u64;
        Ok(())
    }

    fn purge(&mut self, client: &mut Client) -> Result<(), Died> {
        self.held.clear();
        self.purges_unanswered += 1;
        for belief in self.messages.values_mut() {
            *belief = belief.or(Belief::Gone);
        }
        sqs(
            client,
            "PurgeQueue",
            &json!({ "QueueUrl": url(&self.queue) }),
        )?;
        for belief in self.messages.values_mut() {
            *belief = Belief::Gone;
        }
        self.purges_unanswered -= 1;
        self.purges += 1;
        Ok(())
    }
}

impl Scene for Purged {
    fn set_up(&mut self, server: &Server) {
        server
            .client()
            .ok("CreateQueue", &json!({ "QueueName": self.queue }));
    }

    fn client(&self, server: &Server) -> Client {
        server.client()
    }

    fn restarted(&mut self, _server: &Server) {
        self.leased.clear();
        self.held.clear();
    }

    fn step(&mut self, client: &mut Client, rng: &mut SmallRng) -> Result<(), Died> {
        let here = self
            .messages
            .values()
            .filter(|belief| **belief != Belief::Gone)
            .count();
        match rng.random_range(0..20) {
            0 => self.purge(client),
            1..8 if here < LIVE_MAX => self.send(client, rng.random_range(1..=10)),
            8..11 if !self.held.is_empty() => {
                let held = std::mem::take(&mut self.held);
                self.give_back(client, &held)
            }
            11..14 if !self.held.is_empty() => {
                let held = std::mem::take(&mut self.held);
                self.delete(client, &held)
            }
            _ if self.held.is_empty() => {
                self.held = self.take(client)?;
                Ok(())
            }
            _ => {
                let got = self.take(client)?;
                if got.is_empty() {
                    Ok(())
                } else {
                    self.delete(client, &got)
                }
            }
        }
    }

    fn drain(&mut self, server: &Server) {
        let mut client = self.client(server);
        until_drained(|| {
            let got = alive(self.take(&mut client));
            if !got.is_empty() {
                alive(self.delete(&mut client, &got));
                return Round::Some;
            }
            let missing = self.messages.values().any(|belief| *belief == Belief::Here);
            if missing || counted(&mut client, &self.queue) > 0 {
                return Round::Due;
            }
            Round::Done
        });
        for (number, belief) in &mut self.messages {
            assert_ne!(*belief, Belief::Here, "{number} was sent and is lost");
            *belief = Belief::Gone;
        }
        assert_eq!(
            counted(&mut client, &self.queue),
            0,
            "an empty queue counts messages"
        );
    }

    fn summary(&self) -> (String, bool) {
        let Self {
            sent,
            deleted,
            given_back,
            purges,
            purges_unanswered,
            ..
        } = self;
        let text = format!(
            "purged queue: {sent} sent, {deleted} deleted, {given_back} made visible, {purges} \
             purges, {purges_unanswered} without an answer"
        );
        (text, *deleted > 0 && *given_back > 0 && *purges > 0)
    }
}
