//! A shard host driven by hand: one command, one reply.
#![allow(dead_code, reason = "each test binary uses a part of it")]

pub mod log_owner;
pub mod memory_journal;
pub mod shared_log;
pub mod topics;

use lclq_shards::attributes::{AttributeMap, QueueAttribute};
use lclq_shards::command::*;
use lclq_shards::{Draft, Millis, Outgoing, Payload, QueueName, Section, ShardConfig, ShardHost};
use std::collections::HashMap;

pub const START: Millis = 1_700_000_000_000;

pub struct Driver {
    pub host: ShardHost,
    pub now: Millis,
    next_token: Token,
    next_id: u64,
    pub replies: HashMap<Token, Reply>,
}

impl Driver {
    pub fn in_memory() -> Self {
        Self::with(ShardConfig::new(0, 1))
    }

    pub fn with(config: ShardConfig) -> Self {
        Self::on(ShardHost::in_memory(config, START))
    }

    pub fn on(host: ShardHost) -> Self {
        Self {
            host,
            now: START,
            next_token: 1,
            next_id: 1,
            replies: HashMap::new(),
        }
    }

    /// Sends a command without waiting for its reply.
    pub fn start(&mut self, command: Command) -> Token {
        let token = self.next_token;
        self.next_token += 1;
        self.host.apply(self.now, token, command);
        self.collect();
        token
    }

    pub fn collect(&mut self) {
        while let Some(outgoing) = self.host.next_outgoing() {
            match outgoing {
                Outgoing::Reply(token, reply) => {
                    assert!(self.replies.insert(token, reply).is_none(), "two replies");
                }
                Outgoing::Transfer(transfer) => panic!("unexpected transfer {transfer:?}"),
            }
        }
    }

    pub fn ask(&mut self, command: Command) -> Reply {
        let token = self.start(command);
        self.replies.remove(&token).expect("an answer at once")
    }

    pub fn pass(&mut self, ms: Millis) {
        self.now += ms;
        self.host.tick(self.now);
        self.collect();
    }

    pub fn create(&mut self, name: &str, attributes: &[(QueueAttribute, &str)]) -> QueueRef {
        let attributes: AttributeMap = attributes
            .iter()
            .map(|(key, value)| (*key, (*value).to_owned()))
            .collect();
        let command = QueueCommand::Create {
            name: QueueName::new("us-east-1", "000000000000", name),
            attributes,
            tags: Default::default(),
            recreate_after_ms: 0,
        };
        match self.ask(Command::Queue(Box::new(command))) {
            Reply::Queue(queue) => queue,
            other => panic!("{other:?}"),
        }
    }

    pub fn fifo(&mut self, name: &str) -> QueueRef {
        self.create(name, &[(QueueAttribute::FifoQueue, "true")])
    }

    pub fn entry(&mut self, body: &str, group: Option<&str>, dedup: Option<&str>) -> SendEntry {
        self.next_id += 1;
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.next_id.to_be_bytes());
        SendEntry {
            payload: payload(id, self.now, body, group, dedup),
            counted_bytes: body.len() as u32,
            delay_s: None,
            deduplication_from_content: false,
        }
    }

    pub fn send(&mut self, queue: QueueRef, body: &str) -> Sent {
        let entry = self.entry(body, None, None);
        self.send_entry(queue, entry).unwrap()
    }

    /// Sends to a FIFO queue; the body is the deduplication id too.
    pub fn send_group(&mut self, queue: QueueRef, group: &str, body: &str) -> Sent {
        let entry = self.entry(body, Some(group), Some(body));
        self.send_entry(queue, entry).unwrap()
    }

    pub fn send_entry(&mut self, queue: QueueRef, entry: SendEntry) -> Result<Sent, SendError> {
        match self.ask(Command::Send {
            queue,
            entries: [entry].into_iter().collect(),
        }) {
            Reply::Sent(results) => results[0],
            other => panic!("{other:?}"),
        }
    }

    pub fn receive(&mut self, queue: QueueRef, max: u8) -> Vec<Delivery> {
        self.receive_for(queue, max, None)
    }

    pub fn receive_for(&mut self, queue: QueueRef, max: u8, timeout: Option<u32>) -> Vec<Delivery> {
        match self.ask(receive(queue, max, timeout, None)) {
            Reply::Received(messages) => messages.into_vec(),
            other => panic!("{other:?}"),
        }
    }

    pub fn delete(&mut self, queue: QueueRef, delivery: &Delivery) -> Result<(), LeaseError> {
        let entries = [delivery.lease].into_iter().collect();
        match self.ask(Command::Delete { queue, entries }) {
            Reply::Leases(results) => results[0],
            other => panic!("{other:?}"),
        }
    }

    pub fn change(
        &mut self,
        queue: QueueRef,
        delivery: &Delivery,
        timeout_s: u32,
    ) -> Result<(), LeaseError> {
        let entries = [(delivery.lease, timeout_s)].into_iter().collect();
        match self.ask(Command::ChangeVisibility { queue, entries }) {
            Reply::Leases(results) => results[0],
            other => panic!("{other:?}"),
        }
    }

    pub fn counts(&mut self, queue: QueueRef) -> Counts {
        match self.ask(Command::Queue(Box::new(QueueCommand::Describe(queue)))) {
            Reply::Described(description) => description.counts,
            other => panic!("{other:?}"),
        }
    }
}

pub fn receive(queue: QueueRef, max: u8, timeout: Option<u32>, wait_s: Option<u32>) -> Command {
    Command::Receive(Receive {
        queue,
        messages_max: max,
        visibility_timeout_s: timeout,
        wait_s,
        attempt: None,
        client: 0,
    })
}

pub fn payload(
    id: [u8; 16],
    sent_at: Millis,
    body: &str,
    group: Option<&str>,
    dedup: Option<&str>,
) -> Payload {
    let mut draft = Draft {
        id,
        sent_at,
        body: body.as_bytes(),
        ..Draft::default()
    };
    if let Some(group) = group {
        draft.sections.push((Section::Group, group.as_bytes()));
    }
    if let Some(dedup) = dedup {
        draft
            .sections
            .push((Section::Deduplication, dedup.as_bytes()));
    }
    draft.build()
}

pub fn bodies(deliveries: &[Delivery]) -> Vec<String> {
    deliveries
        .iter()
        .map(|delivery| String::from_utf8(delivery.payload.body().to_vec()).unwrap())
        .collect()
}
