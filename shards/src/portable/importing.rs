//! Taking up what another shard, or this one, had.

use super::{ImportCommand, Imported, PortableMessage, PortablePublished};
use crate::command::QueueRef;
use crate::dedup::{DEDUP_BYTES, DedupEntry, DedupKey};
use crate::message::State;
use crate::moves::{Address, MoveStatus, Transfer};
use crate::payload::Section;
use crate::pubsub::command::Kind;
use crate::pubsub::state::{ENTRY_BYTES, EntryState, STORED_BYTES};
use crate::records::{
    MessageRecord, NEVER_HAD, Op, PublishedRecord, QueueRecord, SubscriptionRecord, TopicRecord,
};
use crate::shard::Shard;
use crate::shard::lists::Arrival;
use crate::shard::restored_times::bring_in_line;
use crate::shard::timer::Timer;
use crate::slab::NONE;
use std::collections::HashMap;

/// When sequence numbers skip some, they skip so many at least: a batch never has as many, so that
/// the distance of a number from its batch's first still finds its insert, or none.
const SKIPPED_MIN: u64 = 1 << 32;

impl Shard {
    pub(super) fn take_up(&mut self, command: ImportCommand) -> Imported {
        match command {
            ImportCommand::Begin { sequence } => {
                if sequence > self.next_sequence && sequence <= super::SEQUENCE_MAX {
                    self.next_sequence = sequence.max(self.next_sequence + SKIPPED_MIN);
                }
                Imported::Done
            }
            ImportCommand::Queue {
                record,
                secret,
                replace,
            } => self.take_queue(*record, secret, replace),
            ImportCommand::Topic(record) => self.take_topic(record),
            ImportCommand::Subscription { record, topic } => self.take_subscription(record, topic),
            ImportCommand::Schema(record) => {
                if self.pubsub.slot(Kind::Schema, &record.name).is_some() {
                    return Imported::Exists;
                }
                let Op::PutSchema(mut record) = self.in_line(Op::PutSchema(record)) else {
                    return Imported::Gone;
                };
                record.id = self.take_resource_id();
                let id = record.id;
                let slot = self.add_schema(*record);
                self.log_schema(slot);
                Imported::Resource { slot, id }
            }
            ImportCommand::Messages { queue, messages } => self.take_messages(queue, messages),
            ImportCommand::Dedup { queue, entries } => self.take_dedup(queue, entries),
            ImportCommand::Published {
                slot,
                topic_id,
                messages,
            } => self.take_published(slot, topic_id, messages),
            ImportCommand::Transfer { transfer, back } => self.take_transfer(*transfer, back),
        }
    }

    /// Times that lie ahead of this shard's clock are brought in line with it, as at a start.
    fn in_line(&self, mut op: Op) -> Op {
        bring_in_line(&mut op, self.now);
        op
    }

    fn take_queue(&mut self, record: QueueRecord, secret: [u8; 16], replace: bool) -> Imported {
        let Op::PutQueue(mut record) = self.in_line(Op::PutQueue(Box::new(record))) else {
            return Imported::Gone;
        };
        record.dedup_secret = Some(secret).filter(|secret| *secret != self.config.secret);
        let slot = match self.slot_by_name(&record.name) {
            Some(_) if !replace => return Imported::Exists,
            Some(slot) => {
                record.id = self.queues[slot].id;
                record.purged_below = self.next_sequence;
                if let Some(redrive) = &self.queues[slot].config.redrive {
                    let key = self.queues[slot].cold.name.key();
                    self.sources.remove(&(redrive.target.key(), key));
                }
                self.put_in_place(slot, *record)
            }
            None => {
                record.id = self.take_resource_id();
                record.purged_below = 0;
                self.add_queue(*record)
            }
        };
        self.log_queue(slot);
        let moves = &self.queues[slot].cold.moves;
        if moves.iter().any(|task| task.status == MoveStatus::Running) {
            self.arm_move(slot, self.now + 1);
        }
        Imported::Queue(self.queue_ref(slot))
    }

    fn take_topic(&mut self, record: Box<TopicRecord>) -> Imported {
        if !record.deleted && self.pubsub.slot(Kind::Topic, &record.name).is_some() {
            return Imported::Exists;
        }
        let Op::PutTopic(mut record) = self.in_line(Op::PutTopic(record)) else {
            return Imported::Gone;
        };
        record.id = self.take_resource_id();
        let (id, deleted) = (record.id, record.deleted);
        let slot = self.add_topic(*record);
        if deleted {
            // Gone as soon as the last that holds on to it is.
            self.pubsub.topic_ghosts.push(slot);
        }
        self.log_topic(slot);
        Imported::Resource { slot, id }
    }

