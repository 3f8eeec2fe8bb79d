//! A FIFO queue by content: what was sent is sent again, before and after it was deleted, and must
//! neither be doubled nor change its id. Groups keep their order.

use super::belief::Belief;
use super::scene::{
    Died, Held, LEASE_S, Round, Scene, alive, counted, delete, queue_on, receive, sqs, text_of,
    until_drained, url,
};
use crate::support::{Client, Server};
use rand::Rng;
use rand::rngs::SmallRng;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const GROUPS: u32 = 4;
const LIVE_MAX: usize = 200;
/// Well within the five minutes for which a repeated send is known.
const REPEATED_WITHIN: Duration = Duration::from_secs(100);

struct Message {
    belief: Belief,
    /// Message id and sequence number, and when they were first told.
    sent: Option<(Value, Value, Instant)>,
}

pub struct Repeats {
    queue: String,
    next: u32,
    /// By number; the group is the number's remainder.
    messages: BTreeMap<u32, Message>,
    /// Asked for without an answer, to be sent again.
    pending: Option<u32>,
    sent: u64,
    pending_repeated: u64,
    repeated: u64,
    repeated_deleted: u64,
    deleted: u64,
}

impl Repeats {
    pub fn new() -> Self {
        Self {
            queue: queue_on(2, "repeats", ".fifo"),
            next: 0,
            messages: BTreeMap::new(),
            pending: None,
            sent: 0,
            pending_repeated: 0,
            repeated: 0,
            repeated_deleted: 0,
            deleted: 0,
        }
    }

    fn send(&mut self, client: &mut Client, number: u32) -> Result<(), Died> {
        let request = json!({
            "QueueUrl": url(&self.queue),
            "MessageBody": text_of(number),
            "MessageGroupId": format!("group-{}", number % GROUPS),
        });
        let answer = sqs(client, "SendMessage", &request)?;
        let message = self.messages.get_mut(&number).expect("noted before");
        let (id, sequence) = (&answer["MessageId"], &answer["SequenceNumber"]);
        match &message.sent {
            Some((before, numbered, _)) => {
                assert_eq!((before, numbered), (id, sequence), "{number} was sent anew");
                self.repeated += 1;
                self.repeated_deleted += u64::from(message.belief == Belief::Gone);
            }
            None => {
                message.sent = Some((id.clone(), sequence.clone(), Instant::now()));
                message.belief = Belief::Here;
                self.sent += 1;
            }
        }
        Ok(())
    }

    /// What is known to be gone and can't be repeated any more is nothing to remember.
    fn forget(&mut self) {
        self.messages.retain(|_, message| {
            let sent = message.sent.as_ref();
            let is_old = sent.is_some_and(|(_, _, at)| at.elapsed() > REPEATED_WITHIN);
            !(message.belief == Belief::Gone && is_old)
        });
    }

    fn take(&mut self, client: &mut Client) -> Result<Vec<Held>, Died> {
        let got = receive(client, &self.queue, LEASE_S)?;
        for (at, one) in got.iter().enumerate() {
            let number = one.number;
            let message = self.messages.get_mut(&number);
            let message = message.unwrap_or_else(|| panic!("{number} came back"));
            assert_ne!(message.belief, Belief::Gone, "{number} came back");
            message.belief = Belief::Here;
            for (earlier, message) in self.messages.range(..number) {
                let same_group = earlier % GROUPS == number % GROUPS;
                let before = got[..at].iter().any(|one| one.number == *earlier);
                let overtaken = same_group && !before && message.belief == Belief::Here;
                assert!(!overtaken, "{number} overtook {earlier}");
            }
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
            let message = self
                .messages
                .get_mut(&one.number)
                .expect("one that was sent");
            message.belief = change(message.belief);
        }
    }
}

impl Scene for Repeats {
    fn set_up(&mut self, server: &Server) {
        let attributes = json!({ "FifoQueue": "true", "ContentBasedDeduplication": "true" });
        let request = json!({ "QueueName": self.queue, "Attributes": attributes });
        server.client().ok("CreateQueue", &request);
    }

    fn client(&self, server: &Server) -> Client {
        server.client()
    }

    fn restarted(&mut self, server: &Server) {
        self.forget();
        // Before anything else, so that a send without an answer is only in doubt until here.
        if let Some(number) = self.pending.take() {
            alive(self.send(&mut server.client(), number));
            self.pending_repeated += 1;
        }
    }

    fn step(&mut self, client: &mut Client, rng: &mut SmallRng) -> Result<(), Died> {
        let live = self.messages.values();
        let live = live
            .filter(|message| message.belief != Belief::Gone)
            .count();
        match rng.random_range(0..10) {
            0..4 if live < LIVE_MAX => {
                let number = self.next;
                self.next += 1;
                let message = Message {
                    belief: Belief::Either,
                    sent: None,
                };
                self.messages.insert(number, message);
                self.pending = Some(number);
                self.send(client, number)?;
                self.pending = None;
                Ok(())
            }
            0..6 => {
                let fresh = |(number, message): (&u32, &Message)| {
                    let (_, _, at) = message.sent.as_ref()?;
                    (at.elapsed() < REPEATED_WITHIN).then_some(*number)
                };
                let known: Vec<u32> = self.messages.iter().filter_map(fresh).collect();
                if known.is_empty() {
                    return Ok(());
                }
                self.send(client, known[rng.random_range(0..known.len())])
            }
            _ => {
                let got = self.take(client)?;
                // What is forgotten blocks its group until the server is restarted.
                if got.is_empty() || rng.random_ratio(1, 10) {
                    return Ok(());
                }
                self.delete(client, &got)
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
            let missing = self
                .messages
                .values()
                .any(|message| message.belief == Belief::Here);
            if missing || counted(&mut client, &self.queue) > 0 {
                return Round::Due;
            }
            Round::Done
        });
        for (number, message) in &mut self.messages {
            assert_ne!(
                message.belief,
                Belief::Here,
                "{number} was sent and is lost"
            );
            message.belief = Belief::Gone;
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
            pending_repeated,
            repeated,
            repeated_deleted,
            deleted,
            ..
        } = self;
        let text = format!(
            "repeated sends: {sent} sent, {pending_repeated} again for want of an answer, \
             {repeated} in spite of one, {repeated_deleted} of them when deleted; {deleted} deleted"
        );
        (text, *pending_repeated > 0 && *repeated_deleted > 0)
    }
}
