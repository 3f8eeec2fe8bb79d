//! What a journal keeps, in memory: for journals whose store is no index of its own.

use super::{MessageRecord, Op, PublishedRecord, QueueRecord};
use crate::Millis;
use crate::dedup::{DedupEntry, DedupKey, WINDOW_MS};
use crate::moves::Transfer;
use crate::records::{SchemaRecord, SubscriptionRecord, TopicRecord};
use std::collections::BTreeMap;

/// Expired deduplication ids that are forgotten with each new one, so that they can't outgrow their
/// window.
const DEDUP_FORGOTTEN_PER_ROW: usize = 2;

/// Two rows claim one number; what is kept is not changed by the later one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the number {0} was used twice")]
pub struct UsedTwice(pub u64);

/// What all changes so far leave behind, as a map per kind.
#[derive(Clone, Default, Debug)]
pub struct Kept {
    next_sequence: u64,
    next_queue_id: u64,
    queues: BTreeMap<u64, QueueRecord>,
    messages: BTreeMap<u64, MessageRecord>,
    /// By sequence number: when it was received last, and until when it is leased.
    leases: BTreeMap<u64, (Millis, Millis)>,
    dedup: BTreeMap<u64, (u64, DedupKey, DedupEntry)>,
    outbox: BTreeMap<(u16, u64), Transfer>,
    confirmed: BTreeMap<u16, u64>,
    inbox: BTreeMap<u16, u64>,
    topics: BTreeMap<u64, TopicRecord>,
    subscriptions: BTreeMap<u64, SubscriptionRecord>,
    schemas: BTreeMap<u64, SchemaRecord>,
    published: BTreeMap<u64, PublishedRecord>,
    /// By sequence number and subscription: acknowledged, failures.
    deliveries: BTreeMap<(u64, u64), (bool, u32)>,
}

impl Kept {
    /// Takes up one change. What it is about may be gone already; then nothing happens.
    pub fn keep(&mut self, op: Op) -> Result<(), UsedTwice> {
        match op {
            Op::PutQueue(record) => {
                self.queues.insert(record.id, *record);
            }
            Op::DropQueue(id) => {
                self.queues.remove(&id);
            }
            Op::Insert(record) => add(&mut self.messages, record.sequence, record)?,
            Op::Received {
                sequence,
                receive_count,
                first_received_at,
            } => {
                if let Some(record) = self.messages.get_mut(&sequence) {
                    record.receive_count = receive_count;
                    record.first_received_at = first_received_at;
                }
            }
            Op::Leased {
                sequence,
                received_at,
                until,
            } => {
                if until == 0 || !self.messages.contains_key(&sequence) {
                    self.leases.remove(&sequence);
                } else {
                    self.leases.insert(sequence, (received_at, until));
                }
            }
            Op::Delete(sequence) => {
                self.messages.remove(&sequence);
                self.leases.remove(&sequence);
            }
            Op::Dedup {
                queue_id,
                key,
                entry,
            } => {
                self.dedup.insert(entry.sequence, (queue_id, key, entry));
                self.forget_expired(entry.expires_at.saturating_sub(WINDOW_MS));
            }
            Op::OutboxPut(mut transfer) => {
                transfer.oldest = 0;
                let place = (transfer.target, transfer.number);
                if self.outbox.contains_key(&place) {
                    return Err(UsedTwice(transfer.number));
                }
                self.outbox.insert(place, *transfer);
            }
            Op::OutboxDelete { target, up_to } => {
                while let Some((&place, _)) =
                    self.outbox.range((target, 0)..=(target, up_to)).next()
                {
                    self.outbox.remove(&place);
                }
                self.confirmed.insert(target, up_to);
            }
            Op::Inbox { source, up_to } => {
                self.inbox.insert(source, up_to);
            }
            Op::Reserve { sequence, queue_id } => {
                (self.next_sequence, self.next_queue_id) = (sequence, queue_id);
            }
            Op::PutTopic(record) => {
                self.topics.insert(record.id, *record);
            }
            Op::DropTopic(id) => {
                self.topics.remove(&id);
            }
            Op::PutSubscription(record) => {
                self.subscriptions.insert(record.id, *record);
            }
            Op::DropSubscription(id) => {
                self.subscriptions.remove(&id);
            }
            Op::PutSchema(record) => {
                self.schemas.insert(record.id, *record);
            }
            Op::DropSchema(id) => {
                self.schemas.remove(&id);
            }
            Op::Publish(record) => add(&mut self.published, record.sequence, record)?,
            Op::Unpublish { sequence, has_rows } => {
                self.published.remove(&sequence);
                if has_rows {
                    self.forget_deliveries(sequence);
                }
            }
            Op::Delivery {
                subscription_id,
                sequence,
                acked,
                failures,
            } => {
                self.deliveries
                    .insert((sequence, subscription_id), (acked, failures));
            }
            Op::ResetDeliveries { subscription_id } => {
                self.deliveries.retain(|(_, of), _| *of != subscription_id);
            }
            Op::Nothing => {}
        }
        Ok(())
    }