    fn take_subscription(&mut self, record: Box<SubscriptionRecord>, topic: u32) -> Imported {
        let kind = match record.snapshot_expires_at {
            None => Kind::Subscription,
            Some(_) => Kind::Snapshot,
        };
        if self.pubsub.slot(kind, &record.name).is_some() {
            return Imported::Exists;
        }
        let found = self.pubsub.topics.get(topic);
        if found.is_none_or(|found| found.id != record.topic_id) {
            return Imported::Gone;
        }
        let Op::PutSubscription(mut record) = self.in_line(Op::PutSubscription(record)) else {
            return Imported::Gone;
        };
        record.id = self.take_resource_id();
        record.floor = self.next_sequence;
        let id = record.id;
        let slot = self.add_subscription(*record, topic);
        self.log_subscription(slot);
        Imported::Resource { slot, id }
    }

    fn take_messages(&mut self, queue: QueueRef, messages: Vec<PortableMessage>) -> Imported {
        let Some(slot) = self.queue_slot(queue) else {
            return Imported::Gone;
        };
        let mut taken = 0;
        for message in messages {
            if !self.make_room(message.payload.memory_bytes() as u64) {
                break;
            }
            self.take_message(slot, message);
            taken += 1;
        }
        Imported::Taken(taken)
    }

    fn take_message(&mut self, queue_slot: u32, message: PortableMessage) {
        let fifo = self.queues[queue_slot].config.fifo;
        let mut payload = message.payload;
        if fifo && payload.section(Section::Sequence).is_none() {
            // What clients know it by.
            let shown = message.sequence.to_le_bytes();
            payload = payload.with_section(Section::Sequence, Some(&shown), None);
        }
        let record = self.in_line(Op::Insert(MessageRecord {
            sequence: 0,
            queue_id: 0,
            payload,
            available_at: message.available_at,
            receive_count: message.receive_count,
            base_count: message.base_count.min(message.receive_count),
            first_received_at: message.first_received_at,
        }));
        let Op::Insert(record) = record else { return };
        let arrival = Arrival {
            payload: record.payload,
            receive_count: record.receive_count,
            base_count: record.base_count,
            first_received_at: record.first_received_at,
            available_at: record.available_at,
        };
        let (_, slot) = self.insert_message(queue_slot, arrival);
        let until = message.in_flight_until.min(self.now + IN_FLIGHT_MS_MAX);
        let room = self.queues[queue_slot].counts.in_flight < self.config.in_flight_max;
        if until > self.now && message.receive_count > 0 && room {
            self.hold_in_flight(queue_slot, slot, until);
        }
    }

    /// A message that somebody elsewhere has received: it comes back when its time is over.
    pub(crate) fn hold_in_flight(&mut self, queue_slot: u32, slot: u32, until: crate::Millis) {
        let mut at = self.at_queue(queue_slot);
        let group = at.messages[slot].group;
        at.leave_state(slot);
        at.queue.counts.in_flight += 1;
        *at.in_flight += 1;
        let message = &mut at.messages[slot];
        message.state = State::InFlight;
        message.timer = at.wheel.arm(until, Timer::Visible(slot));
        if at.queue.config.fifo {
            at.settle_group(group);
        }
    }

    fn take_dedup(&mut self, queue: QueueRef, entries: Vec<(DedupKey, DedupEntry)>) -> Imported {
        let Some(slot) = self.queue_slot(queue) else {
            return Imported::Gone;
        };
        let mut taken = 0;
        for (key, mut entry) in entries {
            let queue_id = queue.id;
            entry.sequence = 0;
            let op = self.in_line(Op::Dedup {
                queue_id,
                key,
                entry,
            });
            let Op::Dedup { mut entry, .. } = op else {
                break;
            };
            taken += 1;
            if entry.expires_at <= self.now {
                continue;
            }
            if !self.make_room(DEDUP_BYTES) {
                return Imported::Taken(taken - 1);
            }
            // A number of its own: that of its message may be any other's here.
            entry.sequence = self.take_sequence();
            if self.config.durable {
                self.batch_inserts.push(NONE);
            }
            self.remember(slot, key, entry);
            self.log(Op::Dedup {
                queue_id,
                key,
                entry,
            });
        }
        Imported::Taken(taken)
    }

    fn take_published(
        &mut self,
        topic: u32,
        topic_id: u64,
        messages: Vec<PortablePublished>,
    ) -> Imported {
        let found = self.pubsub.topics.get(topic);
        if found.is_none_or(|found| found.id != topic_id) {
            return Imported::Gone;
        }
        let mut taken = 0;
        for message in messages {
            let entries = message.holders.len() * ENTRY_BYTES;
            if !self.make_room((message.bytes.len() + STORED_BYTES + entries) as u64) {
                break;
            }
            self.take_published_one(topic, message);
            taken += 1;
        }
        Imported::Taken(taken)
    }

