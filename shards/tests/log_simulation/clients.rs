//! What clients ask, and what becomes of their questions.

use super::world::World;
use crate::common::topics::{TOPIC, admin, message, wrap};
use crate::{Checked, Violation};
use lclq_shards::command::*;
use lclq_shards::pubsub::command::*;
use lclq_shards::{Draft, Millis, QueueName, Section};

/// The queues: one standard, one FIFO.
pub const QUEUES: [&str; 2] = ["q", "q.fifo"];
pub const SUBSCRIPTIONS: [&str; 2] = [
    "projects/p/subscriptions/one",
    "projects/p/subscriptions/two",
];
const SNAPSHOT: &str = "projects/p/snapshots/s";

/// Messages that are there at once: what is compared often has to be small.
const MESSAGES_MAX: u64 = 40;
/// Handles that clients keep.
const HANDLES_MAX: usize = 30;

#[derive(Clone, Debug)]
pub enum Asked {
    Send(u64),
    Receive {
        visibility_ms: Millis,
    },
    Delete(Handle),
    Change {
        handle: Handle,
        until: Millis,
    },
    /// What the oracle has no word on; the log is looked at all the same.
    Pull {
        subscription: usize,
    },
    Anything,
}

/// A call under way at a process.
#[derive(Clone, Debug)]
pub struct Call {
    pub process: usize,
    pub asked: Asked,
}

/// A message that a client has, or had.
#[derive(Clone, Debug)]
pub struct Handle {
    pub number: u64,
    pub queue: usize,
    pub lease: LeaseRef,
}

#[derive(Default)]
pub struct Clients {
    next_number: u64,
    pub handles: Vec<Handle>,
    /// Messages whose sending may be tried again: the queue would know them.
    pub unsure: Vec<u64>,
    pulled: Vec<(usize, LeaseRef)>,
}

pub fn name(queue: usize) -> QueueName {
    QueueName::new("us-east-1", "000000000000", QUEUES[queue])
}

/// The number that a body says.
pub fn number_in(body: &[u8]) -> Result<u64, Violation> {
    let text = std::str::from_utf8(body).ok();
    let number = text.and_then(|text| text.split(':').next()?.parse().ok());
    number.ok_or_else(|| "a body that nobody sent".to_owned())
}

impl World {
    /// A client asks a process for something.
    pub fn client_asks(&mut self, process: usize) -> Checked {
        let queue = self.rng.usize(..2);
        let Some(host) = self.processes[process].host() else {
            return Ok(());
        };
        let Some(place) = host.shard().find_queue(&name(queue)) else {
            // Its creation was lost with the tail.
            return Ok(());
        };
        let messages = host.stats().messages;
        let is_full = messages.visible + messages.in_flight >= MESSAGES_MAX;
        match self.rng.u8(..20) {
            0..=6 if !is_full => self.send(process, queue, place),
            0..=12 => {
                let visibility_s = self.rng.u32(1..20);
                let command = Command::Receive(Receive {
                    queue: place,
                    messages_max: self.rng.u8(1..4),
                    visibility_timeout_s: Some(visibility_s),
                    wait_s: Some(if self.rng.bool() { 0 } else { 3 }),
                    attempt: None,
                    client: 0,
                });
                let visibility_ms = Millis::from(visibility_s) * 1000;
                self.call(process, Asked::Receive { visibility_ms }, command)
            }
            13..=16 => self.delete(process),
            17 => self.change(process),
            _ if self.plan.topics => self.anything(process),
            _ => self.delete(process),
        }
    }

