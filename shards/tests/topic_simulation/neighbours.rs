//! Queues beside the topics, in the same shards and under the same bound on memory.

use super::calls::{Asked, Call};
use super::model::Sure;
use super::plan::Plan;
use super::world::World;
use crate::machine::numbered::{Map, Numbered};
use crate::machine::{Checked, check};
use lclq_shards::command::{
    Command, LeaseRef, QueueCommand, QueueRef, Receive, Reply, SendEntry, SendError,
};
use lclq_shards::{Draft, Eviction, QueueName};

const QUEUES: usize = 3;
const HANDLES_MAX: usize = 100;

/// What is asked of a queue.
#[derive(Debug)]
pub enum Neighbourly {
    Make,
    Send(u64),
    Receive,
    /// Messages by number.
    Delete(Vec<u64>),
}

/// What its clients know.
#[derive(Default)]
pub struct Senders {
    queues: [Option<QueueRef>; QUEUES],
    handles: Vec<(usize, LeaseRef, u64)>,
    next_number: u64,
}

struct Sent {
    shard: u16,
    taken: Sure,
    deleted: Sure,
    sequence: u64,
}

/// What they were promised.
#[derive(Default)]
pub struct Queued {
    sent: Numbered<Sent>,
    /// By shard, the youngest message that surely made room: all older ones went before it.
    evicted: Map<u16, u64>,
}

fn name(queue: usize) -> QueueName {
    QueueName::new("us-east-1", "000000000000", &format!("beside{queue}"))
}

