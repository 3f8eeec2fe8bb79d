//! What clients ask, and what becomes of their questions.

use super::oracle::{Given, Held};
use super::world::World;
use crate::common::topics::{TOPIC, admin, message, wrap};
use crate::{Checked, Violation};
use lclq_shards::command::*;
use lclq_shards::pubsub::command::*;
use lclq_shards::{Draft, Millis, Section, ShardHost};

/// Where topics and subscriptions are.
pub const TOPICS_SHARD: u16 = 0;
pub const SUBSCRIPTIONS: [&str; 2] = [
    "projects/p/subscriptions/one",
    "projects/p/subscriptions/two",
];
const SNAPSHOT: &str = "projects/p/snapshots/s";

/// Messages that are there at once: what is compared often has to be small.
const MESSAGES_MAX: u64 = 40;
/// How long a queue knows what it was sent.
const DEDUPLICATION_MS: Millis = 5 * 60 * 1000;
/// Handles that clients keep.
const HANDLES_MAX: usize = 30;

#[derive(Clone, Debug)]
pub enum Asked {
    Send(u64),
    Receive {
        queue: usize,
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

/// A call under way at a seat.
#[derive(Clone, Debug)]
pub struct Call {
    pub seat: usize,
    /// The node that the client asks, and that asks the seat's.
    pub by: usize,
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
    /// Messages, and their queues, whose sending may be tried again: the queue would know them.
    pub unsure: Vec<(u64, usize)>,
    pulled: Vec<(usize, LeaseRef)>,
}

impl Handle {
    fn held(&self) -> Held {
        Held {
            queue: self.queue,
            lease: self.lease,
        }
    }
}

/// The number that a body says.
pub fn number_in(body: &[u8]) -> Result<u64, Violation> {
    let text = std::str::from_utf8(body).ok();
    let number = text.and_then(|text| text.split(':').next()?.parse().ok());
    number.ok_or_else(|| "a body that nobody sent".to_owned())
}

impl World {
    /// A client asks somebody for something.
    pub fn ask_somebody(&mut self) -> Checked {
        match self.rng.u8(..20) {
            0..=12 => self.send_or_receive(),
            13..=16 => self.delete(),
            17 => self.change(),
            _ if self.plan.topics => match self.some_owner(TOPICS_SHARD) {
                Some(seat) => self.anything(seat),
                None => Ok(()),
            },
            _ => self.delete(),
        }
    }

    fn send_or_receive(&mut self) -> Checked {
        let queue = self.rng.usize(..self.plan.queues.len());
        let Some(seat) = self.some_owner(self.plan.queues[queue].shard) else {
            return Ok(());
        };
        let Some((host, place)) = self.queue_at(seat, queue) else {
            return Ok(());
        };
        let messages = host.stats().messages;
        let is_full = messages.visible + messages.in_flight >= MESSAGES_MAX;
        if !is_full && self.is_source(queue) && self.rng.bool() {
            return self.send(seat, queue, place);
        }
        let visibility_s = self.rng.u32(1..=self.plan.visibility_s_max);
        let command = Command::Receive(Receive {
            queue: place,
            messages_max: self.rng.u8(1..4),
            visibility_timeout_s: Some(visibility_s),
            wait_s: Some(if self.rng.bool() { 0 } else { 3 }),
            attempt: None,
            client: 0,
        });
        let visibility_ms = Millis::from(visibility_s) * 1000;
        let asked = Asked::Receive {
            queue,
            visibility_ms,
        };
        self.call(seat, asked, command)
    }

    /// Whether clients send to a queue: nothing but dead letters come to the others.
    fn is_source(&self, queue: usize) -> bool {
        let mut targets = self.plan.queues.iter().filter_map(|it| it.dead_letters_to);
        targets.all(|(target, _)| target != queue)
    }

    /// A queue as a seat's host knows it: its creation may be lost with the tail.
    fn queue_at(&mut self, seat: usize, queue: usize) -> Option<(&ShardHost, QueueRef)> {
        let name = self.plan.queues[queue].name.clone();
        let host = self.seats[seat].host()?;
        let place = host.shard().find_queue(&name)?;
        Some((host, place))
    }

    fn send(&mut self, seat: usize, queue: usize, place: QueueRef) -> Checked {
        let fifo = self.plan.queues[queue].fifo;
        let again = (fifo && self.rng.bool()).then(|| {
            let (lives, until) = (&self.oracle.lives, self.now + self.plan.skew_between());
            let mut unsure = self.clients.unsure.iter();
            let at = unsure.rposition(|(number, of)| {
                *of == queue && lives[number].first_sent_at + DEDUPLICATION_MS > until
            })?;
            Some(self.clients.unsure.swap_remove(at).0)
        });
        let number = again.flatten().unwrap_or_else(|| {
            self.clients.next_number += 1;
            self.clients.next_number
        });
        // A message that is sent again is of the group that it was of.
        let group = fifo.then_some(number % self.plan.groups);
        self.oracle.sends(number, queue, group, self.now);
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
        if fifo {
            draft.sections.push((Section::Group, group.as_bytes()));
            draft
                .sections
                .push((Section::Deduplication, dedup.as_bytes()));
        }
        let entry = SendEntry {
            payload: draft.build(),
            counted_bytes: body.len() as u32,
            delay_s: (!fifo && self.rng.u8(..5) == 0).then_some(2),
            deduplication_from_content: false,
        };
        let entries = [entry].into_iter().collect();
        let queue = place;
        self.call(seat, Asked::Send(number), Command::Send { queue, entries })
    }

    /// Some handle, and whom to tell what becomes of it.
    fn handle(&mut self) -> Option<(usize, Handle, QueueRef)> {
        if self.clients.handles.is_empty() {
            return None;
        }
        let at = self.rng.usize(..self.clients.handles.len());
        let handle = self.clients.handles[at].clone();
        let seat = self.some_owner(self.plan.queues[handle.queue].shard)?;
        let (_, place) = self.queue_at(seat, handle.queue)?;
        Some((seat, handle, place))
    }

    fn delete(&mut self) -> Checked {
        let Some((seat, handle, queue)) = self.handle() else {
            return Ok(());
        };
        self.oracle.deletes(handle.number, handle.queue);
        let entries = [handle.lease].into_iter().collect();
        self.call(
            seat,
            Asked::Delete(handle),
            Command::Delete { queue, entries },
        )
    }

    fn change(&mut self) -> Checked {
        let Some((seat, handle, queue)) = self.handle() else {
            return Ok(());
        };
        let timeout_s = if self.rng.bool() {
            0
        } else {
            self.rng.u32(1..20)
        };
        let until = self.now + Millis::from(timeout_s) * 1000;
        self.oracle.changes(handle.number, handle.held(), until);
        let entries = [(handle.lease, timeout_s)].into_iter().collect();
        let command = Command::ChangeVisibility { queue, entries };
        self.call(seat, Asked::Change { handle, until }, command)
    }

    /// Something about topics.
    fn anything(&mut self, seat: usize) -> Checked {
        let which = self.rng.usize(..2);
        let get = |kind, name: &str| {
            let name = name.into();
            admin(AdminCommand::Get { kind, name })
        };
        let (asked, command) = match self.rng.u8(..12) {
            0..=3 => {
                let Some(Reply::Resource(topic)) = self.look(seat, get(Kind::Topic, TOPIC))? else {
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
                let Some(Reply::Resource(found)) = self.look(seat, get)? else {
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
                let Some(Reply::Resource(found)) = self.look(seat, get)? else {
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
        self.call(seat, asked, command)
    }

    /// The epoch in which a seat answers.
    pub fn epoch_of(&self, seat: usize) -> Result<u64, Violation> {
        let epoch = self.seats[seat].epoch();
        epoch.ok_or_else(|| format!("{seat} answers and is no owner"))
    }

    /// A call is answered.
    pub fn answered(&mut self, call: Call, reply: Reply) -> Checked {
        let now = self.now;
        match (call.asked, reply) {
            (Asked::Send(number), Reply::Sent(results)) => match results[0] {
                Ok(sent) => self.oracle.sent(number, sent.sequence),
                Err(error) => Err(format!("message {number}: {error:?}")),
            },
            (
                Asked::Receive {
                    queue,
                    visibility_ms,
                },
                Reply::Received(deliveries),
            ) => {
                let mut messages = Vec::new();
                for delivery in deliveries {
                    messages.push((number_in(delivery.payload.body())?, delivery));
                }
                let given = Given {
                    queue,
                    epoch: self.epoch_of(call.seat)?,
                    ahead_ms: self.nodes[self.node_of(call.seat)].ahead_ms,
                    visibility_ms,
                    messages: &messages,
                };
                self.oracle.received(&given, now)?;
                for (number, delivery) in messages {
                    self.clients.handles.push(Handle {
                        number,
                        queue,
                        lease: delivery.lease,
                    });
                }
                let over = self.clients.handles.len().saturating_sub(HANDLES_MAX);
                self.clients.handles.drain(..over);
                Ok(())
            }
            (Asked::Delete(handle), Reply::Leases(results)) => {
                if results[0].is_ok() {
                    let epoch = self.epoch_of(call.seat)?;
                    self.oracle.deleted(handle.number, handle.queue, epoch)?;
                    let number = handle.number;
                    self.clients
                        .handles
                        .retain(|handle| handle.number != number);
                }
                Ok(())
            }
            (Asked::Change { handle, until }, Reply::Leases(results)) => {
                if results[0].is_ok() {
                    self.oracle
                        .changed(handle.number, handle.held(), until, now);
                }
                Ok(())
            }
            (Asked::Pull { subscription }, Reply::Pulled(pulled)) => {
                let leases = pulled.iter().map(|pulled| (subscription, pulled.lease));
                self.clients.pulled.extend(leases);
                Ok(())
            }
            (asked, Reply::Refused(Refusal::JournalDown)) => {
                self.lost(&asked);
                Ok(())
            }
            (_, Reply::Stale(_)) | (Asked::Anything | Asked::Pull { .. }, _) => Ok(()),
            (asked, reply) => Err(format!("{asked:?} got {reply:?}")),
        }
    }

    /// There is no answer, and nobody knows what came of a call.
    pub fn lost(&mut self, asked: &Asked) {
        if let Asked::Send(number) = *asked
            && let Some(life) = self.oracle.lives.get(&number)
            && life.group.is_some()
        {
            self.clients.unsure.push((number, life.home));
        }
    }
}