    fn send(&mut self, process: usize, queue: usize, place: QueueRef) -> Checked {
        let again = (queue == 1 && self.rng.bool()).then(|| self.clients.unsure.pop());
        let number = again.flatten().unwrap_or_else(|| {
            self.clients.next_number += 1;
            self.clients.next_number
        });
        // A message that is sent again is of the group that it was of.
        let group = (queue == 1).then_some(number % self.plan.groups);
        self.oracle.sends(number, group);
        let body = format!("{number}:{}", "x".repeat(self.rng.usize(..60)));
        let (group, dedup) = (
            format!("g{}", number % self.plan.groups),
            number.to_string(),
        );
        let mut draft = Draft {
            sent_at: self.now,
            body: body.as_bytes(),
            ..Draft::default()
        };
        draft.id[..8].copy_from_slice(&number.to_be_bytes());
        if queue == 1 {
            draft.sections.push((Section::Group, group.as_bytes()));
            draft
                .sections
                .push((Section::Deduplication, dedup.as_bytes()));
        }
        let entry = SendEntry {
            payload: draft.build(),
            counted_bytes: body.len() as u32,
            delay_s: (queue == 0 && self.rng.u8(..5) == 0).then_some(2),
            deduplication_from_content: false,
        };
        let entries = [entry].into_iter().collect();
        let queue = place;
        self.call(
            process,
            Asked::Send(number),
            Command::Send { queue, entries },
        )
    }

    fn handle(&mut self, process: usize) -> Option<(Handle, QueueRef)> {
        if self.clients.handles.is_empty() {
            return None;
        }
        let at = self.rng.usize(..self.clients.handles.len());
        let handle = self.clients.handles[at].clone();
        let host = self.processes[process].host()?;
        let place = host.shard().find_queue(&name(handle.queue))?;
        Some((handle, place))
    }

    fn delete(&mut self, process: usize) -> Checked {
        let Some((handle, queue)) = self.handle(process) else {
            return Ok(());
        };
        self.oracle.deletes(handle.number);
        let entries = [handle.lease].into_iter().collect();
        self.call(
            process,
            Asked::Delete(handle),
            Command::Delete { queue, entries },
        )
    }

    fn change(&mut self, process: usize) -> Checked {
        let Some((handle, queue)) = self.handle(process) else {
            return Ok(());
        };
        let timeout_s = if self.rng.bool() {
            0
        } else {
            self.rng.u32(1..20)
        };
        let until = self.now + Millis::from(timeout_s) * 1000;
        self.oracle.changes(handle.number, handle.lease, until);
        let entries = [(handle.lease, timeout_s)].into_iter().collect();
        let command = Command::ChangeVisibility { queue, entries };
        self.call(process, Asked::Change { handle, until }, command)
    }

    /// Something about topics.
    fn anything(&mut self, process: usize) -> Checked {
        let which = self.rng.usize(..2);
        let get = |kind, name: &str| {
            let name = name.into();
            admin(AdminCommand::Get { kind, name })
        };
        let (asked, command) = match self.rng.u8(..12) {
            0..=3 => {
                let Some(Reply::Resource(topic)) = self.look(process, get(Kind::Topic, TOPIC))?
                else {
                    return Ok(());
                };
                let key = ["", "k"][self.rng.usize(..2)];
                let messages = vec![message("text", key, &[])];
                let topic = topic.topic_ref();
                (
                    Asked::Anything,
                    wrap(PubsubCommand::Publish { topic, messages }),
                )
            }
            4..=6 => {
                let get = get(Kind::Subscription, SUBSCRIPTIONS[which]);
                let Some(Reply::Resource(found)) = self.look(process, get)? else {
                    return Ok(());
                };
                let pull = PubsubCommand::Pull {
                    subscription: found.subscription_ref(),
                    messages_max: 3,
                    bytes_max: 1 << 20,
                    wait_ms: 0,
                    client: 0,
                };
                (
                    Asked::Pull {
                        subscription: which,
                    },
                    wrap(pull),
                )
            }
            7..=9 => {
                let Some((which, lease)) = self.clients.pulled.pop() else {
                    return Ok(());
                };
                let get = get(Kind::Subscription, SUBSCRIPTIONS[which]);
                let Some(Reply::Resource(found)) = self.look(process, get)? else {
                    return Ok(());
                };
                let acknowledge = PubsubCommand::Acknowledge {
                    subscription: found.subscription_ref(),
                    leases: vec![lease],
                };
                (Asked::Anything, wrap(acknowledge))
            }
            10 => {
                let to = match self.rng.bool() {
                    true => SeekTo::Time(self.now.saturating_sub(self.rng.u64(..20_000))),
                    false => SeekTo::Snapshot(SNAPSHOT.into()),
                };
                let name = SUBSCRIPTIONS[which].into();
                (Asked::Anything, admin(AdminCommand::Seek { name, to }))
            }
            _ if self.rng.bool() => {
                let create = AdminCommand::CreateSnapshot {
                    name: SNAPSHOT.into(),
                    subscription: SUBSCRIPTIONS[which].into(),
                    spec: SharedBytes::from([]),
                    lifetime_ms_max: 600_000,
                    lifetime_ms_min: 1,
                };
                (Asked::Anything, admin(create))
            }
            _ => {
                let (kind, name) = (Kind::Snapshot, SNAPSHOT.into());
                (Asked::Anything, admin(AdminCommand::Delete { kind, name }))
            }
        };
        self.call(process, asked, command)
    }

