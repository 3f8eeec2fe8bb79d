//! An engine without a server around it, for benchmarks.

use lclq_shards::attributes::{AttributeMap, QueueAttribute};
use lclq_shards::command::*;
use lclq_shards::{Draft, Millis, Outgoing, Payload, QueueName, Section, ShardConfig, ShardHost};
use smallvec::SmallVec;

/// Where the engine's clock stands.
pub const START: Millis = 1_700_000_000_000;

/// What kind of queue, and which messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A standard queue, no groups.
    Standard,
    /// A standard queue whose messages have groups.
    Fair,
    /// A FIFO queue of many groups.
    Fifo,
}

/// Groups that messages are spread over where they have any.
const GROUPS: u64 = 100;

/// A shard in memory with queues to work on.
pub struct Engine {
    host: ShardHost,
    kind: Kind,
    body: Vec<u8>,
    token: Token,
    messages: u64,
    pub queues: Vec<QueueRef>,
}

impl Engine {
    /// An engine with `queues` queues and messages of `body_bytes`.
    pub fn new(kind: Kind, queues: usize, body_bytes: usize) -> Self {
        let mut engine = Self {
            host: ShardHost::in_memory(ShardConfig::new(0, 1), START),
            kind,
            body: vec![b'x'; body_bytes],
            token: 0,
            messages: 0,
            queues: Vec::with_capacity(queues),
        };
        for number in 0..queues {
            let queue = engine.create(number);
            engine.queues.push(queue);
        }
        engine
    }

    #[inline(always)]
    fn ask(&mut self, command: Command) -> Reply {
        self.token += 1;
        self.host.apply(START, self.token, command);
        match self.host.next_outgoing() {
            Some(Outgoing::Reply(token, reply)) if token == self.token => reply,
            other => panic!("not the reply asked for: {other:?}"),
        }
    }

    fn create(&mut self, number: usize) -> QueueRef {
        let mut attributes = AttributeMap::default();
        let suffix = if self.kind == Kind::Fifo {
            attributes.insert(QueueAttribute::FifoQueue, "true".to_owned());
            ".fifo"
        } else {
            ""
        };
        let command = QueueCommand::Create {
            name: QueueName::new("us-east-1", "000000000000", &format!("q{number}{suffix}")),
            attributes,
            tags: Default::default(),
            recreate_after_ms: 0,
        };
        match self.ask(Command::Queue(Box::new(command))) {
            Reply::Queue(queue) => queue,
            other => panic!("no queue: {other:?}"),
        }
    }

    /// A message's bytes, in the one allocation that it takes.
    pub fn payload(&mut self) -> Payload {
        self.messages += 1;
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.messages.to_le_bytes());
        let group = [b'g', (self.messages % GROUPS) as u8 + b' '];
        let mut draft = Draft {
            id,
            body_md5: [0; 16],
            sent_at: START,
            body: &self.body,
            sections: SmallVec::new(),
        };
        if self.kind != Kind::Standard {
            draft.sections.push((Section::Group, &group));
        }
        if self.kind == Kind::Fifo {
            // Distinct for as long as one benchmark's window lasts.
            draft.sections.push((Section::Deduplication, &id[..8]));
        }
        draft.build()
    }

    fn entry(&mut self) -> SendEntry {
        let counted_bytes = self.body.len() as u32;
        SendEntry {
            payload: self.payload(),
            counted_bytes,
            delay_s: None,
            deduplication_from_content: false,
        }
    }

    /// Sends `count` messages with one command.
    pub fn send(&mut self, queue: QueueRef, count: usize) {
        let entries: SmallVec<[SendEntry; 1]> = if count == 1 {
            SmallVec::from_buf([self.entry()])
        } else {
            (0..count).map(|_| self.entry()).collect()
        };
        match self.ask(Command::Send { queue, entries }) {
            Reply::Sent(results) => assert!(results.iter().all(Result::is_ok)),
            other => panic!("not sent: {other:?}"),
        }
    }

    /// Receives up to `count` messages; they are leased for half a minute.
    pub fn receive(&mut self, queue: QueueRef, count: usize) -> SmallVec<[Delivery; 1]> {
        let command = Command::Receive(Receive {
            queue,
            messages_max: count as u8,
            visibility_timeout_s: None,
            wait_s: Some(0),
            attempt: None,
            client: 0,
        });
        match self.ask(command) {
            Reply::Received(deliveries) => deliveries,
            other => panic!("nothing received: {other:?}"),
        }
    }

    /// Deletes what was received.
    pub fn delete(&mut self, queue: QueueRef, deliveries: SmallVec<[Delivery; 1]>) {
        let entries: SmallVec<[LeaseRef; 1]> = deliveries
            .into_iter()
            .map(|delivery| delivery.lease)
            .collect();
        match self.ask(Command::Delete { queue, entries }) {
            Reply::Leases(results) => assert!(results.iter().all(Result::is_ok)),
            other => panic!("not deleted: {other:?}"),
        }
    }

    /// Sends, receives and deletes `count` messages.
    pub fn cycle(&mut self, queue: QueueRef, count: usize) {
        self.send(queue, count);
        let deliveries = self.receive(queue, count.min(10));
        assert!(!deliveries.is_empty());
        self.delete(queue, deliveries);
    }

    /// Fills the queues evenly with `messages` messages in all.
    pub fn fill(&mut self, messages: usize) {
        for at in 0..messages {
            let queue = self.queues[at % self.queues.len()];
            self.send(queue, 1);
        }
    }

    /// Bytes that messages take.
    pub fn resident_bytes(&self) -> u64 {
        self.host.stats().resident_bytes
    }
}