fn number_in(body: &[u8]) -> Option<u64> {
    let digits = body.split(|byte| *byte == b':').next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

impl Senders {
    pub fn forget_shard(&mut self, plan: &Plan, shard: u16) {
        for (queue, found) in self.queues.iter_mut().enumerate() {
            if name(queue).shard(plan.shards) == shard {
                *found = None;
            }
        }
    }

    pub fn answered(&mut self, queue: usize, asked: &Neighbourly, reply: Reply) {
        match (asked, reply) {
            (Neighbourly::Make, Reply::Queue(found)) => self.queues[queue] = Some(found),
            (Neighbourly::Receive, Reply::Received(messages)) => {
                let taken = messages.iter().filter_map(|delivery| {
                    let number = number_in(delivery.payload.body())?;
                    Some((queue, delivery.lease, number))
                });
                self.handles.extend(taken);
                let surplus = self.handles.len().saturating_sub(HANDLES_MAX);
                self.handles.drain(..surplus);
            }
            (_, Reply::Stale(_)) => self.queues[queue] = None,
            _ => {}
        }
    }
}

impl Queued {
    pub fn asked(&mut self, asked: &Neighbourly) {
        if let Neighbourly::Delete(numbers) = asked {
            for number in numbers {
                let sent = self.sent.get_mut(*number).expect("sent by a client");
                if sent.deleted == Sure::No {
                    sent.deleted = Sure::Maybe;
                }
            }
        }
    }

    pub fn not_done(&mut self, asked: &Neighbourly) {
        if let Neighbourly::Send(number) = asked {
            self.sent.get_mut(*number).expect("sent by a client").taken = Sure::No;
        }
    }

    pub fn check_answer(&mut self, plan: &Plan, asked: &Neighbourly, reply: &Reply) -> Checked {
        match (asked, reply) {
            (Neighbourly::Make, Reply::Queue(_)) => {}
            (Neighbourly::Send(number), Reply::Sent(results)) => {
                let sent = self.sent.get_mut(*number).expect("sent by a client");
                match results[0] {
                    Ok(result) => (sent.taken, sent.sequence) = (Sure::Yes, result.sequence),
                    Err(SendError::MemoryFull) if plan.memory_bytes_max != u64::MAX => {
                        sent.taken = Sure::No;
                    }
                    Err(error) => return Err(format!("{asked:?} got {error:?}")),
                }
            }
            (Neighbourly::Receive, Reply::Received(messages)) => {
                for delivery in messages {
                    let number = number_in(delivery.payload.body()).ok_or("nobody sent that")?;
                    self.is_there(number, delivery.lease.sequence)?;
                }
            }
            (Neighbourly::Delete(numbers), Reply::Leases(_)) => {
                for number in numbers {
                    let sent = self.sent.get_mut(*number).expect("sent by a client");
                    sent.deleted = Sure::Yes;
                }
            }
            _ => return Err(format!("{asked:?} got {reply:?}")),
        }
        Ok(())
    }

    fn is_there(&mut self, number: u64, sequence: u64) -> Checked {
        let sent = self.sent.get_mut(number).ok_or("a message nobody sent")?;
        check(sent.taken != Sure::No && sent.deleted != Sure::Yes, || {
            format!("queued message {number} was refused or deleted, and is there")
        })?;
        (sent.taken, sent.sequence) = (Sure::Yes, sequence);
        let shard = sent.shard;
        self.is_young_enough(shard, sequence)
    }

    /// A message of either dialect is there.
    pub fn is_young_enough(&self, shard: u16, sequence: u64) -> Checked {
        let evicted = self.evicted.get(&shard).copied().unwrap_or(0);
        check(sequence > evicted, || {
            format!("message {sequence} of shard {shard} is there, and {evicted} made room")
        })
    }
}

impl World {
    /// A client of a queue does something.
    pub fn neighbour(&mut self) -> Checked {
        let queue = self.rng.usize(..QUEUES);
        let Some(found) = self.clients.senders.queues[queue] else {
            let command = QueueCommand::Create {
                name: name(queue),
                attributes: Default::default(),
                tags: Default::default(),
                recreate_after_ms: 0,
            };
            let command = Command::Queue(Box::new(command));
            return self.neighbour_call(queue, Neighbourly::Make, command);
        };
        match self.rng.u8(..6) {
            0..3 => self.send_beside(queue, found),
            3 => {
                let command = Command::Receive(Receive {
                    queue: found,
                    messages_max: 10,
                    visibility_timeout_s: Some(self.rng.u32(..30)),
                    wait_s: Some(0),
                    attempt: None,
                    client: 0,
                });
                self.neighbour_call(queue, Neighbourly::Receive, command)
            }
            _ => {
                let handles = std::mem::take(&mut self.clients.senders.handles);
                let (of_it, others) = handles.into_iter().partition(|(of, ..)| *of == queue);
                self.clients.senders.handles = others;
                let of_it: Vec<(usize, LeaseRef, u64)> = of_it;
                let command = Command::Delete {
                    queue: found,
                    entries: of_it.iter().map(|(_, lease, _)| *lease).collect(),
                };
                let numbers = of_it.iter().map(|(.., number)| *number).collect();
                self.neighbour_call(queue, Neighbourly::Delete(numbers), command)
            }
        }
    }

    fn send_beside(&mut self, queue: usize, found: QueueRef) -> Checked {
        self.clients.senders.next_number += 1;
        let number = self.clients.senders.next_number;
        let sent = Sent {
            shard: name(queue).shard(self.plan.shards),
            taken: Sure::Maybe,
            deleted: Sure::No,
            sequence: 0,
        };
        self.model.queued.sent.insert(number, sent);
        let padding_bytes = self.rng.usize(..1500);
        let body = format!("{number}:{}", "x".repeat(padding_bytes));
        let mut id = [0; 16];
        id[..8].copy_from_slice(&number.to_be_bytes());
        let payload = Draft {
            id,
            sent_at: self.wall(),
            body: body.as_bytes(),
            ..Draft::default()
        };
        let entry = SendEntry {
            counted_bytes: body.len() as u32,
            payload: payload.build(),
            delay_s: None,
            deduplication_from_content: false,
        };
        let command = Command::Send {
            queue: found,
            entries: [entry].into_iter().collect(),
        };
        self.neighbour_call(queue, Neighbourly::Send(number), command)
    }

    fn neighbour_call(&mut self, queue: usize, asked: Neighbourly, command: Command) -> Checked {
        let call = Call {
            core: self.rng.usize(..self.plan.cores),
            shard: name(queue).shard(self.plan.shards),
            subscription: usize::MAX,
            subscription_id: 0,
            asked: Asked::Queue(queue, asked),
            order: 0,
            at: 0,
            cancelled: false,
        };
        self.request(call, command)
    }

    fn beside(&self, queue: usize) -> Option<(u16, QueueRef)> {
        let name = name(queue);
        let shard = name.shard(self.plan.shards);
        let host = &self.members[usize::from(shard)].host;
        Some((shard, host.shard().find_queue(&name)?))
    }

    /// While nothing moves: what was taken, and neither deleted nor given up, is there.
    pub fn audit_queues(&mut self) -> Checked {
        let mut there = Map::default();
        for queue in 0..QUEUES {
            let Some((shard, found)) = self.beside(queue) else {
                continue;
            };
            let mut after = 0;
            loop {
                let command = QueueCommand::Peek {
                    queue: found,
                    after,
                    near: None,
                    messages_max: 100,
                };
                let page = match self.ask(shard, Command::Queue(Box::new(command)))? {
                    Reply::Peeked(page) => page,
                    other => return Err(format!("{other:?}")),
                };
                let Some(last) = page.last() else { break };
                after = last.sequence;
                for peeked in page {
                    let number = number_in(peeked.payload.body()).ok_or("nobody sent that")?;
                    let twice = there.insert(number, (shard, peeked.sequence));
                    check(twice.is_none(), || format!("{number} is there twice"))?;
                }
            }
        }
        for number in self.model.queued.sent.numbers() {
            let queued = &mut self.model.queued;
            let sent = queued.sent.get_mut(number).expect("a known message");
            if there.contains_key(&number) {
                continue;
            }
            let lost = sent.taken == Sure::Yes && sent.deleted == Sure::No;
            check(!lost || self.plan.evicts(), || {
                format!("queued message {number} is lost")
            })?;
            sent.deleted = Sure::Yes;
            if lost && self.plan.eviction == Eviction::OldestFirst {
                let evicted = queued.evicted.entry(sent.shard).or_default();
                *evicted = (*evicted).max(sent.sequence);
            }
        }
        for (number, (_, sequence)) in there {
            self.model.queued.is_there(number, sequence)?;
            let sent = self.model.queued.sent.get_mut(number);
            sent.expect("just seen").deleted = Sure::No;
        }
        Ok(())
    }

    pub fn delete_queues(&mut self) -> Checked {
        for queue in 0..QUEUES {
            if let Some((shard, found)) = self.beside(queue) {
                let command = Command::Queue(Box::new(QueueCommand::Delete(found)));
                self.ask(shard, command)?;
            }
        }
        Ok(())
    }
}