    /// The epoch in which a process answers.
    fn epoch_of(&self, process: usize) -> Result<u64, Violation> {
        let epoch = self.processes[process].epoch();
        epoch.ok_or_else(|| format!("{process} answers and is no owner"))
    }

    /// A call is answered.
    pub fn answered(&mut self, call: Call, reply: Reply) -> Checked {
        let now = self.now;
        match (call.asked, reply) {
            (Asked::Send(number), Reply::Sent(results)) => match results[0] {
                Ok(sent) => self.oracle.sent(number, sent.sequence),
                Err(error) => Err(format!("message {number}: {error:?}")),
            },
            (Asked::Receive { visibility_ms }, Reply::Received(deliveries)) => {
                let mut given = Vec::new();
                for delivery in deliveries {
                    given.push((number_in(delivery.payload.body())?, delivery));
                }
                let epoch = self.epoch_of(call.process)?;
                self.oracle.received(&given, visibility_ms, epoch, now)?;
                for (number, delivery) in given {
                    let fifo = delivery.payload.section(Section::Group).is_some();
                    self.clients.handles.push(Handle {
                        number,
                        queue: usize::from(fifo),
                        lease: delivery.lease,
                    });
                }
                let over = self.clients.handles.len().saturating_sub(HANDLES_MAX);
                self.clients.handles.drain(..over);
                Ok(())
            }
            (Asked::Delete(handle), Reply::Leases(results)) => {
                if results[0].is_ok() {
                    let epoch = self.epoch_of(call.process)?;
                    self.oracle.deleted(handle.number, epoch);
                    let number = handle.number;
                    self.clients
                        .handles
                        .retain(|handle| handle.number != number);
                }
                Ok(())
            }
            (Asked::Change { handle, until }, Reply::Leases(results)) => {
                if results[0].is_ok() {
                    self.oracle.changed(handle.number, handle.lease, until, now);
                }
                Ok(())
            }
            (Asked::Pull { subscription }, Reply::Pulled(pulled)) => {
                let leases = pulled.iter().map(|pulled| (subscription, pulled.lease));
                self.clients.pulled.extend(leases);
                Ok(())
            }
            (asked, Reply::Refused(Refusal::JournalDown)) => {
                self.lost(Call {
                    process: call.process,
                    asked,
                });
                Ok(())
            }
            (_, Reply::Stale(_)) | (Asked::Anything | Asked::Pull { .. }, _) => Ok(()),
            (asked, reply) => Err(format!("{asked:?} got {reply:?}")),
        }
    }

    /// There is no answer, and nobody knows what came of a call.
    pub fn lost(&mut self, call: Call) {
        if let Asked::Send(number) = call.asked
            && self
                .oracle
                .lives
                .get(&number)
                .is_some_and(|life| life.group.is_some())
        {
            self.clients.unsure.push(number);
        }
    }
}