    fn take_published_one(&mut self, topic: u32, message: PortablePublished) {
        let sequence = self.take_sequence();
        let op = self.in_line(Op::Publish(PublishedRecord {
            sequence,
            topic_id: self.pubsub.topics[topic].id,
            published_at: message.published_at,
            bytes: message.bytes,
            returned: message.returned,
        }));
        let Op::Publish(record) = op else { return };
        let published_at = record.published_at;
        let (bytes, returned) = (record.bytes.clone(), record.returned);
        let stored = self.store(topic, sequence, published_at, bytes, returned);
        let holders: HashMap<u64, super::Holder> = message
            .holders
            .iter()
            .map(|holder| (holder.subscription_id, *holder))
            .collect();
        let mut rows = Vec::new();
        let readers = std::mem::take(&mut self.pubsub.topics[topic].readers);
        for reader in &readers {
            let id = self.pubsub.subscriptions[*reader].id;
            let row = match holders.get(&id) {
                Some(holder) => self.take_holder(*reader, stored, holder),
                // The journal keeps what is done: without a word the message would be its, too.
                None => Some((true, NEVER_HAD)),
            };
            rows.extend(row.map(|(acked, failures)| (id, acked, failures)));
        }
        self.pubsub.topics[topic].readers = readers;
        if self.pubsub.stored[stored].refs == 0 && !self.pubsub.stored[stored].retained {
            self.note_no_insert();
            return self.unstore(stored);
        }
        if !self.config.durable {
            return;
        }
        self.batch_inserts.push(self.ops.len() as u32);
        self.ops.push(Op::Publish(record));
        self.pubsub.stored[stored].has_rows |= !rows.is_empty();
        for (subscription_id, acked, failures) in rows {
            self.ops.push(Op::Delivery {
                subscription_id,
                sequence,
                acked,
                failures,
            });
        }
    }

    /// Gives a subscription or snapshot what it had of a message. Answers what the journal has to
    /// know of that: whether it is acknowledged, and how many deliveries failed.
    fn take_holder(
        &mut self,
        reader: u32,
        stored: u32,
        holder: &super::Holder,
    ) -> Option<(bool, u32)> {
        let entry = self.add_entry(reader, stored);
        let subscription = &self.pubsub.subscriptions[reader];
        if subscription.snapshot_expires_at.is_some() {
            return None;
        }
        self.pubsub.entries[entry].failures = holder.failures;
        if holder.acked {
            self.withdraw_entry(entry);
            self.pubsub.entries[entry].state = EntryState::Acked;
            return Some((true, 0));
        }
        if holder.until > self.now {
            let ms = (holder.until - self.now).min(HELD_BACK_MS_MAX);
            let group = self.pubsub.entries[entry].group;
            self.leave_entry_state(entry);
            self.delay_entry(entry, ms);
            if group != NONE {
                self.settle_key_group(group);
            }
        }
        (holder.failures > 0).then_some((false, holder.failures))
    }

    fn take_transfer(&mut self, transfer: Transfer, back: bool) -> Imported {
        let to = if back { &transfer.from } else { &transfer.to };
        let is_there = match to {
            Address::Queue(name) => self.slot_by_name(name).is_some(),
            Address::Topic { topic } => self.pubsub.slot(Kind::Topic, topic).is_some(),
            Address::Subscription { subscription, .. } => {
                let kind = Kind::Subscription;
                self.pubsub.slot(kind, subscription).is_some()
            }
        };
        if !is_there {
            return Imported::Gone;
        }
        let mut transfer = transfer;
        if back {
            std::mem::swap(&mut transfer.from, &mut transfer.to);
            transfer.returned = true;
        }
        if let Address::Subscription { id, .. } = &mut transfer.to {
            // By its name: its id is another here.
            *id = None;
        }
        if !self.make_room(transfer.payload.memory_bytes() as u64) {
            return Imported::Taken(0);
        }
        let Op::OutboxPut(transfer) = self.in_line(Op::OutboxPut(Box::new(transfer))) else {
            return Imported::Gone;
        };
        self.accept_transfer(*transfer);
        Imported::Taken(1)
    }
}

/// The longest that a received message can be invisible: 12 h
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html>).
pub(crate) const IN_FLIGHT_MS_MAX: crate::Millis = 12 * 60 * 60 * 1000;
/// The longest that a published message can be leased, or kept back: 600 s, ms.
const HELD_BACK_MS_MAX: crate::Millis = 600 * 1000;
