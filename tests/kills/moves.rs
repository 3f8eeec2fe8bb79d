//! Messages that go to a dead-letter queue on another shard by being given back, and from there by
//! move tasks back to their source or to a third queue on a third shard. Each is in one of the
//! three at any time.

use super::belief::Belief;
use super::scene::{
    Died, Held, LEASE_S, Round, Scene, alive, arn, counted, delete, queue_on, receive, sqs,
    text_of, try_sqs, until_drained, url,
};
use crate::support::{Client, Server};
use rand::Rng;
use rand::rngs::SmallRng;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const LIVE_MAX: usize = 200;
const SOURCE: usize = 0;
const DEAD: usize = 1;
const THIRD: usize = 2;

pub struct Moves {
    /// Source, dead-letter queue, third queue.
    queues: [String; 3],
    next: u32,
    messages: BTreeMap<u32, Belief>,
    sent: u64,
    deleted: [u64; 3],
    tasks: u64,
    tasks_cancelled: u64,
}

impl Moves {
    pub fn new() -> Self {
        let on = |shard, purpose| queue_on(shard, purpose, "");
        Self {
            queues: [on(0, "moved"), on(1, "moved-dead"), on(2, "moved-on")],
            next: 0,
            messages: BTreeMap::new(),
            sent: 0,
            deleted: [0; 3],
            tasks: 0,
            tasks_cancelled: 0,
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
        let request = json!({ "QueueUrl": url(&self.queues[SOURCE]), "Entries": entries });
        sqs(client, "SendMessageBatch", &request)?;
        self.messages
            .extend(numbers.map(|number| (number, Belief::Here)));
        self.sent += u64::from(count);
        Ok(())
    }

    fn take(&mut self, client: &mut Client, at: usize, lease_s: u32) -> Result<Vec<Held>, Died> {
        let got = receive(client, &self.queues[at], lease_s)?;
        for one in &got {
            let belief = self
                .messages
                .get_mut(&one.number)
                .expect("one that was sent");
            assert_ne!(*belief, Belief::Gone, "{} came back in {at}", one.number);
            *belief = Belief::Here;
        }
        Ok(got)
    }

    fn delete(&mut self, client: &mut Client, at: usize, held: &[Held]) -> Result<(), Died> {
        self.mark(held, |belief| belief.or(Belief::Gone));
        delete(client, &self.queues[at], held)?;
        self.mark(held, |_| Belief::Gone);
        self.deleted[at] += held.len() as u64;
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

    fn start_task(&mut self, client: &mut Client, rng: &mut SmallRng) -> Result<(), Died> {
        let mut request = json!({ "SourceArn": arn(&self.queues[DEAD]) });
        if rng.random() {
            request["DestinationArn"] = json!(arn(&self.queues[THIRD]));
        }
        if rng.random() {
            request["MaxNumberOfMessagesPerSecond"] = json!(rng.random_range(50..=500));
        }
        let answer = try_sqs(client, "StartMessageMoveTask", &request)?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        match answer.status {
            200 => self.tasks += 1,
            _ => assert!(text.contains("already a task running"), "{text}"),
        }
        if answer.status == 200 && rng.random_ratio(1, 4) {
            let handle = &answer.json()["TaskHandle"];
            let cancel = json!({ "TaskHandle": handle });
            let answer = try_sqs(client, "CancelMessageMoveTask", &cancel)?;
            // It may have ended by itself.
            self.tasks_cancelled += u64::from(answer.status == 200);
        }
        Ok(())
    }

    fn counted(&self, client: &mut Client) -> u64 {
        let queues = self.queues.iter();
        queues.map(|queue| counted(client, queue)).sum()
    }

    fn is_moving(&self, client: &mut Client) -> bool {
        let request = json!({ "SourceArn": arn(&self.queues[DEAD]) });
        let answer = client.ok("ListMessageMoveTasks", &request);
        let status = &answer["Results"][0]["Status"];
        status == "RUNNING" || status == "CANCELLING"
    }
}

impl Scene for Moves {
    fn set_up(&mut self, server: &Server) {
        let mut client = server.client();
        for at in [DEAD, THIRD, SOURCE] {
            let mut attributes = json!({});
            if at == SOURCE {
                let policy = json!({
                    "deadLetterTargetArn": arn(&self.queues[DEAD]),
                    "maxReceiveCount": 1,
                });
                attributes = json!({ "RedrivePolicy": policy.to_string() });
            }
            let request = json!({ "QueueName": self.queues[at], "Attributes": attributes });
            client.ok("CreateQueue", &request);
        }
    }

    fn client(&self, server: &Server) -> Client {
        server.client()
    }

    fn restarted(&mut self, _server: &Server) {}

    fn step(&mut self, client: &mut Client, rng: &mut SmallRng) -> Result<(), Died> {
        let live = self
            .messages
            .values()
            .filter(|belief| **belief != Belief::Gone)
            .count();
        match rng.random_range(0..12) {
            0..4 if live < LIVE_MAX => self.send(client, rng.random_range(1..=10)),
            4 => self.start_task(client, rng),
            5 => {
                let at = rng.random_range(0..3);
                let got = self.take(client, at, LEASE_S)?;
                if got.is_empty() {
                    Ok(())
                } else {
                    self.delete(client, at, &got)
                }
            }
            // Each such receive makes dead letters of what the one before brought.
            _ => self.take(client, SOURCE, 0).map(drop),
        }
    }

    fn drain(&mut self, server: &Server) {
        let mut client = self.client(server);
        // A task that still moves messages must not have them received once more on the way.
        until_drained(|| {
            if self.is_moving(&mut client) {
                Round::Due
            } else {
                Round::Done
            }
        });
        assert!(!self.is_moving(&mut client), "a move task doesn't end");
        until_drained(|| {
            let mut any = false;
            for at in [SOURCE, DEAD, THIRD] {
                let got = alive(self.take(&mut client, at, LEASE_S));
                if !got.is_empty() {
                    any = true;
                    alive(self.delete(&mut client, at, &got));
                }
            }
            if any {
                return Round::Some;
            }
            // What is between two shards is counted by neither.
            let missing = self.messages.values().any(|belief| *belief == Belief::Here);
            if missing || self.counted(&mut client) > 0 {
                return Round::Due;
            }
            Round::Done
        });
        for (number, belief) in &mut self.messages {
            assert_ne!(*belief, Belief::Here, "{number} was sent and is lost");
            *belief = Belief::Gone;
        }
        assert_eq!(self.counted(&mut client), 0, "empty queues count messages");
    }

    fn summary(&self) -> (String, bool) {
        let Self {
            sent,
            deleted,
            tasks,
            tasks_cancelled,
            ..
        } = self;
        let text = format!(
            "move tasks: {sent} sent, {deleted:?} deleted from source, dead-letter queue and third \
             queue, {tasks} tasks, {tasks_cancelled} of them cancelled"
        );
        (text, deleted.iter().all(|deleted| *deleted > 0))
    }
}