    /// Takes up a piece of the kept state that may be known already.
    pub fn keep_again(&mut self, piece: Op) {
        match &piece {
            Op::Insert(record) => drop(self.messages.remove(&record.sequence)),
            Op::Publish(record) => drop(self.published.remove(&record.sequence)),
            Op::OutboxPut(transfer) => {
                drop(self.outbox.remove(&(transfer.target, transfer.number)));
            }
            _ => {}
        }
        let kept = self.keep(piece);
        debug_assert_eq!(kept, Ok(()), "its number is free");
    }

    /// Deduplication ids expire in the order of their numbers.
    fn forget_expired(&mut self, now: Millis) {
        for _ in 0..DEDUP_FORGOTTEN_PER_ROW {
            match self.dedup.first_entry() {
                Some(first) if first.get().2.expires_at <= now => first.remove(),
                _ => break,
            };
        }
    }

    fn forget_deliveries(&mut self, sequence: u64) {
        while let Some((&place, _)) = self
            .deliveries
            .range((sequence, 0)..=(sequence, u64::MAX))
            .next()
        {
            self.deliveries.remove(&place);
        }
    }

    /// Forgets rows of queues, topics and subscriptions that are gone, and of messages that were
    /// purged.
    pub fn drop_orphans(&mut self) {
        let Self {
            queues,
            topics,
            subscriptions,
            published,
            ..
        } = self;
        let is_there = |queue: u64, sequence: u64| {
            let queue = queues.get(&queue);
            queue.is_some_and(|queue| queue.purged_below <= sequence)
        };
        self.messages
            .retain(|sequence, record| is_there(record.queue_id, *sequence));
        let messages = &self.messages;
        self.leases
            .retain(|sequence, _| messages.contains_key(sequence));
        self.dedup
            .retain(|sequence, (queue, ..)| is_there(*queue, *sequence));
        published.retain(|_, record| topics.contains_key(&record.topic_id));
        self.deliveries.retain(|(sequence, subscription), _| {
            subscriptions.contains_key(subscription) && published.contains_key(sequence)
        });
    }

    /// Visits what is kept as changes that would produce it, in the order of
    /// [`super::Journal::load`].
    pub fn visit(&self, visit: &mut dyn FnMut(Op)) {
        visit(Op::Reserve {
            sequence: self.next_sequence.max(1),
            queue_id: self.next_queue_id.max(1),
        });
        for record in self.queues.values() {
            visit(Op::PutQueue(Box::new(record.clone())));
        }
        for record in self.messages.values() {
            visit(Op::Insert(record.clone()));
        }
        for (&sequence, &(received_at, until)) in &self.leases {
            visit(Op::Leased {
                sequence,
                received_at,
                until,
            });
        }
        for &(queue_id, key, entry) in self.dedup.values() {
            visit(Op::Dedup {
                queue_id,
                key,
                entry,
            });
        }
        for (&target, &up_to) in &self.confirmed {
            visit(Op::OutboxDelete { target, up_to });
        }
        for transfer in self.outbox.values() {
            visit(Op::OutboxPut(Box::new(transfer.clone())));
        }
        for (&source, &up_to) in &self.inbox {
            visit(Op::Inbox { source, up_to });
        }
        for record in self.topics.values() {
            visit(Op::PutTopic(Box::new(record.clone())));
        }
        for record in self.subscriptions.values() {
            visit(Op::PutSubscription(Box::new(record.clone())));
        }
        for record in self.schemas.values() {
            visit(Op::PutSchema(Box::new(record.clone())));
        }
        for record in self.published.values() {
            visit(Op::Publish(record.clone()));
        }
        for (&(sequence, subscription_id), &(acked, failures)) in &self.deliveries {
            visit(Op::Delivery {
                subscription_id,
                sequence,
                acked,
                failures,
            });
        }
    }
}

/// Adds a row under a number that none has.
fn add<R>(rows: &mut BTreeMap<u64, R>, number: u64, row: R) -> Result<(), UsedTwice> {
    if rows.contains_key(&number) {
        return Err(UsedTwice(number));
    }
    rows.insert(number, row);
    Ok(())
}
